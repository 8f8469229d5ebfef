"""The numbers of the figures that move in chapters 01 to 08, against torch's. Needs `make site` and a Chromium."""

import math

import pytest
import torch
import torch.nn.functional as F

from .browsing import DESK, browser, home, site  # noqa: F401
from .moving import Figure, near, open_page, screens, trial  # noqa: F401


def test_one_sum_is_torchs_and_torchs_message(open_page):
    figure = Figure(open_page(), "one-sum")

    def theirs():
        return F.linear(figure.tensor("x"), figure.tensor("weight"), figure.tensor("bias"))

    near(figure.y, theirs())
    assert figure.says() == "y[1, 2] = 1 · 0.5 + 0 · 4 + 3 · 1 + 3 = 6.5"
    figure.keys(figure.role("gridcell", "y[0, 3]"))
    figure.keys(figure.role("gridcell", "weight[3, 0]"), *"---------")
    near(figure.y, theirs())
    left, right = figure.says().partition(" = ")[2].replace("·", "*").replace("−", "-").rsplit(" = ", 1)
    assert eval(left) == float(right) == figure.y[0][3] < 0
    figure.choose("(I, O)")
    with pytest.raises(RuntimeError) as refused:
        theirs()
    assert str(refused.value) in figure.says() and figure.y is None
    figure.choose("3: W is square")
    near(figure.y, theirs())
    near(figure.meant, F.linear(figure.tensor("x"), figure.tensor("weight").T, figure.tensor("bias")))
    wrong = sum(a != b for line, meant in zip(figure.y, figure.meant) for a, b in zip(line, meant))
    assert wrong and f"No error, and {wrong} of 6 entries are wrong." in figure.says()


def test_columns_are_torchs(open_page):
    figure = Figure(open_page(**DESK), "columns")
    square = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)
    near(figure.W, [[1.2, 0.8], [-0.3, 1]])  # the still figure's
    figure.drag(figure.role("slider", "column 1 of W"), -60, 25)
    W, b = figure.tensor("W"), figure.tensor("b")
    near(figure.corners, F.linear(square, W, b))
    near(figure.det, torch.det(W))
    near(figure.sum, F.linear(square[2], W, b))
    near(torch.tensor(figure.both) - figure.tensor("sum"), b)
    figure.press("ReLU")
    near(figure.corners, F.linear(square, W, b).relu())
    figure.press("ReLU")
    figure.press("A second layer")
    one = figure.one
    near(figure.corners, F.linear(square, torch.tensor(one["W"], dtype=torch.float64), torch.tensor(one["b"], dtype=torch.float64)))
    figure.press("f(u + v)")
    assert "one does the same" in figure.says() and "W₂b + b₂" in figure.says()
    figure.press("Start again")
    figure.press("b = 0")
    near(figure.both, figure.sum)


def test_depth_is_the_recursion_and_what_torch_measures(open_page):
    figure = Figure(open_page(), "depth")
    for gain, depth in ((0.3, 30), (1 / math.sqrt(3), 20), (math.sqrt(2), 30), (2.5, 12)):
        if gain in (0.3, 2.5):
            figure.slide("gain", gain)
        else:
            figure.press("He" if gain > 1 else "Default")
        figure.slide("layers", depth)
        near(figure.gain, gain)
        q, c, signal, differences = 1.0, 0.0, [1.0], [1.0]
        for _ in range(depth):
            v, covariance = gain**2 * q + 1 / 1536, gain**2 * c + 1 / 1536
            angle = math.acos(min(1, covariance / v))
            q, c = v / 2, v / (2 * math.pi) * (math.sin(angle) + (math.pi - angle) * math.cos(angle))
            signal.append(math.sqrt(q))
            differences.append(math.sqrt(max(q - c, 0)))
        near(torch.tensor(figure.signal).log(), torch.tensor(signal).log())
        torch.testing.assert_close(figure.tensor("differences"), torch.tensor(differences, dtype=torch.float64), rtol=1e-5, atol=1e-7 * max(signal))  # q − c cancels here
        near(math.log(figure.gradient[0]), depth / 2 * math.log(gain**2 / 2))
    figure.press("Default")
    figure.slide("layers", 20)
    near(figure.signal[-1], 1 / math.sqrt(5 * 512))
    torch.manual_seed(0)
    with torch.no_grad():
        x = torch.randn(256, 512)
        for layer in range(1, 6):
            x = torch.relu(torch.nn.Linear(512, 512)(x))
            assert abs(x.square().mean().sqrt() / figure.signal[layer] - 1) < 0.3
            assert abs((x - x.mean(0)).square().mean().sqrt() / figure.differences[layer] - 1) < 0.3


