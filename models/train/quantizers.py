"""Quantizers with straight-through gradients: weight signs and 2-bit activations."""

import torch
from torch.autograd import Function

# What one unit of the residual trunk is worth.
TRUNK_UNIT = 1.0 / 32.0
# A code times this is the activation's value where the post scale is on.
CODE_VALUE = 2.0 / 3.0
# Strength of element-wise gradient scaling where it is used (outside the blocks).
SCALING = 0.01


def signs(weight):
    """+1 where `weight` >= 0, else -1."""
    return torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)


def channel_means(weight):
    """The mean magnitude of each output channel's filter, shape [out]."""
    return weight.abs().mean(dim=(1, 2, 3))


class _Straight(Function):
    """Gives `quantized` forwards and the gradient to `weight` backwards, scaled by the distance between them."""

    @staticmethod
    def forward(ctx, weight, quantized, scaling):
        ctx.scaling = scaling
        if scaling:
            ctx.save_for_backward(weight - quantized)
        return quantized

    @staticmethod
    def backward(ctx, gradient):
        if ctx.scaling:
            (distance,) = ctx.saved_tensors
            gradient = gradient + ctx.scaling * gradient.abs() * distance
        return gradient, None, None


def mean_weight(weight, scaling=0.0):
    """sign(W) times the channel's mean magnitude."""
    with torch.no_grad():
        quantized = signs(weight) * channel_means(weight).view(-1, 1, 1, 1)
    return _Straight.apply(weight, quantized, scaling)


def shared_weight(weight, scaling=0.0):
    """sign(W) times the trunk's unit."""
    with torch.no_grad():
        quantized = signs(weight) * TRUNK_UNIT
    return _Straight.apply(weight, quantized, scaling)


class _Activation(Function):
    """The 2-bit code of each value, as a number."""

    @staticmethod
    def forward(ctx, x, post_scale, scaling):
        # Not in place to the end: torch.compile (2.11) loses the gradient of what was made in place and given out.
        code = x.clamp(0.0, 2.0).mul_(1.5).add_(0.5).floor()
        ctx.post_scale, ctx.scaling = post_scale, scaling
        ctx.save_for_backward(x, code if scaling else None)
        return code * CODE_VALUE if post_scale else code

    @staticmethod
    def backward(ctx, gradient):
        x, code = ctx.saved_tensors
        if ctx.scaling:
            distance = torch.sub(x, code, alpha=CODE_VALUE)
            gradient = torch.addcmul(gradient, gradient.abs(), distance, value=ctx.scaling)
        gradient = _where_not_negative(_where_not_negative(gradient, x), 2.0 - x)
        return (gradient if ctx.post_scale else gradient * 1.5), None, None


def _where_not_negative(gradient, x):
    """The gradient where x >= 0, else 0. ReLU's own gradient, asked a hair below 0: the fastest way in bfloat16."""
    return torch.ops.aten.threshold_backward(gradient, x, -1e-30)


def activation(x, post_scale, scaling=0.0):
    """floor(clamp(x, 0, 2) * 1.5 + 0.5): times 2/3 with the post scale, else the raw code 0..3."""
    return _Activation.apply(x, post_scale, scaling)
