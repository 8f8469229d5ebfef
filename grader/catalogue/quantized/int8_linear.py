"""Task int8_linear."""

import torch

from ...spec import Task


def int8_linear_reference(x, weight_q, weight_scale, bias):
    amax = x.abs().amax(1, keepdim=True)
    scale = torch.where(amax > 0, amax / 127, 1.0)
    levels = torch.round(x / scale).long()
    sums = (levels[:, None] * weight_q.long()).sum(2)
    y = sums.to(x.dtype) * scale * weight_scale
    return y if bias is None else y + bias


int8_linear = Task(
    "int8_linear",
    reference=int8_linear_reference,
    section="quantized-int8",
    hints=(
        "What may leave the sum over I, and what may not? The scale of a row of x is the same in all of its products, and so is the scale of a row of the weight.",
        "x_scale = x.abs().amax(dim=1, keepdim=True) / 127, with 1 in the place of 0; the levels of x are torch.round(x / x_scale). Multiply whole numbers in int32, or in "
        "float64, which is exact up to 2**53, and scale the sums.",
    ),
)


@int8_linear.probe(points=2, zero="B")
def multiplies_levels(int8_linear, bench, B=3, I=6, O=5, dtype=torch.float32):
    """x (B, I), whose rows differ in size, weight_q (O, I), weight_scale (O,) and bias (O,)."""
    steps = bench.integers(-126, 127, B, I) + bench.integers(-40, 41, B, I).double() / 100
    steps[torch.arange(B), bench.integers(0, I, B)] = 254 * bench.integers(0, 2, B).double() - 127
    x = (steps * bench.integers(1, 100, B, 1) / 1000).to(dtype)
    weight_q, weight_scale = bench.integers(-128, 128, O, I).to(torch.int8), (bench.integers(1, 100, O).double() / 20000).to(dtype)
    return int8_linear(x, weight_q, weight_scale, bench.randn(O, dtype=dtype))


@int8_linear.probe(points=1)
def works_without_a_bias(int8_linear, bench, B=3, I=6, O=5):
    """bias=None."""
    steps = bench.integers(-126, 127, B, I) + bench.integers(-40, 41, B, I).double() / 100
    steps[torch.arange(B), bench.integers(0, I, B)] = 254 * bench.integers(0, 2, B).double() - 127
    x = (steps * bench.integers(1, 100, B, 1) / 1000).float()
    return int8_linear(x, bench.integers(-128, 128, O, I).to(torch.int8), (bench.integers(1, 100, O).double() / 20000).float(), None)


@int8_linear.probe(points=1)
def survives_a_row_of_zeros(int8_linear, bench):
    """Four rows of x, of which one, and then all, are zeros."""
    answers = {}
    for zeros in (1, 4):
        steps = bench.integers(-126, 127, 4, 5).double()
        steps[:, bench.size(0, 4)] = 127
        steps[bench.several(range(4))[:zeros]] = 0
        weight_q, weight_scale = bench.integers(-128, 128, 3, 5).to(torch.int8), (bench.integers(1, 100, 3).double() / 20000).float()
        answers[f"rows of zeros: {zeros}"] = int8_linear((steps / 50).float(), weight_q, weight_scale, bench.randn(3))
    return answers


