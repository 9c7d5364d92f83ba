"""MODELS.md, written from the model files and the figures of the families.

    python3 -m train.table
"""

import json
from pathlib import Path

from .export import read_document

MODELS = Path(__file__).resolve().parents[1]
HEAD = """# Networks

Written by `python3 -m train.table`; every figure comes from the metadata of the model files, from `cifar100.json` and `objects.json`,
which training writes, and from `teaching.json`, which `python3 -m train.teaching` measures.
"""
# Families whose pictures are JPEG files: how many the shipped network and its float twin get right through another decoder
# (zune-jpeg) than the trainer's (libjpeg-turbo, by way of Pillow), and the share of the former's single answers that are others
# then. Counted once, by hand.
OTHER_DECODER = {"objects": (2899, 2900, 0.17)}
FLOAT_PROBES = {
    "class means": "class means in floats, of the same codes",
    "ridge": "ridge regression in floats, of the same codes",
    "probe of the float twin": "linear probe in floats, of the last codes of the twin with a float first layer",
}
TEACHING = """
Six sets that others took (fruit, drink cartons, coins, fingers, rubbish, and fruit composed before a booth's camera, one class
`nothing`); the pictures asked about were taken by another person, at another time or place, or from another side. Five choices of
pictures a figure, one where all are taken. Taught networks have the eyes of `objects`, one bit a weight and one filter a class; floats
see the frames alone, without varied copies.
"""
FIRST = {"embedding": "learned table, k = {depth}", "thermometer": "thermometer, k = {depth}", "float": "float32 convolution"}


def write(models=MODELS):
    """Writes MODELS.md into the folder `models` about the networks that lie in it."""
    sections = [cards(models)]
    sections += [photographs(models, name) for name in ("cifar100", "objects") if (models / f"{name}.json").exists()]
    sections += [teaching(models)] if (models / "teaching.json").exists() else []
    (models / "MODELS.md").write_text(HEAD + "".join(sections), encoding="utf-8")


def teaching(models):
    """The section about teaching."""
    found = json.loads((models / "teaching.json").read_text())
    taught, floats = found["taught"], found["floats"]
    halves = "same place", "camera moved"
    sets = [name for name in next(iter(taught.values())) if name not in halves]
    counts = list(taught)
    lines = [
        "\n## Taught on the spot\n\n",
        f"| right of the test pictures, pictures a class | {' | '.join(counts)} |\n",
        f"| --- |{' --- |' * len(counts)}\n",
    ]

    def row(title, values):
        lines.append(f"| {title} | {' | '.join(f'{value:.1f} %' for value in values)} |\n")

    row("`ernscope teach`, mean of the sets", [sum(taught[count][name] for name in sets) / len(sets) for count in counts])
    for probe, title in FLOAT_PROBES.items():
        row(title, [floats[probe][count] for count in counts])
    for name in [*sets, *halves]:
        row(f"{'booth-fruit, ' if name in halves else ''}{name}", [taught[count][name] for count in counts])
    return "".join([*lines, TEACHING])


def cards(models):
    """The section about the cards."""
    files = [models / f"{name}.safetensors" for name in ("cards", "cards-float-input")]
    documents = [(file, read_document(file)) for file in files]
    lines = [
        "\n## cards\n\n",
        "| network | first layer | shape | bytes | accuracy | on cards | nothing called a card | card called nothing |\n",
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        *(_cards_row(file, document) for file, document in documents),
    ]
    embedded, floating = (document["training"]["measured"]["accuracy"] for _, document in documents)
    lines.append(f"\nGap of the pixel embedding to its float-input twin: {100 * (floating - embedded):+.2f} points.\n")
    for title, key in [("card height", "by_height_percent"), ("hidden part", "by_hidden_percent")]:
        lines.append(_bands(title, "measured", key, documents))
    training = documents[0][1]["training"]
    if "first_training" not in training:
        return "".join([*lines, _how_cards(training), _measured_cards(training)])
    lines.append(_bands("card height, on wide films", "measured_wide", "by_height_percent", documents))
    return "".join([*lines, _wide(documents), _how_cards(training["first_training"]), _how_widened(training), _measured_cards(training)])


def _wide(documents):
    said = []
    for _, document in documents:
        wide = document["training"]["measured_wide"]
        said.append(f"{document['name']} is right on {_percent(wide['accuracy_on_cards'])} of the cards and calls a card "
                    f"{_percent(wide['nothing_called_card'])} of what is none")
    return f"\nOn wide films {' and '.join(said)}.\n"


def _percent(share):
    return f"{100 * share:.2f} %"


def _first(shape):
    return FIRST[shape["first"]].format(**shape)


def _shape(shape):
    widths, blocks = ("/".join(map(str, shape[key])) for key in ("widths", "blocks"))
    return f"stem {shape['stem']}, stages {widths} of {blocks} blocks"


