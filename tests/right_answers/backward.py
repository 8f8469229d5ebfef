"""Right answers to exercise 03, each by another road."""

import math

import torch
import torch.nn.functional as F


def weight_by_einsum(grad_output, x):
    return torch.einsum("...o,...i->oi", grad_output, x)


def weight_row_by_row(grad_output, x):
    total = x.new_zeros(grad_output.shape[-1], x.shape[-1])
    for gradient, row in zip(grad_output.reshape(-1, grad_output.shape[-1]), x.reshape(-1, x.shape[-1])):
        total += torch.outer(gradient, row)
    return total


def weight_by_broadcasting(grad_output, x):
    products = grad_output.unsqueeze(-1) * x.unsqueeze(-2)
    return products.reshape(-1, *products.shape[-2:]).sum(0)


def weight_by_tensordot(grad_output, x):
    lead = list(range(x.dim() - 1))
    return torch.tensordot(grad_output, x, dims=(lead, lead))


def bias_by_flattening(grad_output):
    return grad_output.flatten(0, -2).sum(0) if grad_output.dim() > 1 else grad_output


def bias_axis_by_axis(grad_output):
    while grad_output.dim() > 1:
        grad_output = grad_output.sum(0)
    return grad_output


def bias_as_the_weight_of_a_one(grad_output):
    rows = grad_output.reshape(-1, grad_output.shape[-1])
    return rows.new_ones(len(rows)) @ rows


def bias_output_by_output(grad_output):
    return torch.stack([column.sum() for column in grad_output.unbind(-1)])


def input_by_einsum(grad_output, weight):
    return torch.einsum("...o,oi->...i", grad_output, weight)


def input_by_broadcasting(grad_output, weight):
    return (grad_output[..., None] * weight).sum(-2)


def input_by_flattening(grad_output, weight):
    rows = torch.mm(weight.t(), grad_output.reshape(-1, weight.shape[0]).t()).t()
    return rows.reshape(grad_output.shape[:-1] + weight.shape[1:])


def input_output_by_output(grad_output, weight):
    return sum(grad_output[..., o, None] * row for o, row in enumerate(weight))


