"""Right answers to exercise 06, each by another road."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class NetworkAsASequential(nn.Sequential):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 8)
        self.bend = nn.ReLU(inplace=True)
        self.fc2 = nn.Linear(8, 4)


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
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers[:-1])


def mnist_with_flatten_and_names():
    model, relu = nn.Sequential(nn.Flatten()), nn.ReLU()
    model.add_module("first", nn.Linear(784, 256))
    model.add_module("bend", relu)
    model.add_module("second", nn.Linear(256, 128))
    model.add_module("again", relu)
    model.add_module("last", nn.Linear(128, 10))
    return model


def mnist_of_blocks():
    last, second, first = nn.Linear(128, 10), nn.Linear(256, 128), nn.Linear(784, 256)
    for layer in (first, second, last):
        nn.init.orthogonal_(layer.weight)
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
    import contextlib

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
    return loss.item()


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


def digits_by_adam(x, y, seed):
    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", x.mean(0, keepdim=True))
            self.hidden, self.out = nn.Linear(64, 48), nn.Linear(48, 10)

        def forward(self, images):
            return self.out(torch.tanh(self.hidden(3 * (images - self.mean))))

    torch.manual_seed(seed)
    model = Centred().to(x.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for epoch in range(15):
        order = torch.randperm(len(x), device=x.device)
        for start in range(0, len(x), 50):
            rows = order[start : start + 50]
            loss = F.cross_entropy(model(x[rows]), y[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def digits_with_dropout(x, y, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed + 1)
        first, last = nn.Linear(64, 128), nn.Linear(128, 10)
        model = nn.Sequential(first, nn.Dropout(0.1), nn.ReLU(inplace=True), last, nn.LogSoftmax(dim=-1)).to(x.device)
        with torch.no_grad():
            first.bias -= first.weight @ x.mean(0)  # starts as a network of centred images
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for step in range(250):
            rows = torch.randint(len(x), (min(len(x), 128),), generator=generator)
            optimizer.zero_grad(set_to_none=False)
            F.nll_loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()


def digits_by_hand(x, y, seed):
    torch.manual_seed(seed)
    mean, scale = x.mean(0), 1 / x.std()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).to(x.device)
    parameters = list(model.parameters())
    shuffle = np.random.default_rng(seed)
    for epoch in range(30):
        for rows in np.array_split(shuffle.permutation(len(x)), math.ceil(len(x) / 64)):
            rows = torch.from_numpy(rows).to(x.device)
            loss = F.cross_entropy(model((x[rows] - mean) * scale), y[rows])
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
                parameter.data -= 0.2 * gradient
    with torch.no_grad():  # the scaling moves into the first layer
        model[0].weight *= scale
        model[0].bias -= model[0].weight @ mean
    return model


RIGHT = {
    "SimpleMLP": (NetworkAsASequential, NetworkByFormula, NetworkOfAnyDepth),
    "mnist_mlp": (mnist_in_a_loop, mnist_with_flatten_and_names, mnist_of_blocks),
    "shape_trace": (trace_by_one_global_hook, trace_by_pairs_of_hooks, trace_by_bound_names),
    "train_step": (step_by_autograd_grad, step_with_zeroed_gradients, step_and_tidy_up),
    "train_digits": (digits_by_adam, digits_with_dropout, digits_by_hand),
}
