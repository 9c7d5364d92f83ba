"""Trains the published networks from folders of pictures, as the paper does (arXiv 2410.11553, section 4.1).

    python3 -m train.imagenet --data DIR --network erns18
    torchrun --nproc_per_node 8 -m train.imagenet --data DIR --network erns18

DIR has `train` and `val`, each with a folder a class. Any number of processes, one a GPU, gives the same run: they share every
batch. Stopped, it goes on where it was when it is started again. The folder of the run gets `log.csv`, `curve.csv` (pictures seen,
top-1 on `val`), TensorBoard's events, and at the end `NETWORK.ckpt` in the published layout, which `ernscope import` turns into a
model file.
"""

import argparse
import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.utils.data import DataLoader, Dataset, Subset
from torch.utils.tensorboard import SummaryWriter
from torchvision import transforms
from torchvision.datasets import ImageFolder

from .network import Shape, thermometer_step
from .trainer import Batch, Plan, Run

RUNS = Path(__file__).resolve().parent / "runs"
BASIC, BOTTLENECK = {"block": "basic"}, {"block": "bottleneck"}
# The published networks.
NETWORKS = {
    "erns18-0.75x": {"widths": (64, 128, 256, 384), "blocks": (2, 2, 2, 2), **BASIC},
    "erns18": {"widths": (64, 128, 256, 512), "blocks": (2, 2, 2, 2), **BASIC},
    "erns34": {"widths": (64, 128, 256, 512), "blocks": (3, 4, 6, 3), **BASIC},
    "erns50": {"widths": (64, 128, 256, 512), "blocks": (3, 4, 6, 3), **BOTTLENECK},
    "erns101": {"widths": (64, 128, 256, 512), "blocks": (3, 4, 23, 3), **BOTTLENECK},
}


@dataclass(frozen=True)
class Processes:
    """The processes that share a run, and this one's place among them."""

    rank: int = 0
    count: int = 1

    @staticmethod
    def start():
        """Joins the other processes that torchrun has started, if it has; gives them and this process's device."""
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if torch.cuda.is_available() else torch.device("cpu")
        if "WORLD_SIZE" not in os.environ:
            return Processes(), device
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return Processes(distributed.get_rank(), distributed.get_world_size()), device

    def end(self):
        """Leaves the other processes, all at the same time: one that leaves early may keep another from ending."""
        if self.count > 1:
            distributed.barrier()
            distributed.destroy_process_group()

    def part(self, rows):
        """This process's rows of a batch."""
        return rows[self.rank :: self.count]


class Varied(Dataset):
    """A folder's pictures in one epoch: how a picture is varied follows from seed, epoch and its position alone."""

    def __init__(self, folder, transform, seed, epoch):
        self.folder, self.transform, self.seed, self.epoch = folder, transform, seed, epoch

    def __getitem__(self, index):
        picture, label = self.folder[index]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence([self.seed, self.epoch, index]).generate_state(1)[0]))
            return self.transform(picture), label


class Course:
    """An endless walk through a folder of pictures, of whose batches this process gets its part."""

    def __init__(self, folder, plan, processes, workers):
        self.folder, self.plan, self.processes, self.workers = folder, plan, processes, workers
        self.transform = transforms.Compose(
            [whole(plan.shape.edge), transforms.RandomHorizontalFlip(), transforms.RandAugment(num_ops=2, magnitude=7), to_bytes]
        )

    def batches(self, first, last):
        """Yields the batches numbered `first` to `last` (excluded)."""
        per_epoch = len(self.folder) // self.plan.batch
        while first < last:
            epoch, place = divmod(first, per_epoch)
            count = min(per_epoch - place, last - first)
            yield from self.epoch(epoch, range(place, place + count))
            first += count

    def epoch(self, epoch, places):
        """Yields the batches at `places` of an epoch."""
        plan = self.plan
        order = np.random.default_rng([plan.seed, 1, epoch]).permutation(len(self.folder))
        rows = [self.processes.part(order[place * plan.batch : (place + 1) * plan.batch]).tolist() for place in places]
        varied = Varied(self.folder, self.transform, plan.seed, epoch)
        pinned = torch.cuda.is_available()
        for pixels, labels in DataLoader(varied, batch_sampler=rows, num_workers=self.workers, pin_memory=pinned):
            yield Batch(pixels, labels)


def whole(edge):
    """Makes the whole picture a square, as the published configuration does."""
    return transforms.Resize((edge, edge))


def to_bytes(picture):
    """A picture as u8 [h, w, 3]."""
    return torch.from_numpy(np.array(picture))


