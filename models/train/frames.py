"""Labelled frames: rendered by `ernscope render`, kept in a cache, varied for training.

Training reads films of seeds from FIRST_SEED on; every seed below it is for measuring and showing and is never trained on.
A chunk is one film's records. Records of a film come from different shots, so a chunk is a fair sample and chunks can be
read one after another.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .pictures import recolour, sharpen
from .trainer import Batch

# The first seed that is trained on.
FIRST_SEED = 1_000_000
# Frames a chunk.
CHUNK = 4000


@dataclass(frozen=True)
class Records:
    """Frames and what they show."""

    # u8 [n, edge, edge, 3].
    pixels: np.ndarray
    # u8 [n], positions in the labels.
    labels: np.ndarray
    # u8 [n], the card's height in percent of the frame's, 0 without a card.
    heights: np.ndarray
    # u8 [n], the card's hidden part in percent.
    hidden: np.ndarray

    def take(self, order):
        """The records at `order`, in that order."""
        return Records(self.pixels[order], self.labels[order], self.heights[order], self.hidden[order])


class Films:
    """Films by seed, from the cache folder or else from the renderer into it: the demo's, or wide ones with the photographs of a
    folder."""

    def __init__(self, cache, program, edge=64, photographs=None):
        self.cache, self.program, self.edge, self.photographs = Path(cache), str(program), edge, photographs

    def labels(self):
        """The names of the classes, in order."""
        with open(self.path(FIRST_SEED, CHUNK), "rb") as stream:
            return json.loads(stream.readline())["labels"]

    def path(self, seed, frames):
        """The file with the film's first `frames` records, rendered if it is not there yet."""
        kind = "" if self.photographs is None else f"-wide-{self.photographs.name}"
        path = self.cache / f"{seed}-{frames}-{self.edge}{kind}.records"
        if not path.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.cache, suffix=".part", delete=False) as part:
                what = ["--seed", str(seed), "--frames", str(frames), "--edge", str(self.edge)]
                wide = [] if self.photographs is None else ["--wide", str(self.photographs)]
                subprocess.run([self.program, "render", *what, *wide], stdout=part, check=True)
            os.replace(part.name, path)
        return path

    def records(self, seed, frames=CHUNK):
        """The first `frames` records of a film."""
        path = self.path(seed, frames)
        with open(path, "rb") as stream:
            head = len(stream.readline())
        rows = np.memmap(path, np.uint8, "r", head, (frames, 4 + self.edge * self.edge * 3))
        pixels = rows[:, 4:].reshape(frames, self.edge, self.edge, 3)
        return Records(pixels, *(np.array(rows[:, i]) for i in range(3)))


class Course:
    """An endless walk through the first `chunks` films, in batches that a `Run` learns from."""

    def __init__(self, films, chunks, batch, seed):
        self.films, self.chunks, self.batch, self.seed = films, chunks, batch, seed

    def drawn(self, first, last):
        """Yields the records of the batches numbered `first` to `last` (excluded), with the random numbers to vary them by."""
        per_chunk = CHUNK // self.batch
        for number in range(first, last):
            walk, place = divmod(number, per_chunk)
            if number == first or place == 0:
                chunk = self.films.records(FIRST_SEED + walk % self.chunks)
                order = np.random.default_rng([self.seed, 1, walk]).permutation(CHUNK)
            records = chunk.take(order[place * self.batch : (place + 1) * self.batch])
            yield records, np.random.default_rng([self.seed, 2, number])

    def batches(self, first, last):
        """Yields the batches numbered `first` to `last` (excluded)."""
        for records, rng in self.drawn(first, last):
            varied = vary(records, rng)
            yield Batch(varied.pixels, varied.labels)


class Alone:
    """An endless draw of photographs with no card in them, in batches of records like a film's. `label` is the position of "nothing"."""

    def __init__(self, pixels, label, batch, seed):
        self.pixels, self.label, self.batch, self.seed = pixels, label, batch, seed

    def drawn(self, first, last):
        """Yields the records of the batches numbered `first` to `last` (excluded), with the random numbers to vary them by."""
        none, labels = np.zeros(self.batch, np.uint8), np.full(self.batch, self.label, np.uint8)
        for number in range(first, last):
            rng = np.random.default_rng([self.seed, 2, number])
            pixels = self.pixels[rng.integers(len(self.pixels), size=self.batch)]
            yield Records(pixels, labels, none, none), rng


class WideCourse:
    """A walk through the demo's films, through wide ones and through photographs alone at once: every batch has records of all three."""

    def __init__(self, demo, wide, alone):
        self.demo, self.wide, self.alone = demo, wide, alone

    def batches(self, first, last):
        """Yields the batches numbered `first` to `last` (excluded)."""
        for (demo, rng), *turned in zip(*(course.drawn(first, last) for course in (self.demo, self.wide, self.alone))):
            parts = vary(demo, rng), *(vary(turn(records, own), own) for records, own in turned)
            pixels, labels = (np.concatenate(column) for column in zip(*((part.pixels, part.labels) for part in parts)))
            yield Batch(sharpen(pixels, rng), labels)


