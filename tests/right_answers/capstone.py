"""Right answers to exercise 09, each by another road. The networks of `fit` are whole in themselves."""

import math

import numpy as np
import torch


class LayerByEinsum:
    def __init__(self, in_features, out_features, generator):
        bound = in_features**-0.5
        self.weight = torch.empty(out_features, in_features, device=generator.device).uniform_(-bound, bound, generator=generator)
        self.bias = torch.empty(out_features, device=generator.device).uniform_(-bound, bound, generator=generator)

    def forward(self, x):
        self.x = x
        return torch.einsum("...i,oi->...o", x, self.weight) + self.bias

    def backward(self, grad_output):
        self.grad_weight = torch.einsum("...o,...i->oi", grad_output, self.x)
        self.grad_bias = torch.einsum("...o->o", grad_output)
        return torch.einsum("...o,oi->...i", grad_output, self.weight)


class LayerThatFlattens:
    """Draws the bias first; keeps the rows of x, and a shape to give back."""

    def __init__(self, in_features, out_features, generator):
        numbers = torch.rand(out_features * (in_features + 1), generator=generator, device=generator.device)
        numbers = (numbers - 0.5) * 2 / math.sqrt(in_features)
        self.bias, self.weight = numbers[:out_features], numbers[out_features:].view(out_features, in_features)

    def forward(self, x):
        self.shape, self.rows = x.shape, x.reshape(-1, x.shape[-1])
        return torch.addmm(self.bias, self.rows, self.weight.t()).reshape(*x.shape[:-1], len(self.bias))

    def backward(self, grad_output):
        rows = grad_output.reshape(-1, len(self.bias))
        self.grad_weight = rows.t().mm(self.rows)
        self.grad_bias = rows.new_ones(len(rows)) @ rows
        return rows.mm(self.weight).reshape(self.shape)


class LayerRowByRow:
    """In-place sums into gradients that are set to zero first."""

    def __init__(self, in_features, out_features, generator):
        self.weight = torch.zeros(out_features, in_features, device=generator.device)
        self.bias = torch.zeros(out_features, device=generator.device)
        for parameter in (self.weight, self.bias):
            parameter.uniform_(-math.sqrt(1 / in_features), math.sqrt(1 / in_features), generator=generator)

    def forward(self, x):
        self.x = x.clone()
        return torch.matmul(x, self.weight.mT).add(self.bias)

    def backward(self, grad_output):
        self.grad_weight, self.grad_bias = torch.zeros_like(self.weight), torch.zeros_like(self.bias)
        for gradient, x in zip(grad_output.reshape(-1, len(self.bias)), self.x.reshape(-1, self.weight.shape[1])):
            self.grad_weight += torch.outer(gradient, x)
            self.grad_bias += gradient
        return (grad_output[..., None] * self.weight).sum(-2)


class ReluByWhere:
    def forward(self, x):
        self.open = x > 0
        return torch.where(self.open, x, 0)

    def backward(self, grad_output):
        return torch.where(self.open, grad_output, 0)


class ReluByMaximum:
    def forward(self, x):
        self.y = torch.maximum(x, torch.zeros_like(x))
        return self.y

    def backward(self, grad_output):
        return grad_output * self.y.sign()


class ReluByMultiplying:
    def forward(self, x):
        self.gate = (x > 0).to(x.dtype)
        return x * self.gate

    def backward(self, grad_output):
        return grad_output.mul(self.gate)


class ReluByMasking:
    def forward(self, x):
        self.closed = x <= 0
        return x.masked_fill(self.closed, 0)

    def backward(self, grad_output):
        return grad_output.masked_fill(self.closed, 0)


class LossByLogSoftmax:
    def forward(self, logits, target):
        self.log_p = logits.log_softmax(-1)
        self.onehot = target[:, None] == torch.arange(logits.shape[1], device=logits.device)
        return -self.log_p[self.onehot].mean()

    def backward(self):
        return (self.log_p.exp() - self.onehot.to(self.log_p.dtype)) / len(self.log_p)


class LossByHand:
    def forward(self, logits, target):
        shifted = logits - logits.max(dim=1, keepdim=True).values
        exponentials = shifted.exp()
        total = exponentials.sum(1)
        right = shifted.gather(1, target[:, None]).squeeze(1)
        self.gradient = exponentials / total[:, None]
        self.gradient.scatter_add_(1, target[:, None], -torch.ones_like(right)[:, None])
        self.gradient /= len(target)
        return (total.log() - right).sum() / len(target)

    def backward(self):
        return self.gradient


class LossRowByRow:
    """Everything in backward again, from what forward was given."""

    def forward(self, logits, target):
        self.logits, self.target = logits, target
        return sum(torch.logsumexp(row, 0) - row[right] for row, right in zip(logits, target.tolist())) / len(target)

    def backward(self):
        rows = []
        for row, right in zip(self.logits, self.target.tolist()):
            p = row.softmax(0)
            p[right] = p[right] - 1
            rows.append(p / len(self.target))
        return torch.stack(rows)


class NetworkByIndex:
    def __init__(self, layers):
        self.layers = tuple(layers)

    def forward(self, x):
        for number in range(len(self.layers)):
            x = self.layers[number].forward(x)
        return x

    def backward(self, grad_output):
        for number in range(len(self.layers) - 1, -1, -1):
            grad_output = self.layers[number].backward(grad_output)
        return grad_output

    def step(self, lr):
        for layer in self.layers:
            for name in ("weight", "bias"):
                if vars(layer).get(name) is not None:
                    vars(layer)[name] -= lr * vars(layer)[f"grad_{name}"]


