"""Task fp8_linear."""

import torch

from ...spec import Task


def fp8_linear_reference(x, weight, bias):
    def quantized(tensor):
        amax = tensor.abs().amax()
        scale = torch.where(amax > 0, amax / torch.finfo(torch.float8_e4m3fn).max, torch.ones_like(amax))
        return (tensor / scale).to(torch.float8_e4m3fn).float(), scale

    (x8, x_scale), (w8, w_scale) = quantized(x), quantized(weight)
    y = (x8 @ w8.T) * (x_scale * w_scale)
    return y if bias is None else y + bias


fp8_linear = Task(
    "fp8_linear",
    reference=fp8_linear_reference,
    section="precision-fp8",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="scales may come back before the sum or after it, and a sum has no order",
    hints=(
        "One function for x and for weight: it gives the numbers in fp8 and their scale. What does the largest entry become? What would a tensor of zeros be divided by?",
        "scale = tensor.abs().amax() / 448, or 1 where that is 0; q = (tensor / scale).to(torch.float8_e4m3fn). Then the product of the two q, each made float32, times both "
        "scales, and the bias last, as it is.",
    ),
)


@fp8_linear.probe(points=2)
def computes_in_fp8(fp8_linear, bench, B=3, I=6, O=4):
    """x (B, I), weight (O, I) and bias (O,), neither of x and weight near to 448."""
    x, weight = ((bench.integers(-447, 448, rows, I) + 0.3) * (1 - 2 * bench.integers(0, 2, rows, 1)) for rows in (B, O))
    x[bench.size(0, B - 1), bench.size(0, I - 1)] = -448.0
    weight[bench.size(0, O - 1), bench.size(0, I - 1)] = 448.0
    return fp8_linear(x * (bench.size(100, 199) / 33333), weight * (bench.size(100, 199) / 44444), bench.randn(O))


@fp8_linear.probe(points=1)
def reaches_far(fp8_linear, bench):
    """Entries of up to 1e31 in x and below 1e-29 in weight, and the other way round."""
    answers = {}
    for large in bench.several(["x", "weight"]):
        sizes = {"x": 1e-34, "weight": 1e-34, large: 1e27}
        x, weight = (bench.integers(-447, 448, 3, 5) + 0.3 for _ in range(2))
        x[1, 2], weight[2, 1] = 448.0, -448.0
        answers[f"large {large}"] = fp8_linear(bench.size(11, 19) * sizes["x"] * x, bench.size(11, 19) * sizes["weight"] * weight, bench.randn(3))
    return answers


@fp8_linear.probe(points=1)
def suffers_from_an_outlier(fp8_linear, bench):
    """One entry of x, or of weight, is thousands of times larger than all others of its tensor: y without the column or row that it stands in."""
    answers = {}
    for case in ("x", "weight"):
        tensors = {name: (bench.integers(-447, 448, 4, 5) + 0.3) / 448 for name in ("x", "weight")}
        tensors[case] = (bench.integers(-8, 8, 4, 5) + 0.3) / 512
        tensors[case][0, bench.size(0, 4)] = 448.0
        y = fp8_linear(tensors["x"] * bench.size(10, 19) / 7, tensors["weight"], None)
        answers[f"an outlier in {case}"] = y[1:] if case == "x" else y[:, 1:]
    return answers


@fp8_linear.probe(points=1)
def takes_zeros_and_no_bias(fp8_linear, bench):
    """bias=None; an x of zeros; a weight of zeros; both."""
    answers = {}
    for case in bench.several(["neither", "x", "weight", "both"]):
        x, weight = ((bench.integers(-447, 448, 3, 5) + 0.3) / 448 for _ in range(2))
        x[0, 0] = weight[0, 0] = 1.0
        x, weight = x * (case in ("neither", "weight")), weight * (case in ("neither", "x"))
        answers[f"zeros: {case}"] = [fp8_linear(x, weight, bench.randn(3)), fp8_linear(x, weight, None)]
    return answers


# fmt: off
fp8_linear.mistake("does_not_scale", {"scale = amax / 448 if amax > 0 else torch.ones_like(amax)": "scale = torch.ones_like(amax)"},
    "You cast without a scale. e4m3 reaches from 2⁻⁹ to 448: what is outside is lost, and what is small has few bits.")
fp8_linear.mistake("divides_by_the_largest_entry", {"amax / 448": "amax"},
    "You scale the largest entry to 1. It may become 448, the largest number of e4m3: with 1, small entries fall below its smallest numbers sooner.")
