"""Pictures to learn from what is known and what is not: photographs of the classes and of others, varied alike.

Nothing but what a picture shows may tell the foreign from the known. So whatever is done to the one is done to the other: foreign
photographs are larger and are made smaller by several filters, so both are softened and sharpened; those of CIFAR-100 have 32 pixels,
so some of the known are brought to 32 and back.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from . import pictures

EDGE, SMALL = 64, 32
FILTERS = (Image.BICUBIC, Image.BILINEAR, Image.LANCZOS, Image.BOX)
# Photographs as a webcam may see them; the others as they are, more or less.
WEBCAM = 0.4
# Known photographs that are brought to 32 pixels and back.
COARSE = 0.2
# Classes of CIFAR-100 that show what the classes of Tiny-ImageNet's half show, too.
SHARED = set(
    "bear bee bus bottle bowl butterfly can chair cup elephant keyboard lamp lion mushroom orange plate rocket snail sweet_pepper table "
    "telephone tractor pickup_truck train dinosaur aquarium_fish crab clock hamster".split()
)


def foreign(folder):
    """The photographs of a folder, by name, and what each is for: to train, for the limit, or (every second) to measure."""
    files = sorted(path for path in Path(folder).iterdir() if path.suffix in (".jpg", ".png"))
    photographs = [Image.open(path).convert("RGB") for path in files]
    places = np.arange(len(files))
    uses = {"train": np.isin(places % 6, (0, 2)), "limit": places % 6 == 4, "measure": places % 2 == 1}
    return photographs, {use: np.flatnonzero(chosen) for use, chosen in uses.items()}


def views(photographs, rng):
    """A view of each photograph (an Image or its pixels, square), u8 [n, 64, 64, 3]."""
    photographs = [Image.fromarray(one) if isinstance(one, np.ndarray) else one for one in photographs]
    webcam = rng.random(len(photographs)) < WEBCAM
    seen = np.stack([_whole(one, rng) if far else _part(one, rng) for one, far in zip(photographs, webcam)])
    for rows in _some(np.flatnonzero(webcam)):
        seen[rows] = pictures.before_a_webcam(seen[rows], rng)
    for vary, share in [(pictures.recolour, 0.4), (lambda some, rng: pictures.grain(some, rng, 4.0), 0.4), (_compressed, 0.75)]:
        for rows in _some(np.flatnonzero(~webcam & (rng.random(len(seen)) < share))):
            seen[rows] = vary(seen[rows], rng)
    return seen


def _some(rows):
    """The rows, as many at once as pictures are varied; none if there are none."""
    return [rows[start : start + pictures.AT_ONCE] for start in range(0, len(rows), pictures.AT_ONCE)]


def _coarse(one, rng):
    """A photograph of 64 pixels as one of 32 looks, now and then."""
    if one.width != EDGE or rng.random() >= COARSE:
        return one
    return one.resize((SMALL, SMALL), Image.BOX).resize((EDGE, EDGE), Image.BICUBIC)


def _cut(one, share, aspect, rng):
    """A part of a photograph, `share` of its edge long, in 64 pixels."""
    edge, part = one.width, share * one.width
    width, height = min(edge, part * aspect), min(edge, part / aspect)
    x, y = rng.uniform(0, edge - width), rng.uniform(0, edge - height)
    way = FILTERS[rng.integers(len(FILTERS))] if edge != SMALL else Image.BICUBIC
    return one.resize((EDGE, EDGE), way, box=(x, y, x + width, y + height))


def _whole(one, rng):
    """What a webcam is held before."""
    return np.asarray(_cut(one, rng.uniform(0.75, 1), 1.0, rng) if one.width > EDGE else _coarse(one, rng).resize((EDGE, EDGE), Image.BICUBIC))


def _part(one, rng):
    """A photograph nearly as it is: most of it, mirrored or not, softened, sharpened or neither."""
    seen = _cut(one, rng.uniform(0.6 if one.width > EDGE else 0.8, 1), np.exp(rng.uniform(-0.07, 0.07)), rng)
    if rng.random() < 0.5:
        seen = seen.transpose(Image.FLIP_LEFT_RIGHT)
    seen = _coarse(seen, rng) if one.width == EDGE else seen
    chance = rng.random()
    if chance < 0.3:
        seen = seen.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))
    elif chance < 0.5:
        seen = seen.filter(ImageFilter.UnsharpMask(1, int(rng.uniform(20, 120)), 0))
    return np.asarray(seen)


def _compressed(pixels, rng):
    return np.stack([through_jpeg(one, int(rng.integers(60, 96))) for one in pixels])


def near(photograph, rng, count=12):
    """A foreign photograph as it is measured, `count` times: nearly whole, at 64 pixels, mirrored or not, as JPEG of quality 80."""
    cuts = [_cut(photograph, 1.0 if view < count // 3 else rng.uniform(0.85, 1), 1.0, rng) for view in range(count)]
    turned = [cut.transpose(Image.FLIP_LEFT_RIGHT) if view % 2 else cut for view, cut in enumerate(cuts)]
    return np.stack([through_jpeg(np.asarray(view), 80) for view in turned])


def as_measured(photographs):
    """Pictures at 64 pixels, through one JPEG of quality 80: u8 [n, 64, 64, 3]."""
    images = [Image.fromarray(one) if isinstance(one, np.ndarray) else one for one in photographs]
    return np.stack([through_jpeg(np.asarray(one.resize((EDGE, EDGE), Image.BICUBIC)), 80) for one in images])


def through_jpeg(pixels, quality):
    """A picture's pixels as a JPEG keeps them."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def shaken(pixels, rng, share=0.3):
    """The pixels, a `share` of their bytes one more or one less."""
    by = (rng.random(pixels.shape, np.float32) < share) * np.where(rng.random(pixels.shape, np.float32) < 0.5, -1, 1)
    return np.clip(pixels.astype(np.int16) + by, 0, 255).astype(np.uint8)
