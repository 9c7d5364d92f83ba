import io
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from train import families, integer, photographs, pictures, webcam
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
        batch = next(self.workshop.course(run.plan, training, taught=True).batches(3, 4))
        expected = photographs.float_logits(teacher.network, batch.pixels)
        np.testing.assert_allclose(batch.hints, expected, atol=0.05)

    def test_where_nothing_is_kept_the_teacher_sees_what_the_rows_see(self):
        workshop = self.workshop
        workshop.family = replace(self.family, vary=lambda pixels, rng: pixels, views=None, patched=0.5, epochs=1, teacher_epochs=1)
        with self.assertRaises(FileNotFoundError):
            workshop.train("learned table")
        workshop.train("teacher")
        workshop.train("learned table", seed=2)
        run = workshop.run("learned table", 512, seed=2)
        self.assertEqual((run.step, run.folder.name), (run.plan.steps, "learned-table-seed-2"))
        batch = next(workshop.course(run.plan, workshop.pictures(), taught=True).batches(2, 3))
        expected = photographs.float_logits(workshop.run("teacher", 512).network, batch.pixels)
        np.testing.assert_allclose(batch.hints, expected, atol=1e-4)

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
        kept = lambda seed: pictures.flip_and_crop(self.pixels, np.random.default_rng(seed))
        fresh = lambda seed: webcam.before_a_webcam(torch.from_numpy(self.pixels), torch.Generator().manual_seed(seed)).numpy()
        for vary in (kept, fresh):
            varied = vary(0)
            self.assertEqual((varied.shape, varied.dtype), (before.shape, np.uint8))
            np.testing.assert_array_equal(self.pixels, before)
            np.testing.assert_array_equal(varied, vary(0))
            self.assertFalse(np.array_equal(varied, before))

    def test_a_plain_picture_stays_plain_where_it_is_only_moved_or_blurred(self):
        plain = np.full((10, 64, 64, 3), 77, np.uint8)
        np.testing.assert_array_equal(pictures.flip_and_crop(plain, np.random.default_rng(1)), plain)
        plain = torch.full((10, 3, 64, 64), 77.0)
        for move in (webcam.look_aslant, webcam.soften):
            torch.testing.assert_close(move(plain, torch.Generator().manual_seed(1)), plain)

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


    def test_a_fresh_course_goes_on_anywhere(self):
        labels = np.arange(40, dtype=np.uint8)
        course = pictures.FreshCourse(pictures.Pictures(self.pixels, labels, range(40)), webcam.before_a_webcam, 0.5, 8, 1)
        whole, later = list(course.batches(0, 12)), list(course.batches(7, 12))
        for a, b in zip(whole[7:], later):
            for part in ("pixels", "labels", "seen"):
                np.testing.assert_array_equal(getattr(a, part), getattr(b, part))
        self.assertFalse(any(np.array_equal(a.pixels, b.pixels) for a, b in zip(whole, whole[5:])))

    def test_what_jpeg_leaves(self):
        smooth = np.stack([np.add.outer(np.arange(64), np.arange(64)) + shift for shift in (0, 40, 90)], axis=2).astype(np.uint8)
        for quality in (40, 60, 95):
            file = io.BytesIO()
            Image.fromarray(smooth).save(file, "JPEG", quality=quality)
            left = webcam.jpeg(torch.from_numpy(smooth).permute(2, 0, 1)[None].float(), torch.tensor([float(quality)]))
            wrong = np.abs(left[0].permute(1, 2, 0).numpy() - np.asarray(Image.open(file)).astype(float))
            self.assertLess(wrong.mean(), 1.5, quality)

    def test_what_is_to_be_seen_is_what_lies_there(self):
        pixels = torch.arange(20, dtype=torch.uint8)[:, None, None, None].expand(20, 64, 64, 3)
        patched, seen = webcam.patch(pixels, torch.arange(20), 20, 0.5, torch.Generator().manual_seed(1))
        counted = torch.stack([(patched[..., 0] == label).float().mean(dim=(1, 2)) for label in range(20)], dim=1)
        torch.testing.assert_close(seen, counted)
        self.assertGreater(int((seen.amax(dim=1) < 1).sum()), 4)


class Counting(unittest.TestCase):
    def test_of_equal_logits_the_first_class_comes_first(self):
        logits = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])
        self.assertEqual(photographs.top_counts(logits, np.array([0, 2]), (1, 2)), [1, 2])

    def test_integer_logits_are_those_of_all_pictures(self):
        from train.network import Ern

        torch.manual_seed(1)
        network = Ern(SHAPE).eval()
        pixels = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
        layers = integer.lower(network)
        np.testing.assert_array_equal(integer.logits(layers, pixels, 2), integer.run(layers, pixels)[1])
        np.testing.assert_allclose(photographs.float_logits(network, pixels, False), integer.run(layers, pixels)[1], atol=1e-4)


if __name__ == "__main__":
    unittest.main()
