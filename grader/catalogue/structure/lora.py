"""Task LoRALinear."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class LoRALinearReference(nn.Module):
    def __init__(self, layer, rank, alpha):
        super().__init__()
        self.layer, self.times = layer.requires_grad_(False), 0
        self.scale, weight = alpha / rank, layer.weight
        self.lora_A = nn.Parameter(torch.randn(rank, layer.in_features, device=weight.device, dtype=weight.dtype))
        self.lora_B = nn.Parameter(torch.zeros(layer.out_features, rank, device=weight.device, dtype=weight.dtype))

    def forward(self, x):
        added = 0 if self.times else self.scale * self.lora_B @ self.lora_A
        return F.linear(x, self.layer.weight + added, self.layer.bias)

    def merge(self):
        self._merged(1)

    def unmerge(self):
        self._merged(0)

    def _merged(self, times):
        self.layer.weight.data += (times - self.times) * self.scale * self.lora_B.data @ self.lora_A.data
        self.times = times


LoRALinear = Task(
    "LoRALinear",
    reference=LoRALinearReference,
    section="structure-lora",
    tolerance=(1e-4, 1e-4),
    tolerance_reason="merged and taken out again in float32, a weight is rounded twice",
    hints=(
        "Which of the numbers learn, and how does a parameter say so? What has forward to add before merge(), and what after it? Something must remember which it is.",
        "layer.requires_grad_(False) freezes all of it. Make both factors with layer.weight.new_empty(...) or new_zeros(...) in nn.Parameter. merge, in torch.no_grad(), adds "
        "alpha / rank · lora_B @ lora_A to layer.weight in place, only where it is not there yet; unmerge subtracts it, only where it is.",
    ),
)


@LoRALinear.probe(points=1)
def starts_as_the_layer(LoRALinear, bench):
    """Layers of random sizes: the factors, what learns, whether lora_A is random, y; then y once the caller has changed the given layer's weight."""
    answers = {}
    for bias, dtype in [(True, torch.float32), (False, torch.float64)]:
        I, O, rank = bench.size(20, 29), bench.size(10, 19), bench.size(2, 5)
        layer, other = (nn.Linear(I, O, bias=bias, device=bench.device, dtype=dtype) for _ in range(2))
        for p in layer.parameters():
            p.data.copy_(bench.randn(*p.shape))
        alpha, x, mode = bench.size(1, 9), bench.randn(3, I, dtype=dtype), torch.get_deterministic_debug_mode()
        torch.set_deterministic_debug_mode("warn")  # memory that is only allocated is filled with NaN, not left to chance
        try:
            lora, second = LoRALinear(layer, rank, alpha), LoRALinear(other, rank, 1)
        finally:
            torch.set_deterministic_debug_mode(mode)
        found = {
            "lora_A": f"{tuple(lora.lora_A.shape)} {lora.lora_A.dtype}",
            "lora_B": lora.lora_B,
            "what learns": sorted(name for name, p in lora.named_parameters() if p.requires_grad),
            "two layers' lora_A": bench.pair(lora.lora_A, second.lora_A, "the same numbers", "others"),
            "y": lora(x),
        }
        layer.weight.data.copy_(bench.randn(O, I))
        answers[f"Linear({I}, {O}, bias={bias}), {dtype}, rank {rank}"] = {**found, "y, with another weight in the given layer": lora(x)}
    return answers


@LoRALinear.probe(points=1, zero="B")
def adds_the_product_of_the_factors(LoRALinear, bench, B=4, I=5, O=3, rank=2, dtype=torch.float32):
    """Random numbers in layer, lora_A and lora_B: y for x without leading dimensions, with one, with two."""
    layer, alpha = nn.Linear(I, O, device=bench.device, dtype=dtype), bench.size(3, 9)
    lora = LoRALinear(layer, rank, alpha)
    for p, shape in [(layer.weight, (O, I)), (layer.bias, (O,)), (lora.lora_A, (rank, I)), (lora.lora_B, (O, rank))]:
        p.data.copy_(bench.randn(*shape))
    return {f"x {shape}, alpha={alpha}": lora(bench.randn(*shape, dtype=dtype)) for shape in [(B, I), (I,), (2, B, I)]}


