"""Task linear_bytes."""

import torch

from ...spec import Task
from .shared import moved


def linear_bytes_reference(rows, in_features, out_features, dtype, bias=True):
    return moved(rows, in_features, out_features, dtype, bias)


linear_bytes = Task(
    "linear_bytes",
    reference=linear_bytes_reference,
    section="cost-bytes",
    hints=(
        "Which tensors does the layer read, and which does it write? How many numbers has each?",
        "Add the numbers of x, W, y and, if there is one, b. dtype.itemsize says how many bytes one number takes.",
    ),
)


@linear_bytes.probe(points=1)
def counts_a_layer(linear_bytes, bench):
    """float32 with a bias, by default: sizes drawn at random, all different, then each of them 1."""
    sizes = [bench.size(2, 9), bench.size(10, 19), bench.size(20, 29)]
    cases = [sizes, *([*sizes[:place], 1, *sizes[place + 1 :]] for place in range(3))]
    return {"B={}, I={}, O={}".format(*each): linear_bytes(*each, torch.float32) for each in cases}


@linear_bytes.probe(points=1)
def counts_every_dtype(linear_bytes, bench):
    """float64, float32, bfloat16, float16 and complex64, of random sizes and in random order."""
    dtypes = bench.several([torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex64])
    sizes = bench.size(2, 9), bench.size(10, 19), bench.size(20, 29)
    return {f"B={sizes[0]}, I={sizes[1]}, O={sizes[2]}, {dtype}": linear_bytes(*sizes, dtype) for dtype in dtypes}


@linear_bytes.probe(points=1)
def knows_layers_without_a_bias(linear_bytes, bench):
    """With and without, in random order, of random sizes; bfloat16."""
    answers = {}
    for number, bias in enumerate(bench.several([True, False], 6), 1):
        sizes = bench.size(1, 9), bench.size(10, 19), bench.size(20, 29)
        answers["{}. B={}, I={}, O={}, bias={}".format(number, *sizes, bias)] = linear_bytes(*sizes, torch.bfloat16, bias=bias)
    return answers


# fmt: off
linear_bytes.mistake("counts_numbers", {"return dtype.itemsize * ": "return "},
    "You count numbers. A number takes dtype.itemsize bytes.")
linear_bytes.mistake("counts_bits", {"dtype.itemsize": "torch.finfo(dtype).bits"},
    "You count bits (finfo.bits). A byte has eight of them: dtype.itemsize counts bytes.")
linear_bytes.mistake("takes_four_bytes_for_all", {"dtype.itemsize": "4"},
    "You take four bytes a number, which is float32. Ask the dtype: dtype.itemsize.")
linear_bytes.mistake("forgets_the_output", {" + rows * out_features": ""}, "You leave y out. Its rows · O numbers have to be written.")
linear_bytes.mistake("forgets_the_input", {"rows * in_features + ": ""}, "You leave x out. Its rows · I numbers have to be read.")
linear_bytes.mistake("counts_the_parameters_only", {"rows * in_features + ": "", " + rows * out_features": ""},
    "You count the parameters alone. x is read and y is written, too.")
linear_bytes.mistake("forgets_the_weight", {"out_features * in_features + ": ""}, "You leave W out. All of its O · I numbers are read, even for one row.")
linear_bytes.mistake("reads_the_weight_for_every_row", {"out_features * in_features + ": "rows * out_features * in_features + "},
    "You read W anew for each row. At the least it is read once, and used for all rows.")
linear_bytes.mistake("forgets_the_bias", {"bias * out_features": "0"}, "You leave b out. With bias=True its O numbers are read.")
linear_bytes.mistake("always_counts_a_bias", {"bias * out_features": "out_features"}, "You count a bias even where bias is False.")
linear_bytes.mistake("counts_a_bias_for_every_row", {"bias * out_features": "bias * rows * out_features"},
    "You count the bias once for each row. b has O numbers, and is read once.")
linear_bytes.mistake("gives_the_bias_the_inputs_size", {"bias * out_features": "bias * in_features"},
    "You give b one number for each input. It has one for each output.")
linear_bytes.mistake("writes_an_output_as_large_as_x", {" + rows * out_features": " + rows * in_features"},
    "Your y is as large as x. It has O numbers in each row.")
