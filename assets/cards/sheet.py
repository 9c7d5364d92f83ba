#!/usr/bin/env python3
"""Composes the printable sheet of all picture cards: A4 pages, nine cards each, cut marks, names outside the cards.

Run in this folder, with Debian's librsvg2-bin installed:  python3 sheet.py
It writes sheet.pdf from the *.svg files beside it.
"""

import pathlib
import re
import subprocess
import tempfile

PAGE = (210.0, 297.0)  # A4, in millimetres
CARD = (57.0, 79.8)  # 5 : 7
COLUMNS, ROWS = 3, 3
GAP = (6.0, 11.0)  # between cards; the names stand in the lower part of it
MARK, CLEARANCE = 3.0, 0.8  # length of a cut mark, and how far it stays away from the card

# Our own letters, so that the sheet embeds no font: strokes through points of a grid 4 wide and 6 high, 0 0 top left.
LETTERS = {
    "a": "06 02 20 42 46|03 43", "b": "00 06 36 45 44 33 03|33 42 41 30 00", "c": "41 30 10 01 05 16 36 45",
    "d": "00 06 26 44 42 20 00", "e": "40 00 06 46|03 33", "f": "40 00 06|03 33", "g": "41 30 10 01 05 16 36 45 43 23",
    "h": "00 06|40 46|03 43", "i": "20 26", "j": "40 45 36 16 05", "k": "00 06|40 03 46", "l": "00 06 46",
    "m": "06 00 23 40 46", "n": "06 00 46 40", "o": "10 30 41 45 36 16 05 01 10", "p": "06 00 30 41 42 33 03",
    "r": "06 00 30 41 42 33 03|23 46", "s": "41 30 10 01 02 13 33 44 45 36 16 05", "t": "00 40|20 26",
    "u": "00 05 16 36 45 40", "w": "00 16 23 36 40", "x": "00 46|40 06", "y": "00 23 40|23 26",
}
LETTER = 0.45  # millimetres a step of that grid


def written(name, centre, top):
    """A name in our own letters, its middle at `centre`."""
    step = 6 * LETTER
    left = centre - (len(name) * step - 2 * LETTER) / 2
    strokes = []
    for i, letter in enumerate(name):
        for stroke in LETTERS.get(letter, "").split("|"):
            points = [(left + i * step + int(x) * LETTER, top + int(y) * LETTER) for x, y in stroke.split()]
            strokes.append("M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) if points else "")
    return (f'<path d="{"".join(strokes)}" stroke="#666" stroke-width="0.4" fill="none" stroke-linecap="round"'
            ' stroke-linejoin="round"/>')


def cut_marks(x, y):
    """Eight short lines that point at the corners of the card at x, y."""
    width, height = CARD
    lines = []
    for cx, sx in ((x, -1), (x + width, 1)):
        for cy, sy in ((y, -1), (y + height, 1)):
            near_x, near_y = cx + sx * CLEARANCE, cy + sy * CLEARANCE
            lines.append(f"M{near_x:.2f} {cy:.2f}h{sx * (MARK - CLEARANCE):.2f}")
            lines.append(f"M{cx:.2f} {near_y:.2f}v{sy * (MARK - CLEARANCE):.2f}")
    return f'<path d="{"".join(lines)}" stroke="#888" stroke-width="0.15" fill="none"/>'


def placed(drawing, x, y):
    """A card's drawing at x, y on the page."""
    inner = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL).group(1)
    scale = CARD[0] / 250.0
    return f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.6f})">{inner}</g>'


def page(files):
    """One page of cards as SVG."""
    left = (PAGE[0] - COLUMNS * CARD[0] - (COLUMNS - 1) * GAP[0]) / 2
    top = (PAGE[1] - ROWS * CARD[1] - (ROWS - 1) * GAP[1]) / 2 - 1.0
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{PAGE[0]}mm" height="{PAGE[1]}mm"'
             f' viewBox="0 0 {PAGE[0]} {PAGE[1]}"><rect width="100%" height="100%" fill="#fff"/>']
    for i, file in enumerate(files):
        x = left + i % COLUMNS * (CARD[0] + GAP[0])
        y = top + i // COLUMNS * (CARD[1] + GAP[1])
        parts.append(placed(file.read_text(), x, y))
        parts.append(cut_marks(x, y))
        name = file.stem.replace("-", " ")
        parts.append(written(file.stem.replace("-", " "), x + CARD[0] / 2, y + CARD[1] + 2.8))
    return "".join(parts) + "</svg>"


def main():
    """Writes sheet.pdf."""
    here = pathlib.Path(__file__).parent
    cards = sorted(here.glob("*.svg"))
    per_page = COLUMNS * ROWS
    with tempfile.TemporaryDirectory() as folder:
        pages = []
        for start in range(0, len(cards), per_page):
            pages.append(pathlib.Path(folder) / f"page-{start:02}.svg")
            pages[-1].write_text(page(cards[start:start + per_page]))
        subprocess.run(["rsvg-convert", "--format=pdf", "--output", here / "sheet.pdf", *pages], check=True)


if __name__ == "__main__":
    main()
