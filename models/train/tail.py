"""The last stages of a network, trained alone, as fast as a processor can.

What the stages before them make of a picture does not change then, so their codes are computed once. Maps are small there and
channels many: a 3x3 convolution of stride 1 is a third of the work by Winograd's way (Lavin and Gray, arXiv 1509.09308), tiles of
4x4. Maps lie with their places first, [height, width, n, channels], so that all of it is products of matrices.
"""

import numpy as np
import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F

from .quantizers import activation, mean_weight, shared_weight

# The transforms of a line of six inputs, of three weights, and to four outputs.
INPUTS = np.array([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]])
WEIGHTS = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
OUTPUTS = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
TILE, POINTS = 4, 6
# Columns that a transform takes at once: what fits a processor's cache.
COLUMNS = 8192


class Tail(nn.Module):
    """The stages of `network` from `stage` on, and its classifier: codes u8 [n, places, channels] to sums, one a row of the classifier.

    It is the network's own parameters that are trained.
    """

    def __init__(self, network, stage):
        super().__init__()
        self.network, self.stage = network, stage
        self.edge = network.shape.edge // np.prod(network.shape.strides) // 2 ** max(stage - 2, 0)

    def trained(self):
        """The parameters that are trained."""
        backbone = self.network.backbone
        parts = [*backbone.stages[self.stage - 1 :], backbone.last_act, self.network.conv]
        # The first block's first activation is what the codes are behind of.
        before = set(backbone.stages[self.stage - 1][0].act0.parameters())
        return [parameter for part in parts for parameter in part.parameters() if parameter not in before]

    def forward(self, codes):
        backbone = self.network.backbone
        x = codes.transpose(0, 1).reshape(self.edge, self.edge, len(codes), -1).float()
        trunk = None
        for layer in backbone.stages[self.stage - 1 :]:
            for block in layer:
                x, trunk = (x, trunk) if trunk is None else (coded(block.act0, trunk), trunk)
                trunk = through(block, x, trunk)
        pooled = coded(backbone.last_act, trunk).mean(dim=(0, 1))
        conv = self.network.conv
        return pooled @ mean_weight(conv.weight, conv.scaling)[:, :, 0, 0].T


def through(block, codes, trunk):
    """The trunk behind a basic block that reads `codes`."""
    if block.downsample is not None:
        trunk = convolved(block.downsample, codes)
    return trunk + convolved(block.conv2, coded(block.act1, convolved(block.conv1, codes)))


def coded(act, x):
    """Batch norm and quantizer of a map."""
    norm = act.norm
    flat = F.batch_norm(x.flatten(0, 2), norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.training, norm.momentum, norm.eps)
    return activation(flat, act.post_scale, act.scaling).view(x.shape)


def convolved(conv, x):
    """A map behind a convolution."""
    weight = (shared_weight if conv.shared else mean_weight)(conv.weight, conv.scaling)
    if conv.kernel_size == (3, 3) and conv.stride == (1, 1):
        return _Winograd.apply(x, weight)
    return by_product(x, weight, conv.stride[0])


def by_product(x, weight, stride):
    """A convolution as one product of matrices, of all that the kernel sees at a place."""
    (height, width), kernel = x.shape[:2], weight.shape[2]
    x = F.pad(x, (0, 0, 0, 0) + (kernel // 2,) * 4)
    seen = [x[i : i + height : stride, j : j + width : stride] for i in range(kernel) for j in range(kernel)]
    return torch.cat(seen, dim=3) @ weight.permute(2, 3, 1, 0).flatten(0, 2)


class _Winograd(Function):
    """A convolution of 3x3 at stride 1, its input padded, over maps whose edges are whole tiles."""

    @staticmethod
    def forward(ctx, x, weight):
        height, width, n, channels = x.shape
        ctx.transforms = into, kernel, out = transforms(height, width)
        points = times(into, x.flatten(2).flatten(0, 1)).view(POINTS**2, -1, channels)
        filters = times(kernel, weight.permute(2, 3, 1, 0).reshape(9, -1)).view(POINTS**2, channels, -1)
        ctx.save_for_backward(points, filters)
        return times(out, products(points, filters).view(out.shape[1], -1)).view(height, width, n, -1)

    @staticmethod
    def backward(ctx, gradient):
        (into, kernel, out), (points, filters) = ctx.transforms, ctx.saved_tensors
        height, width, n, outputs = gradient.shape
        at_points = times(out.T, gradient.contiguous().flatten(2).flatten(0, 1)).view(POINTS**2, -1, outputs)
        to_filters = products(points.transpose(1, 2), at_points)
        to_weight = times(kernel.T, to_filters.view(POINTS**2, -1)).view(3, 3, -1, outputs).permute(3, 2, 0, 1)
        to_points = products(at_points, filters.transpose(1, 2))
        return times(into.T, to_points.view(into.shape[0], -1)).view(height, width, n, -1), to_weight


def transforms(height, width):
    """The transforms of a map: to points [36 * tiles, places], of weights [36, 9], from points [places, 36 * tiles]."""
    into, out = (np.einsum("ipy,jqx->ijpqyx", a, b) for a, b in zip(lines(height), lines(width)))
    into = into.reshape(-1, height * width)
    out = out.reshape(-1, height * width).T
    return [torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in (into, np.kron(WEIGHTS, WEIGHTS), out)]


def lines(length):
    """To and from the points of a line: both [points, tiles, length]."""
    tiles = length // TILE
    into, out = np.zeros((2, POINTS, tiles, length + 2))
    for tile in range(tiles):
        into[:, tile, tile * TILE : tile * TILE + POINTS] = INPUTS
        out[:, tile, 1 + tile * TILE : 1 + (tile + 1) * TILE] = OUTPUTS.T
    return into[..., 1:-1], out[..., 1:-1]


def times(matrix, columns):
    """matrix @ columns, for a matrix that is small."""
    out = torch.empty(matrix.shape[0], columns.shape[1])
    for start in range(0, columns.shape[1], COLUMNS):
        part = slice(start, start + COLUMNS)
        torch.mm(matrix, columns[:, part], out=out[:, part])
    return out


def products(a, b):
    """Products of matrices one by one, which is faster than torch.bmm."""
    out = torch.empty(len(a), a.shape[1], b.shape[2])
    for left, right, product in zip(a, b, out):
        torch.mm(left, right, out=product)
    return out
