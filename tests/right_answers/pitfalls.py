"""Right answers to exercise 05 that go another way than the solution."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def images_laid_out_first(images, weight, bias):
    batch, *picture = images.shape
    return torch.addmm(bias, images.contiguous().view(batch, math.prod(picture)), weight.t())


def images_by_einsum(images, weight, bias):
    kernels = weight.view(-1, *images.shape[1:])
    return torch.einsum("bchw,ochw->bo", images, kernels) + bias


def images_by_convolution(images, weight, bias):
    """A kernel as large as the picture has one place."""
    return F.conv2d(images, weight.unflatten(1, images.shape[1:]), bias).flatten(1)


def images_through_a_layer(images, weight, bias):
    layer = nn.Sequential(nn.Flatten(), nn.Linear(*weight.T.shape, dtype=weight.dtype, device=weight.device))
    layer.load_state_dict({"1.weight": weight, "1.bias": bias})
    return layer(images)


def loads_under_no_grad(weight_in_out, bias):
    in_features, out_features = weight_in_out.shape
    layer = nn.Linear(in_features, out_features, bias is not None).to(weight_in_out)
    with torch.no_grad():
        layer.weight.copy_(weight_in_out.t())
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def loads_new_parameters(weight_in_out, bias):
    layer = nn.Linear(*weight_in_out.shape, bias=bias is not None)
    layer.weight = nn.Parameter(weight_in_out.T.clone())
    layer.bias = None if bias is None else nn.Parameter(bias.clone())
    return layer


def loads_data(weight_in_out, bias):
    """`.data` may be right: with a tensor of one's own, in the right shape."""
    layer = nn.Linear(*weight_in_out.shape, bias=bias is not None)
    layer.weight.data = torch.einsum("io->oi", weight_in_out).detach().clone(memory_format=torch.contiguous_format)
    if bias is not None:
        layer.bias.data = torch.zeros_like(bias) + bias
    return layer


def compares_with_allclose(layer, x, y):
    out = layer(x)
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y, out)


def compares_by_hand(layer, x, y):
    out = x @ layer.weight.T
    if layer.bias is not None:
        out = out + layer.bias
    if (y.shape, y.dtype) != (out.shape, out.dtype):
        return False
    return (y - out).abs().max().item() < 1e-6


def compares_with_a_copy(layer, x, y):
    """A fresh layer is right, once it holds the same state."""
    copy = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None).to(layer.weight)
    copy.load_state_dict(layer.state_dict())
    out = F.linear(x, copy.weight, copy.bias)
    return y.size() == out.size() and y.dtype is out.dtype and bool(torch.isclose(out, y, rtol=1e-5, atol=1e-7).all())


def lazy_by_initialize_parameters(out_features, std):
    class Layer(nn.LazyLinear):
        def initialize_parameters(self, input):
            waiting = self.has_uninitialized_params()
            super().initialize_parameters(input)
            if waiting:
                with torch.no_grad():
                    self.weight.copy_(std * torch.randn(self.weight.shape))
                    self.bias.zero_()

    return Layer(out_features)


def lazy_by_a_careful_hook(out_features, std):
    layer = nn.LazyLinear(out_features)

    def look(layer, inputs):
        layer.is_new = layer.has_uninitialized_params()

    def draw(layer, inputs):
        if layer.is_new:
            nn.init.normal_(layer.weight, 0, std)
            nn.init.constant_(layer.bias, 0)
        first.remove()
        second.remove()

    first = layer.register_forward_pre_hook(look, prepend=True)
    second = layer.register_forward_pre_hook(draw)
    return layer


def lazy_by_a_method_of_its_own(out_features, std):
    layer = nn.LazyLinear(out_features)

    def reset_parameters():
        layer.weight.normal_(std=std)
        layer.bias.fill_(0)

    layer.reset_parameters = reset_parameters
    return layer


def adds_what_has_the_shape(y, bias):
    if tuple(bias.shape) == (y.shape[-1],):
        return torch.add(y, bias)
    raise ValueError(f"cannot add {list(bias.shape)} to {list(y.shape)}")


def adds_by_expanding(y, bias):
    if bias.dim() != 1 or len(bias) != y.size(-1):
        raise ValueError("y is %s and bias is %s" % (tuple(y.shape), tuple(bias.shape)))
    return y + bias.expand_as(y)


def adds_to_a_copy(y, bias):
    if [*bias.shape] != [*y.shape][-1:]:
        raise ValueError(str(y.shape) + " " + str(bias.shape))
    total = y.clone()
    total += bias
    return total


