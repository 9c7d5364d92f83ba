"""The network in floats, as it is trained. Names follow the published checkpoints."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F

from .quantizers import SCALING, activation, mean_weight, shared_weight

# Means and deviations of the colours 0..1 that the float first layer reads.
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Shape:
    """What a network looks like."""

    classes: int
    edge: int = 64
    depth: int = 10
    stem: int = 32
    widths: tuple = (64, 128, 256)
    blocks: tuple = (1, 1, 1)
    # "basic" or "bottleneck" (four times the widths in the trunk).
    block: str = "basic"
    # Strides of the stem's first and last 3x3 convolutions.
    strides: tuple = (2, 2)
    # "embedding" (a learned table of codes), "thermometer" (the same table, as it starts) or "float" (a float32 convolution on
    # normalised pixels).
    first: str = "embedding"
    # Whether the first convolution starts as float filters spread over the places of an embedding, see `spread_filters`.
    spread: bool = False
    # The classifier's rows that own no class: they tell what else a picture shows.
    others: int = 0
    # "binary" or "float": the classifier.
    last: str = "binary"
    # "binary" or "float" (float weights and ReLU: no ERN any more, but a teacher for one): all between first layer and classifier.
    middle: str = "binary"


def thermometer_step(depth):
    """How many bytes lie between two neighbouring places of a thermometer."""
    return max(1, 255 // (3 * depth))


def thermometer(depth):
    """The thermometer's codes in integers, shape [256, depth]."""
    step = thermometer_step(depth)
    byte = np.arange(256)[:, None, None]
    place = np.arange(1, depth + 1)[None, :, None]
    value = np.arange(1, 4)[None, None, :]
    return (byte >= step * depth * (value - 1) + step * place + 1).sum(axis=2).astype(np.uint8)


def thermometer_values(depth):
    """Activations whose codes are the thermometer's, off the quantizer's dead ends so that they can learn: [256, depth]."""
    step = thermometer_step(depth)
    place = np.arange(1, depth + 1)[None, :]
    height = np.arange(256)[:, None] / (step * depth) - (place / depth - 1 + 0.0001)
    codes = thermometer(depth)
    within = np.clip(height, codes + 0.02, codes + 0.98)
    return np.clip((within - 0.5) / 1.5, 0.02, 1.98).astype(np.float32)


class PixelEmbedding(nn.Module):
    """A table [3, 256, depth] behind the 2-bit quantizer: bytes [n, h, w, 3] to codes [n, 3 * depth, h, w].

    It starts as the thermometer, and stays it unless it `learns`.
    """

    def __init__(self, depth, learns=True):
        super().__init__()
        values = torch.from_numpy(thermometer_values(depth))
        self.table = nn.Parameter(values.repeat(3, 1, 1), requires_grad=learns)

    def forward(self, pixels, kind=torch.float32):
        return _LookUp.apply(activation(self.table, post_scale=False), pixels, kind)


class _LookUp(Function):
    """Entries of a table [3, 256, depth] at bytes [n, h, w, 3], as `kind` [n, 3 * depth, h, w].

    The gradient of an entry is the sum over all pixels that chose it.
    """

    @staticmethod
    def forward(ctx, table, pixels, kind):
        ctx.save_for_backward(pixels)
        return look_up(table.to(kind), pixels)

    @staticmethod
    def backward(ctx, gradient):
        (pixels,) = ctx.saved_tensors
        return sums_by_byte(gradient, pixels), None, None


def look_up(table, pixels):
    """Entries [n, 3 * depth, h, w] of a table [3, 256, depth] at bytes [n, h, w, 3]."""
    return _look_up_at_once(table, pixels) if pixels.is_cuda else _look_up_by_column(table, pixels)


def _look_up_at_once(table, pixels):
    """`look_up` as a GPU does it fastest."""
    return table[torch.arange(3, device=pixels.device), pixels.long()].flatten(3).permute(0, 3, 1, 2)


def _look_up_by_column(table, pixels):
    """`look_up` as a processor does it fastest."""
    columns = table.transpose(1, 2).contiguous()
    found = [column.index_select(0, plane) for colour, plane in zip(columns, _planes(pixels)) for column in colour]
    return torch.stack(found).view(-1, *pixels.shape[:3]).transpose(0, 1).contiguous()


