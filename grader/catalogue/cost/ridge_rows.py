"""Task ridge_rows."""

import math
from fractions import Fraction

import torch

from ...spec import Task


def ridge_rows_reference(in_features, out_features, dtype, peak, bandwidth):
    """The rows at which the intensity is peak / bandwidth, in fractions."""
    weights, each_row = (dtype.itemsize * size for size in (in_features * out_features, in_features + out_features))
    ridge, flops = Fraction(peak, bandwidth), 2 * in_features * out_features
    if Fraction(flops, each_row) <= ridge:  # the limit for many rows
        return None
    return math.ceil(ridge * weights / (flops - ridge * each_row))


ridge_rows = Task(
    "ridge_rows",
    reference=ridge_rows_reference,
    section="cost-roofline",
    hints=(
        "Write down both times for B rows. Which parts of either grow with B, and which stay?",
        "2·B·I·O / peak ≥ s·(I·O + B·(I + O)) / bandwidth, with s bytes a number. Bring all that has B to one side. If its factor is not above 0, no B is enough; "
        "else divide and round up.",
    ),
)


@ridge_rows.probe(points=1)
def finds_the_rows(ridge_rows, bench):
    """Random layers on random machines, in float32, float64 and bfloat16."""
    answers = {}
    for number, dtype in enumerate(bench.several([torch.float32, torch.float64, torch.bfloat16], 6), 1):
        in_features, out_features = bench.size(3000, 5000), bench.size(6000, 9000)
        peak, bandwidth = bench.size(20000, 40000) * 10**9, bench.size(300, 900) * 10**9
        case = f"{number}. I={in_features}, O={out_features}, {dtype}, peak={peak}, bandwidth={bandwidth}"
        answers[case] = ridge_rows(in_features, out_features, dtype, peak, bandwidth)
    return answers


@ridge_rows.probe(points=1)
def says_where_no_number_is_enough(ridge_rows, bench):
    """Small layers on a machine that computes much faster than it moves, among large ones, in random order."""
    bandwidth = 2 ** bench.size(36, 40)
    cases = [(bench.size(10, 50), bench.size(10, 50), 100), (bench.size(3000, 4000), bench.size(10, 20), 100), (bench.size(3000, 5000), bench.size(3000, 5000), 100)]
    answers = {}
    for number, (in_features, out_features, ridge) in enumerate(bench.several(cases, 12), 1):
        case = f"{number}. I={in_features}, O={out_features}, peak={ridge * bandwidth}, bandwidth={bandwidth}"
        answers[case] = ridge_rows(in_features, out_features, torch.float32, ridge * bandwidth, bandwidth)
    return answers


@ridge_rows.probe(points=1)
def counts_a_tie_as_computing(ridge_rows, bench):
    """Powers of two: both times are the same for a whole number of rows, that number; or moving takes longer by the same time, whatever the rows. Then a machine
    that moves fast enough for one row."""
    answers = {}
    for features in bench.several([256, 512, 1024, 2048], 6):
        for tie in (8, 4):  # half of the intensity that many rows come near to, and all of it
            bandwidth = 2 ** bench.size(30, 40)
            peak = features * bandwidth // tie
            answers[f"I=O={features}, peak={peak}, bandwidth={bandwidth}"] = ridge_rows(features, features, torch.float32, peak, bandwidth)
    peak = bench.size(10**6, 10**9)
    return {**answers, f"I=300, O=200, peak={peak}, bandwidth={9 * peak}": ridge_rows(300, 200, torch.float32, peak, 9 * peak)}


# fmt: off
ridge_rows.mistake("forgets_the_output", {"(in_features + out_features)": "in_features"}, "You leave y out of what a row moves: O numbers are written.")
ridge_rows.mistake("forgets_the_input", {"(in_features + out_features)": "out_features"}, "You leave x out of what a row moves: I numbers are read.")
ridge_rows.mistake("moves_the_weight_alone", {"- row * peak": "- 0"},
    "You move W alone, whatever the rows. Each row moves I + O numbers more, and for some layers more rows are never enough.")
ridge_rows.mistake("forgets_the_two", {"2 * ": ""}, "You count multiplications only. Each comes with an addition: 2 FLOPs.")
ridge_rows.mistake("rounds_down", {"-(-weights * peak // gain)": "weights * peak // gain"},
    "You round down. With one row less than a fraction asks, moving still takes longer: round up.")
ridge_rows.mistake("goes_beyond_a_tie", {"-(-weights * peak // gain)": "weights * peak // gain + 1"},
    "You ask for more time computing than moving. Where both take the same, the layer counts as bounded by computing.")
ridge_rows.mistake("answers_with_a_fraction", {"-(-weights * peak // gain)": "weights * peak / gain"},
    "You return a fraction. Rows come whole: round up, and return an int.")
ridge_rows.mistake("goes_below_zero", {" if gain > 0 else None": ""},
    "Where no number of rows is enough you return one below 0, or divide by 0. Look at the sign first, and return None.", raises=ZeroDivisionError)
ridge_rows.mistake("divides_by_zero_at_the_limit", {"if gain > 0": "if gain >= 0"},
    "Where the intensity comes near to the ridge and never reaches it, you divide by 0. There, too, no number of rows is enough.", raises=ZeroDivisionError)
ridge_rows.mistake("returns_zero_for_never", {"None": "0"}, "Where no number of rows is enough you return 0. Return None.")
ridge_rows.mistake("exchanges_peak_and_bandwidth", {"flops * bandwidth - row * peak": "flops * peak - row * bandwidth", "weights * peak": "weights * bandwidth"},
    "You divide the FLOPs by the bandwidth and the bytes by the peak. FLOPs take time at the peak, bytes at the bandwidth.")
ridge_rows.mistake("takes_four_bytes_for_all", {"weights = dtype.itemsize": "weights = 4", "row = dtype.itemsize": "row = 4"},
    "You take four bytes a number, whatever the dtype. Halving the bytes halves the time that moving takes.")
ridge_rows.mistake("counts_numbers", {"weights = dtype.itemsize * ": "weights = ", "row = dtype.itemsize * ": "row = "},
    "You count numbers where the bandwidth counts bytes. A number takes dtype.itemsize of them.")
