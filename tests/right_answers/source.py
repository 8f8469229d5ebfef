"""Right answers to exercise 04, each by another road."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def flat_by_flatten(x, weight, bias):
    if x.dim() == 1:
        return torch.addmm(bias, x[None], weight.t())[0]
    return torch.addmm(bias, x.flatten(0, -2), weight.t()).unflatten(0, x.shape[:-1])


def flat_by_multiplying_sizes(x, weight, bias):
    rows = 1
    for size in x.shape[:-1]:
        rows *= size
    y = bias.addmm(x.contiguous().view(rows, x.size(-1)), weight.transpose(0, 1))
    return y.view(x.shape[:-1] + weight.shape[:1])


def flat_by_a_method(x, weight, bias):
    rows = x.numel() // x.shape[-1] if x.shape[-1] else math.prod(x.shape[:-1])
    y = torch.Tensor.addmm(bias, x.reshape(rows, x.shape[-1]), weight.mT, beta=1, alpha=1)
    return y.reshape(list(x.shape[:-1]) + [len(weight)])


def path_by_dispatch_mode(x, weight, bias):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Names(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.seen = set()

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.seen.add(str(func).split(".")[1])
            return func(*args, **(kwargs or {}))

    with Names() as names:
        F.linear(x, weight, bias)
    if "addmm" not in names.seen:
        return "matmul" if bias is None else "matmul+add"
    return "addmm" if x.dim() == 2 else "flatten+addmm"


def path_by_grad_fn(x, weight, bias):
    """Make everything want a gradient, layouts kept, and read the graph."""
    with torch.enable_grad():
        x, weight, bias = (None if t is None else t.detach().requires_grad_() for t in (x, weight, bias))
        node = F.linear(x, weight, bias).grad_fn
    name = type(node).__name__
    if name.startswith("View"):
        name = "Flat" + type(node.next_functions[0][0]).__name__
    roads = {"AddmmBackward0": "addmm", "FlatAddmmBackward0": "flatten+addmm", "AddBackward0": "matmul+add"}
    return roads.get(name, "matmul")


def path_by_profiler(x, weight, bias):
    with torch.profiler.profile() as record:
        F.linear(x, weight, bias)
    names = {event.name for event in record.events()}
    if "aten::addmm" in names:
        return "flatten+addmm" if "aten::view" in names else "addmm"
    return "matmul+add" if names & {"aten::add", "aten::add_"} else "matmul"


def saved_by_rule(x_needs_grad, weight_needs_grad):
    if not torch.is_grad_enabled():
        return []
    return [name for name, kept in (("weight", x_needs_grad), ("x", weight_needs_grad)) if kept]


def saved_by_table(x_needs_grad, weight_needs_grad):
    table = {(0, 0): [], (0, 1): ["x"], (1, 0): ["weight"], (1, 1): ["weight", "x"]}
    return table[x_needs_grad, weight_needs_grad] if torch.is_grad_enabled() else []


def saved_by_observation(x_needs_grad, weight_needs_grad):
    x, weight = torch.randn(2, 7, requires_grad=x_needs_grad), torch.randn(3, 7, requires_grad=weight_needs_grad)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        F.linear(x, weight, torch.zeros(3, requires_grad=True))
    return sorted({(2, 7): "x"}.get(tuple(tensor.shape), "weight") for tensor in kept)


def saved_by_the_graph_node(x_needs_grad, weight_needs_grad):
    x, weight = torch.randn(2, 7, requires_grad=x_needs_grad), torch.randn(3, 7, requires_grad=weight_needs_grad)
    node = F.linear(x, weight, torch.zeros(3, requires_grad=True)).grad_fn
    held = {"weight": node._saved_mat2, "x": node._saved_mat1} if node else {}
    return [name for name, saved in held.items() if saved is not None]


def flops_product_by_product(x_shape, out_features, x_needs_grad, weight_needs_grad):
    *lead, I = x_shape
    product = 2 * I * out_features
    for size in lead:
        product *= size
    return sum([product] + [product] * bool(x_needs_grad) + [product] * bool(weight_needs_grad))


def flops_by_table(x_shape, out_features, x_needs_grad, weight_needs_grad):
    return [2, 4, 6][x_needs_grad + weight_needs_grad] * math.prod(x_shape[:-1]) * x_shape[-1] * out_features


def flops_by_layer(x_shape, out_features, x_needs_grad, weight_needs_grad):
    from torch.utils.flop_counter import FlopCounterMode

    layer = nn.Linear(x_shape[-1], out_features)
    layer.weight.requires_grad_(weight_needs_grad)
    with FlopCounterMode(display=False) as counter:
        layer(torch.ones(x_shape, requires_grad=x_needs_grad)).sum().backward()
    return counter.get_total_flops()


class LinearByEinsum(nn.Module):
    """Draws by hand from the same stream; einsum would repeat a last size of 1, so the size is looked at."""

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.zeros(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        bound = 1 / math.sqrt(max(1, self.in_features))
        self.weight.copy_((2 * torch.rand_like(self.weight) - 1) * bound)
        if self.bias is not None:
            self.bias.copy_((2 * torch.rand_like(self.bias) - 1) * bound if self.in_features else torch.zeros_like(self.bias))

    def forward(self, x):
        if x.shape[-1] != self.in_features:
            raise ValueError(f"x has {x.shape[-1]} features, the layer takes {self.in_features}")
        y = torch.einsum("...i,oi->...o", x, self.weight)
        return y if self.bias is None else y + self.bias

    def extra_repr(self):
        return "in_features={}, out_features={}, bias={}".format(self.in_features, self.out_features, self.bias is not None)


class LinearByItsOwnFunction(nn.Module):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias):
            ctx.save_for_backward(x, weight)
            y = torch.matmul(x, weight.mT)
            return y if bias is None else y + bias

        @staticmethod
        def backward(ctx, grad_output):
            x, weight = ctx.saved_tensors
            rows = grad_output.reshape(math.prod(grad_output.shape[:-1]), grad_output.shape[-1])
            grad_weight = rows.T @ x.reshape(math.prod(x.shape[:-1]), x.shape[-1]).conj()
            return grad_output @ weight.conj(), grad_weight, rows.sum(0) if ctx.needs_input_grad[2] else None

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x):
        return self.Product.apply(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class LinearByAddmm(nn.Module):
    """The flat road, and one addmm also without a bias."""

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.in_features, self.out_features = in_features, out_features
        self.register_parameter("weight", nn.Parameter(torch.empty([out_features, in_features], **place)))
        self.register_parameter("bias", nn.Parameter(torch.empty([out_features], **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        bound = (self.weight.size(1) or math.inf) ** -0.5
        for parameter in self.parameters():
            parameter.data.uniform_(-bound, bound)

    def forward(self, x):
        bias = x.new_zeros(self.out_features) if self.bias is None else self.bias
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return torch.addmm(bias, rows, self.weight.t()).reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class LinearRowByRow(nn.Module):
    """A loop over outputs; no matrix product at all."""

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.rand(out_features, in_features, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.rand(out_features, device=device, dtype=dtype)) if bias else None
        for parameter in self.parameters():
            parameter.data.mul_(2).sub_(1 + 1j if parameter.is_complex() else 1).div_(max(1, in_features) ** 0.5)
        if bias and not in_features:
            self.bias.data.zero_()

    def reset_parameters(self):
        new = type(self)(self.in_features, self.out_features, self.bias is not None, self.weight.device, self.weight.dtype)
        with torch.no_grad():
            for mine, drawn in zip(self.parameters(), new.parameters()):
                mine.copy_(drawn)

    def forward(self, x):
        assert x.shape[-1] == self.in_features, f"expected {self.in_features} features"
        columns = [(x * row).sum(-1) for row in self.weight]
        y = torch.stack(columns, -1) if columns else x.new_zeros(*x.shape[:-1], 0)
        return y + self.bias if self.bias is not None else y

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


RIGHT = {
    "flat_linear": (flat_by_flatten, flat_by_multiplying_sizes, flat_by_a_method),
    "dispatch_path": (path_by_dispatch_mode, path_by_grad_fn, path_by_profiler),
    "saved_for_backward": (saved_by_rule, saved_by_table, saved_by_observation, saved_by_the_graph_node),
    "training_flops": (flops_product_by_product, flops_by_table, flops_by_layer),
    "Linear": (LinearByEinsum, LinearByItsOwnFunction, LinearByAddmm, LinearRowByRow),
}
