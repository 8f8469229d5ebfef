"""Task conv2d_by_linear."""

import torch
import torch.nn.functional as F

from ...spec import Task


def conv2d_by_linear_reference(x, weight, bias, padding=0):
    return F.conv2d(x, weight, bias, padding=padding)


conv2d_by_linear = Task(
    "conv2d_by_linear",
    reference=conv2d_by_linear_reference,
    section="cnn-patches",
    forbids=("torch.*conv?d*", "torch.*conv_*", "torch.*convolution*", "torch.nn.*Conv*"),
    hints=(
        "F.unfold(x, (kh, kw), padding=padding) has a patch of C·kh·kw numbers in each column. A Linear wants patches in rows "
        "and gives its outputs in the last dimension; the result has them in dimension 1, the channels' place.",
        "Transpose the patches to (B, L, C·kh·kw), apply F.linear with weight.flatten(1), transpose the result to (B, O, L); "
        "only then reshape it to (B, O, H', W'), where H' = H + 2·padding − kh + 1.",
    ),
)


@conv2d_by_linear.probe(points=2)
def equals_conv2d(conv2d_by_linear, bench, B=2, C=3, O=5, h=4, w=6, dtype=torch.float32):
    """A kernel 3×2 that stands in h·w places of x (B, C, h + 2, w + 1), without padding."""
    return conv2d_by_linear(*(bench.randn(*shape, dtype=dtype) for shape in [(B, C, h + 2, w + 1), (O, C, 3, 2), (O,)]))


@conv2d_by_linear.probe(points=1)
def pads_with_zeros(conv2d_by_linear, bench):
    """Padding 0, 1, 2 and 3: so many zeros on each of the four sides."""
    x, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(2, 3, 6, 8), (5, 3, 3, 3), (5,)])
    return {f"padding={padding}": conv2d_by_linear(x, weight, bias, padding=padding) for padding in range(4)}


@conv2d_by_linear.probe(points=1)
def takes_kernels_of_any_shape(conv2d_by_linear, bench):
    """Kernels higher than wide, wider than high, of one pixel, as large as the picture."""
    answers = {}
    for kernel in [(4, 1), (2, 5), (1, 1), (6, 8)]:
        x, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(2, 3, 6, 8), (5, 3, *kernel), (5,)])
        answers[f"kernel {kernel}"] = conv2d_by_linear(x, weight, bias, padding=1)
    return answers


@conv2d_by_linear.probe(points=1)
def also_where_sizes_are_equal(conv2d_by_linear, bench):
    """x (4, 4, 4, 4), four outputs of 4×4: no shape can tell you the order of anything."""
    x, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(4, 4, 4, 4), (4, 4, 3, 3), (4,)])
    return conv2d_by_linear(x, weight, bias, padding=1)


@conv2d_by_linear.probe(points=1)
def works_without_a_bias(conv2d_by_linear, bench, B=3, C=2, O=5):
    """bias=None."""
    return conv2d_by_linear(bench.randn(B, C, 6, 8, dtype=torch.float64), bench.randn(O, C, 3, 3, dtype=torch.float64), None, padding=1)


@conv2d_by_linear.probe(points=1)
def gives_the_gradients(conv2d_by_linear, bench):
    """The output, and the gradients of x, weight and bias for a random grad_output; also where the bias is zero."""
    x, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(2, 3, 6, 8), (5, 3, 2, 3), (5,)])
    answers = {}
    for case, b in {"a bias": bias, "a bias of zeros": torch.zeros_like(bias)}.items():
        inputs = [tensor.clone().requires_grad_() for tensor in (x, weight, b)]
        y = conv2d_by_linear(*inputs, padding=1)
        gradients = torch.autograd.grad(y, inputs, bench.randn(2, 5, 7, 8, dtype=torch.float64))
        answers[case] = {"y": y, "gradients of x, weight, bias": list(gradients)}
    return answers


@conv2d_by_linear.probe(points=1)
def takes_any_memory_layout_and_dtype(conv2d_by_linear, bench):
    """x and weight stored with the channel last, so not contiguous; and the dtype of the result for float32 and bfloat16."""
    x = bench.randn(2, 6, 8, 3, dtype=torch.float64).permute(0, 3, 1, 2)
    weight = bench.randn(5, 2, 3, 3, dtype=torch.float64).permute(0, 3, 1, 2)
    answers = {"channel last": conv2d_by_linear(x, weight, bench.randn(5, dtype=torch.float64))}
    for dtype in (torch.float32, torch.bfloat16):
        inputs = (bench.randn(*shape).to(dtype) for shape in [(2, 3, 6, 8), (5, 3, 2, 3), (5,)])
        answers[str(dtype)] = str(conv2d_by_linear(*inputs).dtype)
    return answers


