"""Task linear_sums."""

import numpy as np
import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import TORCH_LINEAR

NUMPY_PRODUCTS = ("matmul", "dot", "einsum", "inner", "tensordot", "vdot", "vecdot", "matvec", "vecmat", "multi_dot",
                  "matrix", "asmatrix", "bmat", "correlate", "convolve", "c_einsum", "linalg")
TORCH_PRODUCTS = ("matmul", "mm", "bmm", "mv", "dot", "einsum", "inner", "tensordot", "addmm", "addmv", "addbmm", "baddbmm", "vdot", "multi_dot", "chain_matmul", "cdist", "linalg", "*conv*")


def linear_sums_reference(x, weight, bias):
    y = F.linear(*(torch.from_numpy(np.array(array)) for array in (x, weight, bias)))
    return y.numpy()


linear_sums = Task(
    "linear_sums",
    reference=linear_sums_reference,
    section="formula-index-sum",
    forbids=(
        "@", *(f"numpy.{name}" for name in NUMPY_PRODUCTS), "numpy.ndarray.dot",
        *TORCH_LINEAR, *(f"torch.{name}" for name in TORCH_PRODUCTS), "operator.matmul", "operator.imatmul", "scipy",
    ),
    hints=(
        "y[r, o] is one number: which row of x and which row of weight does it need, and over which index does it sum?",
        "Three loops will do: over r, over o, and a running total over i. Start each total at bias[o]. Broadcasting with "
        "x[:, None, :] and .sum(axis=-1) does the same without loops.",
    ),
)


@linear_sums.probe(points=2)
def sums_over_in_features(linear_sums, bench):
    """Each y[r, o] is the sum over i of x[r, i] · weight[o, i], plus bias[o]."""
    return linear_sums(bench.array(2, 3), bench.array(4, 3), bench.array(4))


@linear_sums.probe(points=1)
def works_for_any_sizes(linear_sums, bench, B=4, I=6, O=3):
    """Any B, I and O, 1 included; a second batch of the same sizes, of numbers too large for float32, has a result of its own."""
    batches = {"one batch": bench.array(B, I), "another, too large for float32": 1e40 * bench.array(B, I)}
    return {batch: linear_sums(x, bench.array(O, I), bench.array(O)) for batch, x in batches.items()}


@linear_sums.probe(points=1)
def an_empty_sum_is_zero(linear_sums, bench):
    """No samples give no rows, no outputs no columns; no features leave the bias alone."""
    sizes = [(0, 3, 2), (2, 0, 3), (2, 3, 0)]
    return {f"B={B}, I={I}, O={O}": linear_sums(bench.array(B, I), bench.array(O, I), bench.array(O)) for B, I, O in sizes}


# fmt: off
linear_sums.mistake("leaves_out_the_bias", {"bias[o]": "0"},
    "You left out the bias: the sum over i must start at bias[o], or have it added once at the end.")
linear_sums.mistake("adds_the_bias_for_every_feature", {"bias[o]": "0", "weight[o, i]": "weight[o, i] + bias[o]"},
    "You add bias[o] inside the sum over i, so it is counted I times. It belongs outside the sum, once.")
linear_sums.mistake("reads_the_weight_transposed", {"weight[o, i]": "weight[i, o]"},
    "You read the weight as weight[i, o]. It is stored (out_features, in_features): the sum takes weight[o, i].", raises=IndexError)
linear_sums.mistake("skips_the_last_feature", {"x.shape[1]": "x.shape[1] - 1"}, "Your sum stops one feature early: range(I) already ends at I - 1.")
linear_sums.mistake("keeps_only_the_last_product", {"+=": "="},
    "You assign where you should add: only the last feature's product is left. Use += inside the loop over i.")
linear_sums.mistake("averages_over_features", {"weight[o, i]": "weight[o, i] / x.shape[1]"}, "You average over the features; the formula sums them.")
linear_sums.mistake("uses_the_first_sample_for_all", {"x[r, i]": "x[0, i]"},
    "Every row of your result is the first sample's. Use x[r, i], with r running over the batch.")
linear_sums.mistake("stores_integers", {"weight.shape[0]))": "weight.shape[0]), dtype=int)"},
    "Your result array holds integers, so every entry lost its fraction. np.zeros(shape) makes float64.")
