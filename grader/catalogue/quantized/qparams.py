"""Task qparams."""

import torch

from ...spec import Task


def qparams_reference(x):
    low, high = torch.aminmax(torch.cat([x.flatten(), x.new_zeros(1)]))
    scale = (high - low) / 255
    return (scale, round(float(-low / scale))) if high > low else (torch.ones_like(scale), 0)


qparams = Task(
    "qparams",
    reference=qparams_reference,
    section="quantized-qparams",
    hints=(
        "Which numbers shall the levels 0 and 255 stand for, if 0.0 has to lie between them? How many steps are there from level 0 to level 255?",
        "low = x.amin().clamp(max=0), high = x.amax().clamp(min=0). The zero point is -low / scale, rounded; look after a scale of 0 first.",
    ),
)


@qparams.probe(points=1)
def of_numbers_on_both_sides(qparams, bench, B=3, I=4, dtype=torch.float32):
    """x (B, I) with negative and positive numbers, whose least and greatest are drawn at random, and stand at random places."""
    scale, zero = 0.1 * bench.size(5, 99), bench.size(40, 215) + 0.01 * bench.size(-35, 35)
    x, places = 30 * scale * bench.randn(B, I, dtype=dtype).clamp(-1, 1), bench.several(range(B * I), 2)
    x.view(-1)[places[0]] = -zero * scale
    x.view(-1)[places[1]] = (255 - zero) * scale
    return bench.sequence(qparams(x))


@qparams.probe(points=1)
def keeps_zero_in_the_range(qparams, bench):
    """All numbers positive, near 0 and far from it; all negative; one number alone; of shapes from () to four dimensions, in random order."""
    answers = {}
    for number, (shape, sign) in enumerate(bench.several([((), 1), ((), -1), ((7,), 1), ((7,), -1), ((2, 3), 1), ((2, 3), -1), ((2, 1, 2, 3), 1), ((2, 1, 2, 3), -1)]), 1):
        x = sign * (bench.randn(*shape).abs() + bench.size(1, 4) ** 4)
        answers[f"{number}. x {shape}, all {'positive' if sign > 0 else 'negative'}"] = bench.sequence(qparams(x))
    return answers


@qparams.probe(points=1)
def of_zeros_and_of_tiny_numbers(qparams, bench):
    """Nothing but zeros, in float32 and float64; then numbers as small as 1e-20, of which the scale is returned multiplied by 1e20."""
    answers = {}
    for dtype, rest in zip((torch.float32, torch.float64), bench.several([0.4, -0.4])):  # rounded down once, and once up
        shape = bench.size(2, 5), bench.size(2, 5)
        answers[f"zeros {shape}, {dtype}"] = bench.sequence(qparams(torch.zeros(shape, dtype=dtype, device=bench.device)))
        scale, zero = bench.size(2, 99), bench.size(40, 215) + rest
        x = torch.tensor([-zero * scale, 0.0, (255 - zero) * scale], dtype=dtype, device=bench.device) * 1e-20
        small, zero_point = qparams(x)
        answers[f"tiny numbers, {dtype}"] = [small * 1e20, zero_point]
    return answers


# fmt: off
qparams.mistake("leaves_zero_out_below", {".clamp(max=0)": ""},
    "Where all of x is positive your range begins at its least number. Extend it to 0: low is at most 0.")
qparams.mistake("leaves_zero_out_above", {".clamp(min=0)": ""},
    "Where all of x is negative your range ends at its greatest number. Extend it to 0: high is at least 0.")
qparams.mistake("leaves_zero_out", {".clamp(max=0)": "", ".clamp(min=0)": ""},
    "Your range is that of x alone. It has to contain 0, which must have a level of its own: low is at most 0 and high at least 0.")
qparams.mistake("divides_by_256", {"255": "256"}, "You divide by the number of levels. From level 0 to level 255 there are 255 steps.")
qparams.mistake("divides_by_127", {"255": "127"}, "You divide by 127 steps, those of a symmetric scale. From level 0 to level 255 there are 255.")
qparams.mistake("divides_by_a_scale_of_zero", {"scale == 0": "False"},
    "Where x is all zeros your scale is 0, and the zero point 0 / 0. Return scale 1 and zero point 0 there.", raises=ValueError)
qparams.mistake("never_lets_the_scale_be_small", {"(high - low) / 255": "((high - low) / 255).clamp(min=1e-7)"},
    "You keep the scale above an epsilon, so that tiny numbers share a few levels, or one. Only where it is 0 is it replaced.")
qparams.mistake("adds_an_epsilon", {"(high - low) / 255": "(high - low) / 255 + 1e-7", "scale == 0": "low == high"},
    "You add an epsilon to the scale: tiny numbers then share a few levels, or one. Treat a scale of 0 by itself.")
qparams.mistake("makes_it_symmetric", {"low, high = x.amin().clamp(max=0), x.amax().clamp(min=0)": "high = x.abs().amax()\n    low = -high"},
    "Your range reaches as far below 0 as above. Asked is the range of x itself, extended to contain 0.")
qparams.mistake("truncates_the_zero_point", {"round((-low / scale).item())": "int((-low / scale).item())"},
    "You cut the zero point off. Round it to the nearest whole number.")
qparams.mistake("exchanges_the_ends", {"-low / scale": "high / scale"},
    "Your zero point is the distance from 0 up to high. It is the level that stands for 0.0: the number of steps from low up to 0.")
qparams.mistake("shifts_to_signed_levels", {"round((-low / scale).item())": "round((-low / scale).item()) - 128"},
    "Your zero point belongs to the levels -128 to 127. Asked are 0 to 255.")
qparams.mistake("forgets_the_sign", {"-low / scale": "low / scale"}, "Your zero point has the wrong sign: low is at most 0, and the level of 0.0 at least 0.")
qparams.mistake("forgets_to_count_in_steps", {"-low / scale": "-low"}, "Your zero point is a distance in the units of x. It is counted in steps: divide by the scale.")
qparams.mistake("gives_each_row_its_own", {
    "low, high = x.amin().clamp(max=0), x.amax().clamp(min=0)": "x = x if x.dim() else x[None]\n    low, high = x.amin(-1).clamp(max=0), x.amax(-1).clamp(min=0)",
    "if scale == 0": "if not scale.any()", "torch.ones_like(scale), 0": "torch.ones_like(scale), torch.zeros_like(scale).int()",
    "round((-low / scale).item())": "torch.round(-low / scale).int()"},
    "You make a scale for each row. Asked is one for all of x.")
qparams.mistake("returns_the_scale_as_a_number", {"return torch.ones_like(scale), 0": "return 1.0, 0", "return scale,": "return scale.item(),"},
    "Your scale is a Python number, which has forgotten x's dtype and device. Return a tensor without dimensions.")
qparams.mistake("returns_the_zero_point_as_a_tensor", {"torch.ones_like(scale), 0": "torch.ones_like(scale), torch.tensor(0)",
    "round((-low / scale).item())": "torch.round(-low / scale).to(torch.int32)"},
    "Your zero point is a tensor. Asked is an int.")
