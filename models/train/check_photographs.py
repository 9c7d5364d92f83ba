"""Cards over real photographs, composed without the demo's renderer: how many are recognised, how many are made up.

    python3 -m train.check_photographs --ernscope PATH [--model cards] [--keep FOLDER]

The cards are cut from the printable sheet (by pdftoppm), the photographs are the validation pictures of tiny-imagenet-a, which no
network of ours was trained on. The pictures go through `ernscope classify --json`. Four lines are measured, each on `--count`
pictures of a kind; every range is drawn from uniformly:

    as the demo    height 40-95 % of the frame's, roll +-35 degrees, tilt +-36 degrees, hidden part 0-20 %, light, blur, noise, JPEG;
                   as many pictures show no card of ours: photographs, blank cards, foreign cards, white things with coloured blobs,
                   hands
    any way up     height 30-95 %, any roll, the rest the same
    in grey        the same, the card printed in grey
    our frame      in the frame of our cards a foreign photograph, held as the demo does and any way up by turns: no card of ours
"""

import argparse
import io
import json
import math
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# Edge of a composed picture, and how many times finer it is drawn.
EDGE, FINE = 256, 2
# Card width by height; the frame's width by the card's.
CARD_ASPECT = 250 / 350
FRAME = 15 / 250
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ranges:
    """How cards are held: the least height as a part of the picture's, the roll in degrees to either side."""

    least: float
    roll: float


AS_THE_DEMO, ANY_WAY_UP = Ranges(0.40, 35), Ranges(0.30, 180)


def read_photographs(path):
    """The validation photographs of a set in the shared folder, as JPEG or WebP bytes."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    part = {name: body[slice(*header[f"val.{name}"]["data_offsets"])] for name in ("bytes", "offsets")}
    kind = {"I64": np.int64, "I32": np.int32, "U32": np.uint32, "U64": np.uint64}[header["val.offsets"]["dtype"]]
    offsets = np.frombuffer(part["offsets"], kind)
    return [part["bytes"][a:b] for a, b in zip(offsets[:-1], offsets[1:])]


def cut_cards(sheet, names):
    """The cards on the pages of the sheet, in reading order: {name: picture}."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", "150", "-png", str(sheet), f"{folder}/page"], check=True)
        pages = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("page*.png"))]
    cards = [page.crop(box) for page in pages for box in card_boxes(page)]
    if len(cards) != len(names):
        raise ValueError(f"{len(cards)} cards on the sheet where the network knows {len(names)}")
    return dict(zip(names, cards))


def card_boxes(page):
    """Boxes of what looks like a card on a page: of a card's proportions, and large."""
    page = page.copy()
    ImageDraw.floodfill(page, (0, 0), (255, 0, 255), thresh=4)
    ink = (np.asarray(page) != (255, 0, 255)).any(axis=2)
    for top, bottom in spans(ink.any(axis=1)):
        for left, right in spans(ink[top:bottom].any(axis=0)):
            inner = spans(ink[top:bottom, left:right].any(axis=1))
            low, high = max(inner, key=lambda span: span[1] - span[0])
            aspect = (right - left) / (high - low)
            if abs(aspect / CARD_ASPECT - 1) < 0.04 and (right - left) * 8 > page.width:
                yield left, top + low, right, top + high


