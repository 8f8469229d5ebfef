"""Right answers to exercise 11, each by another road."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def bfloat16_by_the_nearer_neighbour(x):
    bits = x.view(torch.int32)
    below = bits & -0x10000
    above = below + 0x10000
    cut = bits & 0xFFFF
    goes_up = (cut > 0x8000) | ((cut == 0x8000) & ((below >> 16) % 2 == 1))
    rounded = torch.where(goes_up & x.isfinite(), above, below).view(torch.float32)
    return torch.where(x != x, math.nan, rounded)


def bfloat16_by_exponents(x):
    wide = x.double()
    exponent = torch.frexp(x)[1].clamp(min=-125).double()
    step = torch.exp2(exponent - 8)
    rounded = torch.where(wide.isfinite(), (wide / step).round() * step, wide).float()
    return rounded.copysign(x)


def bfloat16_by_numpy(x):
    numbers = x.cpu().numpy()
    bits = numbers.ravel().view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    rounded = bits.astype(np.uint32).view(np.float32).reshape(numbers.shape)
    return torch.from_numpy(np.where(np.isnan(numbers), numbers, rounded)).to(x.device)


def accumulate_by_columns(terms, chunk):
    total = terms.new_zeros(terms.shape[:-1], dtype=torch.float32)
    running = torch.zeros_like(total).bfloat16()
    for place in range(terms.shape[-1]):
        if place % chunk == 0:
            total, running = total + running.float(), torch.zeros_like(running)
        running = running + terms[..., place]
    return total + running.float()


def accumulate_all_chunks_at_once(terms, chunk):
    padded = F.pad(terms, (0, -terms.shape[-1] % chunk))
    chunks = padded.unflatten(-1, (-1, chunk)) if padded.numel() else padded.new_zeros(*terms.shape[:-1], 1, chunk)
    running = torch.zeros_like(chunks[..., 0])
    for place in range(min(chunk, terms.shape[-1])):
        running += chunks[..., place]
    return running.float().sum(-1)


def accumulate_in_rounded_float32(terms, chunk):
    total = torch.zeros(terms.shape[:-1], dtype=torch.float64, device=terms.device)
    for start in range(0, terms.shape[-1], chunk):
        running = torch.zeros(terms.shape[:-1], device=terms.device)
        for place in range(start, min(start + chunk, terms.shape[-1])):
            running = (running + terms[..., place].float()).to(torch.bfloat16).float()
        total += running
    return total.to(torch.float32)


class AutocastLinearByProduct(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(out_features, in_features) - 0.5)
        self.register_parameter("bias", nn.Parameter(torch.rand(out_features)) if bias else None)

    def forward(self, x):
        y = x.to(torch.bfloat16) @ self.weight.to(torch.bfloat16).T
        return y if self.bias is None else y + self.bias.to(torch.bfloat16)


class AutocastLinearInFloat32(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.randn(out_features)) if bias else None

    def forward(self, x):
        x, weight, bias = (t if t is None else t.bfloat16().float() for t in (x, self.weight, self.bias))
        return F.linear(x, weight, bias).bfloat16()


class AutocastLinearWithABackward(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(out_features, in_features))
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.ones(out_features))

    def forward(self, x):
        class Product(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, weight):
                x, weight = x.bfloat16(), weight.bfloat16()
                ctx.save_for_backward(x, weight)
                return x @ weight.mT

            @staticmethod
            def backward(ctx, grad_output):
                x, weight = ctx.saved_tensors
                rows = grad_output.reshape(-1, grad_output.shape[-1])
                grad_weight = rows.mT @ x.reshape(-1, x.shape[-1])
                return grad_output @ weight, grad_weight  # autograd gives each its tensor's dtype

        y = Product.apply(x, self.weight)
        return y if self.bias is None else torch.add(y, self.bias.bfloat16())


class ScalerThatLooksFirst:
    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000):
        self.value, self.up, self.down, self.interval = float(init_scale), growth_factor, backoff_factor, growth_interval
        self.since, self.overflow = 0, []

    def scale(self, loss):
        return self.value * loss

    def step(self, optimizer):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        self.overflow.append(any(not torch.isfinite(gradient).all().item() for gradient in gradients))
        if self.overflow[-1]:
            return
        for gradient in gradients:
            gradient *= 1 / self.value
        return optimizer.step()

    def update(self):
        if any(self.overflow):
            self.value, self.since = self.value * self.down, 0
        elif self.since + 1 == self.interval:
            self.value, self.since = self.value * self.up, 0
        else:
            self.since += 1
        self.overflow = []

    def get_scale(self):
        return self.value


class ScalerInATensor:
    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000):
        self.factor = torch.tensor(init_scale, dtype=torch.float32)
        self.growth_factor, self.backoff_factor = growth_factor, backoff_factor
        self.growth_interval = self.left = growth_interval
        self.worst = 0.0

    def scale(self, loss):
        return torch.mul(loss, self.factor.to(loss.device))

    @torch.no_grad()
    def step(self, optimizer):
        bad = 0.0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.copy_(parameter.grad / self.factor.to(parameter.device))
                    bad += (parameter.grad - parameter.grad).abs().sum().item()
        if bad == 0:
            optimizer.step()
        self.worst += bad

    def update(self):
        if self.worst != 0:
            self.factor = self.factor * self.backoff_factor
            self.left = self.growth_interval
        else:
            self.left -= 1
        if self.left == 0:
            self.factor = self.factor * self.growth_factor
            self.left = self.growth_interval
        self.worst = 0.0

    def get_scale(self):
        return self.factor.item()


class ScalerThatKeepsBooks:
    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000):
        self.now = init_scale
        self.factors = {"grow": growth_factor, "back off": backoff_factor, "stay": 1.0}
        self.interval, self.book, self.skips = growth_interval, [], set()

    def scale(self, loss):
        return loss.mul(self.now)

    def step(self, optimizer):
        found = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        torch._foreach_div_([p.grad for p in found], self.now)
        if torch.cat([p.grad.flatten() for p in found]).isfinite().all():
            optimizer.step()
        else:
            self.skips.add(id(optimizer))

    def update(self):
        self.book.append("bad" if self.skips else "good")
        self.skips.clear()
        deed = "back off" if self.book[-1] == "bad" else "grow" if self.book[-self.interval :] == ["good"] * self.interval else "stay"
        self.now *= self.factors[deed]
        if deed != "stay":
            self.book.clear()

    def get_scale(self):
        return float(self.now)


def master_step_by_add(weight, master, grad, lr):
    with torch.no_grad():
        master.add_(grad, alpha=-lr)
        weight.copy_(master)


def master_step_in_float64(weight, master, grad, lr):
    stepped = master.double() - lr * grad.double()
    master.data[:] = stepped.float()
    weight.data[:] = master.data.to(torch.bfloat16)


@torch.no_grad()
def master_step_by_sub(weight, master, grad, lr):
    torch.sub(master, grad.to(master.dtype), alpha=lr, out=master)
    weight.zero_().add_(master.bfloat16())


def fp8_by_dequantizing(x, weight, bias):
    def rounded(tensor):
        amax = max(tensor.max(), -tensor.min())
        scale = amax / torch.finfo(torch.float8_e4m3fn).max if amax else 1.0
        return (tensor / scale).to(torch.float8_e4m3fn).to(torch.float32) * scale

    return F.linear(rounded(x), rounded(weight), bias)


def fp8_by_reciprocals(x, weight, bias):
    factors = [448 / amax if amax > 0 else 1.0 for amax in (x.abs().max().item(), weight.abs().max().item())]
    x8, w8 = ((t * factor).to(torch.float8_e4m3fn).float() for t, factor in zip((x, weight), factors))
    y = torch.einsum("bi,oi->bo", x8, w8) / factors[0] / factors[1]
    return y + (0 if bias is None else bias)


def fp8_by_a_table(x, weight, bias):
    positive = [m / 512 for m in range(8)] + [(1 + m / 8) * 2.0**e for e in range(-6, 9) for m in range(8)][:-1]
    table = torch.tensor(positive, dtype=torch.float64, device=x.device)
    products = []
    for tensor in (x, weight):
        scale = tensor.abs().max().double() / 448
        scale = torch.where(scale == 0, 1.0, scale)
        nearest = (tensor.abs().double()[..., None] / scale - table).abs().argmin(-1)
        products.append(table[nearest] * tensor.sign() * scale)
    y = products[0] @ products[1].T
    return (y if bias is None else y + bias).float()


RIGHT = {
    "to_bfloat16": (bfloat16_by_the_nearer_neighbour, bfloat16_by_exponents, bfloat16_by_numpy),
    "accumulate": (accumulate_by_columns, accumulate_all_chunks_at_once, accumulate_in_rounded_float32),
    "AutocastLinear": (AutocastLinearByProduct, AutocastLinearInFloat32, AutocastLinearWithABackward),
    "GradScaler": (ScalerThatLooksFirst, ScalerInATensor, ScalerThatKeepsBooks),
    "master_step": (master_step_by_add, master_step_in_float64, master_step_by_sub),
    "fp8_linear": (fp8_by_dequantizing, fp8_by_reciprocals, fp8_by_a_table),
}
