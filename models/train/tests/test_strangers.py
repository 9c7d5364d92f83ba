import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from train import strangers


class Strangers(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(1)
        self.pictures = [rng.integers(0, 256, (edge, edge, 3)).astype(np.uint8) for edge in (32, 64, 128, 128, 64, 32)]

    def test_views_follow_from_their_random_numbers_and_have_64_pixels(self):
        first, again, other = (strangers.views(self.pictures, np.random.default_rng(seed)) for seed in (1, 1, 2))
        self.assertEqual((first.shape, first.dtype), ((6, 64, 64, 3), np.uint8))
        np.testing.assert_array_equal(first, again)
        self.assertFalse(np.array_equal(first, other))

    def test_a_view_nearly_as_measured_is_one_as_measured_first(self):
        photograph = Image.fromarray(self.pictures[2])
        near = strangers.near(photograph, np.random.default_rng(1))
        self.assertEqual(near.shape, (12, 64, 64, 3))
        np.testing.assert_array_equal(near[0], strangers.as_measured([photograph])[0])

    def test_shaking_changes_bytes_by_one(self):
        pixels = np.stack([self.pictures[1], np.zeros_like(self.pictures[1])])
        by = strangers.shaken(pixels, np.random.default_rng(1)).astype(int) - pixels
        self.assertEqual(sorted(np.unique(by)), [-1, 0, 1])
        self.assertLess(abs((by[0] != 0).mean() - 0.3), 0.02)

    def test_a_photograph_is_for_one_thing(self):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(12):
                Image.fromarray(self.pictures[2]).save(Path(folder) / f"{number:02}.png")
            images, uses = strangers.foreign(folder)
        self.assertEqual(len(images), 12)
        self.assertEqual({use: list(places) for use, places in uses.items()},
                         {"train": [0, 2, 6, 8], "limit": [4, 10], "measure": [1, 3, 5, 7, 9, 11]})


if __name__ == "__main__":
    unittest.main()
