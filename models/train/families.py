"""The networks for photographs: what each family learns from, and its rows.

A row is one training; rows of a family differ in the parts of the network that the row names, and in nothing else.
"""

from dataclasses import dataclass, replace
from typing import Callable

from . import pictures, webcam
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
# Of the rows' trainings, where one is done more than once; the first one's networks are shipped.
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Family:
    """A family of networks for one set of pictures."""

    # The family's name, and that of its learned-table network.
    name: str
    # The set and its split that is never trained on.
    data: str
    held_out: str
    shape: Shape
    # Varies pixels u8 [n, edge, edge, 3]: arrays where variations are kept, else tensors.
    vary: Callable
    # In what the teacher's shape differs beside that.
    teacher: dict
    epochs: int
    teacher_epochs: int
    # How many ways each picture is varied, if variations are kept; the teacher is asked once for each. None: for every batch the
    # pictures are varied anew, and the teacher is asked about just these.
    views: int | None = 16
    # The share of the pictures that get a patch of another one, where they are varied anew: as many more mixtures to learn from.
    patched: float = 0.0
    # The temperature at which the teacher is asked.
    temperature: float = 4.0
    # Small for the rows: twice as many steps brought five points more to a run of twelve epochs.
    batch: int = 256
    teacher_batch: int = 512

    def plan(self, row, pictures_count, seed=1):
        """The plan of a row's training."""
        if row == TEACHER:
            shape = replace(self.shape, **ROWS[row], **self.teacher)
            epochs, batch = self.teacher_epochs, self.teacher_batch
            learning = {"optimizer": "sgd", "peak_rate": 0.2, "weight_decay": 5e-4, "warm_up": 0.2}
        else:
            shape = replace(self.shape, **ROWS[row])
            epochs, batch = self.epochs, self.batch
            learning = {"peak_rate": 5e-3, "hinted": 0.9, "temperature": self.temperature, "table_rate": 0.25}
        frames = epochs * (pictures_count // batch) * batch
        return Plan(shape, frames=frames, chunks=self.views or epochs, batch=batch, seed=seed, **learning)


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
    vary=webcam.before_a_webcam,
    # Half as wide again: 500 pictures a class teach little, and what the teacher does not know no row learns.
    teacher={"strides": (2, 1), "widths": (96, 192, 384, 768), "blocks": (2, 2, 2, 2)},
    epochs=100,
    teacher_epochs=70,
    views=None,
    patched=0.5,
    temperature=2.0,
)
FAMILIES = {family.name: family for family in [CIFAR100, OBJECTS]}
