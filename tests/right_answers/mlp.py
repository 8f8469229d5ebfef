"""Right answers to exercise 06, each by another road."""

import contextlib
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class NetworkAsASequential(nn.Sequential):
    def __init__(self):
        super().__init__(OrderedDict(fc1=nn.Linear(16, 8), relu=nn.ReLU(), fc2=nn.Linear(8, 4)))


class NetworkByFormula(nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("fc2", nn.Linear(8, 4))
        self.add_module("fc1", nn.Linear(16, 8))

    def forward(self, x):
        h = x @ self.fc1.weight.T + self.fc1.bias
        return torch.where(h > 0, h, 0) @ self.fc2.weight.T + self.fc2.bias


class NetworkOfAnyDepth(nn.Module):
    def __init__(self, sizes=(16, 8, 4)):
        super().__init__()
        for number, (size, following) in enumerate(zip(sizes, sizes[1:]), 1):
            setattr(self, f"fc{number}", nn.Linear(size, following))

    def forward(self, x):
        *hidden, last = self.children()
        for layer in hidden:
            x = layer(x).clamp_(min=0)
        return last(x)


def mnist_in_a_loop():
    sizes, layers = [784, 256, 128, 10], []
    for size, following in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size, following), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def mnist_with_flatten_and_names():
    relu = nn.ReLU()
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(), first=nn.Linear(784, 256), bend=relu, second=nn.Linear(256, 128), again=relu, last=nn.Linear(128, 10)
        )
    )


def mnist_of_blocks():
    last, second, first = nn.Linear(128, 10), nn.Linear(256, 128), nn.Linear(784, 256)
    return nn.Sequential(nn.Sequential(first, nn.ReLU()), nn.Sequential(second, nn.ReLU()), last)


def trace_by_one_global_hook(model, x):
    leaves = {module: name for name, module in model.named_modules() if next(module.children(), None) is None}
    rows = []

    def note(module, inputs, output):
        if module in leaves:
            weight = getattr(module, "weight", None)
            rows.append((leaves[module], tuple(inputs[0].shape), None if weight is None else tuple(weight.shape), tuple(output.shape)))

    with nn.modules.module.register_module_forward_hook(note), torch.no_grad():
        model(x)
    return rows


def trace_by_pairs_of_hooks(model, x):
    rows = []
    with contextlib.ExitStack() as hooks:
        for name, module in model.named_modules():
            if len(list(module.modules())) > 1:
                continue
            shape = getattr(module, "weight", None)
            rows_of_this = [name, None if shape is None else tuple(shape.shape)]

            def enter(module, inputs, own=rows_of_this):
                rows.append([own[0], tuple(inputs[0].size()), own[1]])

            def leave(module, inputs, output):
                rows[-1].append(tuple(output.size()))

            hooks.enter_context(module.register_forward_pre_hook(enter))
            hooks.enter_context(module.register_forward_hook(leave))
        model(x)
    return [tuple(row) for row in rows]


def trace_by_bound_names(model, x):
    rows, handles = [], []
    for name, module in model.named_modules():
        if not module._modules:
            handles.append(
                module.register_forward_hook(
                    lambda module, inputs, output, name=name: rows.append(
                        (name, inputs[0].shape, getattr(getattr(module, "weight", None), "shape", None), output.shape)
                    )
                )
            )
    try:
        model(x.clone())
        return rows
    finally:
        while handles:
            handles.pop().remove()


def step_by_autograd_grad(model, x, y, lr):
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    loss = F.cross_entropy(model(x), y)
    for parameter, gradient in zip(learning, torch.autograd.grad(loss, learning, allow_unused=True)):
        if gradient is not None:
            parameter.data.sub_(gradient, alpha=lr)
    return float(loss)


def step_with_zeroed_gradients(model, x, y, lr):
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.zero_()
    z = model(x)
    loss = (z.logsumexp(1) - z.gather(1, y[:, None])[:, 0]).mean()
    loss.backward()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.data -= lr * parameter.grad
    return loss.item()


def step_and_tidy_up(model, x, y, lr):
    model.zero_grad(set_to_none=True)
    log_p = F.log_softmax(model(x), dim=-1)
    loss = -log_p[torch.arange(len(y), device=y.device), y].sum() / len(y)
    loss.backward()
    with torch.no_grad():
        for parameter in filter(lambda parameter: parameter.grad is not None, model.parameters()):
            parameter.copy_(parameter - parameter.grad * lr)
    model.zero_grad()
    return loss.detach().cpu().numpy().item()


RIGHT = {
    "SimpleMLP": (NetworkAsASequential, NetworkByFormula, NetworkOfAnyDepth),
    "mnist_mlp": (mnist_in_a_loop, mnist_with_flatten_and_names, mnist_of_blocks),
    "shape_trace": (trace_by_one_global_hook, trace_by_pairs_of_hooks, trace_by_bound_names),
    "train_step": (step_by_autograd_grad, step_with_zeroed_gradients, step_and_tidy_up),
}
