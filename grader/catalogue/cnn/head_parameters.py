"""Task head_parameters."""

import torch
from torch import nn

from ...spec import Task


def head_parameters_reference(channels, height, width, classes, pooled):
    pool = nn.AdaptiveAvgPool2d(1) if pooled else nn.Identity()
    features = pool(torch.empty(1, channels, height, width, device="meta")).flatten(1)
    head = nn.Linear(features.shape[1], classes, device="meta")
    return sum(parameter.numel() for parameter in head.parameters())


head_parameters = Task(
    "head_parameters",
    reference=head_parameters_reference,
    section="cnn-pooling",
    hints=(
        "How many numbers of one picture reach the Linear: after flatten(1), and after the pool? That is its in_features.",
        "in_features is channels · height · width without the pool, channels with it; each class also has a bias.",
    ),
)


@head_parameters.probe(points=1)
def counts_a_flatten_head(head_parameters, bench):
    """pooled=False: the Linear sees every number of the maps."""
    C, H, W, K = bench.size(20, 40), bench.size(5, 9), bench.size(10, 14), bench.size(50, 90)
    sizes = [(512, 7, 7, 4096), (1, 1, 1, 1), (C, H, W, K), (1, H, W, K), (C, 1, W, K), (C, H, 1, K), (C, H, W, 1)]
    return {f"{(C, H, W)}, {K} classes": head_parameters(C, H, W, K, False) for C, H, W, K in sizes}


@head_parameters.probe(points=1)
def counts_a_pooled_head(head_parameters, bench):
    """pooled=True: the Linear sees one number for each channel."""
    C, H, W, K = bench.size(20, 40), bench.size(5, 9), bench.size(10, 14), bench.size(50, 90)
    sizes = [(2048, 7, 7, 1000), (1, 1, 1, 1), (C, H, W, K), (1, H, W, K), (C, 1, W, K), (C, H, 1, K), (C, H, W, 1)]
    return {f"{(C, H, W)}, {K} classes": head_parameters(C, H, W, K, pooled=True) for C, H, W, K in sizes}


# fmt: off
head_parameters.mistake("leaves_the_bias_out", {" + classes": ""}, "The biases are not counted: a Linear has one for each class.")
head_parameters.mistake("counts_one_number_for_the_bias", {"+ classes": "+ 1"}, "You count one bias. It is a vector: one number for each class.")
head_parameters.mistake("counts_a_bias_for_each_input", {"+ classes": "+ in_features"},
    "You count a bias for each input of the head. It has one for each output, that is, for each class.")
head_parameters.mistake("ignores_the_pool", {"channels if pooled else ": ""},
    "You count the flatten head even where the maps are pooled. The pool leaves one number for each channel.")
head_parameters.mistake("always_pools", {" if pooled else channels * height * width": ""},
    "You count the pooled head even where pooled is False. flatten keeps every pixel of every channel.")
head_parameters.mistake("exchanges_the_heads", {"if pooled": "if not pooled"},
    "You exchange the two heads: it is the pooled one that has a single input for each channel.")
head_parameters.mistake("pools_over_the_channels", {"channels if pooled": "height * width if pooled"},
    "Your pool averages over the channels and keeps the pixels. A global pool does the opposite: one number for each channel.")
head_parameters.mistake("flattens_only_the_pixels", {"else channels * height": "else height"},
    "Your flatten head forgets the channels: each pixel holds one number for each of them.")
head_parameters.mistake("gives_the_pool_weights", {"+ classes": "+ classes + (channels * height * width if pooled else 0)"},
    "You count the pool's inputs as weights. An average has nothing to learn: only the Linear behind it has parameters.")
