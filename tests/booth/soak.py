#!/usr/bin/python3
"""A booth among faults: what packaging/test-booth runs. Says what came and how the booth stood it; exit status 1 where it did not."""

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections import Counter
from random import Random

import faults
from observer import MEASURE_EVERY_S, Observer
from world import World, wait_for

LEAST_SHARE = 0.96
LONGEST_DARK_S = 10
MOST_SLOPE_MB_H = 1
# A stage grows into its memory for so long; a slope is told of from so many seconds after that.
SETTLED_S, LEAST_SLOPE_S = 600, 600
# In so many seconds every kind of fault comes, and for as long the stage lives on: its memory can be seen.
PHASE_S = 1800
# A fault is told of within this time, and no longer than this after it.
TOLD_S = 6
# Without a fault there is no dark second; shorter times are counted.
DARK_S = 1
# From one fault to the next, where minutes allow it.
USUAL_EVERY_S = 30
# Samples of what processes hold, in a minute.
A_MINUTE = int(60 / MEASURE_EVERY_S)
# For its first seconds after a start, a booth builds its shaders.
START_S = 60


def options():
    parser = argparse.ArgumentParser(description="A booth among faults.")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, metavar="SECONDS", help="from one fault to the next, at a mean")
    parser.add_argument("--patience", type=float, default=1, metavar="FACTOR", help="allows so many times the time")
    parser.add_argument("--only", metavar="KIND,…", help=f"these faults alone: {', '.join(faults.ALL)}")
    return parser.parse_args()


def kinds_of(given, world):
    kinds = given.only.split(",") if given.only else list(faults.ALL)
    unknown = [kind for kind in kinds if kind not in faults.ALL]
    if unknown:
        sys.exit(f"test-booth: no such fault: {', '.join(unknown)}")
    needs = {
        "line": (world.board, "no simulated board"),
        "clock": (world.clock.environment, "no faketime"),
        "disk": (world.booth.has_disk, "the system allows no disk of its own"),
    }
    absent = {kind: why for kind, (there, why) in needs.items() if kind in kinds and not there}
    for kind, why in absent.items():
        print(f"left out: {kind} ({why})")
    return [kind for kind in kinds if kind not in absent]


def settle(world):
    """What a booth has to keep: settings and a taught network."""
    folder = world.booth.disk / "ernscope"
    folder.mkdir(exist_ok=True)
    faults.configure(world)
    (folder / "settings.toml").write_text("# kept\n")
    (folder / "taught.safetensors").write_bytes(bytes(range(256)) * 400)
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in [folder / "settings.toml", folder / "taught.safetensors"]}


def play(world, given, random):
    """Has the faults come, each kind once before any comes again; gives them. Ctrl-C ends it early."""
    came = []
    try:
        plays(world, given, random, came)
    except KeyboardInterrupt:
        print("ended early")
    return came


def plays(world, given, random, came):
    kinds = kinds_of(given, world)
    passing = [kind for kind in kinds if kind in faults.PASSING] or kinds
    every = given.every or min(USUAL_EVERY_S, given.minutes * 60 / (len(kinds) + 1))
    began = time.monotonic()
    deck = []
    while True:
        pause = random.uniform(0.5, 1.5) * every
        gone = time.monotonic() - began
        if gone + pause > given.minutes * 60:
            time.sleep(max(0, given.minutes * 60 - gone))
            return
        time.sleep(pause)
        here = passing if gone // PHASE_S % 2 else kinds
        deck = [kind for kind in deck if kind in here] or random.sample(here, len(here))
        kind = deck.pop()
        print(f"{gone + pause:7.1f} s  {kind}", flush=True)
        came.append(faults.befall(world, kind, random))


def is_excused(dark, came, patience):
    """Whether a dark time lies within what a fault allows, from its beginning on."""
    start, end, _ = dark
    return any(f.dark_s and start >= f.began - 1.5 and end <= f.over + f.dark_s * patience for f in came)


def slope_mb_h(points):
    """Of memory, by least squares."""
    times, sizes = zip(*points)
    return statistics.linear_regression(times, sizes).slope * 3600


def slopes(observer):
    """Of the supervisor, and of every stage that lived long enough, after it settled."""
    lives = {}
    for now, stage, supervisor, held in observer.held:
        for who, what in [("supervisor", supervisor), (f"stage {stage}", held)]:
            if what:
                lives.setdefault(who, []).append((now, what["memory_mb"]))
    found = {}
    for who, points in lives.items():
        settled = [point for point in points if point[0] - points[0][0] >= SETTLED_S]
        if settled and settled[-1][0] - settled[0][0] >= LEAST_SLOPE_S:
            found[who] = slope_mb_h(settled)
    return found


def left_over(observer):
    """How much more of each the supervisor holds at the end than at its start: the least within a minute of both, as the observer's
    own question may still be under way in one of them, a connection and a thread of its own."""
    supervisor = [held for _, _, held, _ in observer.held if held]
    least = lambda those, what: min(held[what] for held in those)
    first, last = supervisor[1 : 1 + A_MINUTE], supervisor[-A_MINUTE:]
    return {what: least(last, what) - least(first, what) for what in ("descriptors", "threads")}


