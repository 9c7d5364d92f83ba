"""MODELS.md, written from the model files themselves."""

from .export import read_document

HEAD = """# Networks

Written by `models/train/retrain-cards`; every figure comes from the metadata of the model files.

| network | first layer | shape | bytes | accuracy | on cards | nothing called a card | card called nothing |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def write(path, models):
    """Writes the table of the model files `models` (the last two are twins) to `path`."""
    documents = [(model, read_document(model)) for model in models]
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD)
        file.writelines(_row(model, document) for model, document in documents)
        embedded, floating = (document["training"]["measured"]["accuracy"] for _, document in documents)
        file.write(f"\nGap of the pixel embedding to its float-input twin: {100 * (floating - embedded):+.2f} points.\n")
        for title, key in [("card height", "by_height_percent"), ("hidden part", "by_hidden_percent")]:
            file.write(_bands(title, key, documents))
        file.write(_how(documents[0][1]["training"]))


def _percent(share):
    return f"{100 * share:.2f} %"


def _row(model, document):
    training = document["training"]
    measured, shape = training["measured"], training["shape"]
    first = "learned pixel embedding" if shape["first"] == "embedding" else "float32 convolution"
    widths, blocks = ("/".join(map(str, shape[key])) for key in ("widths", "blocks"))
    keys = ["accuracy", "accuracy_on_cards", "nothing_called_card", "card_called_nothing"]
    shares = " | ".join(_percent(measured[key]) for key in keys)
    return f"| {document['name']} | {first} | stem {shape['stem']}, stages {widths} of {blocks} blocks | {model.stat().st_size} | {shares} |\n"


def _bands(title, key, documents):
    bands = list(documents[0][1]["training"]["measured"][key])
    lines = [f"\n| right answers by {title} (percent) | " + " | ".join(bands) + " |\n| --- |" + " --- |" * len(bands) + "\n"]
    for _, document in documents:
        shares = (_percent(document["training"]["measured"][key][band]) for band in bands)
        lines.append(f"| {document['name']} | " + " | ".join(shares) + " |\n")
    return "".join(lines)


def _how(training):
    plan, measured = training["plan"], training["measured"]
    return f"""
## How they were trained

Only on scenes that `ernscope render` makes (no photographs), {training["date"]}, PyTorch {training["torch"]}, one thread a network. Both
twins saw the same {plan["frames"]} frames in the same order with the same variations: {training["distinct_frames"]} distinct ones, of the seeds
{training["seeds"]}. Seeds below {training["first_training_seed"]} are never trained on. Adam (eps 1e-4, weight decay {plan["weight_decay"]}), batch {plan["batch"]}, peak rate
{plan["peak_rate"]}, a warm-up over {100 * plan["warm_up"]:.0f} % and a cosine to zero; the loss of "nothing" counts {plan["nothing_weight"]} times; initial weights of
seed {plan["seed"]}. At the end batch norm's figures are taken again in float32 from frames as rendered,
and the classifier's scale of "nothing" is multiplied by {training["nothing_gain"]}.{training["note"] and " " + training["note"]}

Accuracy: the integer network on {measured["frames"]} frames of the seeds {training["measured_seeds"]}, each frame of another shot, by plain argmax.
"""