@int8_linear.probe(points=1)
def sums_exactly(int8_linear, bench):
    """1,400 and more large levels, whose odd sums are above 2²⁴, in float64, with scales that are powers of two;
    the bias is about minus the result, so that the last digits remain. Then 120,000 and more, whose sums are even enough for float32 to hold, in float32."""
    I = bench.size(1400, 1500)
    x, weight_q = bench.integers(120, 128, 1, I), bench.integers(120, 128, 3, I)
    x[:, -1] = 127
    weight_q[:, -1] -= 1 - (x * weight_q).sum(1) % 2
    weight_scale = 2.0 ** bench.integers(-3, 1, 3).double()
    bias = -((x * weight_q).sum(1) // 1000 * 1000) * weight_scale
    answers = {"float64": int8_linear(x.double(), weight_q.to(torch.int8), weight_scale, bias)}

    I = 8 * bench.size(15_000, 16_000)
    x, weight_q = bench.integers(120, 128, 1, I), bench.integers(120, 128, 3, I)
    x[:, -1], x[:, :2], weight_q[:, :2] = 127, 1, 0
    rest = (x * weight_q).sum(1) % 256  # which the first two take away
    weight_q[:, 0], weight_q[:, 1] = -(rest // 2), rest // 2 - rest
    weight_scale = 2.0 ** bench.integers(-3, 1, 3).float()
    bias = -((x * weight_q).sum(1) // 65536 * 65536) * weight_scale
    answers["float32"] = int8_linear(x.float(), weight_q.to(torch.int8), weight_scale, bias)
    return answers


# fmt: off
int8_linear.mistake("adds_up_in_the_dtype_of_x", {"x_q.double() @ weight_q.double().T": "x_q @ weight_q.to(x.dtype).T"},
    "You add up in x's dtype. float32 holds whole numbers exactly up to 2²⁴ only: int32 is exact, and so is float64.")
int8_linear.mistake("takes_one_scale_for_all_rows", {"x.abs().amax(dim=1, keepdim=True)": "x.abs().amax() if len(x) else x.new_ones(())"},
    "You take one scale for all of x. Each row has its own: a large row would make the steps of a small one coarse.")
int8_linear.mistake("takes_a_scale_for_each_feature", {
    "x.abs().amax(dim=1, keepdim=True)": "(x.abs().amax(dim=0) if len(x) else x.new_ones(x.shape[1]))", "* x_scale": "* x_scale.mean()"},
    "You take a scale for each column of x. The sum runs over the columns, so their scales cannot leave it: one for each row, dim=1.")
int8_linear.mistake("forgets_the_sign_in_the_maximum", {"x.abs()": "x"},
    "You take the largest number of a row. A negative one may be larger in size: amax of the absolute values.")
int8_linear.mistake("divides_by_128", {"127": "128"}, "You divide by 128. The largest level is 127 on either side.")
int8_linear.mistake("divides_by_255", {"127": "255"}, "You divide by 255. The levels go from -127 to 127: the largest number of a row is 127 steps.")
int8_linear.mistake("truncates", {"torch.round(x / x_scale)": "torch.trunc(x / x_scale)"}, "You cut off the fraction of x / x_scale. Round it: int8 alone truncates.")
int8_linear.mistake("divides_by_a_scale_of_zero", {".masked_fill(x_scale == 0, 1)": ""},
    "A row of zeros has the scale 0, and 0 / 0 is NaN. Take 1 for it: its levels are 0 anyway.")
int8_linear.mistake("does_not_quantize_x", {"torch.round(x / x_scale)": "(x / x_scale)"},
    "You multiply x as it is. Asked is a product of whole numbers: x, too, becomes levels.")
int8_linear.mistake("adds_up_in_int8", {"x_q.double() @ weight_q.double().T": "(x_q.to(torch.int8)[:, None] * weight_q).sum(2, dtype=torch.int8)"},
    "Your products stay in int8 and wrap around at 127. They need int32.")
int8_linear.mistake("adds_up_in_int16", {"x_q.double() @ weight_q.double().T": "(x_q.to(torch.int16)[:, None] * weight_q).sum(2, dtype=torch.int16)"},
    "You add up in int16, which ends at 32767: two or three products. They need int32.")
int8_linear.mistake("adds_up_in_float32", {"x_q.double() @ weight_q.double().T": "x_q.float() @ weight_q.float().T"},
    "You add up in float32, which holds whole numbers exactly up to 2²⁴ only: some thousand products. int32 is exact, and so is float64.")
int8_linear.mistake("forgets_the_scale_of_x", {" * x_scale * weight_scale": " * weight_scale"}, "You leave out the scale of x: your sums count its steps.")
int8_linear.mistake("forgets_the_scale_of_the_weight", {" * x_scale * weight_scale": " * x_scale"}, "You leave out weight_scale: your sums count the weight's steps.")
int8_linear.mistake("divides_by_the_scales", {" * x_scale * weight_scale": " / x_scale / weight_scale"}, "You divide by the scales. A scale is the size of one step: multiply.")
int8_linear.mistake("lays_the_weights_scales_along_the_rows", {"* weight_scale": "* weight_scale[:, None]"},
    "You lay weight_scale along the rows of y. It has one number for each output, a column of y: (O,) broadcasts as it is.", raises=RuntimeError)
int8_linear.mistake("scales_the_bias", {"sums.to(x.dtype) * x_scale * weight_scale": "sums.to(x.dtype)", "return y if bias is None else y + bias":
    "return (y if bias is None else y + bias) * x_scale * weight_scale"},
    "You scale the bias, too. It is no level: add it at the end.")
int8_linear.mistake("always_adds_the_bias", {"y if bias is None else y + bias": "y + bias"}, "You add the bias even when it is None.", raises=TypeError)
int8_linear.mistake("forgets_the_bias", {"y if bias is None else y + bias": "y"}, "You leave the bias out.")
int8_linear.mistake("returns_float64", {"sums.to(x.dtype)": "sums"}, "You return float64. The result has x's dtype.")
