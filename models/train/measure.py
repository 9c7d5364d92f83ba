"""Right answers of an exported network on films that were never trained on."""

import numpy as np

from . import integer

# Bands of the card's hidden part, in percent: [from, to).
HIDDEN = [(0, 5), (5, 10), (10, 15), (15, 21)]


def measure(layers, films, seeds, frames, edges):
    """Figures of the network on `frames` records of each film, by bands of the card's height between `edges`: a dictionary of
    fractions and counts."""
    answered = [_answered(layers, films.records(seed, frames)) for seed in seeds]
    answers, labels, heights, hidden = (np.concatenate(column) for column in zip(*answered))
    return figures(answers, labels, heights, hidden, integer.classes(layers) - 1, edges)


def _answered(layers, records):
    return integer.answers(layers, records.pixels), records.labels, records.heights, records.hidden


def figures(answers, labels, heights, hidden, nothing, edges):
    """Fractions of right answers, in all and by band, and how cards and nothing are taken for each other."""
    right, card = answers == labels, labels != nothing
    return {
        "frames": len(labels),
        "accuracy": share(right),
        "accuracy_on_cards": share(right[card]),
        "nothing_called_card": share(answers[~card] != nothing),
        "card_called_nothing": share(answers[card] == nothing),
        "by_height_percent": bands(right[card], heights[card], edges),
        "by_hidden_percent": bands(right[card], hidden[card], HIDDEN),
    }


def bands(right, values, edges):
    """Right answers by band of `values`."""
    return {f"{low}-{high - 1}": share(right[(values >= low) & (values < high)]) for low, high in edges}


def share(flags):
    """The fraction of true flags, to four digits; None of no flags."""
    return round(float(np.mean(flags)), 4) if len(flags) else None
