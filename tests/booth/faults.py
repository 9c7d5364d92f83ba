"""What befalls a booth. A fault begins, stays for a while and is over; how long the stage may be dark for it is a part of it."""

import os
import signal
import time
from dataclasses import dataclass

from world import SIZES, children_of, wait_for

# What the stage may take from a crash or a hang to its next live moment.
CRASH_S, HANG_S = 3, 8


@dataclass
class Fault:
    """One that came."""

    kind: str
    began: float
    over: float
    # How long after it the stage may be dark; None where it may not be at all.
    dark_s: float | None
    # Whether it has to be told of.
    told: bool


def configure(world, play=None, **keys):
    """Changes booth.toml while it is in force."""
    lines = [f'{key} = "{value}"' for key, value in {"title": "Soak", **keys}.items()]
    lines += ["[play]", *(f"{key} = {value}" for key, value in (play or {}).items())]
    new = world.booth.config.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n")
    new.replace(world.booth.config)


def killed(world, random):
    world.booth.send(signal.SIGKILL)
    return CRASH_S, False


def aborted(world, random):
    world.booth.send(signal.SIGABRT)
    return CRASH_S, False


def stopped(world, random):
    world.booth.send(signal.SIGSTOP)
    return HANG_S, False


def asleep(world, random):
    """The whole machine sleeps, as far as the booth can tell; awake again, nothing is restarted."""
    stage = world.booth.stage()
    everything = [world.booth.process.pid, stage, *(number for number, _ in children_of(stage))]
    for process in everything:
        os.kill(process, signal.SIGSTOP)
    time.sleep(random.uniform(4, 8))
    for process in reversed(everything):
        os.kill(process, signal.SIGCONT)
    time.sleep(1)
    if world.booth.stage() != stage:
        raise RuntimeError("a sleep was taken for a hang")
    return CRASH_S, False


def capture_killed(world, random):
    for process, _ in children_of(world.booth.stage() or 0):
        os.kill(process, signal.SIGKILL)
    return None, False


def camera(world, random, does):
    world.camera.does(does)
    time.sleep(random.uniform(4, 10))
    world.camera.does(f"moving {random.randrange(len(world.camera.labels))}")
    return None, True


def unplugged(world, random):
    return camera(world, random, "away")


def stalled(world, random):
    return camera(world, random, "stalled")


def line_cut(world, random):
    """A board takes over, its line is cut and mended, and the processor has its work again."""
    world.board.plug()
    configure(world, engine=f"fpga:{world.board.link}")
    wait_for("the board runs", 60, lambda: "runs" in ((world.booth.status() or {}).get("board") or ""))
    time.sleep(random.uniform(2, 5))
    world.board.cut()
    time.sleep(random.uniform(3, 8))
    world.board.plug()
    wait_for("the board runs again", 60, lambda: "runs" in ((world.booth.status() or {}).get("board") or ""))
    configure(world, engine="cpu")
    wait_for("the processor runs", 20, lambda: (world.booth.status() or {"board": "?"})["board"] == "")
    world.board.cut()
    return None, True


def resized(world, random):
    for size in [random.choice(SIZES), random.choice(SIZES), SIZES[0]]:
        world.display.resize(size)
        time.sleep(random.uniform(0.5, 3))
    return None, False


def display_gone(world, random):
    world.display.stop()
    time.sleep(random.uniform(1, 4))
    world.display.start()
    return CRASH_S, False


def clock_jumped(world, random):
    world.clock.set(random.choice([-3600, 3600]))
    time.sleep(random.uniform(2, 5))
    world.clock.set(0)
    return None, False


def disk_full(world, random):
    """Full to the last byte; every other time the stage is killed meanwhile."""
    fill = world.booth.disk / "fill"
    with open(fill, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    dark_s = None
    if random.random() < 0.5:
        time.sleep(1)
        dark_s = killed(world, random)[0]
    time.sleep(random.uniform(2, 5))
    fill.unlink()
    return dark_s, False


# Those that end the stage, and those that it lives through.
ENDING = {"killed": killed, "aborted": aborted, "stopped": stopped, "display": display_gone}
PASSING = {
    "asleep": asleep,
    "capture": capture_killed,
    "unplugged": unplugged,
    "stalled": stalled,
    "line": line_cut,
    "resized": resized,
    "clock": clock_jumped,
    "disk": disk_full,
}
ALL = {**ENDING, **PASSING}


def befall(world, kind, random):
    """Has it happen, and gives what it was."""
    began = time.monotonic()
    dark_s, told = ALL[kind](world, random)
    return Fault(kind, began, time.monotonic(), dark_s, told)