def reads_by_splitting(message):
    if "cannot be multiplied" in message:
        mat1, mat2 = message[message.index("(") + 1 : message.index(")")].split(" and ")
        return int(mat1.split("x")[1]), int(mat2.split("x")[0])
    sizes = [int(part.split(")")[0].split("x")[-1]) for part in message.split("(")[1:] if part.split(")")[0].replace("x", "").isdigit()]
    if "vec" in message:
        return sizes[2], sizes[1]
    if "batch2" in message:
        return tuple(int(part.split("]")[0].split(", ")[1]) for part in message.split("[")[1:])
    if "must match" in message:
        return sizes[1], sizes[0]
    return None


def reads_all_numbers(message):
    import re
    from collections import namedtuple

    sizes = namedtuple("Sizes", "given needed")
    numbers = [int(number) for number in re.findall(r"\d+", message)]
    if message.startswith("mat1 and mat2 shapes"):
        return sizes(numbers[3], numbers[4])
    if message.startswith("size mismatch"):
        return sizes(numbers[3], numbers[2])
    if message.startswith("Expected size"):
        return sizes(numbers[2], numbers[4])
    if "must match" in message:
        return sizes(numbers[1], numbers[0])
    return None


def reads_with_one_pattern(message):
    import re

    found = re.search(r"x(\d+) and (\d+)x|x(\d+)\), vec \((\d+)|, (\d+)\]\D*\[\d+, (\d+)|\((\d+)\) must match the \D*\((\d+)\)", message)
    if not found:
        return None
    first, second = (int(number) for number in found.groups() if number)
    return (first, second) if "mat1" in message or "batch2" in message else (second, first)


def reads_into_a_list(message):
    import re

    pairs = ((r"x(\d+) and (\d+)x", 1), (r"x(\d+)\), vec \((\d+)\)", -1), (r"\((\d+)\) must match .* \((\d+)\)", -1), (r"(\d+)\]\D+\[\d+, (\d+)\]", 1))
    for pattern, order in pairs:
        if found := re.findall(pattern, message):
            return [int(number) for number in found[0]][::order]


def counts_by_formula(channels, height, width, out_channels, kernel_size):
    places = (height - kernel_size + 1) * (width - kernel_size + 1)
    inputs, outputs = channels * height * width, out_channels * places
    return out_channels * (channels * kernel_size**2 + 1), outputs * (inputs + 1)


def counts_shapes(channels, height, width, out_channels, kernel_size):
    conv = nn.Conv2d(channels, out_channels, kernel_size, device="meta")
    outputs = conv(torch.empty(1, channels, height, width, device="meta")).shape.numel()
    weights = torch.empty(outputs, channels * height * width, device="meta").numel()
    return conv.weight.numel() + conv.bias.numel(), weights + outputs


def counts_places(channels, height, width, out_channels, kernel_size):
    rows, columns = (len(range(kernel_size, size + 1)) for size in (height, width))
    outputs = rows * columns * out_channels
    conv = sum(channels * kernel_size * kernel_size + 1 for _ in range(out_channels))
    return conv, outputs + outputs * channels * height * width


def counts_into_a_list(channels, height, width, out_channels, kernel_size):
    with torch.device("meta"):
        conv = nn.Conv2d(channels, out_channels, kernel_size)
        linear = nn.Linear(channels * height * width, conv(torch.empty(channels, height, width)).numel())
    return [layer.weight.numel() + layer.bias.numel() for layer in (conv, linear)]


def counts_into_a_named_tuple(channels, height, width, out_channels, kernel_size):
    from collections import namedtuple

    conv = out_channels * channels * kernel_size**2 + out_channels
    flat, sums = channels * height * width, out_channels * (height - kernel_size + 1) * (width - kernel_size + 1)
    return namedtuple("Counts", "conv linear")(conv, flat * sums + sums)


RIGHT = {
    "classify_images": (images_laid_out_first, images_by_einsum, images_by_convolution, images_through_a_layer),
    "load_transposed": (loads_under_no_grad, loads_new_parameters, loads_data),
    "same_layer": (compares_with_allclose, compares_by_hand, compares_with_a_copy),
    "scaled_lazy": (lazy_by_initialize_parameters, lazy_by_a_careful_hook, lazy_by_a_method_of_its_own),
    "add_bias": (adds_what_has_the_shape, adds_by_expanding, adds_to_a_copy),
    "read_the_error": (reads_by_splitting, reads_all_numbers, reads_with_one_pattern, reads_into_a_list),
    "conv_or_linear_parameters": (counts_by_formula, counts_shapes, counts_places, counts_into_a_list, counts_into_a_named_tuple),
}
