"""What a network's last layers say of photographs: what teaching a class on the spot needs to know of all that is not taught.

    python3 -m train.bank --data DATA

writes `models/objects.bank.safetensors`. For each layer that a taught classifier may stand behind (src/teach/eyes.rs): what it says of
some photographs (`others`), two features a byte, in fifteenths of the largest value; and for one of them the directions in which one
class's photographs differ most (`prior`), as numbers in steps of `prior_step`. No photograph can be made of them.
"""

import argparse
import zlib
from pathlib import Path

import numpy as np

from . import export, integer, pictures

MODELS = Path(__file__).resolve().parent.parent
LAYERS = "backbone.layer3.1.act0", "backbone.layer3.1.act1", "backbone.last_act_layer3"
# The one that is taught from where another place must not matter, and has directions.
PLACELESS = LAYERS[1]
# Photographs that directions are taken from, photographs that are kept, directions. The file has at most 128 kB.
SEEN, KEPT, DIRECTIONS = 6000, 118, 64
SEED = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="a folder with a load.py, as README.md says")
    parser.add_argument("--network", default="objects")
    args = parser.parse_args()
    path = MODELS / f"{args.network}.safetensors"
    photographs, labels = some(args.data)
    seen = features(path, photographs)
    tensors = {}
    for layer in LAYERS:
        tensors[f"{layer}.others"] = halves(seen[layer][:KEPT])
    prior, step = directions(seen[PLACELESS], labels)
    tensors.update({f"{PLACELESS}.prior": prior, f"{PLACELESS}.prior_step": step})
    # Which network's layers these are: the same numbers for others would be meaningless.
    checksum = zlib.crc32(path.read_bytes())
    bank = MODELS / f"{args.network}.bank.safetensors"
    bank.write_bytes(export.container(tensors, {"network_crc32": f"{checksum:08x}"}))
    print(f"{bank.stat().st_size} bytes")


def some(data):
    """Photographs from the training set, u8 [SEEN, edge, edge, 3], and their classes."""
    training = pictures.load(data, "tiny-imagenet-a", "train")
    chosen = np.random.default_rng(SEED).permutation(len(training.pixels))[:SEEN]
    return training.pixels[chosen], training.labels[chosen]


def features(path, photographs, at_once=100):
    """Mean codes, float32 [n, channels], of each layer."""
    layers = integer.from_file(path)
    seen = {layer: [] for layer in LAYERS}
    for start in range(0, len(photographs), at_once):
        codes, _ = integer.run_all(layers, np.ascontiguousarray(photographs[start : start + at_once]))
        for layer in LAYERS:
            seen[layer].append(codes[layer].mean(axis=(2, 3), dtype=np.float32))
    return {layer: np.concatenate(parts) for layer, parts in seen.items()}


def directions(seen, labels):
    """The directions [DIRECTIONS, channels] of the largest variance within classes, as i8 in bytes and their steps, float32 [1].

    The mean variance of a feature is 1, so that a lesson can give them the size of its own.
    """
    classes = np.unique(labels)
    means = np.stack([seen[labels == label].mean(0) for label in classes])
    centred = seen - means[np.searchsorted(classes, labels)]
    within = centred.T @ centred / len(centred)
    sizes, vectors = np.linalg.eigh(within)
    found = (vectors[:, -DIRECTIONS:] * np.sqrt(sizes[-DIRECTIONS:] / (np.trace(within) / len(within)))).T
    step = np.abs(found).max() / 127
    return (found / step).round().astype(np.int8).view(np.uint8), np.array([step], np.float32)


def halves(seen):
    """Mean codes 0 to 3 in fifteenths of 3, two a byte, the first one lower."""
    fifteenths = (seen / 3 * 15).round().astype(np.uint8)
    return fifteenths[:, ::2] | fifteenths[:, 1::2] << 4


if __name__ == "__main__":
    main()
