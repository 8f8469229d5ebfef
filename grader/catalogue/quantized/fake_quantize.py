"""Task FakeQuantize."""

import torch

from ...spec import Task


class FakeQuantizeReference(torch.autograd.Function):
    @staticmethod
    def apply(x, scale, zero_point):
        return torch.fake_quantize_per_tensor_affine(x, float(scale), zero_point, 0, 255)


FakeQuantize = Task(
    "FakeQuantize",
    reference=FakeQuantizeReference,
    section="quantized-straight-through",
    forbids=("torch.*fake_quant*",),
    hints=(
        "What has backward to know of x? One yes or no for each number is enough. How many things does it return?",
        "levels = torch.round(x / scale) + zero_point, before clamping: save (levels >= 0) & (levels <= 255). "
        "backward returns grad_output times that, then None for each of the others.",
    ),
)


@FakeQuantize.probe(points=1)
def rounds_and_saturates(FakeQuantize, bench, B=3, I=4, dtype=torch.float32):
    """A torch.autograd.Function whose apply takes x (B, I), up to 300 steps from 0, and gives what its levels 0 to 255 stand for."""
    steps = bench.integers(-300, 301, B, I) + bench.integers(-40, 41, B, I).double() / 100
    scale, zero_point = bench.size(1, 99) / 128, bench.size(40, 215)
    y = FakeQuantize.apply((steps * scale).to(dtype), torch.tensor(scale, dtype=dtype, device=bench.device), zero_point)
    return {"is a torch.autograd.Function": issubclass(FakeQuantize, torch.autograd.Function), "values": y}


@FakeQuantize.probe(points=1)
def rounds_halves_to_even(FakeQuantize, bench):
    """Steps and a half, exactly, with a scale that is a power of two: zero_point is even, then odd. Then x without dimensions, with three, and empty."""
    answers, scale = {}, 2.0 ** bench.size(-4, 3)
    for zero_point in (2 * bench.size(20, 100), 2 * bench.size(20, 100) + 1):
        steps = torch.tensor(bench.several(range(-20, 22)), device=bench.device) - 0.5
        answers[f"scale {scale}, zero_point {zero_point}"] = FakeQuantize.apply(steps * scale, torch.tensor(scale, device=bench.device), zero_point)
    for shape in [(), (2, 3, 2), (0, 3)]:
        x = bench.integers(-200, 200, *shape) * scale
        answers[f"x {shape}"] = FakeQuantize.apply(x, torch.tensor(scale, device=bench.device), bench.size(40, 215))
    return answers


@FakeQuantize.probe(points=2)
def lets_gradients_pass_inside(FakeQuantize, bench, B=4, I=5):
    """The gradient of x (B, I) for a random grad_output, about half of x outside; then of numbers just beside the levels -1, 0, 1, 254, 255 and 256."""
    scale, zero_point = bench.size(1, 99) / 128, bench.size(40, 215)
    anywhere = bench.integers(-300, 301, B, I) + bench.integers(-40, 41, B, I).double() / 100
    ends = torch.tensor([level + beside for level in (-1, 0, 1, 254, 255, 256) for beside in (-0.4, 0.0, 0.4)], dtype=torch.float64, device=bench.device) - zero_point
    answers = {}
    for case, steps in {"anywhere": anywhere, f"at the ends, zero_point {zero_point}": ends}.items():
        x = (steps * scale).requires_grad_()
        y = FakeQuantize.apply(x, torch.tensor(scale, dtype=torch.float64, device=bench.device), zero_point)
        answers[case] = torch.autograd.grad(y, x, bench.randn(*steps.shape, dtype=torch.float64))[0]
    return answers


@FakeQuantize.probe(points=1)
def keeps_calls_apart(FakeQuantize, bench):
    """Two calls with x of one shape, whose scales ask for a gradient and get none, then the gradients of both, the first call's first; float32."""
    calls = []
    for _ in range(2):
        x, scale = (bench.integers(-300, 301, 3, 4) / 4.0).requires_grad_(), torch.tensor(0.25, device=bench.device, requires_grad=True)
        calls.append((x, scale, FakeQuantize.apply(x, scale, bench.size(40, 215))))
    answers = {}
    for number, (x, scale, y) in enumerate(calls, 1):
        answers[f"{number}. call: x, scale"] = list(torch.autograd.grad(y, (x, scale), bench.randn(3, 4), allow_unused=True))
    return answers