def right_share(run, folder, processes, workers):
    """The share of a folder's pictures that the float network gets right."""
    folder.transform = transforms.Compose([whole(run.plan.shape.edge), to_bytes])
    mine = Subset(folder, processes.part(range(len(folder))))
    right = torch.zeros(1, device=run.device)
    run.network.eval()
    with torch.no_grad():
        for pixels, labels in DataLoader(mine, run.plan.batch // processes.count, num_workers=workers):
            right += (run.network(pixels.to(run.device)).argmax(1).cpu() == labels).sum()
    if processes.count > 1:
        distributed.all_reduce(right)
    return right.item() / len(folder)


def published(network):
    """The network's tensors under the names of the published checkpoints."""
    state = {}
    for name, tensor in network.state_dict().items():
        if name != "pixel_embedding.table":
            state["network." + published_name(name)] = tensor.cpu()
    depth = network.shape.depth
    step = thermometer_step(depth)
    place = (torch.arange(depth, dtype=torch.float32) + 1).view(1, 1, depth, 1, 1)
    constants = {"w_const": torch.full_like(place, 1 / (step * depth)), "b_const": place / depth - 1}
    constants.update(w=torch.zeros_like(place), b=torch.full_like(place, 0.0001))
    return {**{f"network.pixel_embedding.{name}": tensor for name, tensor in constants.items()}, **state}


def published_name(name):
    """The published name of one of our tensors: a batch norm is called by its activation's number."""
    return re.sub(r"\bact(\w*)\.norm", r"bn\1", name.replace("last_act.norm", "last_bn_layer4"))


def train(run, course, held_out, processes, workers, every):
    """Trains a run to its end, looking at the held-out pictures after every epoch; `every`: steps between log lines and saves."""
    per_epoch = len(course.folder) // run.plan.batch
    while run.step < run.plan.steps:
        run.train(course, (run.step // per_epoch + 1) * per_epoch, log_every=every["log"], save_every=every["save"])
        share = right_share(run, held_out, processes, workers)
        if run.writes:
            with open(run.folder / "curve.csv", "a", newline="") as file:
                csv.writer(file).writerow([run.step * run.plan.batch, f"{share:.4f}"])
            run.board.add_scalar("val/accuracy", share, run.step)
            print(f"epoch {run.step // per_epoch}: {100 * share:.2f} % of {len(held_out)} pictures", flush=True)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder with train and val, a folder a class in each")
    parser.add_argument("--network", choices=NETWORKS, default="erns18")
    parser.add_argument("--edge", type=int, default=256, help="pixels of a picture's side, a multiple of 32")
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--batch", type=int, default=256, help="pictures a batch, all processes together")
    parser.add_argument("--peak-rate", type=float, default=4e-4, help="learning rate before the cosine")
    parser.add_argument("--workers", type=int, default=8, help="loading processes of each training process")
    parser.add_argument("--log-every", type=int, default=100, help="batches between two lines of the log")
    parser.add_argument("--save-every", type=int, default=1000, help="batches between two checkpoints, a multiple of --log-every")
    # Not --run, which torchrun (2.15) takes for the beginning of an option of its own.
    parser.add_argument("--folder", dest="run", type=Path, help="the run's folder [runs/NETWORK]")
    arguments = parser.parse_args()
    processes, device = Processes.start()
    if arguments.batch % processes.count or arguments.save_every % arguments.log_every:
        parser.error("--batch has to be a multiple of the processes' count, --save-every one of --log-every")
    pictures, held_out = (ImageFolder(arguments.data / split) for split in ("train", "val"))
    if pictures.classes != held_out.classes or len(pictures) < arguments.batch:
        parser.error("train and val need the same classes, and train at least one batch of pictures")
    work(arguments, pictures, held_out, processes, device)
    processes.end()


def work(arguments, pictures, held_out, processes, device):
    """Trains, and writes the checkpoint in the published layout."""
    shape = Shape(len(pictures.classes), arguments.edge, stem=64, first="thermometer", **NETWORKS[arguments.network])
    frames = arguments.epochs * (len(pictures) // arguments.batch) * arguments.batch
    rates = {"peak_rate": arguments.peak_rate, "warm_up": 0.0}
    plan = Plan(shape, frames=frames, chunks=arguments.epochs, batch=arguments.batch, **rates)
    folder = arguments.run or RUNS / arguments.network
    run = Run(plan, folder, device)
    if run.writes:
        run.board = SummaryWriter(folder, purge_step=run.step)
    course = Course(pictures, plan, processes, arguments.workers)
    train(run, course, held_out, processes, arguments.workers, {"log": arguments.log_every, "save": arguments.save_every})
    if run.writes:
        run.board.close()
        torch.save({"state_dict": published(run.network)}, folder / f"{arguments.network}.ckpt")


if __name__ == "__main__":
    main()
