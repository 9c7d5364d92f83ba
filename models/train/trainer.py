"""The training loop: one run, its checkpoints, its log.

A run learns from a course: anything with `batches(first, last)`, which yields the batches of these numbers, each a `Batch` that
follows from its number alone, so that a stopped run goes on bit for bit.
"""

import csv
import datetime
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from .network import Ern, Shape


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    # u8 [n, edge, edge, 3]; like the others an array or a tensor, wherever it lies.
    pixels: object
    # Integers [n].
    labels: object
    # A teacher's logits for the same pixels, [n, classes], or None.
    hints: object = None


@dataclass(frozen=True)
class Plan:
    """Everything a run depends on, beside its pictures."""

    shape: Shape
    # Pictures seen, every repetition counted.
    frames: int = 500_000
    # Different batches of pictures that the course walks through, in a unit of the course's own.
    chunks: int = 40
    batch: int = 64
    peak_rate: float = 4e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-5
    # "adam", or "sgd" with Nesterov's momentum of 0.9.
    optimizer: str = "adam"
    # The rate of the pixel embedding's table, as a share of that of all else.
    table_rate: float = 1.0
    # How often the loss of the last class, which may be "nothing", counts.
    nothing_weight: float = 1.0
    # The part of the loss that comes from a teacher, and the temperature at which it is asked.
    hinted: float = 0.0
    temperature: float = 2.0
    seed: int = 1
    bfloat16: bool = True
    # Whether the network is compiled first on a processor, too, where PyTorch can (2.0 or newer, with a C++ compiler): twice as fast.
    compiled: bool = False

    @property
    def steps(self):
        """Batches in the run."""
        return self.frames // self.batch

    def rate(self, step):
        """The learning rate: a straight warm-up, then a cosine to zero."""
        warm = self.warm_up * self.steps
        if step < warm:
            return self.peak_rate * (step + 1) / warm
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm)))


