import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from train.imagenet import NETWORKS, published
from train.network import Ern, Shape

# Seconds that a tiny run may take on a busy machine.
LONGEST = 300
MODELS = Path(__file__).resolve().parents[2]


def write_pictures(folder):
    """A tiny folder of pictures: two classes that differ in their colour."""
    rng = np.random.default_rng(0)
    for split, count in [("train", 16), ("val", 4)]:
        for name, colour in [("blue", 2), ("red", 0)]:
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 120, (40, 48, 3)).astype(np.uint8)
                pixels[..., colour] += 100
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


def start(data, run, processes=2):
    """Starts two tiny epochs of four batches."""
    # torchrun. That of PyTorch 1.13 on Python 3.11 wants to be told where output goes: -r and -t.
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes), "-r", "1", "-t", "1"]
    what = ["-m", "train.imagenet", "--data", data, "--network", "erns18", "--edge", "32", "--epochs", "2", "--batch", "8"]
    how = ["--workers", "0", "--log-every", "1", "--save-every", "2", "--folder", run]
    # A session of its own, so that all its processes can be killed at once.
    settings = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(part) for part in launcher + what + how]
    return subprocess.Popen(command, cwd=MODELS, env=settings, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def kill_after(process, log, lines):
    """Kills all the run's processes as soon as its log has so many lines."""
    while not (log.exists() and len(log.read_text().splitlines()) > lines):
        assert process.poll() is None, "the run ended before it was killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Recipe(unittest.TestCase):
    def test_a_killed_run_of_two_processes_resumes_to_the_same_curve(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            write_pictures(folder)
            straight, killed = folder / "straight", folder / "killed"
            self.assertEqual(start(folder, straight).wait(LONGEST), 0)
            kill_after(start(folder, killed), killed / "log.csv", 3)
            self.assertFalse((killed / "erns18.ckpt").exists())
            self.assertEqual(start(folder, killed).wait(LONGEST), 0)
            for table in ("log.csv", "curve.csv"):
                self.assertEqual((straight / table).read_text(), (killed / table).read_text())
            self.assertEqual(len((straight / "log.csv").read_text().splitlines()), 1 + 8)
            self.assertTrue(list(killed.glob("events.out.tfevents.*")))
            one, other = (torch.load(run / "erns18.ckpt")["state_dict"] for run in (straight, killed))
            self.assertTrue(all(torch.equal(one[name], other[name]) for name in one))


class Published(unittest.TestCase):
    def test_names(self):
        for network, block, norm in [("erns18", "layer2.1", "bn0"), ("erns50", "layer3.5", "bn3")]:
            names = published(Ern(Shape(5, edge=32, stem=64, first="thermometer", **NETWORKS[network])))
            for part in ["pixel_embedding.w_const", "conv.weight", "backbone.bn_downsample.running_var", "backbone.last_bn_layer4.weight"]:
                self.assertIn(f"network.{part}", names)
            self.assertIn(f"network.backbone.{block}.{norm}.running_mean", names)

    def test_sizes(self):
        for network, bits in [("erns18", 11_768_704), ("erns50", 25_588_608)]:
            state = published(Ern(Shape(1000, edge=32, stem=64, first="thermometer", **NETWORKS[network])))
            self.assertEqual(sum(tensor.numel() for tensor in state.values() if tensor.dim() == 4), bits)


if __name__ == "__main__":
    unittest.main()
