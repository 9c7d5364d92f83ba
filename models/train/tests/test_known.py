import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from train import export, integer, known, restart
from train.knowing import with_others
from train.tests.test_integer import random_network


class Score(unittest.TestCase):
    def test_every_part_counts_as_the_program_counts_it(self):
        document = {"limit": 0.6, "offset": 1.0, "log_probability": 2.0, "largest": 0.5, "others": [-1.0, 3.0]}
        found = known.known(document, np.array([[2.0, 2.0, 1.0, 0.5]], np.float32), 2)
        # 1 + 2 · ln ½ + 0.5 · 2 - 1 + 1.5
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-(2.5 - 2 * np.log(2)))), rtol=1e-6)

    def test_a_document_says_all_of_it(self):
        score = known.KnownScore(3, 2)
        with torch.no_grad():
            score.others.copy_(torch.tensor([0.25, -2.0]))
        rows = torch.randn(4, 5)
        expected = torch.sigmoid(score(rows)).detach().numpy()
        np.testing.assert_allclose(known.known(score.document(0.5), rows.numpy(), 3), expected, atol=1e-5)

    def test_auroc_counts_pairs(self):
        self.assertEqual(known.auroc(np.array([1.0, 3.0]), np.array([0.0, 2.0])), 0.75)
        self.assertEqual(known.auroc(np.array([1.0]), np.array([1.0, 0.0])), 0.75)

    def test_a_limit_lets_no_more_pass_than_it_may(self):
        foreign = np.linspace(0, 1, 101)
        self.assertLessEqual((foreign >= known.limit_for(foreign, 0.1)).mean(), 0.11)

    def test_a_line_finds_what_tells(self):
        rng = np.random.default_rng(1)
        features = rng.normal(size=(2000, 4)).astype(np.float32)
        wanted = rng.random(2000) < 1 / (1 + np.exp(-(3 * features[:, 1] + 1)))
        found = known.line(features, wanted, np.ones(2000), 0.01)(features)
        self.assertGreater(known.auroc(found[wanted], found[~wanted]), 0.85)
        self.assertLess(abs(np.mean(1 / (1 + np.exp(-found))) - wanted.mean()), 0.01)


class File(unittest.TestCase):
    def test_rows_of_no_class_are_written_and_read(self):
        for first in ("embedding", "float"):
            network, pixels = random_network(first)
            with_others(network, 3)
            layers = integer.lower(network)
            self.assertEqual((integer.classes(layers), layers[-1].entry["owners"]), (5, [0, 1, 2, 3, 4, None, None, None]))
            rows = integer.rows(layers, pixels.numpy())
            self.assertEqual(rows.shape, (6, 8))
            np.testing.assert_array_equal(integer.logits(layers, pixels.numpy()), rows[:, :5])
            with torch.no_grad():
                np.testing.assert_allclose(network(pixels).numpy(), rows[:, :5], atol=1e-5)
            score = {"limit": 0.5, "offset": 1.0, "log_probability": 1.0, "largest": 0.0, "others": [1.0, 2.0, 3.0]}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "network.safetensors"
                export.write(path, layers, {"name": "n", "known": score, "training": {"shape": asdict(network.shape)}})
                document = export.read_document(path)
                self.assertEqual((document["format"], document["known"]), (2, score))
                np.testing.assert_array_equal(integer.rows(integer.from_file(path), pixels.numpy()), rows)
                again = restart.restart(path, pixels.numpy())
            self.assertEqual(again.shape.others, 3)
            np.testing.assert_allclose(integer.lower(again)[-1].tensors["scale"], layers[-1].tensors["scale"], rtol=1e-5)

    def test_what_the_first_format_can_say_is_written_in_it(self):
        layers = integer.lower(random_network("embedding")[0])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.safetensors"
            export.write(path, layers, {"name": "n"})
            self.assertEqual(export.read_document(path)["format"], 1)


if __name__ == "__main__":
    unittest.main()