def test_routes_are_autograds_and_wrong_formulas_pass_only_under_ones(open_page):
    figure = Figure(open_page(), "routes")
    for loss in ("random G", "y.sum()"):
        figure.choose(loss)
        x, weight, bias = (figure.tensor(name).requires_grad_() for name in ("x", "weight", "bias"))
        G = figure.tensor("G")
        assert bool((G == 1).all()) == (loss == "y.sum()")
        F.linear(x, weight, bias).backward(G)
        near(figure.grad_weight, weight.grad)
        for name, tensor in {"x": x, "W": weight, "b": bias[None]}.items():
            grad = bias.grad[None] if name == "b" else tensor.grad
            for i in range(tensor.shape[0]):
                for j in range(tensor.shape[1]):
                    label = f"b[{j}]" if name == "b" else f"{name}[{i}, {j}]"
                    figure.keys(figure.role("gridcell", f"{label} is"))
                    near(figure.gradient, grad[i, j])
        wrong = {"ignores": x.sum(0).expand(3, 2), "forgets": G @ x, "averages": torch.outer(G.mean(0), x.sum(0))}
        for name, formula in wrong.items():
            figure.box.locator("select").select_option(name)
            near(figure.grad_weight, formula.detach())
            assert figure.passes == (loss == "y.sum()") == torch.allclose(formula, weight.grad)
        figure.box.locator("select").select_option("right")
    figure.press("Another G")
    near(figure.grad_weight, figure.tensor("G").T @ figure.tensor("x"))


def test_the_step_is_torchs(open_page):
    figure = Figure(open_page(), "step")

    def loss(w):
        return (1 + (-w).exp()).log()

    w = torch.tensor(1.0, dtype=torch.float64)
    near(figure.slope, torch.func.grad(loss)(w))
    near(figure.third, torch.func.grad(torch.func.grad(torch.func.grad(loss)))(w).abs())
    for name, dtype, powers in (("float32", torch.float32, (0, -1)), ("float64", torch.float64, (0, -2, -5))):
        figure.choose(name)
        for power in powers:
            figure.slide("step h", power)
            h = torch.tensor(10.0**power, dtype=dtype)
            near(figure.central, (loss(w.to(dtype) + h) - loss(w.to(dtype) - h)) / (2 * h))
        epsilon = torch.finfo(dtype).eps
        near(math.log(figure.best), math.log(3 * epsilon * loss(w) / figure.third) / 3)
        figure.press("The best step")
        assert abs(figure.rounding / figure.truncation - 2) < 0.4 and "2 : 1" in figure.says()
        assert abs(figure.central - figure.slope) < 10 * (figure.rounding + figure.truncation)
    figure.choose("float32")
    figure.slide("step h", -9)
    assert figure.central == 0 and "the step is lost" in figure.says()


def test_heads_are_torchs_reshapes_and_the_leak_is_attentions(open_page):
    figure = Figure(open_page(), "heads")
    D = 4
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, D, D, dtype=torch.float64, generator=generator)
    for T, heads in ((4, 2), (6, 2), (5, 4), (3, 1)):
        figure.slide("tokens", T)
        figure.box.get_by_role("radio", name=str(heads), exact=True).check()
        d = D // heads
        ways = {
            "right": (lambda t: t.reshape(T, heads, d).transpose(0, 1), lambda t: t.transpose(0, 1).reshape(T, D)),
            "both by reshape": (lambda t: t.reshape(heads, T, d), lambda t: t.reshape(T, D)),
            "merge by reshape": (lambda t: t.reshape(T, heads, d).transpose(0, 1), lambda t: t.reshape(T, D)),
        }
        for way, (split, merge) in ways.items():
            figure.choose(way)
            values = figure.values()
            numbers = torch.arange(T * D).reshape(T, D)
            assert [int(split(numbers)[tuple(place)]) for place in values["split"]] == list(range(T * D))
            assert [int(merge(split(numbers))[tuple(place)]) for place in values["merged"]] == list(range(T * D))
            for token in range(T):
                figure.press(f"Shake token {'abcdef'[token]}")
                x = torch.randn(T, D, dtype=torch.float64, generator=generator)
                shaken = x.clone()
                shaken[token] += 1
                y, moved = (merge(F.scaled_dot_product_attention(*(split(t @ weight) for weight in weights), is_causal=True)) for t in (x, shaken))
                rows = ((y - moved).abs().amax(-1) > 1e-9).nonzero().flatten().tolist()
                assert figure.moved == rows
                assert ("A leak" in figure.says()) == any(row < token for row in rows)
