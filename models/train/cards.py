"""Trains, exports and measures the cards networks.

    python3 -m train.cards train --first embedding               one of the twins on the demo's films; goes on where it was stopped
    python3 -m train.cards train --first float
    python3 -m train.cards finish --into FOLDER                  exports both
    python3 -m train.cards widen --first embedding --from FOLDER --data DATA     trains a model file on, on wide films
    python3 -m train.cards widen --first float --from FOLDER --data DATA
    python3 -m train.cards finish-wide --from FOLDER --data DATA                 exports and measures both, writes MODELS.md

`retrain-cards` does all of it.
"""

import argparse
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import export, integer, measure, pictures, table
from .frames import CHUNK, FIRST_SEED, Alone, Course, Films, WideCourse, unvaried
from .network import Shape
from .restart import restart
from .trainer import Plan, Run

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
FAMILY = "cards"
NAMES = {"embedding": FAMILY, "float": f"{FAMILY}-float-input"}
CLASSES = 33
# What the classifier's scale of "nothing" is multiplied by at the end of the first training and of the second. Chosen on pictures that
# are neither trained nor measured on: films; for the second, the photographs of `check_photographs` with seeds 0 to 10.
NOTHING_GAIN, WIDE_NOTHING_GAIN = 1.15, 0.92
# Films that are measured on, and frames of each.
MEASURED_SEEDS = range(0, 12)
MEASURED_FRAMES = 600
# Bands of the card's height in percent, [from, to), by what is measured.
HEIGHTS = {
    "measured": [(40, 50), (50, 60), (60, 70), (70, 80), (80, 96)],
    "measured_wide": [(28, 30), (30, 35), (35, 40), (40, 50), (50, 96)],
}
# The second training: pictures seen, films of either kind, and how many of a batch's records are of the demo's films, of wide ones
# and of photographs alone.
WIDE_FRAMES = 2_400_000
DEMO_FILMS, WIDE_FILMS = 8, 16
DEMO_PART, WIDE_PART, ALONE_PART = 27, 33, 4
BATCH = DEMO_PART + WIDE_PART + ALONE_PART
# Photographs for wide films: to train on, and others to measure on. Photographs alone are what is left of the set.
PHOTOGRAPHS = {"trained": slice(0, 6000), "measured": slice(6000, 7500)}
ALONE = slice(7500, None)


def plan(first):
    """The plan of a twin: they differ in the first layer alone."""
    return Plan(Shape(CLASSES, blocks=(2, 2, 1), first=first), frames=704_000, chunks=64, nothing_weight=1.5)


def wide_plan(first):
    """The plan of a twin's second training, on wide films."""
    return replace(plan(first), frames=WIDE_FRAMES, chunks=WIDE_FILMS, batch=BATCH, peak_rate=1.5e-3, warm_up=0.01, nothing_weight=3.0,
                   seed=5, compiled=True)


def shuffled(data):
    """All photographs, u8 [n, edge, edge, 3], and their numbers in a random order."""
    pixels = pictures.load(data, "tiny-imagenet-a", "train").pixels
    return pixels, np.random.default_rng(1).permutation(len(pixels))


def photograph_folder(data, folder, part):
    """The folder of a part of the photographs, written from `data` if it is not there yet."""
    path = folder / part
    if not path.exists():
        pixels, order = shuffled(data)
        unfinished = path.with_suffix(".part")
        unfinished.mkdir(parents=True, exist_ok=True)
        for number in order[PHOTOGRAPHS[part]]:
            Image.fromarray(pixels[number]).save(unfinished / f"{number:06}.png", compress_level=1)
        os.replace(unfinished, path)
    return path


def wide_run(first, arguments, demo, wide):
    """The second training of a twin, from the model file in the folder `--from`. Its pixel embedding's table stays as it is."""
    begin = arguments.start / f"{NAMES[first]}.safetensors"
    seen = [np.array(films.records(FIRST_SEED).pixels[:500]) for films in (demo, wide)]
    run = Run(wide_plan(first), arguments.runs / f"{NAMES[first]}-wide", start=lambda: restart(begin, np.concatenate(seen)))
    run.network.pixel_embedding.requires_grad_(False)
    return run


def provenance(run, seeds):
    """How a run was trained on the films `seeds`, as JSON."""
    return {**run.provenance(), "seeds": f"{seeds[0]} to {seeds[-1]}", "first_training_seed": FIRST_SEED}


def trained(run):
    """How the first training went, as JSON."""
    seeds = range(FIRST_SEED, FIRST_SEED + run.plan.chunks)
    return {**provenance(run, seeds), "distinct_frames": len(seeds) * CHUNK}


