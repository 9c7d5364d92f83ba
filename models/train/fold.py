"""Batch norm and quantizer as thresholds: integer ones behind integers, float ones behind the float first layer.

The code of a channel is the number of thresholds that the value n has reached: n >= T where the channel rises, n <= T
where it falls.
"""

import numpy as np

# Where codes step, in activations.
STEPS = np.array([1.0, 3.0, 5.0]) / 3.0


class Norm:
    """A batch norm's figures, float32 [channels] each."""

    def __init__(self, module):
        parts = (module.weight, module.bias, module.running_mean, module.running_var)
        self.gain, self.shift, self.mean, self.variance = (part.detach().numpy().astype(np.float32) for part in parts)
        self.inverse = (1 / np.sqrt(self.variance + np.float32(module.eps))).astype(np.float32)
        self.eps = module.eps

    def exact(self):
        """Slope and offset in float64: activation = slope * x + offset."""
        slope = self.gain.astype(np.float64) / np.sqrt(self.variance.astype(np.float64) + self.eps)
        return slope, self.shift - slope * self.mean

    def codes(self, x):
        """The float32 formula: codes of x [..., channels]."""
        y = ((x.astype(np.float32) - self.mean) * self.inverse) * self.gain + self.shift
        return np.floor(np.clip(y, np.float32(0), np.float32(2)) * np.float32(1.5) + np.float32(0.5)).astype(np.int64)


def count(values, thresholds, falling):
    """The codes of values [..., channels] behind thresholds [channels, 3]."""
    values = values[..., None]
    return np.where(falling[:, None], values <= thresholds, values >= thresholds).sum(axis=-1)


def constant(norm, slope, most):
    """Thresholds [channels, 3] that express the code of a channel whose activation does not depend on its input."""
    with np.errstate(all="ignore"):
        code = norm.codes(np.zeros_like(slope))
    return np.where(np.arange(3) < code[:, None], -most, most)


def integer_thresholds(norm, unit, bound):
    """Folds a batch norm that reads integers worth `unit` (float32 [channels]) each, at most `bound` in size.

    Gives thresholds [channels, 3] within +-(bound + 1), int16 where that holds them, else int32, and falling, bool [channels].
    Raises ArithmeticError where the proof fails that they give the float32 formula's codes.
    """
    slope, offset = norm.exact()
    slope = slope * unit.astype(np.float64)
    flat = slope == 0
    safe = np.where(flat, 1.0, slope)
    exact = (STEPS - offset[:, None]) / safe[:, None]
    falling = slope < 0
    most = bound + 1
    exact = np.clip(exact, -4.0 * most, 4.0 * most)
    folded = np.where(falling[:, None], np.floor(exact), np.ceil(exact)).astype(np.int64)
    folded = settle(norm, unit, folded, falling)
    folded = np.clip(folded, -most, most)
    folded[flat] = constant(norm, slope, most)[flat]
    prove(norm, unit, folded, falling, bound)
    return folded.astype(np.int16 if most <= np.iinfo(np.int16).max else np.int32), falling


def formula(norm, unit, n):
    """The float32 formula's codes of integers n [channels, ...], each channel its own."""
    moved = np.moveaxis(n, 0, -1)
    return np.moveaxis(norm.codes(moved.astype(np.float32) * unit), -1, 0)


def settle(norm, unit, thresholds, falling):
    """Moves each threshold by one where float32 rounds a tie the other way."""
    inwards = np.where(falling, -1, 1)[:, None]
    wanted = np.arange(1, 4)
    at = formula(norm, unit, thresholds)
    before = formula(norm, unit, thresholds - inwards)
    thresholds = np.where(before >= wanted, thresholds - inwards, thresholds)
    return np.where(at < wanted, thresholds + inwards, thresholds)


def prove(norm, unit, thresholds, falling, bound):
    """Raises ArithmeticError unless folded and float32 codes agree at every threshold and its two neighbours."""
    around = thresholds[:, :, None] + np.array([-1, 0, 1])
    around = np.clip(around, -bound, bound).reshape(len(thresholds), -1)
    folded = count(around.T, thresholds, falling).T
    wrong = np.argwhere(folded != formula(norm, unit, around))
    if len(wrong):
        channel, place = wrong[0]
        raise ArithmeticError(f"channel {channel}: folded and float32 codes differ at {around[channel, place]}")


def float_thresholds(norm):
    """Folds the batch norm behind the float first layer: thresholds float32 [channels, 3] over plain sums, and falling."""
    slope, offset = norm.exact()
    flat = slope == 0
    falling = slope < 0
    exact = (STEPS - offset[:, None]) / np.where(flat, 1.0, slope)[:, None]
    exact[flat] = constant(norm, slope, 1e30)[flat]
    return np.clip(exact, -1e30, 1e30).astype(np.float32), falling
