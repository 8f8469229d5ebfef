"""What a teacher without our grader would write: one ordinary check for each task, comparing with torch on a few inputs.

This file is never imported: `layout` takes the text of its imports and functions, and every peer runs the same text.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close


def check_linear_sums(linear_sums):
    for B, I, O in [(2, 3, 4), (1, 1, 1), (5, 6, 2), (0, 3, 2)]:
        x, weight, bias = np.random.randn(B, I), np.random.randn(O, I), np.random.randn(O)
        expected = F.linear(*map(torch.from_numpy, (x, weight, bias))).numpy()
        y = linear_sums(x, weight, bias)
        assert y.shape == expected.shape, y.shape
        assert np.allclose(y, expected)


def check_linear(linear):
    for lead in [(4,), (), (2, 4), (2, 1, 3)]:
        x, weight, bias = torch.randn(*lead, 5), torch.randn(3, 5), torch.randn(3)
        assert_close(linear(x, weight, bias), F.linear(x, weight, bias))
        assert_close(linear(x, weight), F.linear(x, weight))
    x, weight = torch.randn(5, 4, dtype=torch.float64).T, torch.randn(3, 5, dtype=torch.float64)
    assert_close(linear(x, weight, None), F.linear(x, weight))


def check_output_shape(output_shape):
    for shape in [(5,), (4, 5), (2, 3, 5), (0, 5)]:
        assert output_shape(shape, (3, 5)) == (*shape[:-1], 3)
    try:
        output_shape((4, 7), (3, 5))
    except ValueError as error:
        assert "7" in str(error) and "5" in str(error), "the message should name both sizes"
    else:
        raise AssertionError("sizes that do not fit should raise ValueError")


def check_parameter_count(parameter_count):
    for I, O in [(784, 256), (1, 1), (3, 50)]:
        for bias in (True, False):
            expected = sum(parameter.numel() for parameter in nn.Linear(I, O, bias).parameters())
            assert parameter_count(I, O, bias) == expected
        assert parameter_count(I, O) == I * O + O


def check_fold_bias(fold_bias):
    for I, O in [(5, 3), (4, 4), (2, 1)]:
        x, weight, bias = torch.randn(6, I), torch.randn(O, I), torch.randn(O)
        folded = fold_bias(weight, bias)
        assert folded.shape == (O, I + 1), folded.shape
        assert torch.allclose(torch.cat([x, torch.ones(6, 1)], 1) @ folded.T, F.linear(x, weight, bias), atol=1e-5)


def check_compose(compose):
    for I, H, O in [(5, 4, 3), (4, 4, 4)]:
        x, w1, b1, w2, b2 = (torch.randn(*shape, dtype=torch.float64) for shape in [(6, I), (H, I), (H,), (O, H), (O,)])
        weight, bias = compose(w1, b1, w2, b2)
        assert weight.shape == (O, I) and bias.shape == (O,)
        assert_close(F.linear(x, weight, bias), F.linear(F.linear(x, w1, b1), w2, b2))


def check_kaiming_bound(kaiming_bound):
    for fan_in, a in [(1, 0), (100, math.sqrt(5)), (6, 0.01), (256, 2)]:
        expected = math.sqrt(3) * nn.init.calculate_gain("leaky_relu", a) / math.sqrt(fan_in)
        assert math.isclose(kaiming_bound(fan_in, a), expected, rel_tol=1e-6)


def check_reset_weight_(reset_weight_):
    for a in (math.sqrt(5), 0):
        weight, like = torch.zeros(400, 100), nn.init.kaiming_uniform_(torch.zeros(400, 100), a)
        assert reset_weight_(weight, a) is weight
        assert abs(weight.mean()) < 0.03 * like.max()
        assert torch.allclose(weight.std(), like.std(), rtol=0.03)
        assert torch.allclose(weight.abs().max(), like.abs().max(), rtol=0.01)
    parameter = nn.Parameter(torch.zeros(4, 5))
    memory = parameter.data_ptr()
    reset_weight_(parameter)
    assert parameter.data_ptr() == memory and parameter.requires_grad and parameter.any()
    reset_weight_(torch.zeros(3, 0))


def check_reset_bias_(reset_bias_):
    for I in (4, 25):
        bias = torch.zeros(20_000)
        reset_bias_(bias, torch.zeros(20_000, I))
        assert abs(bias.mean()) < 0.03 / math.sqrt(I)
        assert torch.allclose(bias.abs().max(), torch.tensor(1 / math.sqrt(I)), rtol=0.01)
        assert torch.allclose(bias.std(), torch.tensor(1 / math.sqrt(3 * I)), rtol=0.05)
    empty = torch.ones(3)
    reset_bias_(empty, torch.zeros(3, 0))
    assert torch.equal(empty, torch.zeros(3))


def check_reset_like_torch(reset_like_torch):
    for I, O, with_bias in [(4, 3, True), (7, 5, True), (300, 8, True), (4, 3, False)]:
        torch.manual_seed(I)
        layer, following = nn.Linear(I, O, with_bias), torch.rand(3)
        weight, bias = torch.zeros(O, I), torch.zeros(O) if with_bias else None
        torch.manual_seed(I)
        reset_like_torch(weight, bias)
        assert torch.equal(weight, layer.weight)
        assert not with_bias or torch.equal(bias, layer.bias)
        assert torch.equal(torch.rand(3), following)


def check_output_variance(output_variance):
    for in_features, second_moment in [(1, 1.0), (48, 3.0), (10, 0.0)]:
        expected = second_moment / 3 + 1 / (3 * in_features)
        assert math.isclose(output_variance(in_features, second_moment), expected, rel_tol=1e-6)


def check_he_reset_(he_reset_):
    for O, I in [(1000, 200), (200, 1000)]:
        weight = torch.zeros(O, I)
        he_reset_(weight)
        assert abs(weight.mean()) < 0.01
        assert torch.allclose(weight.std(), torch.tensor(math.sqrt(2 / I)), rtol=0.03)
    parameter = nn.Parameter(torch.zeros(4, 5))
    he_reset_(parameter)
    assert parameter.requires_grad and parameter.any()


def check_grad_weight(grad_weight):
    for lead in [(6,), (), (2, 4), (0,)]:
        grad_output, x, weight = torch.randn(*lead, 3), torch.randn(*lead, 5), torch.zeros(3, 5, requires_grad=True)
        expected = torch.autograd.grad(F.linear(x, weight), weight, grad_output)[0]
        assert_close(grad_weight(grad_output, x), expected)


def check_grad_bias(grad_bias):
    for lead in [(6,), (), (2, 4), (0,)]:
        grad_output = torch.randn(*lead, 3)
        assert_close(grad_bias(grad_output), grad_output.reshape(-1, 3).sum(0))


def check_grad_input(grad_input):
    for lead in [(6,), (), (2, 4), (0,)]:
        grad_output, x, weight = torch.randn(*lead, 3), torch.randn(*lead, 5, requires_grad=True), torch.randn(3, 5)
        expected = torch.autograd.grad(F.linear(x, weight), x, grad_output)[0]
        assert_close(grad_input(grad_output, weight), expected)


def check_numerical_grad(numerical_grad):
    for shape in [(), (7,), (3, 4)]:
        a = torch.randn(shape, dtype=torch.float64)
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        before = x.detach().clone()
        y = (a * x).sum().sin() + 2 * (x * x).sum()
        found = numerical_grad(lambda t: (a * t).sum().sin() + 2 * (t * t).sum(), before)
        assert_close(found, torch.autograd.grad(y, x)[0], rtol=1e-4, atol=1e-6)
        assert torch.equal(before, x)


def check_LinearFunction(LinearFunction):
    for lead in [(6,), (), (2, 4)]:
        inputs = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in [(*lead, 5), (3, 5), (3,)]]
        assert_close(LinearFunction.apply(*inputs), F.linear(*inputs))
        assert torch.autograd.gradcheck(LinearFunction.apply, inputs)
        assert torch.autograd.gradcheck(LinearFunction.apply, (*inputs[:2], None))


def check_mlp_backward(mlp_backward):
    for B, I, H, O, scale in [(6, 16, 8, 4, 1), (1, 5, 3, 3, 1), (6, 16, 8, 4, 1000)]:
        shapes = [(B, I), (H, I), (H,), (O, H), (O,)]
        x, *parameters = (torch.randn(*shape, dtype=torch.float64) for shape in shapes)
        parameters[-1] *= scale
        target, tracked = torch.randint(O, (B,)), [parameter.clone().requires_grad_() for parameter in parameters]
        loss = F.cross_entropy(F.linear(F.linear(x, *tracked[:2]).relu(), *tracked[2:]), target)
        expected = loss.detach(), *torch.autograd.grad(loss, tracked)
        for found, wanted in zip(mlp_backward(x, target, *parameters), expected, strict=True):
            assert_close(found, wanted)
