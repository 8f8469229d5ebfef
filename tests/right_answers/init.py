"""Right answers to exercise 02, each by another road."""

import math

import numpy as np
import torch
from torch import nn


def bound_in_one_root(fan_in, a):
    return math.sqrt(6 / ((1 + a * a) * fan_in))


def bound_by_numpy(fan_in, a):
    return np.sqrt(3 * 2 / (1 + np.square(a)) / fan_in)


def bound_by_power(fan_in, a):
    return (fan_in * (1 + a**2) / 6) ** -0.5


def bound_by_torch_scalars(fan_in, a):
    variance = torch.tensor(2.0, dtype=torch.float64) / (1 + a**2) / fan_in
    return (3 * variance).sqrt().item()


def weight_by_no_grad(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * weight.size(1))) if weight.size(1) else 0
    with torch.no_grad():
        weight.uniform_(-bound, bound)
    return weight


@torch.no_grad()
def weight_by_rand_mirrored(weight, a=math.sqrt(5)):
    if weight.numel() == 0:
        return weight
    bound = math.sqrt(6 / (1 + a**2)) / math.sqrt(weight.shape[1])
    return weight.copy_(bound - 2 * bound * torch.rand_like(weight))


def weight_by_numpy(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(1, weight.shape[-1])))
    weight.data[:] = torch.from_numpy(np.random.uniform(-bound, bound, size=tuple(weight.shape)))
    return weight


def weight_column_by_column(weight, a=math.sqrt(5)):
    with torch.no_grad():
        for column in weight.T:
            nn.init.uniform_(column, -1, 1)
            column *= math.sqrt(6 / ((1 + a**2) * weight.shape[1]))
    return weight


def weight_by_a_generator_of_its_own(weight, a=math.sqrt(5)):
    generator = torch.Generator(weight.device).manual_seed(int(torch.randint(2**31, ())))
    bound = math.sqrt(6 / ((1 + a**2) * max(1, weight.shape[1])))
    weight.detach().uniform_(-bound, bound, generator=generator)
    return weight


def bias_by_no_grad(bias, weight):
    fan_in = weight.size(1)
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
    with torch.no_grad():
        return bias.uniform_(-bound, bound)


def bias_by_rand_mirrored(bias, weight):
    if weight.shape[1] == 0:
        bias.data.fill_(0)
    else:
        bias.data.copy_((1 - 2 * torch.rand_like(bias)) / weight.shape[1] ** 0.5)


def bias_by_distribution(bias, weight):
    bias.data.zero_()
    if weight.shape[1]:
        bound = weight.shape[1] ** -0.5
        bias.data += torch.distributions.Uniform(-bound, bound).sample(bias.shape).to(bias.device)


def bias_as_a_column(bias, weight):
    fan_in = weight.shape[1]
    column = torch.empty(weight.shape[0], 1, device=bias.device)
    nn.init.uniform_(column, -1, 1)
    with torch.no_grad():
        bias.copy_(column[:, 0] / math.sqrt(fan_in) if fan_in else torch.zeros_like(bias))


def like_torch_by_uniform(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    with torch.no_grad():
        weight.uniform_(-bound, bound)
        if bias is not None:
            bias.uniform_(-bound, bound)


def like_torch_by_three_steps(weight, bias):
    gain = math.sqrt(2 / (1 + math.sqrt(5) ** 2))
    bound = math.sqrt(3) * (gain / math.sqrt(weight.shape[1]))
    for parameter in (weight, bias):
        if parameter is not None:
            nn.init.uniform_(parameter, -bound, bound)


def like_torch_by_copies(weight, bias):
    bound = weight.shape[1] ** -0.5
    parameters = [weight] if bias is None else [weight, bias]
    drawn = [torch.empty(parameter.shape, device=parameter.device).uniform_(-bound, bound) for parameter in parameters]
    for parameter, numbers in zip(parameters, drawn):
        parameter.data.copy_(numbers)


def variance_as_one_fraction(in_features, input_second_moment):
    return (in_features * input_second_moment + 1) / (3 * in_features)


def variance_by_the_affine_trick(in_features, input_second_moment):
    squares = in_features * input_second_moment + 1**2  # of [x, 1]
    return squares * (in_features**-0.5) ** 2 / 3


def variance_term_by_term(in_features, input_second_moment):
    weight_variance = bias_variance = 1 / (3 * in_features)
    return sum(weight_variance * input_second_moment for _ in range(in_features)) + bias_variance


def he_normal(weight):
    with torch.no_grad():
        return weight.normal_(0, math.sqrt(2 / weight.shape[1]))


def he_uniform(weight):
    bound = math.sqrt(6 / weight.size(1))
    weight.data.uniform_(-bound, bound)


@torch.no_grad()
def he_signs(weight):
    weight.copy_(torch.randint(0, 2, weight.shape, device=weight.device) * 2 - 1).mul_(math.sqrt(2 / weight.shape[1]))


def he_truncated_normal(weight):
    std_of_cut = 0.8796256610342398  # of a standard normal number cut at ±2
    std = math.sqrt(2 / weight.shape[1]) / std_of_cut
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


RIGHT = {
    "kaiming_bound": (bound_in_one_root, bound_by_numpy, bound_by_power, bound_by_torch_scalars),
    "reset_weight_": (
        weight_by_no_grad, weight_by_rand_mirrored, weight_by_numpy, weight_column_by_column, weight_by_a_generator_of_its_own,
    ),
    "reset_bias_": (bias_by_no_grad, bias_by_rand_mirrored, bias_by_distribution, bias_as_a_column),
    "reset_like_torch": (like_torch_by_uniform, like_torch_by_three_steps, like_torch_by_copies),
    "output_variance": (variance_as_one_fraction, variance_by_the_affine_trick, variance_term_by_term),
    "he_reset_": (he_normal, he_uniform, he_signs, he_truncated_normal),
}