def sums_by_byte(values, pixels):
    """Sums of values [n, 3 * depth, h, w] over the pixels of each byte, float32 [3, 256, depth].

    Summed in float32 either way: bfloat16, the type of the gradients that arrive, holds no sum of thousands.
    """
    return _sums_by_product(values, pixels) if pixels.is_cuda else _sums_by_column(values, pixels)


def _sums_by_product(values, pixels):
    """`sums_by_byte` as a product of matrices: on a GPU, additions to so few places would wait for each other."""
    planes = _planes(pixels)
    chosen = planes[:, None, :] == torch.arange(256, device=pixels.device)[:, None]
    parts = values.permute(0, 2, 3, 1).reshape(planes.shape[1], 3, -1).permute(1, 0, 2)
    return torch.bmm(chosen.to(values.dtype), parts).float()


def _sums_by_column(values, pixels):
    """`sums_by_byte` as a processor does it fastest."""
    planes = _planes(pixels)
    parts = values.transpose(0, 1).float().reshape(3, -1, planes.shape[1])
    sums = torch.zeros(*parts.shape[:2], 256)
    for colour, plane, columns in zip(parts, planes, sums):
        for part, column in zip(colour, columns):
            column.scatter_add_(0, plane, part)
    return sums.transpose(1, 2)


def _planes(pixels):
    """Bytes [n, h, w, 3] as positions in a table, int64 [3, n * h * w]."""
    return pixels.permute(3, 0, 1, 2).reshape(3, -1).long()


class FloatInput(nn.Module):
    """Bytes [n, h, w, 3] to normalised pixels [n, 3, h, w]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("values", pixel_values(), persistent=False)

    def forward(self, pixels, kind=torch.float32):
        return look_up(self.values.to(kind)[..., None], pixels)


def pixel_values():
    """The normalised value of each byte of each colour, float32 [3, 256]."""
    byte = torch.arange(256, dtype=torch.float32) / 255.0
    return (byte - torch.tensor(PIXEL_MEAN)[:, None]) / torch.tensor(PIXEL_DEVIATION)[:, None]


class BinaryConv(nn.Conv2d):
    """A convolution with weights of one bit, padded to keep its input's edge at stride 1."""

    def __init__(self, inputs, outputs, kernel, stride=1, shared=False, scaling=0.0):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.shared, self.scaling = shared, scaling

    def forward(self, x):
        quantize = shared_weight if self.shared else mean_weight
        return F.conv2d(x, quantize(self.weight, self.scaling), None, self.stride, self.padding)


