"""Task to_bfloat16."""

import torch

from ...spec import Task


def to_bfloat16_reference(x):
    return x.bfloat16().float()


to_bfloat16 = Task(
    "to_bfloat16",
    reference=to_bfloat16_reference,
    section="precision-bfloat16",
    forbids=("torch.bfloat16", "torch.Tensor.bfloat16", "torch.*BFloat16*"),
    tolerance=(0.0, 0.0),
    tolerance_reason="there is one right number for each",
    hints=(
        "A bfloat16 is the upper 16 bits of a float32. What has to be added to the bits before the lower 16 are set to 0, so that these go up from halfway on, and at exactly "
        "halfway only where the last bit kept is 1?",
        "With bits = x.view(torch.int32), add 0x7FFF and the last bit kept, bits >> 16 & 1; then & -0x10000 and view as float32. A carry may run into the exponent: that is right. "
        "Which float32 does it turn into something else? Choose those by torch.where.",
    ),
)


@to_bfloat16.probe(points=2)
def rounds_to_eight_bits(to_bfloat16, bench, B=5, I=7):
    """x (B, I) of many magnitudes and either sign."""
    return to_bfloat16(bench.randn(B, I) * 2.0 ** bench.integers(-60, 60, B, I))


@to_bfloat16.probe(points=1)
def breaks_ties_to_even(to_bfloat16, bench):
    """Numbers of either sign halfway between two neighbours in bfloat16, and the float32 next to them on either side."""
    upper = 2 * bench.integers(0x1800, 0x2800, 3, 8) + torch.arange(8, device=bench.device) % 2
    signs = 1.0 - 2.0 * bench.integers(0, 2, 3, 8)
    below = {"the last float32 below halfway": 0x7FFF, "halfway": 0x8000, "the first float32 above halfway": 0x8001}
    return {case: to_bfloat16(((upper << 16) + lower).to(torch.int32).view(torch.float32) * signs) for case, lower in below.items()}


@to_bfloat16.probe(points=2)
def knows_special_numbers(to_bfloat16, bench):
    """0, ∞, several NaNs, numbers near the largest, subnormal ones, each with either sign, in random order; the sign bit is asked, too, except of NaN."""
    ordinary = [0, 0x7F800000, 0x7FC00000, 0x7F800001, 0x7F808001, 0x7FFFFFFF, 0x7F7F0000, 0x7F7F7FFF, 0x7F7F8000, 0x7F7FFFFF]
    subnormal = [1, 0x7FFF, 0x8000, 0x8001, 0x10000, 0x18000, 0x7F7FFF, 0x7FFFFF, bench.size(0x20000, 0x7F0000)]
    bits = [magnitude - sign for magnitude in ordinary + subnormal for sign in (0, 2**31)]
    x = torch.tensor(bench.several(bits), dtype=torch.int32, device=bench.device).view(torch.float32)
    y = to_bfloat16(x)
    return {"y": y, "its sign bits": torch.signbit(y) & ~x.isnan()}


@to_bfloat16.probe(points=1)
def takes_any_shape(to_bfloat16, bench):
    """A scalar, three dimensions, an empty x, a transposed one, every second column of one."""
    answers = {f"x {shape}": to_bfloat16(bench.randn(*shape)) for shape in bench.several([(), (2, bench.size(3, 9), 4), (0, 3)])}
    return {**answers, "x transposed": to_bfloat16(bench.randn(3, 5).T), "every second column": to_bfloat16(bench.randn(3, 8)[:, ::2])}


# fmt: off
to_bfloat16.mistake("truncates", {"(bits + 0x7FFF + last)": "bits"},
    "You cut the lower 16 bits off, so that every number goes towards 0. Round to the nearest: from halfway on, away from 0.")
to_bfloat16.mistake("rounds_ties_away_from_zero", {"0x7FFF + last": "0x8000"},
    "Where x lies exactly halfway you always go away from 0. Ties go to the neighbour whose last bit is 0.")
to_bfloat16.mistake("rounds_ties_towards_zero", {" + last": ""},
    "Where x lies exactly halfway you always go towards 0. Ties go to the neighbour whose last bit is 0.")
to_bfloat16.mistake("rounds_ties_to_odd", {"0x7FFF + last": "0x8000 - last"},
    "Your ties go to the neighbour whose last bit is 1. They go to the even one.")
to_bfloat16.mistake("looks_at_the_bit_before_the_last", {">> 16 & 1": ">> 17 & 1"},
    "The bit that you add is not the last one kept. That one is bit 16, counted from 0; it decides a tie.")
to_bfloat16.mistake("forgets_nan", {"torch.where(x.isnan(), x, rounded)": "rounded"},
    "A NaN whose payload lies in the low bits becomes ∞ or -0: the addition runs over into exponent or sign, or the payload is cut off. Give NaN a way of its own.")
to_bfloat16.mistake("makes_nan_of_infinity", {"x.isnan(), x,": "x.isfinite().logical_not(), math.nan,"},
    "You make NaN of everything that is not finite. ∞ stays ∞.")
to_bfloat16.mistake("never_overflows", {"rounded)": "rounded.clamp(-3.3895313892515355e38, 3.3895313892515355e38))"},
    "You stop at the largest bfloat16. What is rounded past it becomes ∞, and ∞ stays.")
to_bfloat16.mistake("flushes_subnormal_numbers", {"rounded)": "torch.where(rounded.abs() < 2.0**-126, 0.0, rounded))"},
    "You make 0 of subnormal numbers. bfloat16 has the exponents of float32, and subnormal numbers down to 2⁻¹³³.")
to_bfloat16.mistake("loses_the_sign_of_zero", {"rounded)": "rounded + 0.0)"},
    "-0 becomes 0, as do small negative numbers that are rounded to it. The sign bit stays.")
to_bfloat16.mistake("keeps_ten_bits", {"0x7FFF + last": "0x0FFF + last", ">> 16 & 1": ">> 13 & 1", "-0x10000": "-0x2000"},
    "You keep 10 bits of the fraction, as TF32 does. bfloat16 has 7: the lower 16 bits go.")
to_bfloat16.mistake("keeps_eight_bits_of_the_fraction", {"0x7FFF + last": "0x3FFF + last", ">> 16 & 1": ">> 15 & 1", "-0x10000": "-0x8000"},
    "You keep 8 bits of the fraction. It has 7; the eighth bit of the significand is the leading 1, which is not stored.")
to_bfloat16.mistake("rounds_to_float16", {"torch.where(x.isnan(), x, rounded)": "x.half().float()"},
    "That is float16: 10 bits of fraction, and ∞ from 65520 on. bfloat16 has 7, and the range of float32.")
to_bfloat16.mistake("returns_the_bits", {"torch.where(x.isnan(), x, rounded)": "rounded.view(torch.int32)"},
    "You return the bits as whole numbers. View them as float32 again.")