fp8_linear.mistake("takes_the_largest_entry_with_its_sign", {"tensor.abs().amax()": "tensor.amax().abs()"},
    "You take the largest entry, and a negative one may be larger without its sign. amax is the largest absolute value.")
fp8_linear.mistake("scales_each_row", {"tensor.abs().amax()": "tensor.abs().amax(1, keepdim=True)", "amax / 448 if amax > 0 else torch.ones_like(amax)": "torch.where(amax > 0, amax / 448, 1.0)",
    "x_scale * w_scale": "x_scale * w_scale.T"},
    "You give each row a scale of its own. That is the better idea with outliers; asked is one scale for each tensor.")
fp8_linear.mistake("shares_one_scale", {"(w8, w_scale) = quantized(x), quantized(weight)": "(w8, w_scale) = (quantized(torch.cat([x, weight]))[0][: len(x)], quantized(torch.cat([x, weight]))[1]), (quantized(torch.cat([x, weight]))[0][len(x) :], quantized(torch.cat([x, weight]))[1])"},
    "x and weight share a scale: the larger of them decides how finely the other is rounded. Each has its own.")
fp8_linear.mistake("takes_no_amax_of_zero", {" if amax > 0 else torch.ones_like(amax)": ""}, "A tensor of zeros has the scale 0, and 0 / 0 is NaN. Its scale is 1.")
fp8_linear.mistake("adds_an_epsilon", {"amax / 448 if amax > 0 else torch.ones_like(amax)": "(amax / 448).clamp(min=1e-3)"},
    "You keep the scale above some epsilon. A tensor of small numbers then loses its bits; only amax 0 needs another scale.")
fp8_linear.mistake("forgets_the_scale_of_x", {"(x_scale * w_scale)": "w_scale"}, "You do not multiply by the scale of x. The product is that of x and weight, divided by theirs: both come back.")
fp8_linear.mistake("forgets_the_scale_of_the_weight", {"(x_scale * w_scale)": "x_scale"}, "You do not multiply by the scale of weight. The product is that of x and weight, divided by theirs: both come back.")
fp8_linear.mistake("forgets_both_scales", {" * (x_scale * w_scale)": ""}, "You leave the product divided by both scales. Multiply by them.")
fp8_linear.mistake("scales_the_bias", {"y = (x8 @ w8.T) * (x_scale * w_scale)": "y = x8 @ w8.T", "y if bias is None else y + bias": "(y if bias is None else y + bias) * (x_scale * w_scale)"},
    "You add the bias before the scales come back, so it is multiplied by them. It is added last, as it is.")
fp8_linear.mistake("forgets_the_bias", {"y if bias is None else y + bias": "y"}, "You leave the bias out.")
fp8_linear.mistake("always_adds_a_bias", {"y if bias is None else y + bias": "y + bias"}, "bias may be None.", raises=TypeError)
fp8_linear.mistake("quantizes_only_the_weight", {"quantized(x)": "(x, 1.0)"}, "You leave x in float32. Both numbers of each product are fp8.")
fp8_linear.mistake("quantizes_only_x", {"quantized(weight)": "(weight, 1.0)"}, "You leave weight in float32. Both numbers of each product are fp8.")
fp8_linear.mistake("quantizes_nothing", {"quantized(x), quantized(weight)": "(x, 1.0), (weight, 1.0)"}, "You compute in float32. Both numbers of each product are fp8.")
fp8_linear.mistake("takes_e5m2", {"(tensor / scale).to(torch.float8_e4m3fn)": "(tensor / scale).to(torch.float8_e5m2)"},
    "You cast to e5m2, with 2 bits of fraction. Asked is e4m3: 3 bits of fraction, and a largest number of 448.")
fp8_linear.mistake("rounds_to_whole_numbers", {"(tensor / scale).to(torch.float8_e4m3fn)": "(tensor / scale).round()"},
    "You round to whole numbers, as for int8. A float8 has 4 significant bits at every size: cast to torch.float8_e4m3fn.")
fp8_linear.mistake("takes_the_product_in_bfloat16", {"y = (x8 @ w8.T)": "y = (x8 @ w8.T).bfloat16().float()"},
    "Your product is rounded to bfloat16. fp8 numbers are multiplied, but their sums are float32.")
fp8_linear.mistake("rounds_the_result_to_fp8", {"(x8 @ w8.T)": "(x8 @ w8.T / 2**14).to(torch.float8_e4m3fn).float() * 2**14"},
    "You round the result to fp8. Its 4 bits are for what is multiplied; the sums are float32.")
