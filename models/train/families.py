"""The networks for photographs: what each family learns from, and its rows.

A row is one training; rows of a family differ in the parts of the network that the row names, and in nothing else.
"""

from dataclasses import dataclass, replace
from typing import Callable

from . import pictures
from .network import Shape
from .trainer import Plan

# The row that the others are taught by: a network in floats.
TEACHER = "teacher"
ROWS = {
    TEACHER: {"first": "float", "middle": "float", "last": "float"},
    "float first and last": {"first": "float", "last": "float"},
    "float first": {"first": "float"},
    "thermometer": {"first": "thermometer", "spread": True},
    "learned table": {"first": "embedding", "depth": 21, "spread": True},
}
# Rows that become model files, and the endings of their names.
SHIPPED = {"learned table": "", "float first": "-float-input"}


@dataclass(frozen=True)
class Family:
    """A family of networks for one set of pictures."""

    # The family's name, and that of its learned-table network.
    name: str
    # The set and its split that is never trained on.
    data: str
    held_out: str
    shape: Shape
    # Varies pixels u8 [n, edge, edge, 3].
    vary: Callable
    # In what the teacher's shape differs beside that.
    teacher: dict
    epochs: int
    teacher_epochs: int
    # How many ways each picture is varied; the teacher is asked once for each.
    views: int = 16
    # Small for the rows: twice as many steps brought five points more to a run of twelve epochs.
    batch: int = 256
    teacher_batch: int = 512

    def plan(self, row, pictures_count):
        """The plan of a row."""
        if row == TEACHER:
            shape = replace(self.shape, **ROWS[row], **self.teacher)
            epochs, batch = self.teacher_epochs, self.teacher_batch
            learning = {"optimizer": "sgd", "peak_rate": 0.2, "weight_decay": 5e-4, "warm_up": 0.2}
        else:
            shape = replace(self.shape, **ROWS[row])
            epochs, batch = self.epochs, self.batch
            learning = {"peak_rate": 5e-3, "hinted": 0.9, "temperature": 4.0, "table_rate": 0.25}
        return Plan(shape, frames=epochs * (pictures_count // batch) * batch, chunks=self.views, batch=batch, **learning)


# Both end as the published ERNs18 does; behind its stem either has 16 x 16 pixels.
WIDE = {"stem": 64, "widths": (128, 256, 512), "blocks": (2, 2, 2)}
WIDE_TEACHER = {"strides": (1, 1), "widths": (64, 128, 256, 512), "blocks": (2, 2, 2, 2)}

CIFAR100 = Family(
    name="cifar100",
    data="cifar100",
    held_out="test",
    shape=Shape(100, edge=32, strides=(1, 2), **WIDE),
    vary=pictures.flip_and_crop,
    teacher=WIDE_TEACHER,
    epochs=50,
    teacher_epochs=40,
)
OBJECTS = Family(
    name="objects",
    data="tiny-imagenet-a",
    held_out="val",
    shape=Shape(100, edge=64, strides=(2, 2), **WIDE),
    vary=pictures.before_a_webcam,
    teacher={**WIDE_TEACHER, "strides": (2, 1)},
    epochs=50,
    teacher_epochs=30,
)
FAMILIES = {family.name: family for family in [CIFAR100, OBJECTS]}