@LoRALinear.probe(points=2)
def learns_in_its_factors_alone(LoRALinear, bench, B=4, I=5, O=3, rank=2):
    """The gradients of x (2, B, I) and of both factors, for a random grad_output; the layer's parameters get none."""
    layer, alpha = nn.Linear(I, O, device=bench.device, dtype=torch.float64), bench.size(3, 9)
    lora = LoRALinear(layer, rank, alpha)
    for p, shape in [(layer.weight, (O, I)), (layer.bias, (O,)), (lora.lora_A, (rank, I)), (lora.lora_B, (O, rank))]:
        p.data.copy_(bench.randn(*shape))
    x = bench.randn(2, B, I, dtype=torch.float64).requires_grad_()
    lora(x).backward(bench.randn(2, B, O, dtype=torch.float64))
    return {
        "of x": x.grad, "of lora_A": lora.lora_A.grad, "of lora_B": lora.lora_B.grad,
        "of the layer": ["none" if p.grad is None else p.grad for p in layer.parameters()],
    }


@LoRALinear.probe(points=2)
def merges_and_unmerges(LoRALinear, bench, B=4, I=5, O=3, rank=2, dtype=torch.float32):
    """unmerge, merge, merge, unmerge, unmerge, new factors, merge: each time layer.weight, y of x (B, I) and the gradient of x; at last the FLOPs of a merged
    forward, the factors, what learns."""
    from torch.utils.flop_counter import FlopCounterMode

    layer, answers = nn.Linear(I, O, device=bench.device, dtype=dtype), {}
    lora, x = LoRALinear(layer, rank, bench.size(3, 9)), bench.randn(B, I, dtype=dtype).requires_grad_()
    parts = [(layer.weight, (O, I)), (layer.bias, (O,)), (lora.lora_A, (rank, I)), (lora.lora_B, (O, rank))]
    for p, shape in parts:
        p.data.copy_(bench.randn(*shape))
    for step, call in enumerate(["unmerge", "merge", "merge", "unmerge", "unmerge", "new factors", "merge"], 1):
        if call == "new factors":
            for p, shape in parts[2:]:
                p.data.copy_(bench.randn(*shape))
        else:
            getattr(lora, call)()
        y = lora(x)
        gradient = torch.autograd.grad(y, x, bench.randn(B, O, dtype=dtype))[0]
        answers[f"{step}. {call}"] = {"layer.weight": layer.weight.detach().clone(), "y": y, "gradient of x": gradient}
    with FlopCounterMode(display=False) as counter:
        lora(x)
    answers["FLOPs of a merged forward"] = bench.band(counter.get_total_flops(), {"one Linear's": 2 * B * I * O + 1, "more than one Linear's": math.inf})
    learns = sorted(name for name, p in lora.named_parameters() if p.requires_grad)
    return answers | {"the factors": [lora.lora_A, lora.lora_B], "what learns": learns}


# fmt: off
LoRALinear.mistake("leaves_out_the_scale", {"alpha / rank": "1"}, "You add x Aᵀ Bᵀ as it is. Its factor is alpha / rank.")
LoRALinear.mistake("scales_by_alpha", {"alpha / rank": "alpha"}, "Your factor is alpha. It is alpha / rank: each entry of the product is a sum of rank terms.")
LoRALinear.mistake("divides_by_the_root", {"alpha / rank": "alpha / math.sqrt(rank)"},
    "Your factor is alpha / √rank, which is known, too (as rank-stabilised LoRA). Asked is alpha / rank.")
LoRALinear.mistake("starts_with_both_random", {"new_zeros(layer.out_features, rank)": "new_empty(layer.out_features, rank).normal_()"},
    "Both of your factors are random, so that the layer's outputs change before anything is learned. lora_B starts at zeros.")
LoRALinear.mistake("starts_with_both_zero", {"nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))": "nn.init.zeros_(self.lora_A)"},
    "Both of your factors are zero: the gradient of each has the other as a factor, so neither ever learns. lora_A is random.")
LoRALinear.mistake("leaves_a_factor_unfilled", {"nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))": "pass"},
    "You allocate lora_A and do not fill it: new_empty and torch.empty leave in it whatever the memory held, zeros or worse. Draw random numbers.")
LoRALinear.mistake("exchanges_the_starts", {"nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))": "nn.init.zeros_(self.lora_A)",
    "new_zeros(layer.out_features, rank)": "new_empty(layer.out_features, rank).normal_()"},
    "Your lora_A starts at zeros and lora_B at random numbers. It is asked the other way round: lora_A random, lora_B zeros.")