def _strides(shape):
    return "/".join(map(str, shape["strides"]))


def _epochs(plan, figures):
    return plan["frames"] // (figures["pictures"] // plan["batch"] * plan["batch"])


def _cards_row(file, document):
    training = document["training"]
    measured, shape = training["measured"], training["shape"]
    keys = ["accuracy", "accuracy_on_cards", "nothing_called_card", "card_called_nothing"]
    shares = " | ".join(_percent(measured[key]) for key in keys)
    return f"| {document['name']} | {_first(shape)} | {_shape(shape)} | {file.stat().st_size} | {shares} |\n"


def _bands(title, measured, key, documents):
    bands = list(documents[0][1]["training"][measured][key])
    lines = [f"\n| right answers by {title} (percent) | " + " | ".join(bands) + " |\n| --- |" + " --- |" * len(bands) + "\n"]
    for _, document in documents:
        shares = (_percent(document["training"][measured][key][band]) for band in bands)
        lines.append(f"| {document['name']} | " + " | ".join(shares) + " |\n")
    return "".join(lines)


def _how_cards(training):
    plan = training["plan"]
    return f"""
Trained by the first half of `models/train/retrain-cards`, on scenes that `ernscope render` makes (no photographs), {training["date"]}, PyTorch
{training["torch"]}, one thread a network. Both twins saw the same {plan["frames"]} frames in the same order with the same variations:
{training["distinct_frames"]} distinct ones, of the seeds {training["seeds"]}. Seeds below {training["first_training_seed"]} are never trained on. Adam (eps 1e-4,
weight decay {plan["weight_decay"]}), batch {plan["batch"]}, peak rate {plan["peak_rate"]}, a warm-up over {100 * plan["warm_up"]:.0f} % and a cosine to zero; the loss of
"nothing" counts {plan["nothing_weight"]} times; initial weights of seed {plan["seed"]}. At the end batch norm's figures are taken again in float32
from frames as rendered, and the classifier's scale of "nothing" is multiplied by {training["nothing_gain"]}.{training["note"] and " " + training["note"]}
"""


def _how_widened(training):
    plan = training["plan"]
    return f"""
Then trained on from the model file of that (its signs and thresholds, `train/restart.py`), its pixel embedding held as it was,
on wide films too, which `ernscope render --wide` makes, {training["date"]}, PyTorch {training["torch"]}: cards from 28 % of the height on and at any turn,
prints in grey, pale and short of an ink, our frame around photographs and drawings, and photographs behind the cards, {training["photographs"]} of
the training photographs of Tiny-ImageNet. {plan["frames"]} frames, {100 * training["wide_part"]:.0f} % of them of wide films and {100 * training["alone_part"]:.0f} % others of these photographs alone:
{training["wide_frames"]} distinct ones of wide films, {training["demo_frames"]} of the demo's. Peak rate {plan["peak_rate"]}, a warm-up over {100 * plan["warm_up"]:.0f} %; "nothing" counts {plan["nothing_weight"]}
times, its scale is multiplied by {training["nothing_gain"]}; two pictures in five sharpened as cameras do; all else as before.{training["note"] and " " + training["note"]}
"""


def _measured_cards(training):
    measured = training["measured"]
    wide = ", and on as many of wide films with photographs that\nwere not trained on" if "measured_wide" in training else ""
    return f"""
Accuracy: the integer network on {measured["frames"]} frames of the seeds {training["measured_seeds"]}{wide}, each frame of another shot, by plain argmax.
"""


def photographs(models, name):
    """The section about a family of networks for photographs."""
    figures = json.loads((models / f"{name}.json").read_text(encoding="utf-8"))
    rows = figures["rows"]
    webcam = any("webcam_top1_count" in row for row in rows.values())
    columns = ["row", "first layer", "last layer", "top-1", "top-5", "gap in top-1", "bytes"] + ["seen by a webcam"] * webcam
    lines = [f"\n## {name}\n\n", _line(columns), _line(["---"] * len(columns))]
    best = rows.get("float first and last", rows.get("float first"))
    lines += [_line(_photographs_row(title, row, best, webcam)) for title, row in rows.items()]
    said = [f"\n![Top-1 while training]({name}.svg)\n", _how_photographs(figures), _decoders(name, rows), _knowing(rows)]
    return "".join(lines + said)


def _decoders(name, rows):
    if name not in OTHER_DECODER:
        return ""
    (count, twins, others), measured = OTHER_DECODER[name], rows["learned table"]["measured"]
    twin = rows["float first"]["measured"]["top1_count"]
    gaps = [100 * (ours - other) / measured["images"] for ours, other in [(twin, measured["top1_count"]), (twins, count)]]
    return f"""
The pictures are JPEG files, and the accuracy depends on who decodes them: libjpeg-turbo, through which the trainer saw them, and
another decoder differ by a few levels a pixel, yet of the {measured["images"]} pictures the learned table gets {measured["top1_count"]} right with the one
and {count} with the other, and {100 * others:.0f} % of its single answers differ; the float twin gets {twin} and {twins}. So the gap between the twins
is {gaps[0]:+.1f} points with the one and {gaps[1]:+.1f} with the other, each ± 1.
"""


