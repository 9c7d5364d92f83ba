import json
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from train import export, integer
from train.network import Codes, Ern, Shape


def random_network(first, blocks=(2, 1), seed=0):
    """A network whose batch norms have seen data and have gains of both signs; and pixels."""
    torch.manual_seed(seed)
    network = Ern(Shape(5, edge=16, stem=16, widths=(16, 24), blocks=blocks, first=first))
    pixels = torch.randint(0, 256, (6, 16, 16, 3), dtype=torch.uint8)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.copy_(torch.randn_like(module.weight))
                module.bias.copy_(torch.rand_like(module.bias) + 0.5)
        network.train()
        for _ in range(3):
            network(pixels)
    return network.eval(), pixels


def float_codes(network, pixels):
    """The codes of every activation of the float network, by the names of the model file, and its logits."""
    found = {}

    def keep(name, post_scale):
        def hook(_module, _inputs, output):
            found[name] = torch.round(output * 1.5 if post_scale else output).numpy().astype(int)
        return hook

    for name, module in network.named_modules():
        if isinstance(module, Codes):
            last = f"backbone.last_act_layer{len(network.backbone.stages)}"
            name = last if name == "backbone.last_act" else name
            module.register_forward_hook(keep(name, module.post_scale))
    with torch.no_grad():
        return found, network(pixels).numpy()


class Equality(unittest.TestCase):
    def test_integers_give_the_float_network_codes(self):
        for first in ("embedding", "float"):
            for seed in range(3):
                network, pixels = random_network(first, seed=seed)
                wanted, wanted_logits = float_codes(network, pixels)
                codes, logits = integer.run(integer.lower(network), pixels.numpy())
                compared = [name for name in codes if name != "pixel_embedding"]
                self.assertEqual(sorted(compared), sorted(wanted))
                for name in compared:
                    np.testing.assert_array_equal(codes[name], wanted[name], name)
                np.testing.assert_allclose(logits, wanted_logits, atol=1e-5)

    def test_names_are_the_published_ones(self):
        names = [layer.entry["name"] for layer in integer.lower(random_network("embedding")[0])]
        self.assertEqual(names[:7], ["pixel_embedding", "backbone.act1", "backbone.act2", "backbone.act_downsample",
                                     "backbone.layer1.0.act0", "backbone.layer1.0.downsample", "backbone.layer1.0.act1"])
        self.assertEqual(names[-2:], ["backbone.last_act_layer2", "conv"])


class File(unittest.TestCase):
    def test_tensors_are_packed_as_described(self):
        layers = integer.lower(random_network("embedding")[0])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.safetensors"
            export.write(path, layers, {"name": "n", "family": "n", "input": {"edge": 16}, "labels": list("abcde")})
            self.assertEqual(export.read_document(path)["layers"], [layer.entry for layer in layers])
            data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        entry, weight = header["backbone.act1.weight"], layers[1].tensors["weight"]
        self.assertEqual((entry["dtype"], entry["shape"]), ("U8", [16, 3, 3, 4]))
        start = 8 + length + entry["data_offsets"][0]
        packed = np.frombuffer(data[start : 8 + length + entry["data_offsets"][1]], np.uint8).reshape(16, 3, 3, 4)
        for out, ky, kx, i in [(0, 0, 0, 0), (3, 1, 2, 9), (15, 2, 2, 29)]:
            bit = packed[out, ky, kx, i // 8] >> (i % 8) & 1
            self.assertEqual(bit == 1, weight[out, i, ky, kx] == 1)
        self.assertTrue((packed[..., 3] >> 6 == 0).all(), "spare bits are zero")
        self.assertEqual(header["backbone.act1.thresholds"]["dtype"], "I16")
        spans = sorted(entry["data_offsets"] for name, entry in header.items() if name != "__metadata__")
        self.assertEqual(spans[0][0], 0)
        self.assertTrue(all(a[1] == b[0] for a, b in zip(spans, spans[1:])))
        self.assertEqual(spans[-1][1], len(data) - 8 - length)


if __name__ == "__main__":
    unittest.main()
