"""Trains, measures and exports the networks for photographs.

    python3 -m train.photographs FAMILY train ROW    trains a row, the teacher first; goes on where it was stopped
    python3 -m train.photographs FAMILY finish       measures all trained rows, exports the shipped ones, writes FAMILY.json
    python3 -m train.photographs FAMILY write DIR    writes the held-out pictures into DIR/plain and, as a webcam may see them,
                                                     into DIR/webcam, a folder a class, for `ernscope eval`

`retrain-photographs` does all of it.
"""

import argparse
import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import torch
from matplotlib import pyplot
from PIL import Image

from . import export, integer, pictures, table
from .families import FAMILIES, ROWS, SHIPPED, TEACHER
from .trainer import Run

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
# Epochs between two looks at the held-out pictures.
LOOK_EVERY = 4


class Workshop:
    """A family's pictures, and its runs' folder."""

    def __init__(self, family, data, runs):
        self.family, self.data, self.runs = family, data, Path(runs) / family.name
        # Where rows are trained; they are measured on the processor, in exact integers.
        self.device = "cpu"

    def pictures(self, split="train"):
        """One of the set's splits."""
        return pictures.load(self.data, self.family.data, split)

    def folder(self, row):
        """The run's folder."""
        return self.runs / row.replace(" ", "-")

    @property
    def written(self):
        """The folder with the held-out pictures."""
        return self.runs / "held-out"

    def hints_path(self, view):
        """The file with the teacher's logits for a view."""
        return self.runs / "hints" / f"{view}.npy"

    def run(self, row, count):
        """The run of a row that learns from `count` pictures."""
        return Run(self.family.plan(row, count), self.folder(row), self.device)

    def course(self, plan, training, hints=None):
        """What a run learns from."""
        return pictures.Course(training, self.family.vary, plan.chunks, plan.batch, plan.seed, self.runs / "views", hints, self.device)

    def train(self, row):
        """Trains a row to its end, with a look at the held-out pictures now and then. The teacher then says what it thinks."""
        training, held_out = self.pictures(), self.pictures(self.family.held_out)
        run = self.run(row, len(training.labels))
        hints = None if row == TEACHER else self.hints()
        course = self.course(run.plan, training, hints)
        stride = LOOK_EVERY * (len(training.labels) // run.plan.batch)
        while run.step < run.plan.steps:
            run.train(course, until=(run.step // stride + 1) * stride)
            self.look(run, held_out)
        if row == TEACHER:
            self.ask(run.network, training)

    def look(self, run, held_out):
        """Adds a line to the run's curve: pictures seen, and the share of held-out pictures it gets right."""
        right = top_counts(float_logits(run.network, held_out.pixels), held_out.labels)[0] / len(held_out.labels)
        with open(run.folder / "curve.csv", "a", newline="") as file:
            csv.writer(file).writerow([run.step * run.plan.batch, f"{right:.4f}"])

    def hints(self):
        """The teacher's logits, [views][n, classes]; raises FileNotFoundError where the teacher has yet to be trained."""
        return [np.load(self.hints_path(view), mmap_mode="c") for view in range(self.family.views)]

    def ask(self, teacher, training):
        """Writes the teacher's logits for every view of the pictures, as float16."""
        course = self.course(self.family.plan("learned table", len(training.labels)), training)
        self.hints_path(0).parent.mkdir(parents=True, exist_ok=True)
        for view in range(self.family.views):
            if not self.hints_path(view).exists():
                part = self.hints_path(view).with_suffix(".part.npy")
                np.save(part, float_logits(teacher, course.view(view)).astype(np.float16))
                part.rename(self.hints_path(view))

    def finish(self, into, program):
        """Measures the rows that are trained to their end, exports the shipped ones, writes the family's figures.

        `program` is ernscope, which has to get the same pictures right.
        """
        training, held_out = self.pictures(), self.pictures(self.family.held_out)
        self.write_once()
        figures = {}
        for row in ROWS:
            run = self.run(row, len(training.labels))
            if run.step < run.plan.steps:
                print(f"{row}: trained to batch {run.step} of {run.plan.steps}, left out")
                continue
            if row != TEACHER:
                run.settle(pictures.unvaried(training))
            layers = None if run.plan.shape.last == "float" else integer.lower(run.network)
            figures[row] = {"row": row, **self.figures(run, layers, held_out)}
            if row in SHIPPED:
                path = self.export(layers, row, training.classes, figures[row], into)
                figures[row].update(self.evaluate(program, path, figures[row]["measured"]))
            print(row, {name: value for name, value in figures[row].items() if name != "curve"})
        with open(into / f"{self.family.name}.json", "w", encoding="utf-8") as file:
            json.dump({"data": self.family.data, "pictures": len(training.labels), "rows": figures}, file, indent=1)
        plot(into / f"{self.family.name}.svg", figures)
        table.write(into)

    def evaluate(self, program, model, measured):
        """What the program says about the exported network: a model's size, and its count on webcam pictures.

        Raises ValueError where it counts otherwise on the plain ones.
        """
        plain, webcam = (counted(program, model, self.written / kind) for kind in ("plain", "webcam"))
        if plain["top1_count"] != measured["top1_count"]:
            raise ValueError(f"{model}: ernscope counts {plain['top1_count']} right answers, the trainer {measured['top1_count']}")
        return {"bytes": model.stat().st_size, "webcam_top1_count": webcam["top1_count"]}

    def figures(self, run, layers, held_out):
        """What MODELS.md says about a row, measured on its integer network `layers` if it has one."""
        if layers is None:
            # A teacher answers as it taught.
            teaches = run.plan.shape.middle == "float"
            logits, arithmetic = float_logits(run.network, held_out.pixels, teaches), "bfloat16" if teaches else "float32"
        else:
            logits, arithmetic = integer.logits(layers, held_out.pixels), "integer"
        top1, top5 = top_counts(logits, held_out.labels)
        measured = {"images": len(held_out.labels), "top1_count": top1, "top5_count": top5, "arithmetic": arithmetic}
        return {"measured": measured, "curve": curve(run.folder), **run.provenance()}

    def export(self, layers, row, classes, figures, into):
        """Writes the model file."""
        name = self.family.name + SHIPPED[row]
        training = {key: value for key, value in figures.items() if key != "curve"}
        description = {"name": name, "family": self.family.name, "input": {"edge": self.family.shape.edge}, "labels": classes}
        path = into / f"{name}.safetensors"
        export.write(path, layers, {**description, "training": training})
        return path

    def write_once(self):
        """Writes what `evaluate` looks at, if it is not there."""
        if not self.written.exists():
            self.write(self.written.with_suffix(".part"))
            self.written.with_suffix(".part").rename(self.written)

    def write(self, into):
        """Writes the held-out pictures, a folder a class: as PNG files, and as a webcam may see them."""
        held_out = self.pictures(self.family.held_out)
        for kind in ("plain", "webcam"):
            for name in held_out.classes:
                (into / kind / name).mkdir(parents=True, exist_ok=True)
        for number, (pixels, label) in enumerate(zip(held_out.pixels, held_out.labels)):
            name = held_out.classes[label]
            Image.fromarray(pixels).save(into / "plain" / name / f"{number:05}.png")
            scene = pictures.webcam_scene(pixels, np.random.default_rng(number))
            (into / "webcam" / name / f"{number:05}.jpg").write_bytes(scene)


def row_of(name):
    """The row that a model file of a family was trained as."""
    return next(row for row, ending in SHIPPED.items() if ending == ("-float-input" if name.endswith("-float-input") else ""))


def counted(program, model, folder):
    """What `ernscope eval` counts on a folder of pictures."""
    command = [program, "eval", "--model", model, "--data", folder, "--threads", "1", "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def plot(path, figures):
    """Draws the rows' curves."""
    drawing, axes = pyplot.subplots(figsize=(8, 4.5))
    for row, figure in figures.items():
        seen, right = zip(*figure["curve"])
        axes.plot(np.array(seen) / 1e6, 100 * np.array(right), label=row)
    axes.set(xlabel="pictures seen (millions)", ylabel="top-1 on held-out pictures (%)")
    axes.grid(alpha=0.3)
    axes.legend()
    drawing.savefig(path, metadata={"Date": None}, bbox_inches="tight")


def curve(folder):
    """The run's curve: [pictures seen, share of held-out pictures right]."""
    with open(folder / "curve.csv", newline="") as file:
        return [[int(seen), float(right)] for seen, right in csv.reader(file)]


def float_logits(network, pixels, bfloat16=True):
    """The float network's logits, float32 [n, classes], with batch norm's running figures."""
    network.eval()
    device = next(network.parameters()).device
    at_once = 2000 if device.type == "cuda" else 250
    kind = torch.bfloat16 if bfloat16 else torch.float32
    parts = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for start in range(0, len(pixels), at_once):
            some = torch.from_numpy(np.array(pixels[start : start + at_once])).to(device)
            parts.append(network(some, kind).float().cpu().numpy())
    return np.concatenate(parts)


def top_counts(logits, labels, places=(1, 5)):
    """How many labels are among the likeliest classes; of equal logits the first class comes first."""
    order = np.argsort(-logits, axis=1, kind="stable")
    return [int((order[:, :place] == labels[:, None]).any(axis=1).sum()) for place in places]


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--data", default=MODELS.parent.parent / "shared/data", type=Path, help="folder of the sets, with load.py")
    parser.add_argument("--runs", default=HERE / "runs", type=Path, help="folder for checkpoints and logs")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a row")
    training.add_argument("row", choices=ROWS)
    training.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cuda (a GPU) or cpu")
    last = commands.add_parser("finish", help="measure, export")
    last.add_argument("--into", default=MODELS, type=Path, help="folder for the model files")
    last.add_argument("--ernscope", default=MODELS.parent / "target/release/ernscope", help="the program that counts, too")
    commands.add_parser("write", help="write the held-out pictures").add_argument("into", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(FAMILIES[arguments.family], arguments.data, arguments.runs)
    if arguments.command == "train":
        workshop.device = arguments.device
        workshop.train(arguments.row)
    elif arguments.command == "finish":
        workshop.finish(arguments.into, arguments.ernscope)
    else:
        workshop.write(arguments.into)


if __name__ == "__main__":
    main()
