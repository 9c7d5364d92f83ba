"""The training loop: one run, its checkpoints, its log."""

import csv
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from .frames import CHUNK, FIRST_SEED, batches
from .network import Ern, Shape


@dataclass(frozen=True)
class Plan:
    """Everything a run depends on, beside its films."""

    shape: Shape
    frames: int = 500_000
    chunks: int = 40
    batch: int = 64
    peak_rate: float = 4e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-5
    smoothing: float = 0.0
    nothing_weight: float = 1.0
    seed: int = 1
    bfloat16: bool = True

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
    """A run and its folder. A run that was stopped goes on from its last checkpoint, bit for bit."""

    def __init__(self, plan, folder):
        self.plan, self.folder = plan, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        self.network = Ern(plan.shape)
        decay = plan.weight_decay
        self.optimizer = torch.optim.Adam(self.network.parameters(), plan.peak_rate, eps=1e-4, weight_decay=decay)
        self.step = 0
        if self.checkpoint.exists():
            self.load()

    @property
    def checkpoint(self):
        """The checkpoint's path."""
        return self.folder / "checkpoint.pt"

    def load(self):
        """Goes back to the checkpoint.

        Raises ValueError where it belongs to another plan.
        """
        state = torch.load(self.checkpoint, map_location="cpu")
        if state["plan"] != asdict(self.plan):
            raise ValueError(f"{self.checkpoint} belongs to another plan: remove it or name another folder")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def save(self):
        """Writes the checkpoint; a run that dies meanwhile leaves the last one whole."""
        part = self.checkpoint.with_suffix(".part")
        state = {"plan": asdict(self.plan), "step": self.step}
        state.update(network=self.network.state_dict(), optimizer=self.optimizer.state_dict())
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def train(self, films, until=None, save_every=500):
        """Trains to the batch `until`, or to the end."""
        until = self.plan.steps if until is None else min(until, self.plan.steps)
        if self.step >= until:
            return
        plan = self.plan
        weight = torch.ones(plan.shape.classes)
        weight[-1] = plan.nothing_weight
        self.network.train()
        walk = batches(films, plan.chunks, plan.batch, self.step, until, plan.seed)
        bar = tqdm(walk, self.folder.name, initial=self.step, total=plan.steps, unit="batch", mininterval=5, disable=None)
        sums = [0.0, 0.0, 0]
        for records in bar:
            loss, right = self.learn(records, weight)
            self.step += 1
            sums = [sums[0] + loss, sums[1] + right, sums[2] + 1]
            if self.step % 100 == 0 or self.step == until:
                loss, accuracy = sums[0] / sums[2], sums[1] / sums[2] / plan.batch
                bar.set_postfix(loss=f"{loss:.3f}", right=f"{accuracy:.3f}")
                self.log(loss, accuracy)
                sums = [0.0, 0.0, 0]
            if self.step % save_every == 0:
                self.save()
        self.save()

    def learn(self, records, weight):
        """One step; gives the loss and how many answers were right."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(self.step)
        labels = torch.from_numpy(records.labels).long()
        kind = torch.bfloat16 if self.plan.bfloat16 else torch.float32
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.bfloat16):
            logits = self.network(torch.from_numpy(records.pixels), kind)
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, weight, label_smoothing=self.plan.smoothing)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), (logits.argmax(1) == labels).sum().item()

    def log(self, loss, accuracy):
        """Adds a line to the run's table."""
        path = self.folder / "log.csv"
        new = not path.exists()
        with open(path, "a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["frames", "loss", "accuracy", "rate"])
            rate = self.plan.rate(self.step - 1)
            writer.writerow([self.step * self.plan.batch, f"{loss:.4f}", f"{accuracy:.4f}", f"{rate:.2e}"])

    def settle(self, films, frames=12_000):
        """Replaces batch norm's running figures by those of unvaried frames, in float32, weights at rest."""
        norms = [module for module in self.network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        self.network.train()
        with torch.no_grad():
            for seed in range(FIRST_SEED, FIRST_SEED + frames // CHUNK):
                pixels = films.records(seed).pixels
                for start in range(0, CHUNK, 250):
                    self.network(torch.from_numpy(np.array(pixels[start : start + 250])))
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        self.network.eval()
