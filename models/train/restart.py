"""A network in floats from a model file, to be trained on.

A model file keeps of a filter its signs, and of a batch norm the thresholds that it makes. Signs become weights of one magnitude;
thresholds lie at even distances, up to rounding, and give back the line that they fold; what a batch norm's input is like is seen on
pictures. The network gives the model file's answers but where a threshold was rounded.
"""

import numpy as np
import torch

from . import export
from .fold import STEPS
from .network import Ern, Shape
from .quantizers import CODE_VALUE, TRUNK_UNIT

# The magnitude of the weights as a part of the bound that torch draws new ones within: far enough from zero that signs turn for a
# reason, near enough that they turn at all.
FIRMNESS = 1.5
# Thresholds that were rounded to the same integer were about so far from each other.
LEAST_DISTANCE = 0.3


def restart(path, pictures):
    """The network of the model file `path`, as batch norms see it on `pictures` (u8 [n, edge, edge, 3])."""
    document, tensors = export.read(path)
    network = Ern(shape(document)).eval()
    with torch.no_grad():
        _Restart(network, document, tensors)
        _reread(network, pictures)
    return network


def shape(document):
    """The shape of the network of a model file's document."""
    return Shape(**{key: tuple(value) if isinstance(value, list) else value for key, value in document["training"]["shape"].items()})


class _Restart:
    """Fills a network in; batch norms become plain lines, with a mean of 0 and a variance of 1."""

    def __init__(self, network, document, tensors):
        self.network, self.tensors = network, tensors
        for layer in document["layers"]:
            getattr(self, layer["kind"])(layer["name"])
        gain = document["training"].get("nothing_gain")
        if gain is not None:
            network.conv.weight[network.shape.classes - 1] /= gain

    def tensor(self, name, part):
        return torch.from_numpy(self.tensors[f"{name}.{part}"].copy())

    def pixel_embedding(self, name):
        values = self.tensor(name, "codes").float() * CODE_VALUE
        self.network.pixel_embedding.table.copy_(values.clamp(0.02, 1.98))

    def float_conv(self, name):
        self.network.backbone.conv1.weight.copy_(self.tensor(name, "weight").movedim(3, 1))
        self.line(name, 1.0, rounded=False)

    def conv(self, name):
        conv = self.before(name)
        self.signs(name, conv)
        # A raw code is worth 1, one with the post scale two thirds: what the convolution reads says which.
        value = 1.0 if name == "backbone.act1" or (name.endswith("act1") and not self.post_scaled(name)) else CODE_VALUE
        self.line(name, conv.weight.abs().mean(dim=(1, 2, 3)).numpy() * value)

    def post_scaled(self, name):
        return self.network.get_submodule(f"{name.removesuffix('.act1')}.act0").post_scale

    def before(self, name):
        """The convolution before an activation."""
        backbone = self.network.backbone
        if name.endswith(".act0"):
            return backbone.conv1_2
        return self.network.get_submodule(name.replace(".act", ".conv"))

    def residual(self, name):
        self.signs(name, self.network.get_submodule(name))

    def activation(self, name):
        self.line(name, TRUNK_UNIT)

    def classifier(self, name):
        signs = export.unpacked(self.tensors[f"{name}.weight"], self.network.conv.in_channels)
        size = self.tensor(name, "scale") / CODE_VALUE
        self.network.conv.weight.copy_(torch.from_numpy(signs).movedim(3, 1) * size.view(-1, 1, 1, 1))

    def signs(self, name, conv):
        signs = export.unpacked(self.tensors[f"{name}.weight"], conv.in_channels)
        size = FIRMNESS / (conv.in_channels * conv.kernel_size[0] ** 2) ** 0.5
        conv.weight.copy_(torch.from_numpy(signs).movedim(3, 1) * size)

    def line(self, name, unit, rounded=True):
        """The batch norm whose activations reach the steps of codes at the thresholds; one unit of the input is worth `unit`."""
        thresholds = self.tensors[f"{name}.thresholds"].astype(np.float64)
        falling = export.unpacked(self.tensors[f"{name}.falling"], len(thresholds)) > 0
        norm = self.network.get_submodule(self.activation_of(name)).norm
        slope, offset = lines(thresholds, falling, rounded)
        norm.weight.copy_(torch.from_numpy(slope / unit))
        norm.bias.copy_(torch.from_numpy(offset))
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)

    def activation_of(self, name):
        return "backbone.last_act" if ".last_act_" in name else name


def lines(thresholds, falling, rounded=True):
    """Slope and offset of each channel's activation over its input, of thresholds [channels, 3]."""
    turn = np.where(falling, -1.0, 1.0)
    # Rounded up, or down where the channel falls: half a step before the threshold is the best guess.
    places = thresholds - turn[:, None] * 0.5 * rounded
    # Thresholds beyond what the sums can be are cut off there; the others say where the line is.
    inside = np.abs(thresholds) < np.abs(thresholds).max()
    slopes, offsets = np.zeros(len(places)), np.zeros(len(places))
    for channel, known in enumerate(inside):
        if not known.any():
            # Always reached, or never: the same code whatever comes.
            offsets[channel] = (turn[channel] * thresholds[channel] < 0).sum() * CODE_VALUE
            continue
        at, steps = places[channel, known], STEPS[known]
        # Where one is known, the others lie as far away as they were cut off at the least.
        distance = abs(at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else np.abs(thresholds[channel] - thresholds[channel, known]).max()
        slopes[channel] = turn[channel] * CODE_VALUE / max(distance, LEAST_DISTANCE if rounded else 1e-6)
        offsets[channel] = (steps - slopes[channel] * at).mean()
    return slopes, offsets


def _reread(network, pictures):
    """Gives every batch norm its input's mean and variance on the pictures, and the gain and shift that leave its line as it is."""
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    seen = {}
    handles = [norm.register_forward_pre_hook(lambda norm, inputs: seen.__setitem__(norm, torch.var_mean(inputs[0], (0, 2, 3))))
               for norm in norms]
    network(torch.from_numpy(np.array(pictures)))
    for handle in handles:
        handle.remove()
    for norm, (variance, mean) in seen.items():
        norm.bias += norm.weight * mean
        norm.weight *= torch.sqrt(variance + norm.eps)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
