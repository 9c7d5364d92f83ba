"""The network in integers: exactly what a model file says and engines run, on torch's convolutions of whole numbers.

Sums stay below 2**24, so float32 holds them exactly.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from . import export
from .fold import Norm, float_thresholds, integer_thresholds
from .network import pixel_values
from .quantizers import CODE_VALUE, TRUNK_UNIT, activation, channel_means, signs


@dataclass
class Layer:
    """One layer: `entry` is its JSON in the model file, `tensors` its arrays by their last name, unpacked.

    Weights are +1 and -1, int8 [out, in, kernel, kernel] (float32 for a float first layer); `falling` is bool [out].
    """

    entry: dict
    tensors: dict


def lower(network):
    """Lowers a trained network (in evaluation mode) to layers in the order of the data."""
    return _Lowering(network).layers


def from_file(path):
    """The layers of a model file."""
    document, tensors = export.read(path)
    return [Layer(entry, _unpacked(entry, tensors)) for entry in document["layers"]]


def _unpacked(entry, tensors):
    """A layer's tensors as `Layer` has them, of those of its file."""
    prefix = f"{entry['name']}."
    parts = ((name.removeprefix(prefix), tensor) for name, tensor in tensors.items() if name.startswith(prefix))
    own = {part: tensor.copy() for part, tensor in parts if "." not in part}
    if entry["kind"] == "float_conv":
        own["weight"] = np.ascontiguousarray(np.moveaxis(own["weight"], 3, 1))
    elif "weight" in own:
        signs = export.unpacked(own["weight"], entry["in"]).reshape(*own["weight"].shape[:3], -1)
        own["weight"] = np.ascontiguousarray(np.moveaxis(signs, 3, 1).astype(np.int8))
    if "falling" in own:
        own["falling"] = export.unpacked(own["falling"], len(own["thresholds"])) > 0
    return own


class _Lowering:
    def __init__(self, network):
        self.layers = []
        self.trunk_bound = 0
        backbone = network.backbone
        source = self.first(network)
        for name in ("2", "_downsample"):
            conv, act = getattr(backbone, f"conv{name}"), getattr(backbone, f"act{name}")
            source = self.conv(f"backbone.act{name}", source, conv, act, value=CODE_VALUE)
        for number, stage in enumerate(backbone.stages, start=1):
            for index, block in enumerate(stage):
                source = self.block(f"backbone.layer{number}.{index}", source, block, backbone.conv1_2)
        self.activation(f"backbone.last_act_layer{len(backbone.stages)}", backbone.last_act)
        self.classifier(network.conv, network.shape)

    def add(self, name, kind, tensors, **entry):
        self.layers.append(Layer({"name": name, "kind": kind, **entry}, tensors))
        return name

    def first(self, network):
        """Pixel embedding and first convolution, or the float first layer."""
        backbone = network.backbone
        conv, act = backbone.conv1, backbone.act1
        if network.shape.first != "float":
            with torch.no_grad():
                codes = activation(network.pixel_embedding.table, post_scale=False).numpy().astype(np.uint8)
            source = self.add("pixel_embedding", "pixel_embedding", {"codes": codes}, depth=network.shape.depth)
            return self.conv("backbone.act1", source, conv, act, value=1.0)
        thresholds, falling = float_thresholds(Norm(act.norm))
        weight = conv.weight.detach().numpy()
        tensors = {"pixel_values": pixel_values().numpy(), "weight": weight}
        tensors.update(thresholds=thresholds, falling=falling)
        sizes = {"out": conv.out_channels, "kernel": conv.kernel_size[0], "stride": conv.stride[0]}
        return self.add("backbone.act1", "float_conv", tensors, **sizes)

    def conv(self, name, source, conv, act, value):
        """A convolution with its activation; one unit of a code is worth `value`."""
        unit = channel_means(conv.weight.detach()).numpy() * np.float32(value)
        thresholds, falling = integer_thresholds(Norm(act.norm), unit, bound(conv))
        tensors = {"weight": bits(conv), "thresholds": thresholds, "falling": falling}
        return self.add(name, "conv", tensors, input=source, **sizes(conv))

    def block(self, name, source, block, before):
        """A basic block. The network's first one reads the convolution `before`, the others the trunk."""
        if self.trunk_bound == 0:
            first = self.conv(f"{name}.act0", source, before, block.act0, value=CODE_VALUE)
        else:
            first = self.activation(f"{name}.act0", block.act0)
        if block.downsample is not None:
            self.residual(f"{name}.downsample", first, block.downsample, "start")
        value = CODE_VALUE if block.act0.post_scale else 1.0
        second = self.conv(f"{name}.act1", first, block.conv1, block.act1, value)
        self.residual(f"{name}.conv2", second, block.conv2, "add")
        return second

    def residual(self, name, source, conv, trunk):
        self.trunk_bound = bound(conv) + (self.trunk_bound if trunk == "add" else 0)
        self.add(name, "residual", {"weight": bits(conv)}, trunk=trunk, input=source, **sizes(conv))

    def activation(self, name, act):
        channels = act.norm.num_features
        unit = np.full(channels, TRUNK_UNIT, np.float32)
        thresholds, falling = integer_thresholds(Norm(act.norm), unit, self.trunk_bound)
        tensors = {"thresholds": thresholds, "falling": falling}
        return self.add(name, "activation", tensors, channels=channels)

    def classifier(self, conv, shape):
        scale = channel_means(conv.weight.detach()).numpy() * np.float32(CODE_VALUE)
        source = self.layers[-1].entry["name"]
        entry = {"in": conv.in_channels, "out": conv.out_channels}
        if shape.others:
            entry["owners"] = [*range(shape.classes), *[None] * shape.others]
        self.add("conv", "classifier", {"weight": bits(conv), "scale": scale}, input=source, **entry)


