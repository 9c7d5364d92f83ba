"""Looks at a booth all the time: whether its stage lives, what the screen shows, what its processes hold."""

import os
import threading
import time
from pathlib import Path

from world import children_of
from Xlib import error

LOOK_EVERY_S = 0.1
SCREEN_EVERY_S = 0.5
MEASURE_EVERY_S = 5
# Painted and predicted so short a time ago, a stage is live.
LIVE_WITHIN_MS = 1000
# A killed process may take so long to end: a thread of it may be in the kernel, which writes or frees what it held.
DYING = 12


# The library that asks on D-Bus keeps threads in a pool, idle: as many as were ever at work at once, which are no more than two.
POOL, MOST_POOL = "blocking-", 2


def threads_of(folder):
    """The threads of a process, those of the pool as many as it may have."""
    names = [(task / "comm").read_text() for task in (folder / "task").iterdir()]
    pool = sum(name.startswith(POOL) for name in names)
    return len(names) - pool + max(pool, MOST_POOL)


def held_by(process):
    """What a process holds: MB of memory of its own, descriptors, threads. None where it is gone."""
    folder = Path(f"/proc/{process}")
    try:
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return {
            "memory_mb": int(lines["RssAnon"].split()[0]) / 1024,
            "descriptors": len(os.listdir(folder / "fd")),
            "threads": threads_of(folder),
        }
    except (OSError, KeyError):
        return None


class Observer(threading.Thread):
    """Begins at a live moment. `dark` has the times from one live look to the next where another one between them saw no life, and what
    that saw."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.over = threading.Event()
        self.dark = []
        self.unchanged_s = 0
        self.words = []
        self.held = []
        self.dead = {}
        self.zombies = set()
        self.most_stages = 0
        self.late_s = 0

    def run(self):
        look = screen = measure = time.monotonic()
        live = changed = look
        shown = saw = None
        dark = False
        while not self.over.wait(LOOK_EVERY_S):
            now = time.monotonic()
            # Whoever looks late saw nothing, neither light nor dark.
            self.late_s = max(self.late_s, now - look)
            look = now
            status = self.world.booth.status()
            now = time.monotonic()
            if not self.is_live(status):
                saw = status and {what: status[what] for what in ("live", "painted_ms_ago", "predicted_ms_ago", "mode")}
                dark = True
            elif dark:
                self.dark.append((live, now, saw))
                dark = False
            if not dark:
                live = now
            self.note(now, status)
            if now >= screen:
                screen = now + SCREEN_EVERY_S
                lines = self.lines()
                if lines != shown and lines and any(len(set(line)) > 12 for line in lines):
                    self.unchanged_s = max(self.unchanged_s, now - changed)
                    changed = now
                    shown = lines
            if now >= measure:
                measure = now + MEASURE_EVERY_S
                self.measure(now)
        if dark:
            self.dark.append((live, time.monotonic(), saw))

    def is_live(self, status):
        if not status or not status["live"]:
            return False
        ages = [status["painted_ms_ago"], status["predicted_ms_ago"]]
        return all(age is not None and age <= LIVE_WITHIN_MS for age in ages)

    def note(self, now, status):
        if not status:
            return
        if not self.words or self.words[-1][1] != status["fault"]:
            self.words.append((now, status["fault"]))

    def lines(self):
        try:
            return self.world.display.lines()
        except (error.XError, error.ConnectionClosedError, OSError):
            return None

    def measure(self, now):
        booth = self.world.booth
        children = children_of(booth.process.pid)
        dead = {number for number, state in children if state == "Z"}
        # One that has just died is no zombie, nor one of whose threads some are still in the kernel.
        self.dead = {number: self.dead.get(number, now) for number in dead}
        self.zombies |= {number for number, since in self.dead.items() if now - since > DYING}
        self.most_stages = max(self.most_stages, len(children) - len(dead))
        stage = booth.stage()
        self.held.append((now, stage, held_by(booth.process.pid), held_by(stage) if stage else None))