def unvaried(films, frames=12_000, at_once=250):
    """Yields pixels of training frames as rendered, from each of several `films` alike."""
    for seed in range(FIRST_SEED, FIRST_SEED + frames // CHUNK):
        pixels = [kind.records(seed).pixels for kind in films]
        for start in range(0, CHUNK, at_once // len(films)):
            yield np.concatenate([part[start : start + at_once // len(films)] for part in pixels])


def vary(records, rng):
    """The records with small changes that keep their labels: place, colours, more hidden, other nothings."""
    pixels = np.array(records.pixels)
    nothing = records.heights == 0
    pixels[nothing] = vary_nothing(pixels[nothing], rng)
    pixels = recolour(shift(pixels, rng), rng)
    hide(pixels, records.heights, rng)
    return Records(pixels, records.labels, records.heights, records.hidden)


def turn(records, rng, grey=0.25):
    """The records by quarter turns, which are as good as any other, and some as a camera without colours sees them."""
    pixels = np.array(records.pixels)
    for i, picture in enumerate(records.pixels):
        pixels[i] = np.rot90(picture, rng.integers(4))
        if rng.random() < grey:
            pixels[i] = (pixels[i] @ [0.299, 0.587, 0.114]).astype(np.uint8)[..., None]
    return Records(pixels, records.labels, records.heights, records.hidden)


def vary_nothing(pixels, rng):
    """Turns and mirrors pictures without a card, and makes some of halves of two."""
    out = np.empty_like(pixels)
    for i, picture in enumerate(pixels):
        if rng.random() < 0.3:
            other, cut = pixels[rng.integers(len(pixels))], rng.integers(len(picture) // 8, len(picture) * 7 // 8)
            picture = np.concatenate([picture[:cut], other[cut:]])
        picture = np.rot90(picture, rng.integers(4))
        out[i] = picture[::-1] if rng.random() < 0.5 else picture
        if rng.random() < 0.4:
            out[i] = lay_print(out[i], pixels[rng.integers(len(pixels))], rng)
    return out


def lay_print(picture, motif, rng):
    """A picture with a card-sized print of another one lying in it, on paper of its own colour, at any angle."""
    edge = len(picture)
    height, turn = rng.uniform(0.35, 0.95) * edge, rng.uniform(-0.7, 0.7)
    half = np.array([rng.uniform(0.55, 0.9) * height, height]) / 2
    place = np.arange(edge) + 0.5 - rng.uniform(0.25, 0.75, (2, 1)) * edge
    across = place[1] * np.cos(turn) + place[0][:, None] * np.sin(turn)
    down = place[0][:, None] * np.cos(turn) - place[1] * np.sin(turn)
    size = half * rng.uniform(0.3, 0.95, 2)
    rows, columns = ((at / reach * 0.5 + 0.5) * edge for at, reach in [(down, size[1]), (across, size[0])])
    printed = motif[np.clip(rows, 0, edge - 1).astype(int), np.clip(columns, 0, edge - 1).astype(int)]
    paper = rng.uniform(150, 256) * rng.uniform(0.9, 1.0, 3)
    out = blend(picture, paper, np.minimum(half[0] - abs(across), half[1] - abs(down)))
    return blend(out, printed, np.minimum(size[0] - abs(across), size[1] - abs(down))).astype(np.uint8)


def blend(below, above, depth):
    """`above` where `depth`, in pixels from its outline inwards, is positive; a soft outline."""
    share = np.clip(depth + 0.5, 0, 1)[..., None]
    return below * (1 - share) + above * share


def shift(pixels, rng, most=3):
    """Moves half of the pictures by up to `most` pixels, repeating their borders."""
    out = np.array(pixels)
    edge = pixels.shape[1]
    for i in np.flatnonzero(rng.random(len(pixels)) < 0.5):
        rows, columns = (np.clip(np.arange(edge) + rng.integers(-most, most + 1), 0, edge - 1) for _ in range(2))
        out[i] = pixels[i][rows][:, columns]
    return out


def hide(pixels, heights, rng, share=0.35):
    """Covers a `share` of the pictures with a rectangle, plain or cut from another picture, small beside the card."""
    edge = pixels.shape[1]
    covers = np.array(pixels)
    for i in np.flatnonzero(rng.random(len(pixels)) < share):
        card = (heights[i] or 70) / 100 * edge
        height, width = (max(2, int(card * side)) for side in rng.uniform(0.1, 0.4, 2))
        y, x = rng.integers(0, edge - height), rng.integers(0, edge - width)
        if rng.random() < 0.5:
            cover = rng.integers(0, 256, 3)
        else:
            cover = covers[rng.integers(len(pixels)), :height, :width]
        pixels[i, y : y + height, x : x + width] = cover