class Run:
    """A run and its folder. A run that was stopped goes on from its last checkpoint, bit for bit.

    Where torch.distributed has been started, its processes share every batch: each process's course yields that process's part,
    the gradients are averaged, and the first process writes the files. `board`, a TensorBoard writer, gets the log as well. `start`
    gives a network to begin with, in place of a new one.
    """

    def __init__(self, plan, folder, device="cpu", board=None, start=None):
        self.plan, self.folder, self.board = plan, Path(folder), board
        self.device = torch.device(device)
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        known = self.checkpoint.exists()
        network = Ern(plan.shape) if start is None or known else start()
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.optimizer = self.make_optimizer()
        self.step = 0
        self.trained_on = device_name(self.device)
        if known:
            self.load()
        self.parallel = DistributedDataParallel(self.network) if distributed.is_initialized() else self.network
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            # Recorded and replayed whole: a step of a small batch is many small kernels, and starting them one by one takes longer.
            self.parallel = torch.compile(self.parallel, mode="reduce-overhead")
        elif plan.compiled and hasattr(torch, "compile"):
            self.parallel = torch.compile(self.parallel)

    def make_optimizer(self):
        """The plan's optimizer."""
        groups, decay = self.parameter_groups(), self.plan.weight_decay
        if self.plan.optimizer == "sgd":
            return torch.optim.SGD(groups, lr=self.plan.peak_rate, momentum=0.9, nesterov=True, weight_decay=decay)
        return torch.optim.Adam(groups, eps=1e-4, weight_decay=decay, fused=self.device.type == "cuda")

    def parameter_groups(self):
        """The parameters, each group with the share of the learning rate that it takes."""
        table = list(self.network.pixel_embedding.parameters())
        others = [parameter for name, parameter in self.network.named_parameters() if not name.startswith("pixel_embedding.")]
        groups = [{"params": others, "share": 1.0}, {"params": table, "share": self.plan.table_rate}]
        return [group for group in groups if group["params"]]

    @property
    def checkpoint(self):
        """The checkpoint's path."""
        return self.folder / "checkpoint.pt"

    def provenance(self):
        """How the run was trained, as JSON."""
        plan = asdict(self.plan)
        shape = plan.pop("shape")
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        return {"shape": shape, "plan": plan, "torch": torch.__version__, "trained_on": self.trained_on, "date": today}

    @property
    def writes(self):
        """Whether this process writes the run's files."""
        return not distributed.is_initialized() or distributed.get_rank() == 0

    def load(self):
        """Goes back to the checkpoint.

        Raises ValueError where it belongs to another plan.
        """
        state = torch.load(self.checkpoint, map_location=self.device)
        if state["plan"] != asdict(self.plan):
            raise ValueError(f"{self.checkpoint} belongs to another plan: remove it or name another folder")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.trained_on = state["step"], state["trained_on"]
        if self.writes:
            self.forget_after(self.step)

    def save(self):
        """Writes the checkpoint; a run that dies meanwhile leaves the last one whole."""
        if not self.writes:
            return
        part = self.checkpoint.with_suffix(".part")
        state = {"plan": asdict(self.plan), "step": self.step, "trained_on": self.trained_on}
        state.update(network=self.network.state_dict(), optimizer=self.optimizer.state_dict())
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def train(self, course, until=None, save_every=500, log_every=100):
        """Trains to the batch `until`, or to the end. `save_every` is a multiple of `log_every`, so that the log of a run that was
        stopped reads like that of one that was not."""
        until = self.plan.steps if until is None else min(until, self.plan.steps)
        if self.step >= until:
            return
        plan = self.plan
        weight = torch.ones(plan.shape.classes, device=self.device)
        weight[-1] = plan.nothing_weight
        self.network.train()
        bar = tqdm(course.batches(self.step, until), self.folder.name, initial=self.step, total=plan.steps, unit="batch", mininterval=5,
                   disable=None if self.writes else True)
        sums = torch.zeros(3, device=self.device)
        for batch in bar:
            sums += self.learn(batch, weight)
            self.step += 1
            if self.step % log_every == 0 or self.step == until:
                loss, accuracy = self.averages(sums)
                bar.set_postfix(loss=f"{loss:.3f}", right=f"{accuracy:.3f}")
                self.log(loss, accuracy)
                sums = torch.zeros(3, device=self.device)
            if self.step % save_every == 0:
                self.save()
        self.save()

    def averages(self, sums):
        """Mean loss and share of right answers, over all processes."""
        if distributed.is_initialized():
            distributed.all_reduce(sums)
        loss, right, pictures = sums.tolist()
        return loss / pictures, right / pictures

    def learn(self, batch, weight):
        """One step; gives the sum of the pictures' losses, how many answers were right, and the count of pictures, as a tensor."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * self.plan.rate(self.step)
        pixels, labels = (torch.as_tensor(part).to(self.device, non_blocking=True) for part in (batch.pixels, batch.labels))
        labels = labels.long()
        kind = torch.bfloat16 if self.plan.bfloat16 else torch.float32
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.bfloat16):
            logits = self.parallel(pixels, kind)
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, weight)
        if batch.hints is not None:
            loss = (1 - self.plan.hinted) * loss + self.plan.hinted * self.from_hints(logits, batch.hints)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        right = (logits.argmax(1) == labels).sum()
        return torch.stack([loss.detach() * len(labels), right, torch.full_like(right, len(labels))])

    def from_hints(self, logits, hints):
        """The loss against a teacher's answers (Hinton et al., Distilling the Knowledge in a Neural Network, section 2)."""
        heat = self.plan.temperature
        wanted = F.softmax(torch.as_tensor(hints).to(self.device).float() / heat, dim=1)
        return heat * heat * F.cross_entropy(logits / heat, wanted)

    def log(self, loss, accuracy):
        """Adds a line to the run's table, and to the board."""
        if not self.writes:
            return
        path = self.folder / "log.csv"
        rate = self.plan.rate(self.step - 1)
        with open(path, "a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(["frames", "loss", "accuracy", "rate"])
            writer.writerow([self.step * self.plan.batch, f"{loss:.4f}", f"{accuracy:.4f}", f"{rate:.2e}"])
        if self.board is not None:
            for name, value in [("loss", loss), ("accuracy", accuracy), ("rate", rate)]:
                self.board.add_scalar(f"train/{name}", value, self.step)

    def forget_after(self, step):
        """Drops what a run that died wrote to its tables after its last checkpoint."""
        for path in self.folder.glob("*.csv"):
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if not line[:1].isdigit() or int(line.split(",")[0]) <= step * self.plan.batch))

    def settle(self, pictures):
        """Replaces batch norm's running figures by those of `pictures` (an iterable of u8 [n, edge, edge, 3]), in float32, at rest."""
        norms = [module for module in self.network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        self.network.train()
        with torch.no_grad():
            for pixels in pictures:
                self.network(torch.from_numpy(np.array(pixels)).to(self.device))
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        self.network.eval()


def device_name(device):
    """What a device is called in a run's provenance."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "a processor"
