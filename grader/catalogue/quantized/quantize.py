"""Task quantize."""

import torch

from ...spec import Task


def quantize_reference(x, scale, zero_point):
    return x.div(scale).round().add(zero_point).clamp(0, 255).to(torch.uint8)


quantize = Task(
    "quantize",
    reference=quantize_reference,
    section="quantized-quantize",
    hints=(
        "Three steps have an order of their own: rounding, moving by the zero point, keeping within 0 to 255. What has to happen before the numbers become uint8?",
        "torch.round rounds halves to even. torch.clamp(torch.round(x / scale) + zero_point, 0, 255), then .to(torch.uint8).",
    ),
)


@quantize.probe(points=1)
def with_one_scale(quantize, bench, O=3, I=4, dtype=torch.float32):
    """x (O, I) with one scale and one zero_point, an int: x is up to 300 steps from 0, so that many values lie outside."""
    steps = bench.integers(-300, 301, O, I) + bench.integers(-40, 41, O, I).double() / 100
    scale, zero_point = 0.01 * bench.size(1, 99), bench.size(40, 215)
    return quantize((steps * scale).to(dtype), torch.tensor(scale, dtype=dtype, device=bench.device), zero_point)


@quantize.probe(points=1, zero="O")
def with_a_scale_for_each_row(quantize, bench, O=3, I=4):
    """x (O, I), scale (O, 1) and zero_point (O, 1), int32: rows of different sizes."""
    steps = bench.integers(-200, 201, O, I) + bench.integers(-40, 41, O, I).double() / 100
    scale = bench.integers(1, 100, O, 1).double() / 50
    return quantize((steps * scale).float(), scale.float(), bench.integers(0, 256, O, 1).int())


@quantize.probe(points=1)
def rounds_halves_to_even(quantize, bench):
    """Steps and a half, exactly: -20.5, -19.5 ... 20.5 in random order, with a scale that is a power of two; zero_point is even, then odd."""
    answers, scale = {}, 2.0 ** bench.size(-4, 3)
    for zero_point in (2 * bench.size(20, 100), 2 * bench.size(20, 100) + 1):
        steps = torch.tensor(bench.several(range(-20, 22)), device=bench.device) - 0.5
        answers[f"scale {scale}, zero_point {zero_point}"] = quantize(steps * scale, torch.tensor(scale, device=bench.device), zero_point)
    return answers


@quantize.probe(points=1)
def takes_any_shape(quantize, bench):
    """A scalar, a vector, four dimensions, an empty x; zero_point is an int32 tensor without dimensions; values up to 100,000 steps outside."""
    answers = {}
    for shape in bench.several([(), (bench.size(4, 9),), (2, 3, 1, 2), (0, 3)]):
        steps = bench.integers(-100, 101, *shape) * 10 ** bench.integers(0, 4, *shape) + bench.integers(-40, 41, *shape).double() / 100
        scale, zero_point = 0.01 * bench.size(1, 99), bench.size(40, 215)
        where = {"dtype": torch.float64, "device": bench.device}
        answers[f"x {shape}, zero_point {zero_point}"] = quantize(steps * scale, torch.tensor(scale, **where), torch.tensor(zero_point, dtype=torch.int32, device=bench.device))
    return answers


# fmt: off
quantize.mistake("rounds_half_up", {"torch.round(x / scale)": "torch.floor(x / scale + 0.5)"},
    "You round halves up. They go to the nearest even number, as torch.round does: 0.5 to 0, 1.5 to 2, 2.5 to 2.")
quantize.mistake("rounds_half_away_from_zero", {"torch.round(x / scale)": "torch.sign(x) * torch.floor((x / scale).abs() + 0.5)"},
    "You round halves away from 0. They go to the nearest even number, as torch.round does.")
quantize.mistake("rounds_after_the_zero_point", {"torch.round(x / scale) + zero_point": "torch.round(x / scale + zero_point)"},
    "You round after adding the zero point. Where that is odd, halves go to the other neighbour: round x / scale, then add.")
quantize.mistake("truncates", {"torch.round(x / scale)": "torch.trunc(x / scale)"}, "You cut off the fraction. Round to the nearest whole number.")
quantize.mistake("rounds_down", {"torch.round(x / scale)": "x / scale"},
    "You round down: by floor or //, or because .to(torch.uint8) cuts the fraction off. Round to the nearest whole number.")
quantize.mistake("clamps_before_the_zero_point", {
    "torch.clamp(torch.round(x / scale) + zero_point, 0, 255)": "(torch.clamp(torch.round(x / scale), 0, 255) + zero_point).to(torch.int64)"},
    "You clamp before you add the zero point: negative numbers are lost, and large ones run over 255. Add first, then clamp.")
quantize.mistake("wraps_around", {"torch.clamp(torch.round(x / scale) + zero_point, 0, 255)": "(torch.round(x / scale) + zero_point).to(torch.int64)"},
    "You do not clamp: uint8 keeps the last eight bits, and 256 becomes 0. Values outside go to the nearest level, 0 or 255.")
quantize.mistake("clamps_to_signed_levels", {"0, 255)": "-128, 127).to(torch.int64)"},
    "You clamp to -128 and 127, the levels of int8. Asked are 0 to 255.")
quantize.mistake("clamps_below_only", {"0, 255)": "min=0).to(torch.int64)"}, "You clamp at 0 only. Values above 255 wrap around in uint8.")
quantize.mistake("subtracts_the_zero_point", {"+ zero_point": "- zero_point"}, "You subtract the zero point. It is the level of 0.0: add it.")
quantize.mistake("forgets_the_zero_point", {" + zero_point": ""}, "You leave the zero point out. It is the level that stands for 0.0.")
quantize.mistake("multiplies_by_the_scale", {"x / scale": "x * scale"}, "You multiply by the scale. It is the size of one step: x / scale says how many.")
quantize.mistake("takes_the_scale_out_of_its_tensor", {"x / scale": "x / scale.item()"},
    "You take one number out of scale (`item`, `float`). It may have one for each row, (O, 1); a tensor broadcasts as it is.", raises=RuntimeError)
quantize.mistake("lays_the_scales_along_the_columns", {"x / scale": "x / scale.flatten()", "+ zero_point": "+ torch.as_tensor(zero_point).flatten()"},
    "You lay the scales along the columns. (O, 1) has one for each row: leave the shape as it is.", raises=RuntimeError)
quantize.mistake("stays_with_floats", {".to(torch.uint8)": ""}, "Your levels are floats. Asked is uint8, one byte each.")
quantize.mistake("returns_int32", {"torch.uint8": "torch.int32"}, "Your levels are int32, four bytes each. Asked is uint8.")
