"""How well a few pictures teach a class: `ernscope teach` on sets of pictures that others took, beside what floats could do.

    python3 -m train.teaching --ernscope PROGRAM --data TEACH

TEACH has a folder a set, with a folder a class, in which `teach-*` are to learn from and `test-*` to be asked about. Writes
`teaching.json`, which `train.table` puts into MODELS.md.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from . import bank

MODELS = Path(__file__).resolve().parents[1]
COUNTS = (1, 5, 20, None)
SEEDS = range(5)
# The set whose test pictures with odd numbers show another place.
MOVED = "booth-fruit"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ernscope", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    args = parser.parse_args()
    sets = sorted(folder for folder in args.data.iterdir() if folder.is_dir())
    taught = {name(count): taught_by(args.ernscope, sets, count) for count in COUNTS}
    (MODELS / "teaching.json").write_text(json.dumps({"taught": taught, "floats": floats(sets)}, indent=1) + "\n")


def name(count):
    return "all" if count is None else str(count)


def taught_by(ernscope, sets, count):
    """Per cent right of each set, means over the seeds, and of the moved camera's halves."""
    found = {}
    for folder in sets:
        rights = [one_lesson(ernscope, folder, count, seed) for seed in (SEEDS if count else SEEDS[:1])]
        for key in rights[0]:
            found[key] = float(np.mean([right[key] for right in rights]))
    return found


def one_lesson(ernscope, folder, count, seed):
    """Per cent right of the test pictures after a lesson of `count` pictures a class."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch, tests = Path(scratch), {folder.name: lambda number: True}
        if folder.name == MOVED:
            tests |= {"same place": lambda number: number % 2 == 0, "camera moved": lambda number: number % 2 == 1}
        linked(folder, scratch / "teach", "teach", lambda number: True)
        model = scratch / "taught.safetensors"
        frames = ["--frames", str(count)] if count else []
        run(ernscope, "teach", "--data", scratch / "teach", "-o", model, "--seed", seed, "--json", *frames)
        found = {}
        for test, belongs in tests.items():
            linked(folder, scratch / test, "test", belongs)
            found[test] = 100 * json.loads(run(ernscope, "eval", "--data", scratch / test, "--model", model, "--json"))["top1"]
        return found


def run(ernscope, *arguments):
    """What the program prints."""
    command = [str(ernscope), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def linked(folder, to, part, belongs):
    """The pictures of a part of a set, as links."""
    for picture in sorted(folder.glob(f"*/{part}-*")):
        if belongs(number(picture)):
            link = to / picture.parent.name / picture.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(picture.resolve())


def number(picture):
    return int(picture.stem.split("-")[1])


def floats(sets):
    """Per cent right, means over the sets and seeds, of what needs floats: class means and ridge on the codes that are taught from, and
    a linear probe on the last codes of the twin with a float first layer."""
    probes = {"class means": ("objects", bank.LAYERS[0], class_means), "ridge": ("objects", bank.LAYERS[0], ridge)}
    probes["probe of the float twin"] = ("objects-float-input", bank.LAYERS[2], ridge)
    found = {probe: {name(count): [] for count in COUNTS} for probe in probes}
    for folder in sets:
        pictures = sorted(folder.glob("*/*"))
        classes = sorted({picture.parent.name for picture in pictures})
        labels = np.array([classes.index(picture.parent.name) for picture in pictures])
        is_test = np.array([picture.name.startswith("test") for picture in pictures])
        pixels = np.stack([square(picture) for picture in pictures])
        seen = {model: bank.features(MODELS / f"{model}.safetensors", pixels) for model in ("objects", "objects-float-input")}
        for probe, (model, layer, learn) in probes.items():
            for count in COUNTS:
                rights = [right(learn, seen[model][layer], labels, is_test, count, seed) for seed in (SEEDS if count else SEEDS[:1])]
                found[probe][name(count)].append(float(np.mean(rights)))
    return {probe: {count: float(np.mean(sets)) for count, sets in counts.items()} for probe, counts in found.items()}


def square(picture):
    """The middle square of a picture, u8 [64, 64, 3]."""
    image = Image.open(picture).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return np.asarray(image.crop((left, top, left + edge, top + edge)).resize((64, 64), Image.BILINEAR))


def right(learn, features, labels, is_test, count, seed):
    """Per cent of the test pictures that a classifier recognises, learned from `count` pictures a class."""
    dice = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels):
        own = np.flatnonzero((labels == label) & ~is_test)
        chosen += list(own if count is None or len(own) <= count else dice.choice(own, count, replace=False))
    logits = learn(features[chosen], labels[chosen], features[is_test])
    return 100 * (logits.argmax(1) == labels[is_test]).mean()


def class_means(features, labels, asked):
    """Minus the squared distances to the classes' means."""
    means = np.stack([features[labels == label].mean(0) for label in np.unique(labels)])
    return 2 * asked @ means.T - (means**2).sum(1)


def ridge(features, labels, asked):
    """Ridge regression to +1 and -1, on features around their mean, their variance as its ridge."""
    mean, targets = features.mean(0), 2 * np.eye(labels.max() + 1)[labels] - 1
    centred = features - mean
    variance = max(centred.var(), 1e-6)
    matrix = centred.T @ centred / len(centred) + variance * np.eye(centred.shape[1])
    weights = np.linalg.solve(matrix, centred.T @ (targets - targets.mean(0)) / len(centred))
    return (asked - mean) @ weights + targets.mean(0)


if __name__ == "__main__":
    main()
