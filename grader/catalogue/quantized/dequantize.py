"""Task dequantize."""

import torch

from ...spec import Task


def dequantize_reference(q, scale, zero_point):
    return ((q.long() - zero_point) * scale.double()).to(scale.dtype)


dequantize = Task(
    "dequantize",
    reference=dequantize_reference,
    section="quantized-quantize",
    hints=(
        "What is torch.tensor([3], dtype=torch.uint8) - 5? Try it, and decide when q has to stop being uint8.",
        "q.to(scale.dtype) - zero_point has a sign. Multiply that by scale.",
    ),
)


@dequantize.probe(points=1)
def with_one_scale(dequantize, bench, O=3, I=4, dtype=torch.float32):
    """q (O, I) of all levels, one scale and one zero_point, an int."""
    scale = torch.tensor(0.001 * bench.size(10, 99), dtype=dtype, device=bench.device)
    return dequantize(bench.integers(0, 256, O, I).to(torch.uint8), scale, bench.size(60, 200))


@dequantize.probe(points=1, zero="O")
def with_a_scale_for_each_row(dequantize, bench, O=3, I=4):
    """q (O, I), scale (O, 1) and zero_point (O, 1), int32."""
    scale = (bench.integers(10, 100, O, 1).double() / 1000).float()
    return dequantize(bench.integers(0, 256, O, I).to(torch.uint8), scale, bench.integers(60, 200, O, 1).int())


@dequantize.probe(points=1)
def gives_the_dtype_of_the_scale(dequantize, bench):
    """float64, float32, bfloat16, with scales without dimensions, in float64 too large for float32; q from () to three dimensions; zero_point is an int32 tensor without dimensions."""
    answers, cases = {}, [(dtype, shape) for dtype in (torch.float64, torch.float32, torch.bfloat16) for shape in [(), (5,), (2, 3, 2)]]
    for dtype, shape in bench.several(cases):
        size = {torch.float64: 1e60}.get(dtype, 0.001)
        q, scale = bench.integers(0, 256, *shape).to(torch.uint8), torch.tensor(size * bench.size(10, 99), dtype=dtype, device=bench.device)
        zero_point = torch.tensor(bench.size(60, 200), dtype=torch.int32, device=bench.device)
        answers[f"{dtype}, q {shape}"] = dequantize(q, scale, zero_point)
    return answers


# fmt: off
dequantize.mistake("computes_in_float32_and_casts", {"scale * (q.to(scale.dtype) - zero_point)": "((q.float() - zero_point) * scale).to(scale.dtype)"},
    "You compute in float32, whatever the scale. Of a float64 scale that keeps seven digits, and nothing beyond 3.4 · 10³⁸: compute in scale's dtype.")
dequantize.mistake("wraps_around", {"q.to(scale.dtype) - zero_point": "q - zero_point"},
    "You subtract in uint8, which has no negative numbers: 3 - 5 is 254. Leave uint8 before you subtract.")
dequantize.mistake("reads_signed_bytes", {"q.to(scale.dtype)": "q.to(torch.int8).to(scale.dtype)"},
    "You take the levels as int8, where 128 to 255 become negative. They are 0 to 255.")
dequantize.mistake("subtracts_in_signed_bytes", {"q.to(scale.dtype) - zero_point": "(q.to(torch.int16) - zero_point).to(torch.int8)"},
    "You put the difference into int8, which ends at 127. It goes from -255 to 255.")
dequantize.mistake("forgets_the_zero_point", {" - zero_point": ""}, "You leave the zero point out: its level stands for 0.0.")
dequantize.mistake("adds_the_zero_point", {"- zero_point": "+ zero_point"}, "You add the zero point. Quantizing added it: subtract it.")
dequantize.mistake("subtracts_after_scaling", {"scale * (q.to(scale.dtype) - zero_point)": "scale * q.to(scale.dtype) - zero_point"},
    "You subtract the zero point after scaling. It is a level: subtract it from q, then scale.")
dequantize.mistake("divides_by_the_scale", {"scale * (q.to(scale.dtype) - zero_point)": "(q.to(scale.dtype) - zero_point) / scale"},
    "You divide by the scale. It is the size of one step: multiply.")
dequantize.mistake("loses_the_negative_half", {"q.to(scale.dtype) - zero_point": "(q.to(scale.dtype) - zero_point).clamp(min=0)"},
    "You clamp the difference at 0. Levels below the zero point stand for negative numbers.")
dequantize.mistake("takes_128_for_the_zero_point", {"- zero_point": "- 128"}, "You subtract 128, the middle. Which level stands for 0.0 is what zero_point says.")
dequantize.mistake("computes_in_float32", {"scale * (q.to(scale.dtype) - zero_point)": "scale.float() * (q.float() - zero_point)"},
    "Your result is float32 whatever the scale is. Asked is scale's dtype.")
dequantize.mistake("lets_a_scale_without_dimensions_lose", {"q.to(scale.dtype)": "q.float()"},
    "You make q float32, and a scale without dimensions gives in to that dtype. Asked is scale's: q.to(scale.dtype).")
dequantize.mistake("takes_the_scale_out_of_its_tensor", {"scale * (": "scale.item() * ("},
    "You take one number out of scale (`item`, `float`). It may have one for each row, (O, 1); a tensor broadcasts as it is.", raises=RuntimeError)
dequantize.mistake("lays_the_scales_along_the_columns", {"scale * (": "scale.flatten() * (", "- zero_point": "- torch.as_tensor(zero_point).flatten()"},
    "You lay the scales along the columns. (O, 1) has one for each row: leave the shape as it is.", raises=RuntimeError)