def bound(conv):
    """The largest size of the convolution's sums of codes."""
    return 3 * conv.in_channels * conv.kernel_size[0] ** 2


def bits(conv):
    """Weights as +1 and -1, int8 [out, in, kernel, kernel]."""
    return signs(conv.weight.detach()).numpy().astype(np.int8)


def sizes(conv):
    """The convolution's shape as the model file names it."""
    shape = {"in": conv.in_channels, "out": conv.out_channels}
    return {**shape, "kernel": conv.kernel_size[0], "stride": conv.stride[0]}


def classes(layers):
    """How many classes a network has; its classifier's further rows own none."""
    entry = layers[-1].entry
    return sum(owner is not None for owner in entry.get("owners", range(entry["out"])))


def run(layers, pixels):
    """Runs pixels, u8 [n, edge, edge, 3]: gives codes by layer name, u8 [n, channels, h, w], and logits float32 [n, classes]."""
    codes, rows = run_all(layers, pixels)
    return codes, rows[:, : classes(layers)]


def run_all(layers, pixels):
    """What `run` gives, with a logit for every row of the classifier, float32 [n, rows]; None of layers that end before it."""
    return _walk(layers, {}, torch.from_numpy(pixels).long())


def rows_from(layers, name, codes, at_once=250):
    """The logits of all rows, float32 [n, rows], by layers that follow on the layer `name`, which made `codes`, u8 [n, channels, h, w]."""
    starts = range(0, len(codes), at_once)
    some = (torch.from_numpy(np.array(codes[start : start + at_once])).float() for start in starts)
    return np.concatenate([_walk(layers, {name: part}, None)[1] for part in some])


def _walk(layers, codes, pixels):
    """`run_all`, from codes that are there, by layer name."""
    rows, trunk = None, None
    for layer in layers:
        entry, tensors = layer.entry, layer.tensors
        name, kind = entry["name"], entry["kind"]
        if kind == "pixel_embedding":
            codes[name] = look_up(tensors["codes"], pixels)
        elif kind == "float_conv":
            codes[name] = threshold(convolve(layer, look_up(tensors["pixel_values"][..., None], pixels)), tensors)
        elif kind == "activation":
            codes[name] = threshold(trunk, tensors)
        else:
            sums = convolve(layer, codes[entry["input"]])
            if kind == "conv":
                codes[name] = threshold(sums, tensors)
            elif kind == "residual":
                trunk = sums if entry["trunk"] == "start" else trunk + sums
            else:
                rows = (sums.mean(dim=(2, 3)) * torch.from_numpy(tensors["scale"])).numpy()
    return {name: code.to(torch.uint8).numpy() for name, code in codes.items()}, rows


def look_up(table, pixels):
    """Entries [n, 3 * depth, h, w], float32, of bytes [n, h, w, 3] in a table [3, 256, depth]."""
    found = torch.from_numpy(table)[torch.arange(3), pixels]
    return found.flatten(3).permute(0, 3, 1, 2).float()


def convolve(layer, values):
    """Sums of weights times values."""
    weight = torch.from_numpy(layer.tensors["weight"]).float()
    return F.conv2d(values, weight, None, layer.entry.get("stride", 1), weight.shape[2] // 2)


def threshold(values, tensors):
    """Codes of values [n, channels, h, w], float32."""
    falling = torch.from_numpy(tensors["falling"]).view(-1, 1, 1)
    steps = torch.from_numpy(tensors["thresholds"]).float().T[:, :, None, None]
    turned, steps = torch.where(falling, -values, values), torch.where(falling, -steps, steps)
    return sum((turned >= step).float() for step in steps)


def answers(layers, pixels, at_once=250):
    """The class of each frame."""
    return logits(layers, pixels, at_once).argmax(axis=1)


def logits(layers, pixels, at_once=250):
    """The logits of each frame, float32 [n, classes]."""
    return rows(layers, pixels, at_once)[:, : classes(layers)]


def rows(layers, pixels, at_once=250):
    """The logits of all rows of each frame, float32 [n, rows]."""
    starts = range(0, len(pixels), at_once)
    return np.concatenate([run_all(layers, np.array(pixels[s : s + at_once]))[1] for s in starts])
