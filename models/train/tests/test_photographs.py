import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np

from train import families, integer, photographs, pictures
from train.network import Shape
from train.photographs import Workshop

LOADER = '''
import numpy as np

def load(name, split):
    rng = np.random.default_rng(len(split))
    labels = np.arange(512) % 3
    pixels = rng.integers(0, 200, (512, 32, 32, 3)).astype(np.uint8)
    pixels[np.arange(512), :, :, labels] += 50
    return pixels, labels, ["red", "green", "blue"]
'''
SHAPE = Shape(3, edge=32, stem=8, widths=(8, 8), blocks=(1, 1))


class FamilyOfNoise(unittest.TestCase):
    """A tiny family, trained on noise with a hint at the label."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        root = Path(self.folder.name)
        (root / "load.py").write_text(LOADER)
        self.family = families.Family("noise", "noise", "val", SHAPE, pictures.flip_and_crop, {}, epochs=2, teacher_epochs=4, views=1, batch=128, teacher_batch=128)
        self.workshop = Workshop(self.family, root, root / "runs")

    def test_rows_are_taught_by_the_teacher(self):
        with self.assertRaises(FileNotFoundError):
            self.workshop.train("learned table")
        self.workshop.train("teacher")
        hints = self.workshop.hints()
        self.assertEqual([view.shape for view in hints], [(512, 3)])
        teacher, training = self.workshop.run("teacher", 512), self.workshop.pictures()
        self.workshop.train("learned table")
        run = self.workshop.run("learned table", 512)
        self.assertEqual(run.step, run.plan.steps)
        self.assertEqual(len(photographs.curve(run.folder)), 1)
        batch = next(self.workshop.course(run.plan, training, hints).batches(3, 4))
        expected = photographs.float_logits(teacher.network, batch.pixels)
        np.testing.assert_allclose(batch.hints, expected, atol=0.05)

    def test_rows_differ_in_what_they_name_alone(self):
        plans = {row: self.family.plan(row, 512) for row in families.ROWS if row != families.TEACHER}
        for row, plan in plans.items():
            shape = replace(plan.shape, **{"last": "binary", **families.ROWS["learned table"]})
            self.assertEqual(replace(plan, shape=shape), plans["learned table"], row)


class Views(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(5)
        self.pixels = rng.integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)

    def test_pictures_keep_size_and_kind(self):
        before = self.pixels.copy()
        for vary in (pictures.flip_and_crop, pictures.before_a_webcam):
            varied = vary(self.pixels, np.random.default_rng(0))
            self.assertEqual((varied.shape, varied.dtype), (before.shape, np.uint8))
            np.testing.assert_array_equal(self.pixels, before)
            np.testing.assert_array_equal(varied, vary(self.pixels, np.random.default_rng(0)))
            self.assertFalse(np.array_equal(varied, before))

    def test_a_plain_picture_stays_plain_where_it_is_only_moved(self):
        plain = np.full((10, 64, 64, 3), 77, np.uint8)
        np.testing.assert_array_equal(pictures.look_aslant(plain, np.random.default_rng(1)), plain)
        np.testing.assert_array_equal(pictures.flip_and_crop(plain, np.random.default_rng(1)), plain)

    def test_a_sharpened_edge_is_steeper_and_a_plain_picture_stays(self):
        pixels = np.full((40, 8, 8, 3), 90, np.uint8)
        pixels[20:, :, 4:] = 160
        sharp = pictures.sharpen(pixels, np.random.default_rng(1))
        np.testing.assert_array_equal(sharp[:20], pixels[:20])
        altered = (sharp[20:] != pixels[20:]).any(axis=(1, 2, 3))
        self.assertTrue(3 < altered.sum() < 17)
        for picture in sharp[20:][altered]:
            self.assertTrue((picture[:, 3] < 90).all() and (picture[:, 4] > 160).all())

    def test_a_course_goes_on_anywhere_and_hints_follow_their_pictures(self):
        labels = np.arange(40, dtype=np.uint8)
        hints = [labels[:, None] + 100 * view for view in range(2)]
        with tempfile.TemporaryDirectory() as cache:
            course = pictures.Course(pictures.Pictures(self.pixels, labels, []), pictures.flip_and_crop, 2, 8, 1, cache, hints)
            whole, later = list(course.batches(0, 12)), list(course.batches(7, 12))
        for a, b in zip(whole[7:], later):
            np.testing.assert_array_equal(a.pixels, b.pixels)
        for number, batch in enumerate(whole):
            np.testing.assert_array_equal(batch.hints[:, 0], batch.labels + 100 * (number // 5 % 2))


class Counting(unittest.TestCase):
    def test_of_equal_logits_the_first_class_comes_first(self):
        logits = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])
        self.assertEqual(photographs.top_counts(logits, np.array([0, 2]), (1, 2)), [1, 2])

    def test_integer_logits_are_those_of_all_pictures(self):
        import torch

        from train.network import Ern

        torch.manual_seed(1)
        network = Ern(SHAPE).eval()
        pixels = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
        layers = integer.lower(network)
        np.testing.assert_array_equal(integer.logits(layers, pixels, 2), integer.run(layers, pixels)[1])
        np.testing.assert_allclose(photographs.float_logits(network, pixels, False), integer.run(layers, pixels)[1], atol=1e-4)


if __name__ == "__main__":
    unittest.main()
