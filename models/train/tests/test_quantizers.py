import unittest

import torch

from train import quantizers
from train.tests import skipped


class Activation(unittest.TestCase):
    def test_codes_step_at_thirds(self):
        x = torch.tensor([-1.0, 0.0, 0.33, 0.34, 0.99, 1.01, 1.66, 1.67, 2.0, 9.0])
        codes = quantizers.activation(x, post_scale=False)
        self.assertEqual(codes.tolist(), [0, 0, 0, 1, 1, 2, 2, 3, 3, 3])
        values = quantizers.activation(x, post_scale=True)
        torch.testing.assert_close(values, codes * (2 / 3))

    def test_gradient_is_scaled_inside_and_zero_outside(self):
        x = torch.tensor([-0.1, 0.5, 1.2, 2.1], requires_grad=True)
        gradient = torch.tensor([1.0, -2.0, 3.0, 4.0])
        value = quantizers.activation(x, post_scale=True, scaling=0.01)
        value.backward(gradient)
        wanted = gradient * (1 + 0.01 * gradient.sign() * (x - value)).detach()
        wanted[[0, 3]] = 0
        torch.testing.assert_close(x.grad, wanted)

    def test_gradient_without_post_scale_is_half_as_large_again(self):
        x = torch.tensor([0.5, 1.9], requires_grad=True)
        quantizers.activation(x, post_scale=False).sum().backward()
        self.assertEqual(x.grad.tolist(), [1.5, 1.5])

    @skipped.unless(hasattr(torch, "compile"), "this PyTorch compiles nothing")
    def test_compiled_gradients_are_the_same(self):
        x = torch.linspace(-0.5, 2.5, 30)
        for post_scale in (True, False):
            for scaling in (0.0, 0.01):
                apart = [self.gradient(x, post_scale, scaling, compile) for compile in (torch.compile, lambda function, **_: function)]
                torch.testing.assert_close(*apart)

    def gradient(self, x, post_scale, scaling, compile):
        """The gradient of a sum of activations that are worth their places."""
        leaf, places = x.clone().requires_grad_(), torch.arange(len(x), dtype=torch.float32)
        compile(lambda x: (quantizers.activation(x, post_scale, scaling) * places).sum(), backend="aot_eager")(leaf).backward()
        return leaf.grad


class Weights(unittest.TestCase):
    def test_zero_is_positive(self):
        self.assertEqual(quantizers.signs(torch.tensor([-0.5, 0.0, 0.5])).tolist(), [-1.0, 1.0, 1.0])

    def test_mean_weight(self):
        weight = torch.tensor([[1.0, -3.0], [0.5, 0.0]]).view(2, 2, 1, 1).requires_grad_()
        quantized = quantizers.mean_weight(weight)
        self.assertEqual(quantized.flatten().tolist(), [2.0, -2.0, 0.25, 0.25])
        quantized.backward(torch.full_like(quantized, 7.0))
        self.assertEqual(weight.grad.flatten().tolist(), [7.0] * 4)

    def test_shared_weight_gradient_is_scaled(self):
        weight = torch.tensor([1.0, -3.0]).view(1, 2, 1, 1).requires_grad_()
        quantized = quantizers.shared_weight(weight, scaling=0.01)
        self.assertEqual(quantized.flatten().tolist(), [1 / 32, -1 / 32])
        quantized.backward(torch.tensor([2.0, -2.0]).view(1, 2, 1, 1))
        wanted = [2 * (1 + 0.01 * (1 - 1 / 32)), -2 * (1 - 0.01 * (-3 + 1 / 32))]
        torch.testing.assert_close(weight.grad.flatten(), torch.tensor(wanted))


if __name__ == "__main__":
    unittest.main()
