import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from train import export, integer, restart
from train.tests.test_integer import random_network


class Restart(unittest.TestCase):
    def test_a_network_from_a_model_file_gives_its_answers(self):
        for first in ("embedding", "float"):
            for seed in range(3):
                network, pixels = random_network(first, seed=seed)
                layers = integer.lower(network)
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "network.safetensors"
                    training = {"shape": {key: value for key, value in asdict(network.shape).items()}, "nothing_gain": 2.0}
                    export.write(path, layers, {"name": "network", "training": training})
                    again = restart.restart(path, pixels.numpy())
                with torch.no_grad():
                    again.conv.weight[-1] *= 2.0
                lowered = integer.lower(again)
                for before, after in zip(layers, lowered):
                    name = before.entry["name"]
                    if "weight" in before.tensors:
                        np.testing.assert_array_equal(before.tensors["weight"], after.tensors["weight"], name)
                    if "codes" in before.tensors:
                        np.testing.assert_array_equal(before.tensors["codes"], after.tensors["codes"], name)
                    if "thresholds" in before.tensors and before.entry["kind"] != "float_conv":
                        # Which of two neighbours a threshold is rounded to may differ.
                        apart = np.abs(before.tensors["thresholds"].astype(int) - after.tensors["thresholds"])
                        self.assertLess(np.quantile(apart, 0.9), 2, name)
                wanted, got = (integer.run(these, pixels.numpy())[1] for these in (layers, lowered))
                np.testing.assert_allclose(lowered[-1].tensors["scale"], layers[-1].tensors["scale"], rtol=1e-5)
                self.assertLess(np.abs(wanted - got).mean(), 0.3 * np.abs(wanted).mean())

    def test_lines_through_thresholds(self):
        thresholds = np.array([[2, 5, 8], [9, 6, 3], [11, 11, 11], [-11, -11, 11], [4, 11, 11]])
        falling = np.array([False, True, False, False, False])
        slopes, offsets = restart.lines(thresholds, falling)
        values = np.arange(-10, 11)
        for row, (slope, offset) in enumerate(zip(slopes, offsets)):
            codes = np.floor(np.clip(slope * values + offset, 0, 2) * 1.5 + 0.5)
            reached = values[:, None] <= thresholds[row] if falling[row] else values[:, None] >= thresholds[row]
            if row < 4:
                np.testing.assert_array_equal(codes, reached.sum(axis=1), f"channel {row}")
            else:
                # One threshold is known: where it is, the code steps.
                np.testing.assert_array_equal(codes >= 1, reached[:, 0])


if __name__ == "__main__":
    unittest.main()