def spread_filters(weight, depth):
    """Starts weights [out, 3 * depth, kernel, kernel] behind an embedding of `depth` places as filters of `depth` + 1 steps.

    The places of a colour share the weight of a random filter, and their signs turn at even distances: of sign(filter + turn)
    over all places as many are positive as the filter's weight is large. Drawn one by one instead, the places of a byte start as
    noise in which neighbouring bytes have nothing in common.
    """
    out, inputs, *kernel = weight.shape
    filters = torch.empty(out, inputs // depth, 1, *kernel).uniform_(-1, 1)
    order = torch.rand(out, inputs // depth, depth, *kernel).argsort(dim=2)
    turns = torch.linspace(-1, 1, depth)[order]
    with torch.no_grad():
        weight.copy_(0.5 * (filters + turns).view_as(weight))


class FloatConv(nn.Conv2d):
    """A convolution with float weights in a place of a `BinaryConv`."""

    def __init__(self, inputs, outputs, kernel, stride=1, **_):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class Rectified(nn.Module):
    """Batch norm and ReLU in a place of `Codes`."""

    def __init__(self, channels, *_, **__):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(self.norm(x))


class Codes(nn.Module):
    """Batch norm and the 2-bit quantizer."""

    def __init__(self, channels, post_scale, scaling=0.0):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.post_scale, self.scaling = post_scale, scaling

    def forward(self, x):
        return activation(self.norm(x), self.post_scale, self.scaling)


# How a network's convolutions and activations are made: (convolution, activation).
BINARY, FLOAT = (BinaryConv, Codes), (FloatConv, Rectified)
KINDS = {"binary": BINARY, "float": FLOAT}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions on top of the trunk; the first block of a stage re-makes the trunk with a 1x1 convolution."""

    # Channels of the block's output for each of its width.
    expansion = 1

    def __init__(self, make, inputs, width, stride, downsample):
        super().__init__()
        conv, act = make
        self.act0 = act(inputs, post_scale=not downsample)
        self.conv1 = conv(inputs, width, 3, stride)
        self.act1 = act(width, post_scale=False)
        self.conv2 = conv(width, width, 3, shared=True)
        self.downsample = conv(inputs, width, 1, stride, shared=True, scaling=SCALING) if downsample else None

    def forward(self, x):
        codes = self.act0(x)
        trunk = x if self.downsample is None else self.downsample(codes)
        return trunk + self.conv2(self.act1(self.conv1(codes)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions on top of the trunk; the first block of a stage re-makes the trunk with a 1x1 convolution."""

    expansion = 4

    def __init__(self, make, inputs, width, stride, downsample):
        super().__init__()
        conv, act = make
        self.act1 = act(inputs, post_scale=not downsample)
        self.conv1 = conv(inputs, width, 1)
        self.act2 = act(width, post_scale=True)
        self.conv2 = conv(width, width, 3, stride)
        self.act3 = act(width, post_scale=False)
        outputs = width * self.expansion
        self.conv3 = conv(width, outputs, 1, shared=True)
        self.downsample = conv(inputs, outputs, 1, stride, shared=True, scaling=SCALING) if downsample else None

    def forward(self, x):
        codes = self.act1(x)
        trunk = x if self.downsample is None else self.downsample(codes)
        return trunk + self.conv3(self.act3(self.conv2(self.act2(self.conv1(codes)))))


BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


class Backbone(nn.Module):
    """Stem and stages: the first layer's output to the last activation."""

    def __init__(self, shape):
        super().__init__()
        make = conv, act = KINDS[shape.middle]
        stem, (first, last) = shape.stem, shape.strides
        if shape.first == "float":
            self.conv1 = FloatConv(3, stem, 3, first)
        else:
            self.conv1 = BinaryConv(3 * shape.depth, stem, 3, first, scaling=SCALING)
            if shape.spread:
                spread_filters(self.conv1.weight, shape.depth)
        self.act1 = act(stem, True, SCALING)
        self.conv2 = conv(stem, stem, 3, scaling=SCALING)
        self.act2 = act(stem, True, SCALING)
        self.conv_downsample = conv(stem, stem, 3, last, scaling=SCALING)
        self.act_downsample = act(stem, True, SCALING)
        self.conv1_2 = conv(stem, stem, 1, scaling=SCALING)
        self.stages = []
        block, inputs = BLOCKS[shape.block], stem
        for stage, (width, blocks) in enumerate(zip(shape.widths, shape.blocks), start=1):
            layer = nn.Sequential()
            for index in range(blocks):
                stride = 2 if index == 0 and stage > 1 else 1
                layer.append(block(make, inputs, width, stride, downsample=index == 0))
                inputs = width * block.expansion
            self.add_module(f"layer{stage}", layer)
            self.stages.append(layer)
        self.last_act = act(inputs, True, SCALING)

    def forward(self, x):
        x = self.act1(self.conv1(x))
        x = self.act2(self.conv2(x))
        x = self.act_downsample(self.conv_downsample(x))
        x = self.conv1_2(x)
        for stage in self.stages:
            x = stage(x)
        return self.last_act(x)


class Ern(nn.Module):
    """Bytes [n, edge, edge, 3] to logits [n, classes]; under autocast, `kind` is the type that convolutions take."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.pixel_embedding = FloatInput() if shape.first == "float" else PixelEmbedding(shape.depth, shape.first == "embedding")
        self.backbone = Backbone(shape)
        conv, _ = KINDS[shape.last]
        self.conv = conv(shape.widths[-1] * BLOCKS[shape.block].expansion, shape.classes + shape.others, 1, scaling=SCALING)

    def forward(self, pixels, kind=torch.float32):
        x = self.conv(self.backbone(self.pixel_embedding(pixels, kind)))
        return x.mean(dim=(2, 3))[:, : self.shape.classes]
