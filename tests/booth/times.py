#!/usr/bin/python3
"""How long a visitor waits: from the first frame with a card, as the camera gives it, to its name on the screen; and from nobody to
the demo. The screen itself is looked at. Exit status 1 where half a second is not kept."""

import argparse
import math
import statistics
import sys
import time
from pathlib import Path

from faults import configure
from world import CAMERA_PROGRAM, World, wait_for

MOST_S = 0.5
# Where the answer stands on a screen in landscape, above its bar.
ANSWER = (0.54, 0.14, 0.98, 0.29)
ROUNDS = 3
# Between two looks at the screen.
LOOK_EVERY_S = 0.01


def options():
    parser = argparse.ArgumentParser(description="How long a visitor waits.")
    parser.add_argument("--camera", type=Path, default=CAMERA_PROGRAM, help="another program for ERNSCOPE_CAPTURE, which obeys the same script")
    parser.add_argument("--patience", type=float, default=1, metavar="FACTOR", help="allows so many times the time")
    return parser.parse_args()


def mode(world):
    return (world.booth.status() or {}).get("mode")


def answer(world):
    return world.display.part(*ANSWER).tobytes()


def wait_for_mode(world, wanted):
    start = time.monotonic()
    wait_for(f"mode {wanted}", 60, lambda: mode(world) == wanted)
    return time.monotonic() - start


def shown(world, picture):
    """When the camera gave the first frame of a picture."""
    lines = (world.camera.folder / "shown").read_text().splitlines()
    at, last = lines[-1].split()
    return float(at) if int(last) == picture else None


def looks_of(world, pictures):
    """How the answer looks for every card that is named in the end."""
    looks = {}
    for picture in pictures:
        world.camera.does(f"moving {picture}")
        time.sleep(2.5)
        first = answer(world)
        time.sleep(0.5)
        if answer(world) == first and first not in looks.values():
            looks[picture] = first
    return looks


def named_after(world, picture, look):
    """From the first frame with a card to its name; without end where none comes in ten seconds."""
    world.camera.does(f"still {picture}")
    end = time.monotonic() + 10
    while answer(world) != look:
        if time.monotonic() > end:
            return math.inf
        time.sleep(LOOK_EVERY_S)
    seen = time.monotonic()
    return seen - wait_for("the camera", 5, lambda: shown(world, picture))


def row(what, times):
    print(f"{what:44} {len(times)} times, median {statistics.median(times):.2f} s, longest {max(times):.2f} s", flush=True)


def main():
    given = options()
    world = World(1, with_board=False, camera=given.camera)
    try:
        wait_for("the stage lives", 90, lambda: (world.booth.status() or {}).get("live"))
        (world.booth.disk / "ernscope").mkdir(exist_ok=True)
        wait_for("the title is over", 60, lambda: mode(world) != "opening")
        world.camera.does("moving 1")
        wait_for_mode(world, "live")
        world.camera.does("still 0")
        row("nobody to the demo (20 s are set)", [wait_for_mode(world, "attract")])
        configure(world, play={"attract_after_s": 2})
        looks = looks_of(world, range(1, len(world.camera.labels)))
        print("cards: " + ", ".join(world.camera.labels[picture] for picture in looks), flush=True)
        from_demo, from_live = [], []
        for _ in range(ROUNDS):
            for picture, look in looks.items():
                world.camera.does("still 0")
                wait_for_mode(world, "attract")
                time.sleep(1)
                from_demo.append(named_after(world, picture, look))
        for _ in range(ROUNDS):
            for picture, look in looks.items():
                world.camera.does("still 0")
                time.sleep(1)
                from_live.append(named_after(world, picture, look))
        row("a card to its name, while the demo plays", from_demo)
        row("a card to its name, while the camera is live", from_live)
    finally:
        world.close()
    well = max(from_demo + from_live) <= MOST_S * given.patience
    print("well" if well else "FAILED")
    sys.exit(not well)


if __name__ == "__main__":
    main()