def wrong_words(observer, came, end):
    """Faults that were not told of, and words about none."""
    spans = [(at, words, after) for (at, words), (after, _) in zip(observer.words, [*observer.words[1:], (end, "")])]
    missing = [
        fault.kind
        for fault in came
        if fault.told and not any(words and at < fault.over + 1 and after > fault.began for at, words, after in spans)
    ]
    # A restart, too, is without its camera and its board for a moment.
    wrong = [
        words
        for at, words, after in spans
        if words and not any(after > fault.began and at < fault.over + TOLD_S for fault in came) and after - at > 1
    ]
    return missing, wrong


def report(world, observer, came, kept, end, given):
    """Prints the figures; what is not as it has to be."""
    began, patience = observer.began, given.patience
    dark_s = sum(until - since for since, until, _ in observer.dark)
    longest = max((until - since for since, until, _ in observer.dark), default=0)
    share = 1 - dark_s / (end - began)
    unexcused = [dark for dark in observer.dark if not is_excused(dark, came, patience)]
    short = [until - since for since, until, _ in unexcused if until - since < DARK_S * patience]
    status = world.booth.status() or {}
    # The share is meant for faults of all kinds, so far apart; of others it is the time that each takes that counts.
    crowd = max(1, USUAL_EVERY_S * len(came) / (end - began))
    least_share = 0 if given.only else 1 - (1 - LEAST_SHARE) * patience * crowd
    causes = Counter(restart["cause"] for restart in status.get("last_restarts", []))
    missing, wrong = wrong_words(observer, came, end)
    grown = slopes(observer)
    more = left_over(observer)
    altered = [str(path.name) for path, digest in kept.items() if hashlib.sha256(path.read_bytes()).digest() != digest]
    try:
        json.loads((world.booth.disk / "ernscope/booth/restarts.json").read_text())
    except (OSError, ValueError) as error:
        altered.append(f"restarts.json ({error})")
    print(f"{(end - began) / 60:.1f} min, {len(came)} faults: {dict(Counter(fault.kind for fault in came))}")
    print(f"live {100 * share:.2f} % of the time; longest dark {longest:.1f} s")
    print(f"dark seconds without a fault: {len(unexcused) - len(short)}; shorter times: {len(short)}, {sum(short):.1f} s together")
    for kind in faults.ALL:
        those = [fault for fault in came if fault.kind == kind]
        took = [until - since for since, until, _ in observer.dark if any(f.began - 1.5 <= since <= f.over + 1.5 for f in those)]
        if took:
            print(f"  dark for {kind:10} {len(took)} times, median {statistics.median(took):.1f} s, longest {max(took):.1f} s")
    print(f"restarts {status.get('restarts')}, of the last ones {dict(causes)}; most stages at a time {observer.most_stages}")
    print(f"longest without a change on the screen {observer.unchanged_s:.1f} s; looked at most {observer.late_s:.1f} s late")
    print("memory, MB an hour: " + (", ".join(f"{who} {slope:+.2f}" for who, slope in grown.items()) or "no life was long enough"))
    print(f"the supervisor's descriptors {more['descriptors']:+}, threads {more['threads']:+}; zombies {len(observer.zombies)}")
    print(f"faults without words: {missing or 'none'}; words without a fault: {wrong or 'none'}; altered files: {altered or 'none'}")
    checks = {
        f"live for at least {100 * least_share:.0f} %": share >= least_share,
        f"never dark for more than {LONGEST_DARK_S} s": longest <= LONGEST_DARK_S * patience,
        "no dark second but within what a fault allows": len(unexcused) == len(short),
        "one stage at a time": observer.most_stages <= 1,
        "nothing left over": not observer.zombies and all(more[what] <= 0 for what in more),
        f"memory grows by less than {MOST_SLOPE_MB_H} MB an hour": all(slope < MOST_SLOPE_MB_H for slope in grown.values()),
        "every fault with words, and no words without": not missing and not wrong,
        "files whole": not altered,
    }
    for since, until, saw in unexcused:
        print(f"  dark from {since - began:.1f} to {until - began:.1f} s: {saw}")
    return [what for what, holds in checks.items() if not holds]


def main():
    given = options()
    random = Random(given.seed)
    print(f"seed {given.seed}; the booth starts", flush=True)
    world = World(given.seed, with_board=True)
    try:
        observer = Observer(world)
        wait_for("the stage lives", START_S, lambda: observer.is_live(world.booth.status()))
        kept = settle(world)
        world.camera.does("moving 1")
        observer.began = time.monotonic()
        observer.start()
        came = play(world, given, random)
        observer.over.set()
        observer.join()
        failed = report(world, observer, came, kept, time.monotonic(), given)
    finally:
        status = world.close()
    if status != 0:
        failed.append(f"ends well (exit status {status})")
    print("FAILED: " + "; ".join(failed) if failed else "well")
    print(f"what the processes said: {world.folder / 'log'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