class NetworkByRecursion:
    def __init__(self, layers):
        self.first, self.rest = layers[0], NetworkByRecursion(layers[1:]) if layers[1:] else None

    def forward(self, x):
        y = self.first.forward(x)
        return self.rest.forward(y) if self.rest else y

    def backward(self, grad_output):
        return self.first.backward(self.rest.backward(grad_output) if self.rest else grad_output)

    def step(self, lr):
        if hasattr(self.first, "weight"):
            self.first.weight = self.first.weight - lr * self.first.grad_weight
            self.first.bias = self.first.bias - lr * self.first.grad_bias if torch.is_tensor(self.first.bias) else None
        if self.rest:
            self.rest.step(lr)


class NetworkThatAsksForgiveness:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        self.outputs = [x]
        for layer in self.layers:
            self.outputs.append(layer.forward(self.outputs[-1]))
        return self.outputs[-1]

    def backward(self, grad_output):
        for layer in self.layers[::-1]:
            grad_output = layer.backward(grad_output)
        return grad_output

    def step(self, lr):
        for layer in self.layers:
            try:
                layer.weight.sub_(layer.grad_weight, alpha=lr)
                layer.bias.sub_(layer.grad_bias, alpha=lr)
            except AttributeError:
                continue


def fit_in_numpy(x, y, seed):
    random = np.random.default_rng(seed)
    images, onehot = x.cpu().numpy(), np.eye(10, dtype=np.float32)[y.cpu().numpy()]
    w1, w2 = (random.normal(0, math.sqrt(2 / i), (i, o)).astype(np.float32) for i, o in [(64, 48), (48, 10)])
    b1, b2 = np.zeros(48, np.float32), np.zeros(10, np.float32)
    for step in range(2000):
        rows = random.choice(len(images), 32, replace=False)
        lr = 0.3 * (1 - step / 2000)
        a = np.maximum(images[rows] @ w1 + b1, 0)
        z = a @ w2 + b2
        p = np.exp(z - z.max(1, keepdims=True))
        g = (p / p.sum(1, keepdims=True) - onehot[rows]) / len(rows)
        h = g @ w2.T * (a > 0)
        w2 -= lr * a.T @ g
        b2 -= lr * g.sum(0)
        w1 -= lr * images[rows].T @ h
        b1 -= lr * h.sum(0)
    return lambda x: torch.from_numpy(np.maximum(x.cpu().numpy() @ w1 + b1, 0) @ w2 + b2).to(x.device)


class fit_with_momentum:
    """An object to call, in float64 inside, with three layers, momentum, and epochs that leave out the last, smaller batch."""

    def __init__(self, x, y, seed):
        generator = torch.Generator(x.device).manual_seed(seed)
        sizes, options = [64, 32, 32, 10], {"generator": generator, "dtype": torch.float64, "device": x.device}
        self.parameters = [
            (torch.randn(o, i, **options) * math.sqrt(2 / i), torch.zeros(o, dtype=torch.float64, device=x.device))
            for i, o in zip(sizes, sizes[1:])
        ]
        speeds = [[torch.zeros_like(parameter) for parameter in pair] for pair in self.parameters]
        for epoch in range(20):
            order = torch.randperm(len(x), generator=generator, device=x.device)
            for rows in order[: len(x) // 32 * 32].split(32):
                inputs, logits = self.run(x[rows].double())
                gradient = logits.softmax(1)
                gradient[torch.arange(len(rows), device=x.device), y[rows]] -= 1
                gradient = gradient / len(rows)
                for (weight, bias), speed, a in zip(self.parameters[::-1], speeds[::-1], inputs[::-1]):
                    found = gradient.T @ a, gradient.sum(0)
                    gradient = gradient @ weight * (a > 0)
                    for parameter, pace, slope in zip((weight, bias), speed, found):
                        pace.mul_(0.9).add_(slope)
                        parameter.sub_(pace, alpha=0.03 * (1 - epoch / 20))

    def run(self, a):
        """The input of every layer, and the logits."""
        *hidden, (weight, bias) = self.parameters
        inputs = [a]
        for w, b in hidden:
            inputs.append((inputs[-1] @ w.T + b).relu())
        return inputs, inputs[-1] @ weight.T + bias

    def __call__(self, x):
        return self.run(x.double())[1].float()


def fit_tanh_on_centred_images(x, y, seed):
    torch.manual_seed(seed)
    generator = torch.Generator(x.device).manual_seed(int(torch.randint(2**31, ())))
    mean = x.mean(0)
    w1, w2 = (
        (2 * torch.rand(o, i + 1, generator=generator, device=x.device) - 1) / math.sqrt(i) for i, o in [(64, 40), (40, 10)]
    )
    with_one = lambda rows: torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
    hidden = lambda rows: with_one((with_one(rows - mean) @ w1.T).tanh())
    onehot = torch.zeros(len(y), 10, device=x.device).scatter_(1, y[:, None], 1.0)
    for _ in range(20):
        for rows in torch.randperm(len(x), generator=generator, device=x.device).split(32):
            a = hidden(x[rows])
            gradient = ((a @ w2.T).softmax(1) - onehot[rows]) / len(rows)
            back = (gradient @ w2 * (1 - a**2))[:, :-1]
            w2 -= 0.3 * gradient.T @ a
            w1 -= 0.3 * back.T @ with_one(x[rows] - mean)
    return lambda x: hidden(x) @ w2.T


RIGHT = {
    "LinearLayer": (LayerByEinsum, LayerThatFlattens, LayerRowByRow),
    "ReLULayer": (ReluByWhere, ReluByMaximum, ReluByMultiplying, ReluByMasking),
    "CrossEntropy": (LossByLogSoftmax, LossByHand, LossRowByRow),
    "Network": (NetworkByIndex, NetworkByRecursion, NetworkThatAsksForgiveness),
    "fit": (fit_in_numpy, fit_with_momentum, fit_tanh_on_centred_images),
}
