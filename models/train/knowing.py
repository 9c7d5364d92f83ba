"""Teaches trained twins to tell whether they know what they see, and measures it.

    python3 -m train.knowing prepare          the pictures, what either twin makes of them, and what both say together
    python3 -m train.knowing train NETWORK    trains the last stage of `objects` or of its twin; goes on where it was stopped
    python3 -m train.knowing finish           measures both, writes the model files, objects.json and MODELS.md

The foreign are photographs that lie in DATA/foreign, of which a third are trained on, a sixth give the limit and half are measured
on, and the classes of CIFAR-100 that no class of ours resembles. A network that is told of few photographs only which are foreign
knows these by heart and no others. So a line does the telling, a logistic regression over how often each channel of an earlier
layer has which code in both twins, and their logits: it has too few weights for that. The last stage of each twin then learns to say
of any picture what the line says, with four rows of the classifier that own no class, and to answer as both twins do in the mean.
"""

import argparse
import json
import math
import os
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from . import export, integer, photographs, pictures, restart, strangers, table
from .families import FAMILIES
from .known import KnownScore, auroc, known, limit_for, line
from .network import Ern
from .tail import Tail
from .trainer import device_name

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
TWINS = ("objects", "objects-float-input")
# Codes of this layer are what the trained stage reads.
STAGE, BEFORE = 3, "backbone.layer3.0.act0"
# Ways that the known photographs are varied, parts of each that are kept in a file, and copies of a picture: as it is, and shaken.
VIEWS, PARTS, COPIES = 2, 5, 2
KNOWN = [f"known-{view}-{part}" for view in range(VIEWS) for part in range(PARTS)]
# Views of each foreign photograph, and photographs of CIFAR-100.
CROPS, OTHERS = 60, 16_000
# Every sixth foreign class of CIFAR-100 is left out, to look at.
LEFT_OUT = 6
# The share of the foreign photographs that the limit lets pass, of those that it is taken from.
NAMED = 0.15
# Measured on: the held-out photographs as they are, shaken, and as JPEG; the foreign ones.
MEASURED = ("plain", "shaken", "jpeg", "foreign")


@dataclass(frozen=True)
class Plan:
    """All that a run depends on, beside its pictures."""

    others: int = 4
    steps: int = 350
    known: int = 128
    foreign: int = 32
    peak_rate: float = 1e-3
    # The score's rate, as a multiple.
    score_rate: float = 5.0
    warm_up: float = 0.05
    weight_decay: float = 1e-5
    temperature: float = 2.0
    # How often the labels count in the loss, and what the foreign pictures' answers do.
    labels: float = 0.05
    foreign_hints: float = 0.3
    # The line's weight decay, and the part that photographs are of the foreign.
    line_decay: float = 0.03
    photographs: float = 0.6
    seed: int = 3

    def rate(self, step):
        """The learning rate: a straight warm-up, then a cosine to zero."""
        warm = self.warm_up * self.steps
        if step < warm:
            return self.peak_rate * (step + 1) / warm
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm)))


