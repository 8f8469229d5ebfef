"""Task ReLULayer."""

import torch

from ...spec import Task
from .shared import READY_MADE


class ReLULayerReference:
    def forward(self, x):
        self.x = x
        return torch.relu(x)

    def backward(self, grad_output):
        with torch.inference_mode(False), torch.enable_grad():
            x = self.x.clone().requires_grad_()
            return torch.autograd.grad(x.relu(), x, grad_output.clone())[0]


ReLULayer = Task(
    "ReLULayer",
    reference=ReLULayerReference,
    section="capstone-layers",
    tolerance=(0.0, 0.0),
    tolerance_reason="numbers are passed on or cut off, not computed with",
    forbids=READY_MADE,
    hints=(
        "The gate of chapter 03: where does the gradient pass, and which pass of the layer decides it?",
        "forward: self.x = x, and return x.clamp(min=0). backward: return grad_output * (self.x > 0).",
    ),
)


@ReLULayer.probe(points=1, zero="B I")
def cuts_off_what_is_negative(ReLULayer, bench, B=6, I=5, dtype=torch.float32):
    """max(x, 0), entry by entry, in any shape."""
    return {f"x {shape}": ReLULayer().forward(bench.randn(*shape, dtype=dtype)) for shape in [(B, I), (I,), (2, B, I)]}


@ReLULayer.probe(points=1, zero="B I")
def lets_the_gradient_through_where_x_was_positive(ReLULayer, bench, B=6, I=5, dtype=torch.float32):
    """For a random grad_output, entry by entry, in any shape; in two layers side by side; each batch replaces the last."""
    layers, answers = [ReLULayer(), ReLULayer()], {}
    for number, shape in enumerate([(B, I), (B, I), (I,), (2, B, I)], 1):
        for layer in layers:
            layer.forward(bench.randn(*shape, dtype=dtype))
        answers[f"{number}. x {shape}"] = [layer.backward(bench.randn(*shape, dtype=dtype)) for layer in layers]
    return answers


@ReLULayer.probe(points=1)
def is_closed_at_zero(ReLULayer, bench):
    """x = 0 exactly: nothing passes."""
    layer = ReLULayer()
    layer.forward(torch.tensor([-1.0, 0.0, 1.0], device=bench.device))
    return layer.backward(bench.randn(3))


@ReLULayer.probe(points=1)
def changes_nothing_and_asks_autograd_for_nothing(ReLULayer, bench):
    """x and grad_output hold what they held before; it works in torch.inference_mode(), too."""
    x, grad_output = bench.randn(6, 5), bench.randn(6, 5)
    before = {"x": x.clone(), "grad_output": grad_output.clone()}
    with torch.inference_mode():
        layer = ReLULayer()
        answers = {"y": layer.forward(x).clone(), "grad_input": layer.backward(grad_output).clone()}
    return answers | {name: bench.pair(now, before[name], "unchanged", "changed") for name, now in {"x": x, "grad_output": grad_output}.items()}


# fmt: off
ReLULayer.mistake("forgets_the_gate", {" * (self.x > 0)": ""}, "Your backward lets everything through. Where x was not positive, no gradient passes.")
ReLULayer.mistake("gates_by_the_gradient", {" * (self.x > 0)": ".clamp(min=0)"},
    "Your gate looks at the sign of grad_output. It opens where the forward pass had x > 0, whatever comes back.")
ReLULayer.mistake("opens_the_gate_at_zero", {"self.x > 0": "self.x >= 0"}, "Your gate is open at x = 0. torch takes 0 for ReLU's derivative there: > and not >=.")
ReLULayer.mistake("multiplies_by_the_output", {"(self.x > 0)": "self.x.clamp(min=0)"},
    "You multiply grad_output by the output. The gate is 1 or 0: how far x was above zero does not matter.")
ReLULayer.mistake("forgets_the_upstream_gradient", {"grad_output * (self.x > 0)": "(self.x > 0).to(grad_output.dtype)"},
    "You return the gate alone, ReLU's derivative. The chain rule multiplies it by grad_output.")
ReLULayer.mistake("opens_the_gate_below_zero", {"self.x > 0": "self.x <= 0"}, "Your gate is the wrong way round: it passes the gradient where x was negative.")
ReLULayer.mistake("overwrites_its_input", {"x.clamp(min=0)": "x.clamp_(min=0)"},
    "You clamp x itself. The tensor is the caller's, who may need it as it was: make a new one.")
ReLULayer.mistake("overwrites_the_gradient", {"return grad_output * (self.x > 0)": "grad_output[self.x <= 0] = 0\n        return grad_output"},
    "You write zeros into grad_output itself. The tensor is the caller's: return a new one.")
ReLULayer.mistake("keeps_the_first_gate", {"self.x = x": 'self.x = getattr(self, "x", x)'},
    "Your layer keeps the gate of its first batch. Every forward must replace what it keeps: the next batch is another.", raises=RuntimeError)
ReLULayer.mistake("keeps_x_on_the_class", {"self.x = x": "ReLULayer.x = x"},
    "You keep x on the class, which all layers share: backward finds the x of whichever layer came last. Keep it on self.")
