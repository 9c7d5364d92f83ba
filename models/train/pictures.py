"""Labelled photographs: the sets, their variations, and a course through them with a teacher's hints.

The sets lie in a folder with a `load.py` whose `load(name, split)` gives pixels u8 [n, edge, edge, 3], labels [n] and the names of
the classes.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .trainer import Batch

# Pictures that are varied at once.
AT_ONCE = 250


@dataclass(frozen=True)
class Pictures:
    """A set of labelled pictures."""

    # u8 [n, edge, edge, 3].
    pixels: np.ndarray
    # u8 [n], positions in `classes`.
    labels: np.ndarray
    classes: list


def load(folder, name, split):
    """The set's split, `train` or another."""
    spec = importlib.util.spec_from_file_location("load", Path(folder) / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pixels, labels, classes = module.load(name, split)
    return Pictures(pixels, labels.astype(np.uint8), [str(name) for name in classes])


class Course:
    """An endless walk through a set, in batches that a `Run` learns from.

    The whole set is varied by `vary(pixels, rng)` in `views` ways, which take turns from epoch to epoch; `hints`, if there are
    any, are a teacher's logits for each view, [views, n, classes].
    """

    def __init__(self, pictures, vary, views, batch, seed, hints=None):
        self.pictures, self.vary, self.views = pictures, vary, views
        self.batch, self.seed, self.hints = batch, seed, hints

    def view(self, number):
        """The pixels of a view, in the set's order."""
        pixels = np.empty_like(self.pictures.pixels)
        for part, start in enumerate(range(0, len(pixels), AT_ONCE)):
            rows = slice(start, start + AT_ONCE)
            pixels[rows] = self.vary(self.pictures.pixels[rows], np.random.default_rng([self.seed, 2, number, part]))
        return pixels

    def batches(self, first, last):
        """Yields the batches numbered `first` to `last` (excluded)."""
        count = len(self.pictures.labels)
        per_epoch = count // self.batch
        for number in range(first, last):
            epoch, place = divmod(number, per_epoch)
            if number == first or place == 0:
                view = epoch % self.views
                pixels = self.view(view)
                order = np.random.default_rng([self.seed, 1, epoch]).permutation(count)
            rows = order[place * self.batch : (place + 1) * self.batch]
            hints = None if self.hints is None else self.hints[view][rows]
            yield Batch(pixels[rows], self.pictures.labels[rows], hints)


def unvaried(pictures, count=12_500):
    """Yields pixels of the set's first pictures as they are."""
    for start in range(0, count, AT_ONCE):
        yield pictures.pixels[start : start + AT_ONCE]


def flip_and_crop(pixels, rng, most=4):
    """Mirrors half of the pictures and moves each by up to `most` pixels, its border mirrored."""
    edge = pixels.shape[1]
    padded = np.pad(pixels, ((0, 0), (most, most), (most, most), (0, 0)), mode="reflect")
    out = np.empty_like(pixels)
    for i, (y, x) in enumerate(rng.integers(0, 2 * most + 1, (len(pixels), 2))):
        out[i] = padded[i, y : y + edge, x : x + edge]
    turned = rng.random(len(pixels)) < 0.5
    out[turned] = out[turned, :, ::-1]
    return out