def slopes_along_the_unit_matrix(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    slopes = [(f(x + step) - f(x - step)) / (2 * eps) for step in steps]
    return torch.stack(slopes).reshape(x.shape)


def slopes_by_stepping_and_restoring(f, x, eps=1e-6):
    gradient = torch.empty_like(x)
    for index in torch.cartesian_prod(*map(torch.arange, x.shape)).reshape(-1, x.dim()).tolist() if x.dim() else [[]]:
        index = tuple(index)
        value = x[index].item()
        x[index] = value + eps
        above = f(x)
        x[index] = value - eps
        below = f(x)
        x[index] = value
        gradient[index] = (above - below) / eps / 2
    return gradient


def slopes_of_a_flat_copy(f, x, eps=1e-6):
    flat = x.clone(memory_format=torch.contiguous_format).view(-1)
    slopes = []
    for number in range(len(flat)):
        flat[number] += eps
        above = f(flat.view(x.shape)).item()
        flat[number] -= 2 * eps
        below = f(flat.view(x.shape)).item()
        flat[number] += eps
        slopes.append((above - below) / (2 * eps))
    return torch.tensor(slopes, dtype=x.dtype, device=x.device).reshape(x.shape)


class FunctionByFlattening(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        for_x, for_weight, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if for_weight else None, weight if for_x else None)
        rows = x.reshape(-1, x.shape[-1])
        y = rows.mm(weight.t()) if bias is None else torch.addmm(bias, rows, weight.t())
        return y.reshape(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        rows = grad_output.reshape(-1, grad_output.shape[-1])
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = rows.mm(weight).reshape(*grad_output.shape[:-1], weight.shape[1])
        if ctx.needs_input_grad[1]:
            grad_weight = rows.t().mm(x.reshape(-1, x.shape[-1]))
        if ctx.needs_input_grad[2]:
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


class FunctionWithASetup(torch.autograd.Function):
    """The newer style: forward without ctx, and setup_context."""

    @staticmethod
    def forward(x, weight, bias):
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, _ = inputs
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight if ctx.needs_input_grad[0] else None)

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        return (
            None if weight is None else torch.einsum("...o,oi->...i", grad_output, weight),
            None if x is None else torch.einsum("...o,...i->oi", grad_output, x),
            torch.einsum("...o->o", grad_output) if ctx.needs_input_grad[2] else None,
        )


class FunctionThatSavesByName(torch.autograd.Function):
    """Saves only what exists, and remembers which it was; leaves the sum over rows for the bias to autograd's broadcasting rule."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        kept = {}
        if ctx.needs_input_grad[0]:
            kept["weight"] = weight
        if ctx.needs_input_grad[1]:
            kept["x"] = x
        ctx.names = list(kept)
        ctx.save_for_backward(*kept.values())
        return torch.matmul(x, weight.mT) + (0 if bias is None else bias)

    @staticmethod
    def backward(ctx, grad_output):
        kept = dict(zip(ctx.names, ctx.saved_tensors))
        grad_x = torch.matmul(grad_output, kept["weight"]) if "weight" in kept else None
        grad_weight = None
        if "x" in kept:
            products = grad_output[..., :, None] * kept["x"][..., None, :]
            grad_weight = products.reshape(-1, *products.shape[-2:]).sum(0)
        return grad_x, grad_weight, grad_output if ctx.needs_input_grad[2] else None


def mlp_by_logsumexp(x, target, w1, b1, w2, b2):
    h = x @ w1.T + b1
    a = torch.where(h > 0, h, 0)
    z = a @ w2.T + b2
    rows = torch.arange(len(x), device=x.device)
    log_p = z - torch.logsumexp(z, dim=1, keepdim=True)
    dz = log_p.exp()
    dz[rows, target] -= 1
    dz /= len(x)
    dh = dz @ w2
    dh[h <= 0] = 0
    return -log_p[rows, target].mean(), dh.T @ x, dh.sum(0), dz.T @ a, dz.sum(0)


def mlp_by_cross_entropy(x, target, w1, b1, w2, b2):
    a = F.relu(F.linear(x, w1, b1))
    z = F.linear(a, w2, b2)
    onehot = torch.zeros_like(z).scatter_(1, target[:, None], 1.0)
    upstream = (F.softmax(z, dim=-1) - onehot) / x.shape[0]
    gate = a.sign()
    back = torch.einsum("bk,kh->bh", upstream, w2) * gate
    return (
        F.cross_entropy(z, target), torch.einsum("bh,bi->hi", back, x), back.sum(dim=0),
        torch.einsum("bk,bh->kh", upstream, a), upstream.sum(dim=0),
    )


def mlp_sample_by_sample(x, target, w1, b1, w2, b2):
    loss, gradients = 0.0, [torch.zeros_like(parameter) for parameter in (w1, b1, w2, b2)]
    for sample, right in zip(x, target.tolist()):
        h = w1 @ sample + b1
        a = h.clamp(min=0)
        z = w2 @ a + b2
        largest = z.max()
        exponentials = [math.exp(score - largest) for score in z]
        loss += (math.log(sum(exponentials)) + largest - z[right]) / len(x)
        dz = torch.tensor(exponentials, dtype=x.dtype, device=x.device) / sum(exponentials)
        dz[right] -= 1
        dh = (w2.T @ dz) * (h > 0)
        for total, part in zip(gradients, (torch.outer(dh, sample), dh, torch.outer(dz, a), dz)):
            total += part / len(x)
    return loss, *gradients


RIGHT = {
    "grad_weight": (weight_by_einsum, weight_row_by_row, weight_by_broadcasting, weight_by_tensordot),
    "grad_bias": (bias_by_flattening, bias_axis_by_axis, bias_as_the_weight_of_a_one, bias_output_by_output),
    "grad_input": (input_by_einsum, input_by_broadcasting, input_by_flattening, input_output_by_output),
    "numerical_grad": (slopes_along_the_unit_matrix, slopes_by_stepping_and_restoring, slopes_of_a_flat_copy),
    "LinearFunction": (FunctionByFlattening, FunctionWithASetup, FunctionThatSavesByName),
    "mlp_backward": (mlp_by_logsumexp, mlp_by_cross_entropy, mlp_sample_by_sample),
}