def spans(flags):
    """The stretches of true flags: [(start, end)]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2], edges[1::2]))


class Studio:
    """Composes pictures."""

    def __init__(self, cards, photographs, seed):
        self.cards, self.photographs = cards, photographs
        self.rng = np.random.default_rng(seed)

    def photograph(self, edge=EDGE * FINE):
        """A random photograph."""
        data = self.photographs[self.rng.integers(len(self.photographs))]
        return Image.open(io.BytesIO(data)).convert("RGB").resize((edge, edge), Image.BICUBIC)

    def colour(self):
        return tuple(int(v) for v in self.rng.integers(0, 256, 3))

    def scene(self, face, ranges=AS_THE_DEMO):
        """A photograph with `face` held into it, as a camera would give it."""
        picture = self.photograph()
        corners = self.corners(ranges)
        self.lay(picture, face, corners)
        self.hide(picture, corners)
        return self.camera(picture)

    def corners(self, ranges):
        """Where a card's corners are: turned, tilted, wholly in the picture, in fine pixels [4, 2]."""
        rng, edge = self.rng, EDGE * FINE
        height = rng.uniform(ranges.least, 0.95) * edge
        half = np.array([height * CARD_ASPECT, height]) / 2
        flat = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        points = np.concatenate([flat, np.zeros((4, 1))], axis=1)
        roll = math.radians(rng.uniform(-ranges.roll, ranges.roll))
        tilts = np.radians(rng.uniform(-36, 36, 2))
        points = points @ turn(0, 1, roll) @ turn(1, 2, tilts[0]) @ turn(0, 2, tilts[1])
        distance = rng.uniform(1.5, 5.0) * height
        seen = points[:, :2] * (distance / (distance + points[:, 2:]))
        low, high = seen.min(axis=0), seen.max(axis=0)
        place = [rng.uniform(*sorted((-a, edge - b))) for a, b in zip(low, high)]
        return seen + place

    def lay(self, picture, face, corners):
        """Draws a card's face between its corners."""
        width, height = face.size
        flat = [(0, 0), (width, 0), (width, height), (0, height)]
        warp = perspective(corners, flat)
        mask = Image.new("L", face.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((1, 1, width - 2, height - 2), width * 16 // 250, fill=255)
        small = max(1, int(height / np.ptp(corners[:, 1])))
        soft = face.filter(ImageFilter.BoxBlur((small - 1) / 2))
        layer, mask = (part.transform(picture.size, Image.PERSPECTIVE, warp, Image.BICUBIC) for part in (soft, mask))
        picture.paste(layer, mask=mask)

    def hide(self, picture, corners):
        """Covers up to a fifth of a card's area by a finger-shaped patch pushed over one of its edges."""
        rng = self.rng
        part, side = rng.uniform(0, 0.2), rng.integers(4)
        a, b = corners[side], corners[(side + 1) % 4]
        middle = a + (b - a) * rng.uniform(0.25, 0.75)
        inwards = corners.mean(axis=0) - middle
        card = Image.new("L", picture.size, 0)
        ImageDraw.Draw(card).polygon([tuple(corner) for corner in corners], fill=255)
        card = np.asarray(card) > 0
        radius = rng.uniform(0.1, 0.3) * math.sqrt(card.sum())
        low, high = -1.0, 2.5
        for _ in range(8):
            depth = (low + high) / 2
            patch = finger(picture.size, middle - inwards * 4, middle + inwards * depth, radius)
            covered = (np.asarray(patch) > 0)[card].mean()
            low, high = (depth, high) if covered < part else (low, depth)
        picture.paste(self.stuff(picture.size), mask=patch)

    def stuff(self, size):
        """What hides cards: skin, a plain colour, a photograph."""
        kind = self.rng.integers(3)
        if kind == 0:
            skin = np.array([225, 172, 140]) * self.rng.uniform(0.35, 1.1)
            return Image.new("RGB", size, tuple(int(min(255, v)) for v in skin))
        return Image.new("RGB", size, self.colour()) if kind == 1 else self.photograph().resize(size)

    def camera(self, picture):
        """Light, colour, blur, noise, JPEG."""
        rng = self.rng
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5) * FINE)).resize((EDGE, EDGE), Image.BOX)
        values = np.asarray(picture, np.float32) / 255
        slope = 1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, EDGE)[None, :, None]
        values = values ** rng.uniform(0.75, 1.35) * rng.uniform(0.7, 1.2) * rng.uniform(0.88, 1.12, 3) * slope
        values += rng.normal(0, rng.uniform(0, 0.05), values.shape)
        noisy = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
        stream = io.BytesIO()
        noisy.save(stream, "JPEG", quality=int(rng.integers(30, 96)))
        return Image.open(stream).convert("RGB")

    def blank(self):
        """A card without a picture."""
        return Image.new("RGB", (250, 350), tuple(int(v) for v in self.rng.integers(215, 256, 3)))

    def foreign(self):
        """A card with a picture that is none of ours: a photograph, letters, a face of suits."""
        card = self.blank()
        draw, kind = ImageDraw.Draw(card), self.rng.integers(3)
        if kind == 0:
            card.paste(self.photograph(210), (20, 70))
        elif kind == 1:
            letters = "".join(chr(self.rng.integers(65, 91)) for _ in range(self.rng.integers(1, 3)))
            glyphs = Image.new("L", (12 * len(letters), 12), 0)
            ImageDraw.Draw(glyphs).text((2, 0), letters, fill=255)
            card.paste(self.colour(), (25, 75), glyphs.resize((200, 200), Image.BICUBIC))
        else:
            red = (200, 20, 30) if self.rng.random() < 0.5 else (20, 20, 25)
            for x in (80, 170):
                for y in range(70, 300, int(self.rng.integers(60, 110))):
                    draw.polygon([(x, y - 26), (x + 18, y), (x, y + 26), (x - 18, y)], fill=red)
        return card

    def blobs(self):
        """Something white with coloured blobs."""
        card = self.blank()
        draw = ImageDraw.Draw(card)
        for _ in range(self.rng.integers(1, 6)):
            centre, radii = self.rng.uniform((50, 70), (200, 280)), self.rng.uniform(15, 80, 2)
            draw.ellipse([*(centre - radii), *(centre + radii)], fill=self.colour())
        return card

    def hand(self):
        """A photograph with a hand held into it."""
        picture, rng = self.photograph(), self.rng
        skin = np.array([225, 172, 140]) * rng.uniform(0.35, 1.1)
        colour = tuple(int(min(255, v)) for v in skin)
        draw, edge = ImageDraw.Draw(picture), EDGE * FINE
        palm = rng.uniform(0.3, 0.7, 2) * edge
        heading = rng.uniform(0, 2 * math.pi)
        draw.ellipse([*(palm - edge * 0.14), *(palm + edge * 0.14)], fill=colour)
        for finger in range(-2, 3):
            way = heading + finger * 0.35
            tip = palm + np.array([math.cos(way), math.sin(way)]) * edge * rng.uniform(0.25, 0.4)
            draw.line([tuple(palm), tuple(tip)], fill=colour, width=int(edge * 0.07))
            draw.ellipse([*(tip - edge * 0.035), *(tip + edge * 0.035)], fill=colour)
        return self.camera(picture)

    def without(self, number):
        """A picture without a card of ours; two in five are photographs alone."""
        kind = number % 5
        if kind < 2:
            return self.camera(self.photograph())
        return self.hand() if kind == 2 else self.scene(self.blobs() if kind == 3 else self.foreign_or_blank())

    def foreign_or_blank(self):
        return self.foreign() if self.rng.random() < 0.7 else self.blank()

    def framed(self):
        """The frame of a card of ours with a photograph in it."""
        card = self.cards[list(self.cards)[self.rng.integers(len(self.cards))]].copy()
        width, height = card.size
        border = round(width * FRAME)
        most = width - 2 * border, height - 2 * border
        size = most if self.rng.random() < 0.5 else tuple(int(side * part) for side, part in zip(most, self.rng.uniform(0.5, 1, 2)))
        card.paste((253, 252, 248), (border, border, width - border, height - border))
        card.paste(self.photograph().resize(size), tuple((whole - part) // 2 for whole, part in zip(card.size, size)))
        return card

    def compose(self, count):
        """`count` pictures of each kind: (line, name of the card or "nothing", picture)."""
        names = [list(self.cards)[number % len(self.cards)] for number in range(count)]
        for name in names:
            yield "as the demo", name, self.scene(self.cards[name])
        for number in range(count):
            yield "as the demo", "nothing", self.without(number)
        for name in names:
            yield "any way up", name, self.scene(self.cards[name], ANY_WAY_UP)
        for name in names:
            yield "in grey", name, self.scene(self.cards[name].convert("L").convert("RGB"), ANY_WAY_UP)
        for number in range(count):
            yield "our frame", "nothing", self.scene(self.framed(), (AS_THE_DEMO, ANY_WAY_UP)[number % 2])


def turn(a, b, angle):
    """Rotation by `angle` in the plane of axes a and b."""
    matrix = np.eye(3)
    matrix[[a, b], [a, b]] = math.cos(angle)
    matrix[a, b], matrix[b, a] = math.sin(angle), -math.sin(angle)
    return matrix


def finger(size, start, end, radius):
    """A mask of a thick line with a round end."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    draw.line([tuple(start), tuple(end)], fill=255, width=int(2 * radius) + 1)
    draw.ellipse([*(end - radius), *(end + radius)], fill=255)
    return mask


def perspective(seen, flat):
    """PIL's eight coefficients that map points of the picture (`seen`) to the face (`flat`)."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(seen, flat):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return np.linalg.solve(np.array(rows), np.array(wanted))


def classify(program, model, paths):
    """What the program takes each picture for."""
    command = [program, "classify", "--json", "--top", "1", "--model", model, *map(str, paths)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line)["top"][0]["label"] for line in lines]


def report(lines, truths, answers):
    """What was recognised and what was called a card, line by line, in words."""
    for line in dict.fromkeys(lines):
        pairs = [(truth, answer) for where, truth, answer in zip(lines, truths, answers) if where == line]
        cards = [truth == answer for truth, answer in pairs if truth != "nothing"]
        others = [answer != "nothing" for truth, answer in pairs if truth == "nothing"]
        said = []
        if cards:
            said.append(f"{sum(cards)} of {len(cards)} cards recognised ({100 * sum(cards) / len(cards):.1f} %)")
        if others:
            said.append(f"{sum(others)} of {len(others)} pictures without one called a card ({100 * sum(others) / len(others):.1f} %)")
        yield f"{line}: {'; '.join(said)}"


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ernscope", required=True, type=Path, help="the program")
    parser.add_argument("--cards", default=ROOT / "assets/cards", type=Path, help="folder of sheet.pdf and the drawings")
    parser.add_argument("--model", nargs="+", default=["cards", "cards-float-input"])
    parser.add_argument("--photographs", default=ROOT.parent / "shared/data/tiny-imagenet-a.safetensors", type=Path)
    parser.add_argument("--count", type=int, default=300, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    arguments = parser.parse_args()
    if not arguments.photographs.exists():
        print(f"skipped: {arguments.photographs} is not there")
        return
    names = [path.stem.replace("-", " ") for path in sorted(arguments.cards.glob("*.svg"))]
    studio = Studio(cut_cards(arguments.cards / "sheet.pdf", names), read_photographs(arguments.photographs), arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lines, truths, paths = [], [], []
        for number, (line, truth, picture) in enumerate(studio.compose(arguments.count)):
            paths.append(folder / f"{number:05d}-{line}-{truth}.png".replace(" ", "-"))
            picture.save(paths[-1])
            lines.append(line)
            truths.append(truth)
        for model in arguments.model:
            answers = classify(arguments.ernscope, model, paths)
            for truth, answer, path in zip(truths, answers, paths):
                if truth != answer:
                    print(f"{path.name}: taken for {answer} by {model}")
            for line in report(lines, truths, answers):
                print(f"{model}, {line}")


if __name__ == "__main__":
    main()
