"""How a network tells whether it knows what it sees: the score of src/network/known.rs, learned and measured."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class KnownScore(nn.Module):
    """The logit of `known` from the rows of a classifier, [n, classes + others], as a model file says it."""

    def __init__(self, classes, others):
        super().__init__()
        self.classes = classes
        self.offset, self.log_probability, self.largest = (nn.Parameter(torch.tensor(value)) for value in (1.5, 1.0, 0.1))
        self.others = nn.Parameter(torch.full((others,), -0.3))

    def forward(self, rows):
        classes, others = rows[:, : self.classes], rows[:, self.classes :]
        largest = classes.amax(dim=1)
        log_probability = largest - classes.logsumexp(dim=1)
        return self.offset + self.log_probability * log_probability + self.largest * largest + others @ self.others

    def document(self, limit):
        """What the model file says of it: `known` is sure from `limit` on."""
        weights = {name: round(parameter.tolist(), 6) for name, parameter in self.named_parameters() if name != "others"}
        return {"limit": limit, **weights, "others": [round(weight, 6) for weight in self.others.tolist()]}


def known(document, rows, classes):
    """`known` by a model file's score, float64 [n]."""
    score = KnownScore(classes, len(document["others"])).double()
    with torch.no_grad():
        for name, parameter in score.named_parameters():
            parameter.copy_(torch.tensor(document[name]))
        return torch.sigmoid(score(torch.from_numpy(rows).double())).numpy()


def auroc(known_ones, foreign):
    """How often one of the known has the larger score than one of the foreign; half of it where they are the same."""
    below = np.searchsorted(np.sort(foreign), known_ones, side="left") + np.searchsorted(np.sort(foreign), known_ones, side="right")
    return float(below.mean() / 2 / len(foreign))


def limit_for(foreign, named):
    """The least limit, to three digits, that at most the share `named` of the foreign scores reaches."""
    return float(np.ceil(np.quantile(foreign, 1 - named) * 1000) / 1000)


@dataclass(frozen=True)
class Line:
    """A logistic regression over features: their scores."""

    mean: torch.Tensor
    deviation: torch.Tensor
    weight: torch.Tensor
    offset: torch.Tensor

    def __call__(self, features):
        """Scores, float32 [n]."""
        return ((torch.from_numpy(features) - self.mean) / self.deviation @ self.weight + self.offset).numpy()


def line(features, wanted, weights, decay, steps=100):
    """The logistic regression of `wanted` (1 or 0) over `features`, float32 [n, m]; `decay` draws the weights to zero.

    Once found, its slope and offset are found again without the decay, so that its scores are probabilities.
    """
    features, wanted, weights = (torch.as_tensor(np.asarray(part, np.float32)) for part in (features, wanted, weights))
    mean, deviation = features.mean(dim=0), features.std(dim=0) + 1e-3
    weight, offset = _regression((features - mean) / deviation, wanted, weights, decay, steps)
    slope, shift = _regression(((features - mean) / deviation @ weight)[:, None], wanted, weights, 0.0, steps)
    return Line(mean, deviation, weight * slope, shift)


def _regression(features, wanted, weights, decay, steps):
    weight, offset = torch.zeros(features.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, offset], max_iter=steps, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        each = F.binary_cross_entropy_with_logits(features @ weight + offset, wanted, reduction="none")
        total = (each * weights).sum() / weights.sum() + decay * weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return weight.detach(), offset.detach()