def widened(run, begin):
    """How the second training, from the model file `begin`, went and what was before it, as JSON."""
    first = export.read_document(begin)["training"]
    first.pop("measured")
    seeds = range(FIRST_SEED, FIRST_SEED + WIDE_FILMS)
    counts = {"demo_frames": DEMO_FILMS * CHUNK, "wide_frames": WIDE_FILMS * CHUNK}
    parts = {"wide_part": WIDE_PART / BATCH, "alone_part": ALONE_PART / BATCH}
    begun = {"begun_with_sha256": hashlib.sha256(begin.read_bytes()).hexdigest(), "first_training": first}
    return {**provenance(run, seeds), **counts, **parts, "photographs": PHOTOGRAPHS["trained"].stop, **begun}


def finish(run, kinds, nothing_gain, folder, training):
    """Settles, lowers, measures and exports a run's network. `kinds` are the demo's films, and wide ones if it was trained on them."""
    if run.step < run.plan.steps:
        raise SystemExit(f"{run.folder} is trained to batch {run.step} of {run.plan.steps}: train it to the end first")
    run.settle(unvaried([learned for learned, _ in kinds.values()]))
    with torch.no_grad():
        run.network.conv.weight[-1] *= nothing_gain
    layers = integer.lower(run.network)
    measured = {
        name: measure.measure(layers, films, MEASURED_SEEDS, MEASURED_FRAMES, HEIGHTS[name]) for name, (_, films) in kinds.items()
    }
    training = {**training, "measured_seeds": f"{MEASURED_SEEDS[0]} to {MEASURED_SEEDS[-1]}", "nothing_gain": nothing_gain, **measured}
    name = NAMES[run.plan.shape.first]
    labels = kinds["measured"][0].labels()
    description = {"name": name, "family": FAMILY, "input": {"edge": run.plan.shape.edge}, "labels": labels}
    path = folder / f"{name}.safetensors"
    export.write(path, layers, {**description, "training": training})
    print(f"{path.name}: {measured}")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ernscope", default=MODELS.parent / "target/release/ernscope", help="the program that renders")
    parser.add_argument("--cache", default=HERE / "runs/frames", help="folder for rendered frames")
    parser.add_argument("--runs", default=HERE / "runs", type=Path, help="folder for checkpoints and logs")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one of the twins on the demo's films")
    widen = commands.add_parser("widen", help="train one of the twins on, on wide films")
    for command in (train, widen):
        command.add_argument("--first", choices=NAMES, required=True)
    last = commands.add_parser("finish", help="export and measure both")
    last_wide = commands.add_parser("finish-wide", help="export and measure both, write MODELS.md")
    for command in (last, last_wide):
        command.add_argument("--into", default=MODELS, type=Path, help="folder for the model files")
        command.add_argument("--note", default="", help="what else MODELS.md should say about this training")
    for command in (widen, last_wide):
        command.add_argument("--from", dest="start", type=Path, required=True, help="folder of the model files to begin with")
        command.add_argument("--data", required=True, help="folder of the sets of photographs, with their load.py")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    films = Films(arguments.cache, arguments.ernscope)
    if "data" in arguments:
        folders = {part: photograph_folder(arguments.data, arguments.runs / "photographs", part) for part in PHOTOGRAPHS}
        wide = {part: Films(arguments.cache, arguments.ernscope, photographs=folder) for part, folder in folders.items()}
    if arguments.command == "train":
        run = Run(plan(arguments.first), arguments.runs / NAMES[arguments.first])
        run.train(Course(films, run.plan.chunks, run.plan.batch, run.plan.seed))
    elif arguments.command == "widen":
        run = wide_run(arguments.first, arguments, films, wide["trained"])
        seed = run.plan.seed
        pixels, order = shuffled(arguments.data)
        alone = Alone(pixels[order[ALONE]], CLASSES - 1, ALONE_PART, seed + 2)
        courses = Course(films, DEMO_FILMS, DEMO_PART, seed), Course(wide["trained"], WIDE_FILMS, WIDE_PART, seed + 1)
        run.train(WideCourse(*courses, alone), save_every=50, log_every=50)
    elif arguments.command == "finish":
        for first, name in NAMES.items():
            run = Run(plan(first), arguments.runs / name)
            finish(run, {"measured": (films, films)}, NOTHING_GAIN, arguments.into, {**trained(run), "note": arguments.note})
    else:
        for first, name in NAMES.items():
            run = wide_run(first, arguments, films, wide["trained"])
            kinds = {"measured": (films, films), "measured_wide": (wide["trained"], wide["measured"])}
            begin = arguments.start / f"{name}.safetensors"
            finish(run, kinds, WIDE_NOTHING_GAIN, arguments.into, {**widened(run, begin), "note": arguments.note})
        table.write(arguments.into)


if __name__ == "__main__":
    main()
