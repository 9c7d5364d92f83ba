"""Labelled photographs: the sets, their variations, and a course through them with a teacher's hints.

The sets lie in a folder with a `load.py` whose `load(name, split)` gives pixels u8 [n, edge, edge, 3], labels [n] and the names of
the classes.
"""

import importlib.util
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch.nn import functional as F

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

    The whole set is varied by `vary(pixels, rng)` in `views` ways, which take turns from epoch to epoch and are kept in the folder
    `cache`; `hints`, if there are any, are a teacher's logits for each view, [views][n, classes]. What a batch holds lies on `device`.
    """

    def __init__(self, pictures, vary, views, batch, seed, cache, hints=None, device="cpu"):
        self.pictures, self.vary, self.views = pictures, vary, views
        self.batch, self.seed, self.cache, self.hints = batch, seed, Path(cache), hints
        self.device = torch.device(device)
        self.on_device = {}

    def view(self, number):
        """The pixels of a view, in the set's order."""
        path = self.cache / f"{number}.npy"
        if not path.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.cache, suffix=".part", delete=False) as part:
                np.save(part, self.varied(number))
            os.replace(part.name, path)
        return np.load(path, mmap_mode="c")

    def loaded(self, number):
        """A view's pixels, the labels and the view's hints (or None), on the device."""
        if number not in self.on_device:
            hints = None if self.hints is None else self.hints[number]
            parts = (self.view(number), self.pictures.labels, hints)
            self.on_device[number] = [None if part is None else torch.from_numpy(part).to(self.device) for part in parts]
        return self.on_device[number]

    def varied(self, number):
        """Makes a view."""
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
                pixels, labels, hints = self.loaded(epoch % self.views)
                order = np.random.default_rng([self.seed, 1, epoch]).permutation(count)
                order = torch.from_numpy(order).to(self.device)
            rows = order[place * self.batch : (place + 1) * self.batch]
            yield Batch(pixels[rows], labels[rows], None if hints is None else hints[rows])


def unvaried(pictures, count=2_500):
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


def recolour(pixels, rng):
    """Gives every picture and colour its own curve: contrast, brightness, gamma."""
    n = len(pixels)
    ramp = np.linspace(0.0, 1.0, 256)
    gamma = np.exp(rng.normal(0, 0.15, (n, 1, 1)) + rng.normal(0, 0.05, (n, 3, 1)))
    gain = np.exp(rng.normal(0, 0.12, (n, 1, 1)) + rng.normal(0, 0.06, (n, 3, 1)))
    lift = rng.normal(0, 0.03, (n, 1, 1))
    curves = (np.clip(ramp**gamma * gain + lift, 0, 1) * 255 + 0.5).astype(np.uint8)
    return curves[np.arange(n)[:, None, None, None], np.arange(3), pixels]


def before_a_webcam(pixels, rng):
    """The pictures as a webcam may see them: another part, aslant, mirrored, under other light, out of focus, with noise, as JPEG."""
    return compress(grain(soften(recolour(look_aslant(pixels, rng), rng), rng), rng), rng)


def look_aslant(pixels, rng):
    """Cuts a quadrangle out of each picture and makes it the picture; beyond the border, the border goes on."""
    n, edge = len(pixels), pixels.shape[1]
    half = np.sqrt(rng.uniform(0.35, 1.2, (n, 1))) * np.exp(rng.uniform(-0.2, 0.2, (n, 1)) * [1, -1])
    centre = rng.uniform(-1, 1, (n, 2)) * np.maximum(1.05 - half, 0)
    corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * (1 + rng.uniform(-0.15, 0.15, (n, 4, 2)))
    corners[rng.random(n) < 0.5, :, 0] *= -1
    turn = rng.normal(0, 0.1, n)
    turned = corners @ np.moveaxis(np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]), 2, 0)
    corners = torch.from_numpy((turned * half[:, None] + centre[:, None]).astype(np.float32))
    # Every place of the new picture by bilinear interpolation between the corners.
    grid = F.interpolate(corners.transpose(1, 2).view(n, 2, 2, 2), size=(edge, edge), mode="bilinear", align_corners=True)
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    seen = F.grid_sample(values, grid.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
    return seen.permute(0, 2, 3, 1).round().byte().numpy()


def soften(pixels, rng, share=0.5):
    """Blurs a `share` of the pictures, each by a Gaussian of its own."""
    out = np.array(pixels)
    for i in np.flatnonzero(rng.random(len(pixels)) < share):
        out[i] = Image.fromarray(pixels[i]).filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.1)))
    return out


def sharpen(pixels, rng, share=0.4, most=1.5):
    """A `share` of the pictures sharpened as cameras do: what a pixel differs by from the mean around it is added up to `most` times."""
    out = np.array(pixels)
    for i in np.flatnonzero(rng.random(len(pixels)) < share):
        picture = Image.fromarray(pixels[i])
        out[i] = Image.blend(picture.filter(ImageFilter.BoxBlur(1)), picture, 1 + rng.uniform(0, most))
    return out


def grain(pixels, rng, most=8.0):
    """Adds noise, of its own strength to each picture."""
    out = rng.standard_normal(pixels.shape, np.float32)
    out *= rng.uniform(0, most, (len(pixels), 1, 1, 1)).astype(np.float32)
    out += pixels
    return np.clip(out, 0, 255, out=out).round(out=out).astype(np.uint8)


def compress(pixels, rng, share=0.5):
    """Sends a `share` of the pictures through JPEG, each at a quality of its own."""
    out = np.array(pixels)
    for i in np.flatnonzero(rng.random(len(pixels)) < share):
        file = io.BytesIO()
        Image.fromarray(pixels[i]).save(file, "JPEG", quality=int(rng.integers(40, 96)))
        out[i] = Image.open(file)
    return out


def webcam_scene(pixels, rng):
    """A picture as a webcam of 640x480 may deliver it, as bytes of a JPEG file: enlarged, aslant, a little out of focus."""
    scene = Image.fromarray(pixels).resize((640, 480), Image.BICUBIC)
    outline = np.array([[0, 0], [0, 480], [640, 480], [640, 0]])
    # The corners of what is seen, up to 8 % off the picture's.
    seen = outline + rng.uniform(-0.08, 0.08, (4, 2)) * [640, 480]
    scene = scene.transform((640, 480), Image.QUAD, seen.flatten().tolist(), Image.BILINEAR)
    file = io.BytesIO()
    scene.filter(ImageFilter.GaussianBlur(rng.uniform(1, 5))).save(file, "JPEG", quality=int(rng.integers(50, 91)))
    return file.getvalue()
