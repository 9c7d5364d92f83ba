"""The networks for photographs: what each family learns from, and its rows.

A row is one training; rows of a family differ in the parts of the network that the row names, and in nothing else.
"""

from dataclasses import dataclass, field, replace
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
    teacher: dict = field(default_factory=dict)
    epochs: int = 48
    teacher_epochs: int = 20
    # How many ways each picture is varied; the teacher is asked once for each.
    views: int = 8
    batch: int = 128
    peak_rate: float = 5e-3
    teacher_peak_rate: float = 2e-3

    def plan(self, row, pictures_count):
        """The plan of a row."""
        teaches = row == TEACHER
        epochs = self.teacher_epochs if teaches else self.epochs
        return Plan(
            replace(self.shape, **ROWS[row], **(self.teacher if teaches else {})),
            frames=epochs * (pictures_count // self.batch) * self.batch,
            chunks=epochs if teaches else self.views,
            batch=self.batch,
            peak_rate=self.teacher_peak_rate if teaches else self.peak_rate,
            hinted=0.0 if teaches else 0.7,
            table_rate=0.25,
        )


CIFAR100 = Family(
    name="cifar100",
    data="cifar100",
    held_out="test",
    shape=Shape(100, edge=32, stem=64),
    vary=pictures.flip_and_crop,
    teacher={"stem": 32, "strides": (2, 1)},
)
OBJECTS = Family(
    name="objects",
    data="tiny-imagenet-a",
    held_out="val",
    shape=Shape(100, edge=64, stem=32, widths=(64, 128, 256, 512), blocks=(1, 1, 1, 1)),
    vary=pictures.before_a_webcam,
    epochs=40,
    teacher_epochs=16,
)
FAMILIES = {family.name: family for family in [CIFAR100, OBJECTS]}
