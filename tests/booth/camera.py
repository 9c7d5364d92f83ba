#!/usr/bin/python3
"""A camera by script: the program that ERNSCOPE_CAPTURE names. It speaks the protocol of src/source/reader/capture.

The folder CAMERA has its pictures, 640×480 RGB one after the other in `pictures`, and its `script`, a line that is read before every
frame: `still N` shows picture N, `moving N` moves it, `stalled` shows nothing more, `away` is a camera that was unplugged. Which
picture came when (by the clock that only goes forward) is in `shown`.
"""

import mmap
import os
import select
import struct
import sys
import threading
import time
from pathlib import Path

WIDTH, HEIGHT = 640, 480
SIZE = 3 * WIDTH * HEIGHT
INTERVAL_S = 1 / 15
FRAME, MISSING = 1, 16


def header(kind, width, height, length, number):
    return struct.pack("<8sIIIIQI", b"ERNCAP1\n", kind, width, height, length, number, 0)


def shifted(picture, step):
    """The picture, some pixels further: enough to be seen as motion."""
    at = 3 * 16 * (step // 4 % 4)
    return picture[at:] + picture[:at]


def end_with_input():
    """Ends with whoever reads the frames."""
    while sys.stdin.buffer.read(64):
        pass
    os._exit(0)


def main():
    threading.Thread(target=end_with_input, daemon=True).start()
    folder = Path(os.environ["CAMERA"])
    with open(folder / "pictures", "rb") as file:
        pictures = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    output = sys.stdout.buffer
    before = None
    number = 0
    due = time.monotonic()
    while True:
        word, *picture = (folder / "script").read_text().split()
        if word == "away":
            output.write(header(MISSING, 0, 0, 0, 0))
            output.flush()
            sys.exit(1)
        if word != "stalled":
            at = SIZE * int(picture[0])
            frame = pictures[at : at + SIZE]
            output.write(header(FRAME, WIDTH, HEIGHT, SIZE, number))
            output.write(shifted(frame, number) if word == "moving" else frame)
            output.flush()
            number += 1
            if picture != before:
                before = picture
                with open(folder / "shown", "a") as shown:
                    shown.write(f"{time.monotonic():.3f} {picture[0]}\n")
        due = max(due + INTERVAL_S, time.monotonic())
        # Not `sleep`, which the library that sets the booth's clock breaks.
        select.select([], [], [], max(0, due - time.monotonic()))


main()