def _knowing(rows):
    """How well the rows that were taught it tell what they know, and how they were."""
    taught = {title: row["knowing"] for title, row in rows.items() if "knowing" in row}
    if not taught:
        return ""
    columns = ["row", "known from foreign (AUROC)", "foreign named", "right answers kept", "answers changed by noise"]
    lines = [_line(columns), _line(["---"] * len(columns))]
    for title, told in taught.items():
        images = rows[title]["measured"]["images"]
        parts = [(told["foreign_named"], told["foreign_images"]), (told["right_kept"], told["right_images"]), (told["shaken_answers_changed"], images)]
        lines.append(_line([title, f"{told['auroc']:.3f}", *(f"{part} of {whole} ({_percent(part / whole)})" for part, whole in parts)]))
    told = next(iter(taught.values()))
    plan = told["plan"]
    return "\n" + "".join(lines) + f"""
Then the last stage of both twins was trained on by `train.knowing`, {told["date"]}, PyTorch {told["torch"]}, on {told["trained_on"]}, with all before it
held as it was: {plan["steps"]} batches of {plan["known"]} training pictures and {plan["foreign"]} foreign ones, half of these of {told["train_photographs"]} photographs, half of
CIFAR-100; Adam as before, peak rate {plan["peak_rate"]}, seed {plan["seed"]}. Wanted are the answers of both twins in the mean, at temperature {plan["temperature"]:.0f}, and, from {plan["others"]}
rows of the classifier that own no class, what a logistic regression over both twins' earlier codes says of whether a picture is known.
The limit is what {100 * told["named"]:.0f} % of {told["limit_photographs"]} other foreign photographs reach. Measured on the pictures above and on {told["measure_photographs"]} foreign photographs
that were neither trained on nor used for the limit, all at 64x64 and through one JPEG of quality 80 (but which layer the regression
reads, and the share that the limit lets pass, were chosen with a look at these figures); "named" is a foreign picture that is
called known, "kept" a right answer that is. Noise: 30 % of the bytes of a picture, as it is, one more or one less.{_notes(taught)}
"""


def _notes(taught):
    return "".join(f" Of {title}: {told['note']}" for title, told in taught.items() if told["note"])


def _line(cells):
    return "| " + " | ".join(cells) + " |\n"


def _photographs_row(title, row, best, webcam):
    measured, shape = row["measured"], row["shape"]
    share = lambda count: count / measured["images"]
    gap = best and share(best["measured"]["top1_count"] - measured["top1_count"])
    is_float = shape["middle"] == "float"
    cells = [
        title + " (all in floats)" * is_float,
        _first(shape),
        shape["last"],
        _percent(share(measured["top1_count"])),
        _percent(share(measured["top5_count"])),
        "" if is_float or gap is None else f"{100 * gap:+.2f}",
        str(row.get("bytes", "not shipped")),
    ]
    count = row.get("webcam_top1_count")
    return cells + ["" if count is None else _percent(share(count))] * webcam


def _how_photographs(figures):
    rows = dict(figures["rows"])
    teacher = rows.pop("teacher")
    row = next(iter(rows.values()))
    plan, measured = row["plan"], row["measured"]
    return f"""
Trained by `models/train/retrain-photographs`, {row["date"]}, PyTorch {row["torch"]}, on {row["trained_on"]}, one seed. {_shape(row["shape"]).capitalize()},
strides {_strides(row["shape"])} in the stem, input {row["shape"]["edge"]}x{row["shape"]["edge"]}. All rows but the teacher had the same budget, seed, order and variations of
pictures: {_epochs(plan, figures)} epochs of {figures["pictures"]} pictures in {plan["chunks"]} variations, batch {plan["batch"]}, Adam (eps 1e-4, weight decay {plan["weight_decay"]}), peak rate
{plan["peak_rate"]}, a warm-up over {100 * plan["warm_up"]:.0f} % and a cosine to zero. {100 * plan["hinted"]:.0f} % of their loss comes from the teacher's answers at temperature {plan["temperature"]:.0f}. The
teacher ({_shape(teacher["shape"])}, strides {_strides(teacher["shape"])}) learned for {_epochs(teacher["plan"], figures)} epochs by
stochastic gradient descent with momentum, weight decay {teacher["plan"]["weight_decay"]}.

Measured on {measured["images"]} pictures that were never trained on: rows with a binary classifier as integer networks, exactly as
`ernscope eval` counts them, float first and last in float32, the teacher in bfloat16, in which it taught.
"""


if __name__ == "__main__":
    write()
