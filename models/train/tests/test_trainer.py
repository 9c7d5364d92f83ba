import tempfile
import unittest

import numpy as np
import torch

from train import frames, measure
from train.network import Shape
from train.trainer import Plan, Run


class Films:
    """Films of noise with a hint at the label, in place of the renderer's."""

    def records(self, seed, count=None):
        count = count or frames.CHUNK
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, count).astype(np.uint8)
        pixels = rng.integers(0, 200, (count, 16, 16, 3)).astype(np.uint8)
        pixels[np.arange(count), :, :, labels] += 50
        heights = np.where(labels == 2, 0, 70).astype(np.uint8)
        return frames.Records(pixels, labels, heights, np.zeros(count, np.uint8))


def course():
    return frames.Course(Films(), chunks=2, batch=16, seed=1)


def small_plan(**changes):
    shape = Shape(3, edge=16, stem=8, widths=(8, 8), blocks=(1, 1))
    return Plan(shape, **{"frames": 160, "chunks": 2, "batch": 16, "bfloat16": False, **changes})


class Training(unittest.TestCase):
    def setUp(self):
        self.chunk, frames.CHUNK = frames.CHUNK, 64

    def tearDown(self):
        frames.CHUNK = self.chunk

    def test_a_stopped_run_goes_on_bit_for_bit(self):
        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as parts:
            straight = Run(small_plan(), whole)
            straight.train(course())
            Run(small_plan(), parts).train(course(), until=7)
            second = Run(small_plan(), parts)
            self.assertEqual(second.step, 7)
            second.train(course())
            for name, value in straight.network.state_dict().items():
                self.assertTrue(torch.equal(value, second.network.state_dict()[name]), name)

    def test_another_plan_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            Run(small_plan(), folder).train(course(), until=1)
            with self.assertRaises(ValueError):
                Run(small_plan(seed=2), folder)

    def test_the_rate_rises_and_falls(self):
        plan = small_plan(frames=1600)
        rates = [plan.rate(step) for step in range(plan.steps)]
        self.assertAlmostEqual(max(rates), plan.peak_rate, places=4)
        self.assertLess(rates[-1], plan.peak_rate / 1000)

    def test_the_table_takes_its_share_of_the_rate(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(small_plan(table_rate=0.0), folder)
            before = {name: value.clone() for name, value in run.network.named_parameters()}
            run.train(course(), until=2)
            same = {name for name, value in run.network.named_parameters() if torch.equal(value, before[name])}
            self.assertEqual(same, {"pixel_embedding.table"})

    def test_a_run_begins_with_the_network_given_and_goes_on_with_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            given = Run(small_plan(seed=5), folder + "/given").network
            run = Run(small_plan(), folder + "/run", start=lambda: given)
            self.assertIs(run.network, given)
            run.train(course(), until=1)
            again = Run(small_plan(), folder + "/run", start=lambda: self.fail("there is a checkpoint"))
            for name, value in again.network.state_dict().items():
                self.assertTrue(torch.equal(value, given.state_dict()[name]), name)

    def test_a_wide_course_has_all_three_kinds_in_every_batch(self):
        alone = frames.Alone(Films().records(9, 20).pixels, 2, 3, 3)
        wide = frames.WideCourse(frames.Course(Films(), 2, 6, 1), frames.Course(Films(), 2, 7, 2), alone)
        batches = list(wide.batches(0, 3))
        for batch in batches:
            self.assertEqual((batch.pixels.shape, batch.labels.shape), ((16, 16, 16, 3), (16,)))
            self.assertTrue((batch.labels[-3:] == 2).all())
        np.testing.assert_array_equal(next(wide.batches(2, 3)).pixels, batches[2].pixels)

    def test_batches_follow_from_their_numbers(self):
        all_at_once = list(course().batches(0, 9))
        later = list(course().batches(5, 9))
        for a, b in zip(all_at_once[5:], later):
            np.testing.assert_array_equal(a.pixels, b.pixels)
            np.testing.assert_array_equal(a.labels, b.labels)


class Variation(unittest.TestCase):
    def test_labels_stay_and_sources_too(self):
        records = Films().records(3, 64)
        before = records.pixels.copy()
        varied = frames.vary(records, np.random.default_rng(0))
        np.testing.assert_array_equal(records.pixels, before)
        np.testing.assert_array_equal(records.labels, varied.labels)
        self.assertEqual((varied.pixels.shape, varied.pixels.dtype), (before.shape, np.uint8))
        self.assertFalse(np.array_equal(varied.pixels, before))


    def test_wide_records_are_turned_by_quarters(self):
        records = Films().records(3, 64)
        turned = frames.turn(records, np.random.default_rng(0), grey=0)
        turns = [[np.array_equal(np.rot90(before, count), after) for count in range(4)].index(True)
                 for before, after in zip(records.pixels, turned.pixels)]
        self.assertEqual(set(turns), {0, 1, 2, 3})
        grey = frames.turn(records, np.random.default_rng(0), grey=1).pixels
        self.assertTrue((grey == grey[..., :1]).all())


class Figures(unittest.TestCase):
    def test_shares(self):
        labels = np.array([0, 0, 1, 2, 2])
        answers = np.array([0, 2, 1, 2, 1])
        figures = measure.figures(answers, labels, np.array([45, 45, 90, 0, 0]), np.array([1, 17, 6, 0, 0]), 2, [(40, 50), (80, 96)])
        self.assertEqual(figures["accuracy"], 0.6)
        self.assertEqual(figures["nothing_called_card"], 0.5)
        self.assertEqual(figures["card_called_nothing"], 0.3333)
        self.assertEqual(figures["by_height_percent"]["40-49"], 0.5)
        self.assertEqual(figures["by_hidden_percent"]["15-20"], 0.0)
        self.assertIsNone(figures["by_hidden_percent"]["10-14"])


if __name__ == "__main__":
    unittest.main()