LoRALinear.mistake("shapes_them_for_x", {"new_empty(rank, layer.in_features)": "new_empty(layer.in_features, rank)",
    "new_zeros(layer.out_features, rank)": "new_zeros(rank, layer.out_features)",
    "x @ self.lora_A.T @ self.lora_B.T": "x @ self.lora_A @ self.lora_B",
    "self.layer.weight += self.scale * self.lora_B @ self.lora_A": "self.layer.weight += self.scale * (self.lora_A @ self.lora_B).T",
    "self.layer.weight -= self.scale * self.lora_B @ self.lora_A": "self.layer.weight -= self.scale * (self.lora_A @ self.lora_B).T"},
    "Your factors are stored as x meets them, (I, rank) and (rank, O). They are stored as Linears store weights, "
    "outputs first: lora_A (rank, I), lora_B (O, rank).", raises=RuntimeError)
LoRALinear.mistake("freezes_nothing", {"layer.requires_grad_(False)": "layer"}, "The given layer still learns. Freeze its parameters: requires_grad_(False).")
LoRALinear.mistake("freezes_the_weight_only", {"layer.requires_grad_(False)": "layer\n        layer.weight.requires_grad_(False)"},
    "You freeze the layer's weight, but not its bias. All that learns are the two factors.")
LoRALinear.mistake("copies_the_layer", {"self.layer = layer.requires_grad_(False)": "import copy\n\n        self.layer = copy.deepcopy(layer.requires_grad_(False))"},
    "You hold a copy of the layer. What is asked holds the given one: merge() changes its weight, and a weight loaded into it counts.")
LoRALinear.mistake("makes_the_factors_in_the_default_dtype",
    {"layer.weight.new_empty(rank, layer.in_features)": "torch.empty(rank, layer.in_features)",
    "layer.weight.new_zeros(layer.out_features, rank)": "torch.zeros(layer.out_features, rank)"},
    "Your factors have torch's default dtype, whatever the layer's. new_empty and new_zeros of its weight make tensors like it.", raises=RuntimeError)
LoRALinear.mistake("detaches_the_first_factor", {"x @ self.lora_A.T": "x @ self.lora_A.T.detach()"}, "You detach lora_A, so it never learns.")
LoRALinear.mistake("detaches_x", {"(x @ self.lora_A.T": "(x.detach() @ self.lora_A.T"},
    "You detach x on its way into the factors: the gradient of x lacks that part, and the layers before it learn wrongly.")
LoRALinear.mistake("adds_after_merging_too", {"y if self.merged else y + ": "y + "},
    "After merge() the product is in layer.weight, and your forward adds it once more.")
LoRALinear.mistake("merges_twice", {"if not self.merged:": "if True:"}, "A second merge() adds the product a second time. Look first whether it is there.")
LoRALinear.mistake("unmerges_what_is_not_merged", {"if self.merged:": "if True:"},
    "unmerge() subtracts the product even where it is not in the weight. Look first whether it is.")
LoRALinear.mistake("forgets_that_it_unmerged", {"self.merged = False\n": "pass\n"},
    "After unmerge() your layer still takes itself for merged: forward leaves the product out.")
LoRALinear.mistake("merges_without_the_scale", {"+= self.scale * ": "+= ", "-= self.scale * ": "-= "},
    "You merge B A without its factor. What forward adds is alpha / rank · x (B A)ᵀ.")
LoRALinear.mistake("merges_the_products_transpose", {"+= self.scale * self.lora_B @ self.lora_A": "+= self.scale * self.lora_A.T @ self.lora_B.T",
    "-= self.scale * self.lora_B @ self.lora_A": "-= self.scale * self.lora_A.T @ self.lora_B.T"},
    "You merge Aᵀ Bᵀ, of shape (I, O). The weight is (O, I): add B A.", raises=RuntimeError)
LoRALinear.mistake("merges_into_a_new_parameter", {"self.layer.weight += self.scale * self.lora_B @ self.lora_A":
    "self.layer.weight = nn.Parameter(self.layer.weight + self.scale * self.lora_B @ self.lora_A)"},
    "You put a new nn.Parameter into the layer, and that one learns. Add in place, or freeze it.")
LoRALinear.mistake("clears_a_factor", {"self.merged = True": "self.merged = True\n            self.lora_B.data.zero_()"},
    "merge() clears a factor, so unmerge() has nothing to subtract. Leave both as they are.")
LoRALinear.mistake("never_unmerges", {"self.layer.weight -= self.scale * self.lora_B @ self.lora_A": "pass"},
    "unmerge() leaves the product in the weight. Subtract what merge() added.")
