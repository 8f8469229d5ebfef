"""Task conv_or_linear_parameters."""

import torch
from torch import nn

from ...spec import Task


def conv_or_linear_parameters_reference(channels, height, width, out_channels, kernel_size):
    picture = torch.empty(channels, height, width, device="meta")
    conv = nn.Conv2d(channels, out_channels, kernel_size, device="meta")
    linear = nn.Linear(picture.numel(), conv(picture[None]).numel(), device="meta")
    return tuple(sum(p.numel() for p in layer.parameters()) for layer in (conv, linear))


conv_or_linear_parameters = Task(
    "conv_or_linear_parameters",
    reference=conv_or_linear_parameters_reference,
    section="pitfalls-conv",
    hints=(
        "Count the numbers of the picture and the numbers of the convolution's output. What is nn.Linear between the two?",
        "A kernel of k pixels has height - k + 1 places from top to bottom. The Linear has (numbers in) × (numbers out) weights and "
        "one bias for each number out; the convolution has one bias for each output channel.",
    ),
)


@conv_or_linear_parameters.probe(points=1)
def counts_a_small_picture(conv_or_linear_parameters, bench, C=2, O=5, K=3):
    """Pictures of a few pixels, C channels, more high than wide and more wide than high, kernels of K pixels, O output channels."""
    side = K + bench.size(1, 9)
    answers = {}
    for height, width in [(side, side + 3), (side + 2, side)]:
        conv, linear = conv_or_linear_parameters(C, height, width, O, K)
        answers[f"{C} × {height} × {width} numbers, {O} output channels, kernel_size {K}"] = {"convolution": conv, "Linear": linear}
    return answers


@conv_or_linear_parameters.probe(points=1)
def counts_a_photograph(conv_or_linear_parameters, bench):
    """3 channels, about 224 × 224 pixels, dozens of output channels, kernels of 3 and 7 pixels."""
    answers, size = {}, bench.size(200, 250)
    for kernel, channels in [(3, bench.size(32, 64)), (7, bench.size(32, 64))]:
        conv, linear = conv_or_linear_parameters(3, size, size, channels, kernel)
        answers[f"{size} × {size} pixels, {channels} output channels, kernel_size {kernel}"] = {"convolution": conv, "Linear": linear}
    return answers


@conv_or_linear_parameters.probe(points=1)
def counts_the_two_extremes(conv_or_linear_parameters, bench):
    """A kernel of one pixel, and one as large as the picture, where the two layers are one."""
    out_channels, size = bench.size(5, 99), bench.size(8, 30)
    answers = {}
    for kernel in (1, size):
        conv, linear = conv_or_linear_parameters(3, size, size, out_channels, kernel)
        answers[f"{size} × {size} pixels, kernel_size {kernel}, {out_channels} output channels"] = {"convolution": conv, "Linear": linear}
    return answers


@conv_or_linear_parameters.starts_from(
    "Your Linear gives one number for each output channel; the convolution gives a whole picture for each. To compare the two, let the "
    "Linear give every number that the convolution gives."
)
def gives_one_number_a_channel(channels, height, width, out_channels, kernel_size):
    conv = out_channels * channels * kernel_size**2 + out_channels
    linear = out_channels * channels * height * width + out_channels
    return conv, linear


# fmt: off
conv_or_linear_parameters.mistake("forgets_that_the_picture_shrinks", {"(height - kernel_size + 1) * (width - kernel_size + 1)": "height * width"},
    "Your output is as large as the picture. Without padding a kernel of k pixels fits into n pixels at n - k + 1 places.")
conv_or_linear_parameters.mistake("counts_one_place_too_few", {"(height - kernel_size + 1) * (width - kernel_size + 1)": "(height - kernel_size) * (width - kernel_size)"},
    "A kernel of k pixels fits into n pixels at n - k + 1 places, not n - k. Count them for n = k: there is one.")
conv_or_linear_parameters.mistake("forgets_the_biases", {"**2 + out_channels": "**2", "inputs + outputs": "inputs"}, "You left out the biases.")
conv_or_linear_parameters.mistake("forgets_the_convolutions_biases", {"**2 + out_channels": "**2"}, "You left out the convolution's biases: one for each output channel.")
conv_or_linear_parameters.mistake("forgets_the_linears_biases", {"inputs + outputs": "inputs"}, "You left out the Linear's biases: one for each number it gives.")
conv_or_linear_parameters.mistake("gives_each_place_a_bias", {"**2 + out_channels": "**2 + outputs"},
    "You give the convolution a bias for each place. It shares its bias as it shares its weights: one for each output channel.")
conv_or_linear_parameters.mistake("counts_the_kernel_at_each_place", {"out_channels * channels": "outputs * channels"},
    "You count the kernel once for each place it visits. That is work; the weights are the same everywhere, and count once.")
conv_or_linear_parameters.mistake("forgets_the_input_channels", {"out_channels * channels": "out_channels"},
    "Your kernels see one channel. Each output channel has a kernel for every input channel.")
conv_or_linear_parameters.mistake("takes_kernels_for_lines", {"kernel_size**2": "kernel_size"},
    "Your kernels have kernel_size weights. They are square: kernel_size in each direction.")
conv_or_linear_parameters.mistake("takes_pictures_for_squares", {"channels * height * width": "channels * height**2", "(width -": "(height -"},
    "You take the picture for a square. Height and width may differ.")
conv_or_linear_parameters.mistake("takes_outputs_for_squares", {"(width -": "(height -"},
    "Your output is square. From left to right it has as many places as fit into the width, whatever the height.")
conv_or_linear_parameters.mistake("exchanges_the_two", {"conv, linear": "linear, conv"}, "The order is: the convolution's count first, then the Linear's.")