# fmt: off
conv2d_by_linear.mistake("flips_the_kernel", {"weight.flatten": "weight.flip(2, 3).flatten"},
    "You turn the kernel by 180°. Mathematicians' convolution does; conv2d lays the kernel on the picture as it is (cross-correlation).")
conv2d_by_linear.mistake("ignores_the_padding", {", padding=padding": "", "H + 2 * padding - kh + 1, W + 2 * padding - kw + 1": "H - kh + 1, W - kw + 1"},
    "You ignore `padding`: give it to unfold, or pad x with zeros first.")
conv2d_by_linear.mistake("pads_one_side", {"(x, (kh, kw), padding=padding)": "(F.pad(x, (0, padding, 0, padding)), (kh, kw))", "H + 2 *": "H +", "W + 2 *": "W +"},
    "You pad on one side only. `padding` zeros go on each of the four sides, so a picture grows by twice as much.")
conv2d_by_linear.mistake("pads_with_the_edge", {"(x, (kh, kw), padding=padding)": "(F.pad(x, (padding,) * 4, mode='replicate'), (kh, kw))"},
    "You pad by repeating the edge. `padding` adds zeros.")
conv2d_by_linear.mistake("takes_the_kernel_for_square", {"weight.shape": "weight.shape\n    kw = kh"},
    "You take the kernel for square. Its height is weight.shape[2], its width weight.shape[3].", raises=RuntimeError)
conv2d_by_linear.mistake("flattens_the_kernel_channel_last", {"weight.flatten": "weight.permute(0, 2, 3, 1).flatten"},
    "Your kernel is flattened with the channel last. unfold's patches, and the weight as it is stored, have it first: (C, kh, kw).")
conv2d_by_linear.mistake("reshapes_for_a_transpose", {"weight.flatten(1)": "weight.reshape(-1, O).T"},
    "You reshape the weight to (C·kh·kw, O). That has a transpose's shape, but the numbers in another order. Flatten each kernel into a row, then transpose.")
conv2d_by_linear.mistake("forgets_to_move_the_outputs_forward", {"y.transpose(1, 2)": "y"},
    "You reshape (B, L, O) straight to (B, O, H', W'): right shape, scrambled numbers. The outputs are in its last dimension: move them to dimension 1 first.")
conv2d_by_linear.mistake("reshapes_columns_into_rows", {"patches.transpose(1, 2)": "patches.reshape(B, -1, patches.shape[1])"},
    "You reshape unfold's columns into rows, which scrambles the patches. unfold gives (B, C·kh·kw, L), a patch in each column: transpose.")
conv2d_by_linear.mistake("exchanges_height_and_width", {"H + 2 * padding - kh + 1, W + 2 * padding - kw + 1": "W + 2 * padding - kw + 1, H + 2 * padding - kh + 1"},
    "Height and width of your result are exchanged.")
conv2d_by_linear.mistake("forgets_the_last_place", {"kw + 1)": "kw + 1)[:, :, :-1, :-1]"},
    "Your result is one row and one column too small: a kernel of height kh has H + 2·padding − kh + 1 places, for the first one counts too.")
conv2d_by_linear.mistake("adds_the_bias_along_the_width", {"flatten(1), bias": "flatten(1)", "kw + 1)": "kw + 1) + (0 if bias is None else bias)"},
    "You add the bias along the width. It belongs to the outputs, dimension 1: inside the Linear it does, after it write bias[:, None, None].")
conv2d_by_linear.mistake("leaves_the_bias_out", {"flatten(1), bias": "flatten(1)"}, "You leave the bias out.")
conv2d_by_linear.mistake("always_adds_the_bias", {"flatten(1), bias)": "flatten(1)) + bias"},
    "You add the bias even where there is none. F.linear takes None; `+ bias` does not.", raises=TypeError)
conv2d_by_linear.mistake("detaches_the_weight", {"weight.flatten": "weight.detach().flatten"},
    "Your patches or weights are cut off from autograd (`no_grad`, `detach`, `.data`): no gradient comes back.", raises=RuntimeError)
conv2d_by_linear.mistake("views_the_weight", {"weight.flatten(1)": "weight.view(O, -1)"},
    "You flatten the weight with `view`, which fails where it is not contiguous. `flatten(1)` and `reshape` copy where they must.", raises=RuntimeError)
conv2d_by_linear.mistake("computes_in_float32", {"kw + 1)": "kw + 1).float()"},
    "Your result is float32 whatever comes in. Make new tensors with x's dtype: x.new_zeros, torch.zeros_like.")
conv2d_by_linear.mistake("pads_by_default", {"padding=0": "padding=1"}, "You pad by 1 where nobody asks for it. The default is padding=0.")
