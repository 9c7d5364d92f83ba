import unittest

import numpy as np
import torch

from train import network as networks
from train.network import Ern, PixelEmbedding, Shape, spread_filters, thermometer, thermometer_values
from train.quantizers import activation


class Thermometer(unittest.TestCase):
    def test_integers_equal_the_published_formula(self):
        byte = np.arange(256, dtype=np.float32)[:, None]
        for depth in (5, 10, 15, 21, 30):
            place = np.arange(depth, dtype=np.float32)
            step = np.float32(max(1, 255 // (3 * depth)))
            heights = byte * (np.float32(1) / (step * depth)) - ((place + 1) / depth - 1 + np.float32(0.0001))
            formula = np.floor(np.clip(heights, 0, np.float32(4 - 1e-6)))
            np.testing.assert_array_equal(np.minimum(formula, 3), thermometer(depth))

    def test_depth_ten_has_31_rows(self):
        self.assertEqual(len(np.unique(thermometer(10), axis=0)), 31)

    def test_the_learned_table_starts_there(self):
        for depth in (5, 10, 21):
            codes = activation(torch.from_numpy(thermometer_values(depth)), post_scale=False)
            np.testing.assert_array_equal(codes.numpy(), thermometer(depth))


class SpreadFilters(unittest.TestCase):
    def test_the_places_of_a_byte_share_a_filter_in_steps(self):
        depth = 21
        weight = torch.empty(64, 3 * depth, 3, 3)
        spread_filters(weight, depth)
        ordered = weight.view(64, 3, depth, 3, 3).sort(dim=2).values
        steps = ordered.diff(dim=2)
        torch.testing.assert_close(steps, torch.full_like(steps, 1 / (depth - 1)))
        positive = (weight.view(64, 3, depth, 3, 3) >= 0).sum(dim=2)
        filters = 2 * ordered.mean(dim=2)
        torch.testing.assert_close(positive.float(), (1 + filters) / 2 * (depth - 1) + 0.5, atol=0.501, rtol=0)

    def test_only_a_network_that_asks_starts_so(self):
        weight = [Ern(Shape(3, stem=8, spread=spread)).backbone.conv1.weight for spread in (False, True)]
        bound = (30 * 9) ** -0.5
        self.assertEqual([bool(part.abs().max() > bound) for part in weight], [False, True])


class Embedding(unittest.TestCase):
    def test_channels_are_colour_major(self):
        pixels = torch.tensor([7, 100, 255], dtype=torch.uint8).view(1, 1, 1, 3)
        codes = PixelEmbedding(10)(pixels).flatten().detach().numpy()
        np.testing.assert_array_equal(codes, thermometer(10)[[7, 100, 255]].flatten())

    def test_the_table_learns(self):
        torch.manual_seed(0)
        network = Ern(Shape(3, edge=16, stem=8, widths=(8, 8), blocks=(1, 1)))
        optimizer = torch.optim.Adam(network.parameters(), 0.02)
        pixels = torch.randint(0, 256, (12, 16, 16, 3), dtype=torch.uint8)
        table = network.pixel_embedding.table
        before = activation(table.detach().clone(), post_scale=False)
        for _ in range(10):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(pixels), torch.arange(12) % 3).backward()
            optimizer.step()
        moved = activation(table.detach(), post_scale=False) != before
        self.assertGreater(moved.float().mean().item(), 0.01)

    def test_a_gpu_finds_and_sums_what_a_processor_does(self):
        torch.manual_seed(0)
        pixels = torch.randint(0, 256, (3, 5, 6, 3), dtype=torch.uint8)
        table, values = torch.randn(3, 256, 7), torch.randn(3, 21, 5, 6)
        for on_gpu, on_processor, arguments in [
            (networks._look_up_at_once, networks._look_up_by_column, (table, pixels)),
            (networks._sums_by_product, networks._sums_by_column, (values, pixels)),
        ]:
            torch.testing.assert_close(on_gpu(*arguments), on_processor(*arguments))

    def test_a_thermometer_stays_one(self):
        network = Ern(Shape(3, edge=16, stem=8, widths=(8, 8), blocks=(1, 1), first="thermometer"))
        optimizer = torch.optim.Adam(network.parameters(), 0.5)
        network(torch.zeros(4, 16, 16, 3, dtype=torch.uint8)).sum().backward()
        optimizer.step()
        codes = activation(network.pixel_embedding.table, post_scale=False)[0]
        np.testing.assert_array_equal(codes.numpy(), thermometer(10))

    def test_only_seen_bytes_get_gradients(self):
        embedding = PixelEmbedding(10)
        embedding(torch.full((1, 2, 2, 3), 40, dtype=torch.uint8)).sum().backward()
        touched = embedding.table.grad.abs().sum(dim=(0, 2)).nonzero().flatten()
        self.assertEqual(touched.tolist(), [40])

    def test_gradients_of_many_pixels_add_up_without_loss(self):
        embedding = PixelEmbedding(10)
        pixels = torch.full((1, 64, 64, 3), 40, dtype=torch.uint8)
        embedding(pixels, torch.bfloat16).sum().backward()
        learns = embedding.table.grad[:, 40]
        self.assertEqual(learns.max().item(), 64 * 64 * 1.5)


if __name__ == "__main__":
    unittest.main()
