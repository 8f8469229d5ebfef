"""Task intensity."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from ...spec import Task
from .shared import moved


def intensity_reference(rows, in_features, out_features, dtype):
    """What torch's counter sees of the product, over the bytes."""
    x, weight = torch.empty(rows, in_features, device="meta"), torch.empty(out_features, in_features, device="meta")
    with FlopCounterMode(display=False) as counter:
        torch.mm(x, weight.T)
    return counter.get_total_flops() / moved(rows, in_features, out_features, dtype, bias=False)


intensity = Task(
    "intensity",
    reference=intensity_reference,
    section="cost-intensity",
    hints=(
        "Which number grows with the product of all three sizes, and which with the products of two of them?",
        "FLOPs: 2 · rows · I · O. Divide by linear_bytes of the same layer, with bias=False.",
    ),
)


@intensity.probe(points=1)
def of_any_layer(intensity, bench):
    """float32: sizes drawn at random, all different, then each of them 1."""
    sizes = [bench.size(20, 99), bench.size(100, 199), bench.size(200, 299)]
    cases = [sizes, *([*sizes[:place], 1, *sizes[place + 1 :]] for place in range(3))]
    return {"B={}, I={}, O={}".format(*each): intensity(*each, torch.float32) for each in cases}


@intensity.probe(points=1)
def of_every_dtype(intensity, bench):
    """float64, float32 and bfloat16, of random sizes and in random order."""
    sizes = bench.size(20, 99), bench.size(100, 199), bench.size(200, 299)
    dtypes = bench.several([torch.float64, torch.float32, torch.bfloat16])
    return {f"B={sizes[0]}, I={sizes[1]}, O={sizes[2]}, {dtype}": intensity(*sizes, dtype) for dtype in dtypes}


@intensity.probe(points=1)
def of_one_row_and_of_many(intensity, bench):
    """A large bfloat16 layer as in decoding, with one row, and as in training, with thousands."""
    features = 4096 + 64 * bench.size(0, 32)
    return {f"B={rows}, I={features}, O={4 * features}": intensity(rows, features, 4 * features, torch.bfloat16) for rows in (1, 16, 512, 65536)}


# fmt: off
intensity.mistake("forgets_the_two", {"2 * ": ""}, "You count multiplications only. Each comes with an addition: 2 FLOPs.")
intensity.mistake("is_upside_down", {"2 * rows * in_features * out_features / ": "1 / (2 * rows * in_features * out_features) * "},
    "You divide the bytes by the FLOPs. The intensity is FLOPs for each byte.")
intensity.mistake("divides_by_numbers", {"bias=False)": "bias=False) * dtype.itemsize"},
    "You divide by how many numbers are moved. Asked are FLOPs for each byte.")
intensity.mistake("takes_four_bytes_for_all", {"dtype, bias": "torch.float32, bias"},
    "You take four bytes a number, whatever the dtype. Half the bytes make twice the intensity.")
intensity.mistake("counts_a_bias", {"bias=False": "bias=True"}, "You move a bias. The layer asked about has none.")
intensity.mistake("divides_by_the_weight_alone", {"linear_bytes(rows, in_features, out_features, dtype, bias=False)": "(in_features * out_features * dtype.itemsize)"},
    "You divide by the bytes of W alone, which is near the truth for one row. x and y are moved, too, and count when there are many rows.")
intensity.mistake("forgets_the_rows", {"2 * rows * ": "2 * "}, "Your FLOPs are those of one row. There are rows of them.")
intensity.mistake("reads_the_weight_for_every_row", {"linear_bytes(rows, in": "rows * linear_bytes(1, in"},
    "You read W anew for each row. It is read once and used for all: that is why more rows have more intensity.")
intensity.mistake("counts_floating_point_operations_of_training", {"2 * ": "6 * "},
    "You count a training step, three products. Asked is the forward pass.")
intensity.mistake("rounds_down", {" / ": " // "}, "You divide with //, which rounds down. Intensities are fractions, often below 1.")
