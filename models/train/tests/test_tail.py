import unittest

import numpy as np
import torch
from torch.nn import functional as F

from train import integer, tail
from train.network import Ern, Shape
from train.tests.test_integer import random_network


class Convolutions(unittest.TestCase):
    def test_winograds_way_gives_the_convolution_and_its_gradients(self):
        torch.manual_seed(1)
        for height, width in [(4, 4), (8, 4), (8, 12)]:
            x = torch.randn(height, width, 3, 5, requires_grad=True)
            weight = torch.randn(7, 5, 3, 3, requires_grad=True)
            got = tail._Winograd.apply(x, weight)
            wanted = F.conv2d(x.permute(2, 3, 0, 1), weight, padding=1).permute(2, 3, 0, 1)
            torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)
            gradient = torch.randn_like(got)
            for a, b in zip(*(torch.autograd.grad(out, (x, weight), gradient) for out in (got, wanted))):
                torch.testing.assert_close(a, b, atol=5e-4, rtol=1e-4)

    def test_by_product_is_the_convolution(self):
        torch.manual_seed(2)
        for kernel, stride in [(3, 1), (3, 2), (1, 1), (1, 2)]:
            x, weight = torch.randn(8, 8, 2, 5), torch.randn(6, 5, kernel, kernel)
            wanted = F.conv2d(x.permute(2, 3, 0, 1), weight, stride=stride, padding=kernel // 2).permute(2, 3, 0, 1)
            torch.testing.assert_close(tail.by_product(x, weight, stride), wanted, atol=1e-5, rtol=1e-4)


class Stages(unittest.TestCase):
    def test_from_a_stages_codes_on_the_network_says_the_same(self):
        torch.manual_seed(3)
        network = Ern(Shape(5, edge=64, others=2, stem=16, widths=(16, 24, 32), blocks=(1, 1, 2)))
        pixels = torch.randint(0, 256, (6, 64, 64, 3), dtype=torch.uint8)
        network.train()
        with torch.no_grad():
            for _ in range(3):
                network(pixels)
        network.eval()
        layers = integer.lower(network)
        codes, rows = integer.run_all(layers, pixels.numpy())
        for stage in (2, 3):
            before = torch.from_numpy(codes[f"backbone.layer{stage}.0.act0"])
            with torch.no_grad():
                got = tail.Tail(network, stage)(before.flatten(2).transpose(1, 2))
            np.testing.assert_allclose(got.numpy(), rows, atol=1e-4)
            after = [layer.entry["name"] for layer in layers].index(f"backbone.layer{stage}.0.act0") + 1
            np.testing.assert_array_equal(integer.rows_from(layers[after:], f"backbone.layer{stage}.0.act0", before.numpy()), rows)

    def test_what_comes_before_is_not_trained(self):
        network, _ = random_network("embedding", blocks=(1, 1))
        trained = {id(parameter) for parameter in tail.Tail(network, 2).trained()}
        names = {name for name, parameter in network.named_parameters() if id(parameter) in trained}
        self.assertTrue(all(name.startswith(("backbone.layer2", "backbone.last_act", "conv.")) for name in names))
        self.assertNotIn("backbone.layer2.0.act0.norm.weight", names)
        self.assertIn("backbone.layer2.0.conv1.weight", names)


if __name__ == "__main__":
    unittest.main()
