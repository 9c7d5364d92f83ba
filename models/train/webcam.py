"""Pictures as a webcam may see them, varied where they are learned from: on a GPU this costs less than a step of training, so that
every picture is varied anew whenever it is learned from.

Pixels are float32 [n, 3, edge, edge], 0 to 255, unless something else is said; `rng` is a torch.Generator on their device.
"""

import math

import torch
from torch.nn import functional as F

# JPEG's tables of steps for brightness and colour (ITU-T T.81, annex K.1), and its colours' weights (JFIF).
BRIGHTNESS = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
    18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
COLOUR = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
    99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""
TO_PLANES = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
TO_COLOURS = [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]


def before_a_webcam(pixels, rng):
    """u8 [n, edge, edge, 3] as a webcam may see it: another part, aslant, mirrored, under other light, out of focus, with noise, as
    JPEG. The last three befall a part of the pictures only: most webcams are better than their worst."""
    values = recolour(look_aslant(pixels.permute(0, 3, 1, 2).float(), rng), rng)
    values = compress(grain(soften(values, rng), rng), rng)
    return values.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


def uniform(rng, low, high, *shape):
    """Numbers drawn between `low` and `high`."""
    return low + (high - low) * torch.rand(shape, generator=rng, device=rng.device)


def normal(rng, deviation, *shape):
    """Numbers drawn around zero."""
    return deviation * torch.randn(shape, generator=rng, device=rng.device)


def chosen(rng, n, share):
    """True for a `share` of the pictures, bool [n, 1, 1, 1]."""
    return uniform(rng, 0, 1, n, 1, 1, 1) < share


def look_aslant(pixels, rng):
    """Cuts a quadrangle out of each picture and makes it the picture; beyond the border, the border goes on."""
    n, edge = len(pixels), pixels.shape[2]
    new = pixels.new_tensor
    half = uniform(rng, 0.35, 1.2, n, 1).sqrt() * (uniform(rng, -0.2, 0.2, n, 1) * new([1, -1])).exp()
    centre = uniform(rng, -1, 1, n, 2) * (1.05 - half).clamp(min=0)
    corners = new([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * (1 + uniform(rng, -0.15, 0.15, n, 4, 2))
    mirrored = torch.where(chosen(rng, n, 0.5)[..., 0], new([-1, 1]), new([1, 1]))
    turn = normal(rng, 0.1, n)
    turns = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], dim=1).view(n, 2, 2)
    corners = ((corners * mirrored) @ turns) * half[:, None] + centre[:, None]
    # Every place of the new picture by bilinear interpolation between the corners.
    grid = F.interpolate(corners.transpose(1, 2).reshape(n, 2, 2, 2), size=(edge, edge), mode="bilinear", align_corners=True)
    return F.grid_sample(pixels, grid.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)


def recolour(pixels, rng):
    """Gives every picture and colour its own curve: contrast, brightness, gamma."""
    n = len(pixels)
    gamma = (normal(rng, 0.15, n, 1, 1, 1) + normal(rng, 0.05, n, 3, 1, 1)).exp()
    gain = (normal(rng, 0.12, n, 1, 1, 1) + normal(rng, 0.06, n, 3, 1, 1)).exp()
    return 255 * ((pixels / 255) ** gamma * gain + normal(rng, 0.03, n, 1, 1, 1)).clamp(0, 1)


def soften(pixels, rng, share=0.35, reach=3):
    """Blurs a `share` of the pictures, each by a Gaussian of its own."""
    n = len(pixels)
    # The Gaussian of a picture that stays as it is falls to zero at once.
    deviation = torch.where(chosen(rng, n, share), uniform(rng, 0.2, 1.1, n, 1, 1, 1), 0.01)
    weights = [torch.exp(-0.5 * (away / deviation) ** 2) for away in range(-reach, reach + 1)]
    for axis, padding in [(2, (0, 0, reach, reach)), (3, (reach, reach, 0, 0))]:
        padded, edge = F.pad(pixels, padding, mode="replicate"), pixels.shape[axis]
        pixels = sum(weight * padded.narrow(axis, start, edge) for start, weight in enumerate(weights)) / sum(weights)
    return pixels


def grain(pixels, rng, share=0.6, most=8.0):
    """Adds noise to a `share` of the pictures, of its own strength to each."""
    n = len(pixels)
    strength = uniform(rng, 0, most, n, 1, 1, 1) * chosen(rng, n, share)
    return (pixels + strength * normal(rng, 1.0, *pixels.shape)).clamp(0, 255)


def compress(pixels, rng, share=0.35):
    """Makes of a `share` of the pictures what JPEG leaves of them, each at a quality of its own."""
    quality = torch.floor(uniform(rng, 40, 96, len(pixels)))
    return torch.where(chosen(rng, len(pixels), share), jpeg(pixels, quality), pixels)


def jpeg(pixels, quality):
    """What JPEG leaves of pictures at these qualities [n], with half as many pixels a side in colour as in brightness."""
    bright, colour = torch.einsum("pc,nchw->nphw", pixels.new_tensor(TO_PLANES), pixels).split([1, 2], dim=1)
    bright = coarse(bright - 128, _steps(BRIGHTNESS, quality)) + 128
    colour = coarse(F.avg_pool2d(colour, 2), _steps(COLOUR, quality))
    planes = torch.cat([bright, F.interpolate(colour, scale_factor=2.0, mode="bilinear", align_corners=False)], dim=1)
    return torch.einsum("cp,nphw->nchw", pixels.new_tensor(TO_COLOURS), planes).clamp(0, 255)


def _steps(table, quality):
    """A table of JPEG's at these qualities [n], as libjpeg scales it: [n, 1, 1, 8, 1, 8]."""
    table = quality.new_tensor([int(step) for step in table.split()])
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None]
    return ((table * scale + 50) / 100).floor().clamp(1, 255).view(-1, 1, 1, 8, 1, 8)


def coarse(planes, steps):
    """Rounds the cosines of the blocks of planes [n, planes, edge, edge] to whole `steps`; edges are multiples of 8."""
    n, count, edge, _ = planes.shape
    place = torch.arange(8, device=planes.device)
    cosines = torch.cos((2 * place + 1) * place[:, None] * (math.pi / 16)) / 2
    cosines[0] /= math.sqrt(2)
    blocks = planes.reshape(n, count, edge // 8, 8, edge // 8, 8)
    waves = torch.einsum("ua,npyaxb,vb->npyuxv", cosines, blocks, cosines)
    blocks = torch.einsum("ua,npyuxv,vb->npyaxb", cosines, (waves / steps).round() * steps, cosines)
    return blocks.reshape(n, count, edge, edge)


def patch(pixels, labels, classes, share, rng):
    """Pastes a rectangle of the picture before it into a `share` of the pictures, u8 [n, edge, edge, 3] (Yun et al., CutMix).

    Gives the pixels and what there is to see: float32 [n, classes], of each class the part of the area.
    """
    n, edge = len(pixels), pixels.shape[1]
    side = uniform(rng, 0, 1, n, 1, 1).sqrt() * chosen(rng, n, share)[..., 0]
    lines = (torch.arange(edge, device=pixels.device) + 0.5) / edge
    down, across = ((lines - uniform(rng, 0, 1, n, 1)).abs() < side[..., 0] / 2 for _ in range(2))
    pasted = down[:, :, None] & across[:, None, :]
    part = pasted.float().mean(dim=(1, 2))[:, None]
    seen = F.one_hot(labels.long(), classes).float()
    return torch.where(pasted[..., None], pixels.roll(1, 0), pixels), (1 - part) * seen + part * seen.roll(1, 0)