# fmt: off
FakeQuantize.mistake("lets_every_gradient_pass", {"grad_output * inside": "grad_output"},
    "You pass the gradient everywhere (any level is at least 0 or at most 255; inside is both). Where the level was clamped, y does not move with x: 0 there.")
FakeQuantize.mistake("looks_at_numbers_before_they_are_rounded", {"(levels >= 0) & (levels <= 255)": "(x / scale + zero_point >= 0) & (x / scale + zero_point <= 255)"},
    "You ask whether x lies inside before it is rounded. 255.4 is rounded to 255, a level: its gradient passes.")
FakeQuantize.mistake("shuts_out_the_last_levels", {"levels >= 0": "levels > 0", "levels <= 255": "levels < 255"},
    "You shut out the levels 0 and 255 themselves. They are inside.")
FakeQuantize.mistake("shuts_one_side_only", {"(levels >= 0) & ": ""}, "You look at the upper end only. Below level 0 the gradient is 0, too.")
FakeQuantize.mistake("lets_pass_outside", {"grad_output * inside": "grad_output * ~inside"},
    "Your gradient passes where the level was clamped, and nowhere else. It is the other way round.")
FakeQuantize.mistake("uses_the_steps_slope", {"grad_output * inside": "torch.zeros_like(grad_output)"},
    "Your gradient is 0 everywhere: that is the slope of rounding. Straight through means to act as if rounding had the slope 1.")
FakeQuantize.mistake("scales_the_gradient", {"grad_output * inside, None": "grad_output * inside * scale, None", "ctx.save_for_backward((levels >= 0) & (levels <= 255))":
    "ctx.save_for_backward((levels >= 0) & (levels <= 255), scale)", "(inside,) = ": "inside, scale = "},
    "You multiply the gradient by the scale. x was divided by it on the way, and the two cancel.")
FakeQuantize.mistake("ignores_the_incoming_gradient", {"grad_output * inside": "inside.to(grad_output.dtype)"},
    "You ignore the gradient that comes in. Multiply it by 1 inside, and by 0 outside.")
FakeQuantize.mistake("returns_one_gradient", {"grad_output * inside, None, None": "grad_output * inside"},
    "Your backward returns one gradient. It returns one for each input of forward: None for scale and zero_point.", raises=RuntimeError)
FakeQuantize.mistake("returns_the_levels", {"scale * (levels.clamp(0, 255) - zero_point)": "levels.clamp(0, 255)"},
    "You return the levels. Asked is what they stand for: scale times the distance from the zero point.")
FakeQuantize.mistake("forgets_to_clamp", {"levels.clamp(0, 255)": "levels"}, "Your levels are not clamped to 0 to 255.")
FakeQuantize.mistake("clamps_before_the_zero_point", {"levels.clamp(0, 255) - zero_point": "(levels - zero_point).clamp(0, 255)"},
    "You clamp before you add the zero point, so that all negative numbers become 0. Levels are clamped, and the zero point is in them.")
FakeQuantize.mistake("rounds_after_the_zero_point", {"torch.round(x / scale) + zero_point": "torch.round(x / scale + zero_point)"},
    "You round after adding the zero point. Where that is odd, halves go to the other neighbour: round x / scale, then add.")
FakeQuantize.mistake("rounds_half_up", {"torch.round(x / scale)": "torch.floor(x / scale + 0.5)"}, "You round halves up. They go to the nearest even number, as torch.round does.")
FakeQuantize.mistake("does_not_round", {"torch.round(x / scale)": "x / scale"}, "You do not round: y is x, clamped.")
FakeQuantize.mistake("keeps_the_mask_on_the_class", {"ctx.save_for_backward((levels >= 0) & (levels <= 255))": "FakeQuantize.inside = (levels >= 0) & (levels <= 255)",
    "(inside,) = ctx.saved_tensors": "inside = FakeQuantize.inside"},
    "You keep what backward needs on the class, where the next call overwrites it. ctx belongs to one call.")


@FakeQuantize.impostor("Your class leaves backward to autograd, for which rounding has the slope 0. Inherit from torch.autograd.Function and write forward and backward yourself.",
    raises=RuntimeError)
class lets_autograd_do_it:
    @staticmethod
    def apply(x, scale, zero_point):
        return scale * ((torch.round(x / scale) + zero_point).clamp(0, 255) - zero_point)