class Workshop:
    """The folders, and the pictures in them: `frames/NAME.npy`, u8 [n, 64, 64, 3], and what a twin makes of them."""

    def __init__(self, data, runs, models, plan=Plan()):
        self.data, self.runs, self.models, self.plan = Path(data), Path(runs) / "knowing", Path(models), plan
        self.family = FAMILIES["objects"]

    def kept(self, name, make):
        """The array in the file `name`; it is made where there is none."""
        path = self.runs / f"{name}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npy")
            np.save(part, make())
            os.replace(part, path)
        return np.load(path, mmap_mode="r")

    def pictures(self, split):
        """The classes' photographs."""
        return pictures.load(self.data, self.family.data, split)

    def prepare(self):
        """Makes all that a run learns from and is measured on."""
        for name in [*KNOWN, "photographs", "cifar", "limit", *MEASURED]:
            for twin in TWINS:
                self.codes(twin, name)
        self.told("known-0-0")

    def frames(self, name):
        """The pictures called `name`, u8 [n, 64, 64, 3]; of known ones each as it is, then shaken."""
        return self.kept(f"frames/{name}", lambda: self.made(name)).reshape(-1, *[strangers.EDGE] * 2, 3)

    def made(self, name):
        """Makes pictures."""
        rng = np.random.default_rng([self.plan.seed, *name.encode()])
        if name.startswith("known"):
            seen = strangers.views(list(self.pictures("train").pixels[self.part(name)]), rng)
            return np.stack([seen, strangers.shaken(seen, rng)], axis=1)
        if name == "cifar":
            chosen = pictures.load(self.data, "cifar100", "train").pixels[self.cifar_places()]
            return strangers.shaken(strangers.views(list(chosen), rng), rng)
        held_out = self.pictures(self.family.held_out).pixels
        if name in MEASURED[:3]:
            return {"plain": np.array, "shaken": lambda pixels: strangers.shaken(pixels, rng), "jpeg": strangers.as_measured}[name](held_out)
        images, uses = strangers.foreign(self.data / "foreign")
        if name == "photographs":
            chosen = rng.permutation(np.repeat(uses["train"], CROPS))
            return strangers.shaken(strangers.views([images[place] for place in chosen], rng), rng)
        if name == "limit":
            return np.concatenate([strangers.near(images[place], rng) for place in uses["limit"]])
        return strangers.as_measured([images[place] for place in uses["measure"]])

    def part(self, name):
        """Which photographs of the training set a file of known ones has."""
        return slice(int(name[-1]), None, PARTS)

    def cifar_places(self):
        """Where in CIFAR-100 the photographs are that are chosen of those that show none of our classes."""
        there = pictures.load(self.data, "cifar100", "train")
        foreign = np.flatnonzero([there.classes[label] not in strangers.SHARED for label in there.labels])
        return np.random.default_rng(self.plan.seed).permutation(foreign)[:OTHERS]

    def learned_of_cifar(self):
        """Whether each chosen photograph of CIFAR-100 is learned from."""
        labels = self.kept("frames/cifar-labels", lambda: pictures.load(self.data, "cifar100", "train").labels[self.cifar_places()])
        return ~np.isin(labels, np.unique(labels)[::LEFT_OUT])

    def codes(self, twin, name):
        """What the trained stage of a twin reads of the pictures, u8 [n, places, channels], and what the twin says as it was before,
        float32 [n, classes]."""
        path = self.runs / f"codes/{twin}/{name}.npy"
        if not path.exists():
            layers, parts = integer.from_file(self.models / f"{twin}.safetensors"), []
            for start in range(0, len(self.frames(name)), pictures.AT_ONCE):
                found, logits = integer.run(layers, np.array(self.frames(name)[start : start + pictures.AT_ONCE]))
                parts.append((np.moveaxis(found[BEFORE], 1, 3).reshape(len(logits), -1), logits))
            codes, logits = (np.concatenate(part) for part in zip(*parts))
            self.kept(f"codes/{twin}/{name}.logits", lambda: logits)
            self.kept(f"codes/{twin}/{name}", lambda: codes)
        codes = np.load(path, mmap_mode="r")
        return codes.reshape(len(codes), self.places, -1), self.kept(f"codes/{twin}/{name}.logits", None)

    @property
    def places(self):
        """How many places the map has that the trained stage reads."""
        return (strangers.EDGE // np.prod(self.family.shape.strides) // 2 ** (STAGE - 2)) ** 2

    def told(self, name):
        """What a run is told of the pictures: the answers of both twins in the mean, float32 [n, classes], and what the line says, [n].

        Both are the same for all copies of a picture: the mean of theirs.
        """
        def say():
            found = self.line()
            for each in [*KNOWN, "photographs", "cifar"]:
                self.kept(f"told/{each}.score", lambda: found(self.features(each)))

        path = self.runs / f"told/{name}.score.npy"
        if not path.exists():
            say()
        return self.answers(name), np.load(path)

    def answers(self, name):
        """The logits of both twins in the mean, and that over the copies of a picture."""
        return over_copies(name, np.mean([self.codes(twin, name)[1] for twin in TWINS], axis=0))

    def features(self, name):
        """What the line reads, float32 [n, features]."""
        parts = [outlook(self.answers(name))]
        for twin in TWINS:
            codes, logits = self.codes(twin, name)
            means = [codes[start : start + 2000].mean(axis=1, dtype=np.float32) for start in range(0, len(codes), 2000)]
            parts.append(over_copies(name, np.concatenate([outlook(logits), 4 * np.concatenate(means)], axis=1)))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def line(self):
        """The line that tells known from foreign: rightly recognised photographs that were trained on from the foreign."""
        labels, plan, parts = self.pictures("train").labels, self.plan, []
        for name in KNOWN:
            right = self.answers(name)[::COPIES].argmax(axis=1) == labels[self.part(name)]
            parts.append(self.features(name)[::COPIES][right])
        sets = [np.concatenate(parts), self.features("photographs"), self.features("cifar")[self.learned_of_cifar()]]
        weights = [np.full(len(one), share / len(one)) for one, share in zip(sets, (1, plan.photographs, 1 - plan.photographs))]
        wanted = np.repeat([1, 0, 0], [len(one) for one in sets])
        return line(np.concatenate(sets), wanted, np.concatenate(weights), plan.line_decay)


def over_copies(name, values):
    """The mean over the copies of each picture in place of each, where there are copies."""
    if name not in KNOWN:
        return values
    means = values.reshape(-1, COPIES, values.shape[1]).mean(axis=1)
    return np.repeat(means, COPIES, axis=0)


def outlook(logits):
    """The largest probability's logarithm and the two largest logits, [n, 3]."""
    largest = np.sort(logits, axis=1)[:, -2:]
    log_probability = -np.log(np.exp(logits - largest[:, 1:]).sum(axis=1))
    return np.column_stack([log_probability, largest[:, ::-1]])


class Run:
    """The training of a twin: its network, the score, and a checkpoint in the folder of its name."""

    def __init__(self, workshop, twin):
        self.workshop, self.twin, self.plan = workshop, twin, workshop.plan
        self.checkpoint = workshop.runs / twin / "checkpoint.pt"
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(self.plan.seed)
        path = workshop.models / f"{twin}.safetensors"
        if self.checkpoint.exists():
            self.network = Ern(replace(restart.shape(export.read_document(path)), others=self.plan.others))
        else:
            self.network = with_others(restart.restart(path, workshop.frames("known-0-0")[: 2 * 400 : COPIES]), self.plan.others)
        self.tail = Tail(self.network, STAGE)
        self.score = KnownScore(self.network.shape.classes, self.plan.others)
        groups = [(self.tail.trained(), 1.0), (list(self.score.parameters()), self.plan.score_rate)]
        groups = [{"params": parameters, "share": share} for parameters, share in groups]
        self.optimizer = torch.optim.Adam(groups, eps=1e-4, weight_decay=self.plan.weight_decay)
        self.step = 0
        if self.checkpoint.exists():
            self.load()

    def load(self):
        """Goes back to the checkpoint; raises ValueError where it belongs to another plan."""
        state = torch.load(self.checkpoint)
        if state["plan"] != asdict(self.plan):
            raise ValueError(f"{self.checkpoint} belongs to another plan: remove it")
        for part in ("network", "score", "optimizer"):
            getattr(self, part).load_state_dict(state[part])
        self.step = state["step"]

    def save(self):
        """Writes the checkpoint; a run that dies meanwhile leaves the last one whole."""
        state = {"plan": asdict(self.plan), "step": self.step}
        state.update((part, getattr(self, part).state_dict()) for part in ("network", "score", "optimizer"))
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def train(self, save_every=25):
        """Trains to the end."""
        course = Course(self.workshop, self.twin)
        self.network.train()
        sums = np.zeros(4)
        while self.step < self.plan.steps:
            sums += self.learn(course.batch(self.step))
            self.step += 1
            if self.step % save_every == 0 or self.step == self.plan.steps:
                self.save()
                print(self.twin, self.step, *(f"{name} {value:.3f}" for name, value in zip(LOSSES, sums / save_every)), flush=True)
                sums[:] = 0

    def learn(self, batch):
        """One step; gives the losses, as they are called in LOSSES, and the share of right answers."""
        plan = self.plan
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * plan.rate(self.step)
        rows = self.tail(batch.codes)
        logits, few = rows[:, : self.score.classes], plan.known
        told = divergence(logits / plan.temperature, batch.answers / plan.temperature) * plan.temperature**2
        answers = told[:few].mean() + plan.foreign_hints * told[few:].mean()
        labels = F.cross_entropy(logits[:few], batch.labels)
        each = doubt(self.score(rows), torch.sigmoid(batch.scores))
        score = (each[:few].mean() + each[few:].mean()) / 2
        self.optimizer.zero_grad()
        (answers + plan.labels * labels + score).backward()
        self.optimizer.step()
        right = (logits[:few].argmax(1) == batch.labels).float().mean()
        return np.array([loss.item() for loss in (answers, labels, score, right)])

    def settle(self, batches=24):
        """Takes batch norm's running figures anew, from batches as they were learned from."""
        trained = {id(parameter) for parameter in self.tail.trained()}
        norms = [module for module in self.network.modules() if isinstance(module, torch.nn.BatchNorm2d) and id(module.weight) in trained]
        course = Course(self.workshop, self.twin)
        self.network.train()
        with torch.no_grad():
            for number in range(batches):
                for norm in norms:
                    norm.momentum = 1 / (number + 1)
                self.tail(course.batch(self.plan.steps + number).codes)
        self.network.eval()

    def layers(self):
        """The network in integers: its file's layers up to those that are trained, and these as they are now."""
        before = integer.from_file(self.workshop.models / f"{self.twin}.safetensors")
        kept = [layer.entry["name"] for layer in before].index(BEFORE) + 1
        return before[:kept], integer.lower(self.network)[kept:]

    def rows(self, trained, name):
        """The logits of all rows for the pictures called `name`, by the layers that are trained: float32 [n, rows]."""
        codes, _ = self.workshop.codes(self.twin, name)
        edge = self.tail.edge
        return integer.rows_from(trained, BEFORE, np.moveaxis(codes.reshape(len(codes), edge, edge, -1), 3, 1))


LOSSES = ("answers", "labels", "score", "right")


def divergence(logits, wanted):
    """How far the answers are from those that are wanted, [n]: Kullback and Leibler's."""
    return F.kl_div(logits.log_softmax(1), wanted.softmax(1), reduction="none").sum(1)


def doubt(scores, wanted):
    """How far the probabilities of scores are from those that are wanted, [n]: the same of two outcomes."""
    least = torch.xlogy(wanted, wanted) + torch.xlogy(1 - wanted, 1 - wanted)
    return F.binary_cross_entropy_with_logits(scores, wanted, reduction="none") + least


def with_others(network, count):
    """The network, with `count` random rows of no class behind the others if it has none."""
    if network.shape.others:
        return network
    weight = network.conv.weight.detach()
    rows = 1.25 * weight.abs().mean() * torch.randn(count, *weight.shape[1:])
    network.shape = replace(network.shape, others=count)
    network.conv.weight = torch.nn.Parameter(torch.cat([weight, rows]))
    network.conv.out_channels += count
    return network


@dataclass(frozen=True)
class Batch:
    """What one step learns from: known pictures, then foreign ones."""

    codes: torch.Tensor
    answers: torch.Tensor
    scores: torch.Tensor
    # Of the known ones.
    labels: torch.Tensor


class Course:
    """Batches of known pictures, and of foreign ones, half of them photographs, half of CIFAR-100: each follows from its number."""

    def __init__(self, workshop, twin):
        self.plan, self.labels = workshop.plan, workshop.pictures("train").labels
        self.known = [self.source(workshop, twin, name) for name in KNOWN]
        self.parts = [np.repeat(self.labels[workshop.part(name)], COPIES) for name in KNOWN]
        self.photographs, self.cifar = (self.source(workshop, twin, name) for name in ("photographs", "cifar"))
        self.chosen = np.flatnonzero(workshop.learned_of_cifar())

    @staticmethod
    def source(workshop, twin, name):
        """Codes, answers and scores of the pictures called `name`."""
        return workshop.codes(twin, name)[0], *workshop.told(name)

    def batch(self, number):
        """The batch of this number."""
        plan, rng = self.plan, np.random.default_rng([self.plan.seed, 7, number])
        found, labels = [], []
        for source, of, count in zip(self.known, self.parts, rng.multinomial(plan.known, [1 / len(KNOWN)] * len(KNOWN))):
            rows = np.sort(rng.integers(0, len(of), count))
            found.append([part[rows] for part in source])
            labels.append(of[rows])
        half = plan.foreign // 2
        for source, rows in [(self.photographs, rng.integers(0, len(self.photographs[0]), half)),
                             (self.cifar, rng.choice(self.chosen, plan.foreign - half))]:
            found.append([part[np.sort(rows)] for part in source])
        parts = [torch.from_numpy(np.concatenate(part)) for part in zip(*found)]
        return Batch(*parts, torch.from_numpy(np.concatenate(labels)).long())


def finish(workshop, into, program):
    """Measures both twins, writes their files, and what MODELS.md says."""
    path = into / "objects.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    counter = photographs.Workshop(workshop.family, workshop.data, workshop.runs.parent)
    counter.write_once()
    for twin in TWINS:
        run = Run(workshop, twin)
        run.settle()
        (before, trained), told = run.layers(), figures["rows"][photographs.row_of(twin)]
        measured, knowing, score = measure(run, trained)
        told.update(measured=measured, shape=asdict(run.network.shape), knowing={**provenance(run), **knowing})
        document = export.read_document(workshop.models / f"{twin}.safetensors")
        description = {key: document[key] for key in ("name", "family", "input", "labels")}
        training = {key: value for key, value in told.items() if key not in ("curve", "bytes", "webcam_top1_count")}
        file = into / f"{twin}.safetensors"
        export.write(file, before + trained, {**description, "known": score, "training": training})
        told.update(counter.evaluate(program, file, measured))
        print(twin, knowing, measured, told["webcam_top1_count"])
    path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    table.write(into)


def measure(run, trained):
    """How many held-out pictures are right, how well the known are told from the foreign, and the score as the file has it."""
    workshop, score = run.workshop, run.score
    labels = workshop.pictures(workshop.family.held_out).labels
    rows = {name: run.rows(trained, name) for name in (*MEASURED, "limit")}
    answers = {name: values[:, : score.classes].argmax(axis=1) for name, values in rows.items()}
    document = score.document(0.5)
    knowings = {name: known(document, values, score.classes) for name, values in rows.items()}
    document["limit"] = limit_for(knowings["limit"], NAMED)
    right = answers["jpeg"] == labels
    top1, top5 = photographs.top_counts(rows["plain"][:, : score.classes], labels)
    sure = {name: values >= document["limit"] for name, values in knowings.items()}
    knowing = {
        "auroc": round(auroc(knowings["jpeg"][right], knowings["foreign"]), 4),
        "foreign_images": len(knowings["foreign"]),
        "foreign_named": int(sure["foreign"].sum()),
        "right_images": int(right.sum()),
        "right_kept": int((sure["jpeg"] & right).sum()),
        "shaken_answers_changed": int((answers["plain"] != answers["shaken"]).sum()),
    }
    return {"images": len(labels), "top1_count": top1, "top5_count": top5, "arithmetic": "integer"}, knowing, document


def provenance(run):
    """How a twin was trained on, as JSON."""
    today = datetime.now(timezone.utc).date().isoformat()
    _, uses = strangers.foreign(run.workshop.data / "foreign")
    used = {f"{use}_photographs": len(places) for use, places in uses.items()}
    # What a person has to say of this run, if anything, stands beside its checkpoint.
    said = run.checkpoint.with_name("note.txt")
    used["note"] = said.read_text(encoding="utf-8").strip() if said.exists() else ""
    return {"plan": asdict(run.plan), "torch": torch.__version__, "trained_on": device_name(torch.device("cpu")), "date": today, **used, "named": NAMED}


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=MODELS.parent.parent / "shared/data", type=Path, help="folder of the sets, with load.py and foreign")
    parser.add_argument("--runs", default=HERE / "runs", type=Path, help="folder for checkpoints and what is made once")
    parser.add_argument("--models", default=MODELS, type=Path, help="folder of the model files to begin with")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="make what is learned from")
    commands.add_parser("train", help="train a twin").add_argument("twin", choices=TWINS)
    last = commands.add_parser("finish", help="measure, export")
    last.add_argument("--into", default=MODELS, type=Path, help="folder for the model files")
    last.add_argument("--ernscope", default=MODELS.parent / "target/release/ernscope", help="the program that counts, too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop(arguments.data, arguments.runs, arguments.models)
    if arguments.command == "prepare":
        workshop.prepare()
    elif arguments.command == "train":
        Run(workshop, arguments.twin).train()
    else:
        finish(workshop, arguments.into, arguments.ernscope)


if __name__ == "__main__":
    main()
