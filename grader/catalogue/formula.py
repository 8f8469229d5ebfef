"""Exercise 01: the formula y = x Wᵀ + b as index sum, as matrix product, and as bookkeeping of shapes."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..spec import Exercise, Task

NUMPY_PRODUCTS = ("matmul", "dot", "einsum", "inner", "tensordot", "vdot", "vecdot", "matvec", "vecmat", "multi_dot")
TORCH_PRODUCTS = ("matmul", "mm", "bmm", "mv", "dot", "einsum", "inner", "tensordot", "addmm")
TORCH_LINEAR = ("torch.nn.functional.linear", "torch.nn.Linear", "torch.addmm")


# linear_sums ---------------------------------------------------------------------------------------------------------


def linear_sums_reference(x, weight, bias):
    y = F.linear(*(torch.from_numpy(np.array(array)) for array in (x, weight, bias)))
    return y.numpy()


linear_sums = Task(
    "linear_sums",
    reference=linear_sums_reference,
    section="formula-index-sum",
    forbids=(
        "@", *(f"numpy.{name}" for name in NUMPY_PRODUCTS), "numpy.ndarray.dot",
        *TORCH_LINEAR, *(f"torch.{name}" for name in TORCH_PRODUCTS),
    ),
    hints=(
        "y[b, o] is one number: which row of x and which row of weight does it need, and over which index does it sum?",
        "Three loops will do: over b, over o, and a running total over i. Start each total at bias[o]. Broadcasting with "
        "x[:, None, :] and .sum(axis=-1) does the same without loops.",
    ),
)


@linear_sums.probe(points=2)
def sums_over_in_features(linear_sums, bench):
    """Each y[b, o] is the sum over i of x[b, i] · weight[o, i], plus bias[o]."""
    return linear_sums(bench.array(2, 3), bench.array(4, 3), bench.array(4))


@linear_sums.probe(points=1)
def works_for_any_sizes(linear_sums, bench):
    """Any B, I and O, 1 included."""
    sizes = [(1, 1, 1), (1, 6, 2), (3, 1, 4), (bench.size(2, 5), bench.size(6, 9), bench.size(2, 5)), (4, 4, 4)]
    return {
        f"B={B}, I={I}, O={O}": linear_sums(bench.array(B, I), bench.array(O, I), bench.array(O)) for B, I, O in sizes
    }


@linear_sums.probe(points=1)
def an_empty_sum_is_zero(linear_sums, bench):
    """No samples give no rows; no features leave the bias alone."""
    return {
        "B=0": linear_sums(bench.array(0, 3), bench.array(2, 3), bench.array(2)),
        "I=0": linear_sums(bench.array(2, 0), bench.array(3, 0), bench.array(3)),
    }


@linear_sums.impostor("You left out the bias: the sum over i must start at bias[o], or have it added once at the end.")
def leaves_out_the_bias(x, weight, bias):
    return (x[:, None, :] * weight).sum(-1)


@linear_sums.impostor("You add bias[o] inside the sum over i, so it is counted I times. It belongs outside the sum, once.")
def adds_the_bias_for_every_feature(x, weight, bias):
    return (x[:, None, :] * weight + bias[:, None]).sum(-1)


@linear_sums.impostor(
    "You read the weight as weight[i, o]. It is stored (out_features, in_features): the sum takes weight[o, i]."
)
def reads_the_weight_transposed(x, weight, bias):
    y = np.zeros((len(x), len(bias)))
    for b in range(len(x)):
        for o in range(len(bias)):
            y[b, o] = bias[o] + sum(x[b, i] * weight[i, o] for i in range(x.shape[1]))
    return y


@linear_sums.impostor("Your sum stops one feature early: range(I) already ends at I - 1.")
def skips_the_last_feature(x, weight, bias):
    return (x[:, None, :-1] * weight[:, :-1]).sum(-1) + bias


@linear_sums.impostor("You assign where you should add: only the last feature's product is left. Use += inside the loop over i.")
def keeps_only_the_last_product(x, weight, bias):
    y = np.zeros((len(x), len(bias)))
    for b in range(len(x)):
        for o in range(len(bias)):
            for i in range(x.shape[1]):
                y[b, o] = x[b, i] * weight[o, i]
    return y + bias


@linear_sums.impostor("You average over the features; the formula sums them.")
def averages_over_features(x, weight, bias):
    return (x[:, None, :] * weight).sum(-1) / max(x.shape[1], 1) + bias


@linear_sums.impostor("Every row of your result is the first sample's. Use x[b, i], with b running over the batch.")
def uses_the_first_sample_for_all(x, weight, bias):
    return np.stack([(x[0] * weight).sum(-1) + bias for _ in range(len(x))]) if len(x) else np.zeros((0, len(bias)))


@linear_sums.impostor("Your result array holds integers, so every entry lost its fraction. np.zeros(shape) makes float64.")
def stores_integers(x, weight, bias):
    return ((x[:, None, :] * weight).sum(-1) + bias).astype(np.int64)


# linear --------------------------------------------------------------------------------------------------------------


def linear_reference(x, weight, bias=None):
    return F.linear(x, weight, bias)


linear = Task(
    "linear",
    reference=linear_reference,
    section="formula-leading-dimensions",
    forbids=TORCH_LINEAR,
    hints=(
        "weight has shape (O, I), and x ends in I. What must happen to weight so that the inner sizes of the product agree?",
        "`x @ weight.T` keeps every leading dimension by itself: no reshape is needed. Add the bias only if it is not None.",
    ),
)


@linear.probe(points=2)
def multiplies_by_the_transposed_weight(linear, bench):
    """x (4, 5), weight (3, 5) and bias (3,) give y (4, 3)."""
    return linear(bench.randn(4, 5), bench.randn(3, 5), bench.randn(3))


@linear.probe(points=1)
def works_without_a_bias(linear, bench):
    """The bias may be left out, or be None."""
    x, weight = bench.randn(4, 5), bench.randn(3, 5)
    return {"bias left out": linear(x, weight), "bias=None": linear(x, weight, None)}


@linear.probe(points=2)
def keeps_every_leading_dimension(linear, bench):
    """Only the last dimension changes; the others stay, however many there are: none, several, empty ones."""
    leads = [(), (1,), (2, 4), (2, 1, 3), (0,), (2, 0)]
    return {f"x {(*lead, 5)}": linear(bench.randn(*lead, 5), bench.randn(3, 5), bench.randn(3)) for lead in leads}


@linear.probe(points=1)
def takes_any_memory_layout_and_dtype(linear, bench):
    """x and weight may be transposed views, and float64 stays float64."""
    return {
        "transposed views": linear(bench.randn(5, 2, 4).permute(2, 1, 0), bench.randn(5, 3).T, bench.randn(3)),
        "float64": linear(*(bench.randn(*shape, dtype=torch.float64) for shape in [(4, 5), (3, 5), (3,)])),
    }


@linear.probe(points=1)
def lets_gradients_through(linear, bench):
    """Autograd can go back through the result to x, weight and bias."""
    inputs = [bench.randn(*shape).requires_grad_() for shape in [(4, 5), (3, 5), (3,)]]
    return list(torch.autograd.grad(linear(*inputs), inputs, bench.randn(4, 3)))


@linear.impostor("You multiply by weight as it is stored, (O, I). x ends in I, so the product needs weight's transpose: x @ weight.T.")
def forgets_the_transpose(x, weight, bias=None):
    return x @ weight if bias is None else x @ weight + bias


@linear.impostor("The bias is not added.")
def ignores_the_bias(x, weight, bias=None):
    return x @ weight.T


@linear.impostor("You add the bias even when there is none: `+ None` fails. Add it only if it is not None.")
def always_adds_the_bias(x, weight, bias=None):
    return x @ weight.T + bias


@linear.impostor("You test `if bias:`, which asks for the truth of a whole tensor. Ask `if bias is not None`.")
def asks_for_the_truth_of_the_bias(x, weight, bias=None):
    return x @ weight.T + bias if bias else x @ weight.T


@linear.impostor(
    "You flatten x to a matrix and return a matrix: the leading dimensions are lost. Give the result x's leading shape back."
)
def loses_the_leading_dimensions(x, weight, bias=None):
    y = x.reshape(-1, x.shape[-1]) @ weight.T
    return y if bias is None else y + bias


@linear.impostor("torch.mm takes exactly two matrices, so any x that is not 2-D fails. `@` (torch.matmul) keeps leading dimensions.")
def takes_only_matrices(x, weight, bias=None):
    y = torch.mm(x, weight.t())
    return y if bias is None else y + bias


@linear.impostor("`flatten(1)` merges all dimensions but the first; a linear layer acts on the last one alone.")
def flattens_all_but_the_batch(x, weight, bias=None):
    y = x.flatten(1) @ weight.T
    return y if bias is None else y + bias


@linear.impostor("`view` fails where memory is not in order, as in a transposed x. `reshape` copies if it must; `@` needs neither.")
def views_out_of_order_memory(x, weight, bias=None):
    y = (x.view(-1, x.shape[-1]) @ weight.T).view(*x.shape[:-1], weight.shape[0])
    return y if bias is None else y + bias


@linear.impostor("You cast to float32. Compute in the dtype that the inputs came in.")
def casts_to_float32(x, weight, bias=None):
    y = x.float() @ weight.float().T
    return y if bias is None else y + bias.float()


@linear.impostor("Your result is cut off from autograd (`detach`, `.data`, NumPy or `no_grad`): no gradient reaches the inputs.")
def cuts_the_graph(x, weight, bias=None):
    y = x.detach() @ weight.detach().T
    return y if bias is None else y + bias.detach()


# output_shape --------------------------------------------------------------------------------------------------------


def output_shape_reference(input_shape, weight_shape):
    """What torch does on tensors without memory, with the sizes put into the error."""
    try:
        y = F.linear(torch.empty(input_shape, device="meta"), torch.empty(weight_shape, device="meta"))
    except RuntimeError:
        raise ValueError(f"the input ends in {input_shape[-1]}, the weight takes {weight_shape[1]}") from None
    return tuple(y.shape)


output_shape = Task(
    "output_shape",
    reference=output_shape_reference,
    section="formula-shapes",
    hints=(
        "Only the last size of the input shape changes. Into which of the weight's two sizes?",
        "Slice off the last size with input_shape[:-1], and raise ValueError with an f-string that holds both sizes.",
    ),
)


@output_shape.probe(points=1)
def replaces_the_last_size(output_shape, bench):
    """(..., I) becomes (..., O), as a tuple."""
    I, O = bench.size(5, 9), bench.size(10, 14)
    shapes = [(4, I), (2, 3, I), (2, 3, 4, I)]
    return {f"input {shape}, weight {(O, I)}": output_shape(shape, (O, I)) for shape in shapes}


@output_shape.probe(points=1)
def needs_no_leading_size(output_shape, bench):
    """No leading size at all, or an empty one."""
    return {f"input {shape}": output_shape(shape, (3, 5)) for shape in [(5,), (0, 5), (2, 0, 5)]}


@output_shape.probe(points=2)
def names_both_sizes_in_its_error(output_shape, bench):
    """Where the last size is not the weight's I: a ValueError whose message names both sizes."""
    answers = {}
    for shape, weight_shape in [((4, 7), (3, 5)), ((3,), (3, 5)), ((2, 3, 50), (50, 60))]:
        caught = bench.catch(lambda: output_shape(shape, weight_shape))
        named = caught.names(shape[-1], weight_shape[1])
        answers[f"input {shape}, weight {weight_shape}"] = {"raises": caught.kind, "names both sizes": named}
    return answers


