"""Trains, exports and measures the cards networks.

    python3 -m train.cards train --first embedding    one of the twins; goes on where it was stopped
    python3 -m train.cards train --first float
    python3 -m train.cards finish                     exports and measures both, writes MODELS.md

`retrain-cards` does all three.
"""

import argparse
from pathlib import Path

import torch

from . import export, integer, measure, table
from .frames import CHUNK, FIRST_SEED, Course, Films, unvaried
from .network import Shape
from .trainer import Plan, Run

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
FAMILY = "cards"
NAMES = {"embedding": FAMILY, "float": f"{FAMILY}-float-input"}
CLASSES = 33
# What the classifier's scale of "nothing" is multiplied by at the end, so that fewer other things are called a card. Chosen on
# films that are neither trained nor measured on.
NOTHING_GAIN = 1.15
# Films that are measured on, and frames of each.
MEASURED_SEEDS = range(0, 12)
MEASURED_FRAMES = 600


def plan(first):
    """The plan of a twin: they differ in the first layer alone."""
    return Plan(Shape(CLASSES, blocks=(2, 2, 1), first=first), frames=704_000, chunks=64, nothing_weight=1.5)


def provenance(run, note):
    """How the run was trained, as JSON; `note` says what else should be known."""
    last = FIRST_SEED + run.plan.chunks - 1
    return {
        **run.provenance(),
        "distinct_frames": run.plan.chunks * CHUNK,
        "seeds": f"{FIRST_SEED} to {last}",
        "first_training_seed": FIRST_SEED,
        "measured_seeds": f"{MEASURED_SEEDS[0]} to {MEASURED_SEEDS[-1]}",
        "nothing_gain": NOTHING_GAIN,
        "note": note,
    }


def finish(run, films, folder, note):
    """Settles, lowers, measures and exports a run's network."""
    run.settle(unvaried(films))
    with torch.no_grad():
        run.network.conv.weight[-1] *= NOTHING_GAIN
    layers = integer.lower(run.network)
    measured = measure.measure(layers, films, MEASURED_SEEDS, MEASURED_FRAMES)
    name = NAMES[run.plan.shape.first]
    description = {"name": name, "family": FAMILY, "input": {"edge": run.plan.shape.edge}, "labels": films.labels()}
    path = folder / f"{name}.safetensors"
    export.write(path, layers, {**description, "training": {**provenance(run, note), "measured": measured}})
    print(f"{path.name}: {measured}")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ernscope", default=MODELS.parent / "target/release/ernscope", help="the program that renders")
    parser.add_argument("--cache", default=HERE / "runs/frames", help="folder for rendered frames")
    parser.add_argument("--runs", default=HERE / "runs", type=Path, help="folder for checkpoints and logs")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one of the twins")
    train.add_argument("--first", choices=NAMES, required=True)
    last = commands.add_parser("finish", help="export and measure both, write MODELS.md")
    last.add_argument("--into", default=MODELS, type=Path, help="folder for the model files")
    last.add_argument("--note", default="", help="what else MODELS.md should say about this training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    films = Films(arguments.cache, arguments.ernscope)
    if arguments.command == "train":
        run = Run(plan(arguments.first), arguments.runs / NAMES[arguments.first])
        run.train(Course(films, run.plan.chunks, run.plan.batch, run.plan.seed))
    else:
        runs = [Run(plan(first), arguments.runs / name) for first, name in NAMES.items()]
        for run in runs:
            if run.step < run.plan.steps:
                parser.error(f"{run.folder} is trained to batch {run.step} of {run.plan.steps}: train it to the end first")
        for run in runs:
            finish(run, films, arguments.into, arguments.note)
        table.write(arguments.into)


if __name__ == "__main__":
    main()
