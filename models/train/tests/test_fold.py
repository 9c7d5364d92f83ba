import unittest

import numpy as np
import torch

from train import fold


def random_norm(channels, seed):
    """A batch norm with gains of both signs, some zero, and figures on the scale of sums."""
    generator = torch.Generator().manual_seed(seed)
    norm = torch.nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(channels, generator=generator))
        norm.weight[::7] = 0.0
        norm.bias.copy_(torch.randn(channels, generator=generator))
        norm.running_mean.copy_(20 * torch.randn(channels, generator=generator))
        norm.running_var.copy_(100 * torch.rand(channels, generator=generator))
    return fold.Norm(norm)


class Integers(unittest.TestCase):
    def test_every_integer_gets_the_float_formula_code(self):
        for seed in range(20):
            norm = random_norm(64, seed)
            unit = np.random.default_rng(seed).uniform(0.001, 1.0, 64).astype(np.float32)
            unit[::5] = 0.0
            bound = 300
            thresholds, falling = fold.integer_thresholds(norm, unit, bound)
            self.assertTrue(falling.any() and not falling.all())
            n = np.arange(-bound, bound + 1)
            folded = fold.count(np.tile(n[:, None], 64), thresholds, falling)
            np.testing.assert_array_equal(folded.T, fold.formula(norm, unit, np.tile(n, (64, 1))))
            self.assertLessEqual(np.abs(thresholds).max(), bound + 1)
            order = np.diff(thresholds.astype(int), axis=1) * np.where(falling, -1, 1)[:, None]
            self.assertTrue((order >= 0).all())

    def test_the_proof_finds_a_wrong_threshold(self):
        norm, unit = random_norm(8, 1), np.full(8, 0.5, np.float32)
        thresholds, falling = fold.integer_thresholds(norm, unit, 300)
        inner = np.argwhere(np.abs(thresholds) < 300)[0]
        thresholds[tuple(inner)] += 1
        with self.assertRaises(ArithmeticError):
            fold.prove(norm, unit, thresholds, falling, 300)

    def test_wide_bounds_take_wide_integers(self):
        norm, unit = random_norm(8, 2), np.full(8, 0.01, np.float32)
        self.assertEqual(fold.integer_thresholds(norm, unit, 32_766)[0].dtype, np.int16)
        self.assertEqual(fold.integer_thresholds(norm, unit, 32_767)[0].dtype, np.int32)


class Floats(unittest.TestCase):
    def test_sums_away_from_ties_get_the_formula_code(self):
        norm = random_norm(64, 3)
        thresholds, falling = fold.float_thresholds(norm)
        sums = np.random.default_rng(0).normal(0, 30, (1000, 64)).astype(np.float32)
        same = fold.count(sums, thresholds, falling) == norm.codes(sums)
        self.assertGreater(same.mean(), 0.9999)


if __name__ == "__main__":
    unittest.main()