@output_shape.impostor("You return the weight's second size, in_features. The output has out_features: the first.")
def ends_in_in_features(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ValueError(f"{input_shape[-1]} is not {weight_shape[1]}")
    return (*input_shape[:-1], weight_shape[1])


@output_shape.impostor("You keep the first size only. All sizes before the last one stay, however many there are.")
def keeps_the_first_size_only(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ValueError(f"{input_shape[-1]} is not {weight_shape[1]}")
    return (input_shape[0], weight_shape[0])


@output_shape.impostor("You never compare the input's last size with the weight's in_features.")
def never_compares(input_shape, weight_shape):
    return (*input_shape[:-1], weight_shape[0])


@output_shape.impostor("You compare the input's last size with weight_shape[0], which is out_features. in_features is weight_shape[1].")
def compares_with_out_features(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[0]:
        raise ValueError(f"{input_shape[-1]} is not {weight_shape[0]}")
    return (*input_shape[:-1], weight_shape[0])


@output_shape.impostor("An `assert` raises AssertionError, and `python -O` removes it. Raise ValueError.")
def asserts(input_shape, weight_shape):
    assert input_shape[-1] == weight_shape[1], f"{input_shape[-1]} is not {weight_shape[1]}"
    return (*input_shape[:-1], weight_shape[0])


@output_shape.impostor("Your ValueError does not say which sizes clash: put both numbers into its message.")
def names_no_sizes(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ValueError("shapes do not match")
    return (*input_shape[:-1], weight_shape[0])


@output_shape.impostor("You return a list; a shape is a tuple.")
def returns_a_list(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ValueError(f"{input_shape[-1]} is not {weight_shape[1]}")
    return [*input_shape[:-1], weight_shape[0]]


# parameter_count -----------------------------------------------------------------------------------------------------


def parameter_count_reference(in_features, out_features, bias=True):
    layer = nn.Linear(in_features, out_features, bias, device="meta")
    return sum(parameter.numel() for parameter in layer.parameters())


parameter_count = Task(
    "parameter_count",
    reference=parameter_count_reference,
    section="formula-parameters",
    hints=(
        "Count the arrows in the picture of the layer, then the outputs: each output has one number of its own.",
        "The weight is a table of out_features rows and in_features columns; the bias has one entry for each output.",
    ),
)


@parameter_count.probe(points=1)
def counts_weight_and_bias(parameter_count, bench):
    """The numbers in the weight and in the bias."""
    sizes = [(784, 256), (1, 1), (bench.size(2, 500), bench.size(501, 999))]
    return {f"{I} → {O}": parameter_count(I, O) for I, O in sizes}


@parameter_count.probe(points=1)
def counts_no_bias_where_there_is_none(parameter_count, bench):
    """With bias=False there is only the weight."""
    I, O = bench.size(2, 500), bench.size(501, 999)
    return {"bias=False": parameter_count(I, O, bias=False), "bias=True": parameter_count(I, O, True)}


@parameter_count.impostor("The bias is not counted: it adds out_features numbers.")
def leaves_the_bias_out(in_features, out_features, bias=True):
    return in_features * out_features


@parameter_count.impostor("You count a bias for each input. It has one entry for each output.")
def counts_a_bias_for_each_input(in_features, out_features, bias=True):
    return in_features * out_features + (in_features if bias else 0)


@parameter_count.impostor("You count the bias even where bias=False.")
def always_counts_the_bias(in_features, out_features, bias=True):
    return in_features * out_features + out_features


@parameter_count.impostor("The bias is a vector of out_features numbers, not a single one.")
def counts_one_number_for_the_bias(in_features, out_features, bias=True):
    return in_features * out_features + (1 if bias else 0)


# fold_bias -----------------------------------------------------------------------------------------------------------


def fold_bias_reference(weight, bias):
    return torch.cat([weight, bias[:, None]], dim=1)


fold_bias = Task(
    "fold_bias",
    reference=fold_bias_reference,
    section="formula-affine",
    hints=(
        "In [x, 1] the 1 comes last. Which column of the folded weight does it meet?",
        "Turn the bias, (O,), into one column, (O, 1), and put it behind the weight's columns with torch.cat.",
    ),
)


@fold_bias.probe(points=1)
def puts_the_bias_behind_the_weight(fold_bias, bench):
    """weight (3, 5) and bias (3,) give one matrix (3, 6)."""
    return fold_bias(bench.randn(3, 5), bench.randn(3))


@fold_bias.probe(points=1)
def makes_the_layer_one_product(fold_bias, bench):
    """[x, 1] times the folded weight's transpose is the whole layer, in float64, for a square weight too."""
    answers = {}
    for O, I in [(3, 5), (4, 4), (1, 2)]:
        weight, bias, x = (bench.randn(*shape, dtype=torch.float64) for shape in [(O, I), (O,), (2, I)])
        answers[f"I={I}, O={O}"] = torch.cat([x, torch.ones_like(x[:, :1])], dim=1) @ fold_bias(weight, bias).T
    return answers


@fold_bias.impostor("Your bias column comes first. The 1 in [x, 1] comes last, and so must the bias.")
def puts_the_bias_in_front(weight, bias):
    return torch.cat([bias[:, None], weight], dim=1)


@fold_bias.impostor("You append a column of ones. The 1 belongs to the input, [x, 1]; the weight gets the bias.")
def appends_ones(weight, bias):
    return torch.cat([weight, torch.ones_like(bias)[:, None]], dim=1)


@fold_bias.impostor("You add the bias to the weight. Then it would be multiplied by x; it must be a column of its own.")
def adds_the_bias_to_the_weight(weight, bias):
    return weight + bias[:, None]


@fold_bias.impostor("You join along dim 0, as a further row. The bias has one entry a row of the weight: it is a further column.")
def appends_a_row(weight, bias):
    return torch.cat([weight, bias[None, :]], dim=0)


@fold_bias.impostor("Your result is transposed, (I + 1, O). Keep the weight's order: (O, I + 1).")
def returns_the_transpose(weight, bias):
    return torch.cat([weight, bias[:, None]], dim=1).T


# compose -------------------------------------------------------------------------------------------------------------


def compose_reference(w1, b1, w2, b2):
    """Read the composed layer off two torch layers: its bias is the image of 0, its columns those of the unit vectors."""
    unit = torch.eye(w1.shape[1], dtype=w1.dtype, device=w1.device)
    bias = F.linear(F.linear(torch.zeros_like(unit[0]), w1, b1), w2, b2)
    return F.linear(F.linear(unit, w1), w2).T, bias


compose = Task(
    "compose",
    reference=compose_reference,
    section="formula-composition",
    hints=(
        "Write W₂(W₁x + b₁) + b₂ and multiply out. What stands in front of x, and what is left over?",
        "The inner sizes decide the order of the product: (O, H) times (H, I). b₁ goes through the second layer's weight.",
    ),
)


@compose.probe(points=1)
def multiplies_the_weights_in_order(compose, bench):
    """Layers 5 → 4 → 3 make one weight (3, 5) and one bias (3,)."""
    return compose(bench.randn(4, 5), bench.randn(4), bench.randn(3, 4), bench.randn(3))


@compose.probe(points=1)
def also_for_square_layers(compose, bench):
    """Layers 4 → 4 → 4, where shapes cannot tell the order; in float64."""
    return compose(*(bench.randn(*shape, dtype=torch.float64) for shape in [(4, 4), (4,), (4, 4), (4,)]))


@compose.probe(points=1)
def is_the_two_layers_in_a_row(compose, bench):
    """The one layer gives what the two gave."""
    w1, b1, w2, b2 = (bench.randn(*shape, dtype=torch.float64) for shape in [(6, 2), (6,), (3, 6), (3,)])
    weight, bias = compose(w1, b1, w2, b2)
    return bench.randn(4, 2, dtype=torch.float64) @ weight.T + bias


@compose.impostor("The order of the product is exchanged: the first layer acts first, so its weight stands on the right, W₂W₁.")
def multiplies_in_reading_order(w1, b1, w2, b2):
    return w1 @ w2, w2 @ b1 + b2


@compose.impostor("You add the biases as they are. b₁ passes through the second layer and is multiplied by W₂ on the way.")
def adds_the_biases(w1, b1, w2, b2):
    return w2 @ w1, b1 + b2


@compose.impostor("The first layer's bias is lost: the composed bias is W₂b₁ + b₂.")
def loses_the_first_bias(w1, b1, w2, b2):
    return w2 @ w1, b2


@compose.impostor("The second layer's bias is lost: the composed bias is W₂b₁ + b₂.")
def loses_the_second_bias(w1, b1, w2, b2):
    return w2 @ w1, w2 @ b1


@compose.impostor("Your weight is transposed: it must be stored (out_features, in_features) like any layer's.")
def returns_the_transposed_weight(w1, b1, w2, b2):
    return (w2 @ w1).T, w2 @ b1 + b2


EXERCISE = Exercise(
    "01_formula", "The formula", (linear_sums, linear, output_shape, parameter_count, fold_bias, compose)
)
