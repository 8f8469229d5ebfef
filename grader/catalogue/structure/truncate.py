"""Task truncate."""

import torch
from torch import nn

from ...spec import Task


def truncate_reference(layer, rank):
    U, S, Vh = torch.linalg.svd(layer.weight.detach(), full_matrices=False)
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
    first, second = nn.Linear(layer.in_features, rank, bias=False, **like), nn.Linear(rank, layer.out_features, bias=layer.bias is not None, **like)
    with torch.no_grad():
        first.weight.copy_(S[:rank].sqrt().diag() @ Vh[:rank])
        second.weight.copy_(U[:, :rank] @ S[:rank].sqrt().diag())
        if layer.bias is not None:
            second.bias.copy_(layer.bias)
    return nn.Sequential(first, second)


truncate = Task(
    "truncate",
    reference=truncate_reference,
    section="structure-svd",
    tolerance=(1e-4, 1e-4),
    tolerance_reason="singular vectors found as eigenvectors of W Wᵀ in float32 lose some digits, and are right",
    hints=(
        "Which of the singular values does the best approximation of that rank keep, and with them which columns of U and which rows of Vᵀ? Which Linear is applied first?",
        "U, S, Vh = torch.linalg.svd(weight, full_matrices=False). The first weight is made of Vh[:rank], the second of U[:, :rank], and S[:rank] goes into either one, "
        "or its root "
        "into both. Copy into the weights of new Linears, in torch.no_grad().",
    ),
)


@truncate.probe(points=2, zero="more_I more_O")
def gives_the_best_product(truncate, bench, rank=2, more_I=4, more_O=3, dtype=torch.float32):
    """A weight of rank + more_O rows and rank + more_I columns whose singular values are ..., 3, 2, 1, in a random basis: the product of the two weights, and y of x (4, I)."""
    I, O = rank + more_I, rank + more_O
    values = torch.arange(min(I, O), 0, -1, dtype=torch.float64, device=bench.device)
    left, right = (torch.linalg.qr(bench.randn(size, len(values), dtype=torch.float64))[0] for size in (O, I))
    layer = nn.Linear(I, O, device=bench.device, dtype=dtype)
    layer.weight.data.copy_(left * values @ right.T)
    layer.bias.data.copy_(bench.randn(O))
    two = truncate(layer, rank)
    return {"the product of its weights": two[1].weight @ two[0].weight, "y": two(bench.randn(4, I, dtype=dtype))}


@truncate.probe(points=1)
def makes_two_linears(truncate, bench):
    """Layers of random sizes with a bias and without, in float32 and float64: the parts, the parameters, the bias."""
    answers = {}
    for dtype, bias in [(torch.float32, True), (torch.float64, True), (torch.float64, False)]:
        rank, I, O = bench.size(2, 4), bench.size(5, 9), bench.size(5, 9)
        layer = nn.Linear(I, O, bias=bias, device=bench.device, dtype=dtype)
        layer.weight.data.copy_(bench.randn(O, I))
        if bias:
            layer.bias.data.copy_(bench.randn(O))
        two = truncate(layer, rank)
        answers[f"Linear({I}, {O}, bias={bias}), {dtype}, rank {rank}"] = {
            "an nn.Sequential": "yes" if isinstance(two, nn.Sequential) else "no",
            "its parts": [f"nn.Linear, {part.in_features} to {part.out_features}" if isinstance(part, nn.Linear) else type(part).__name__ for part in two],
            "its parameters": {name: f"{tuple(p.shape)} {p.dtype}, {'learns' if p.requires_grad else 'frozen'}" for name, p in two.named_parameters()},
            "its last bias": "None" if two[-1].bias is None else two[-1].bias,
        }
    return answers


@truncate.probe(points=1)
def shares_nothing_with_the_layer(truncate, bench):
    """The caller sets all parameters of the two to 0: the layer's are as they were. Then those of another layer: its two give the same y."""
    layer, other = (nn.Linear(4, 3, device=bench.device, dtype=torch.float64) for _ in range(2))
    for each in (layer, other):
        each.weight.data.copy_(bench.randn(3, 4))
        each.bias.data.copy_(bench.randn(3))
    two, others = truncate(layer, 3), truncate(other, 3)
    for p in (*two.parameters(), *other.parameters()):
        p.data.zero_()
    return {"the layer's parameters": list(layer.parameters()), "y of the other two": others(bench.randn(2, 4, dtype=torch.float64))}


# fmt: off
truncate.mistake("leaves_out_the_singular_values", {"S[:rank, None] * Vh": "Vh"},
    "You leave the singular values out. Each of the directions that you keep has its σ as a factor.")
truncate.mistake("takes_roots_on_one_side_only", {"S[:rank, None]": "S[:rank, None].sqrt()"},
    "You put √σ into one of the two weights and nothing into the other. Put σ into one, or √σ into both: the product needs σ.")
truncate.mistake("puts_the_values_into_both", {"U[:, :rank]": "U[:, :rank] * S[:rank]"},
    "You multiply both weights by the singular values: their product then has σ². Put σ into one, or √σ into both.")
truncate.mistake("keeps_the_smallest", {"S[:rank, None]": "S[-rank:, None]", "Vh[:rank]": "Vh[-rank:]", "U[:, :rank]": "U[:, -rank:]"},
    "You keep the smallest singular values. torch.linalg.svd puts the largest first: the best approximation keeps those.")
truncate.mistake("takes_vh_for_v", {"Vh[:rank]": "Vh.T[:rank, : layer.in_features]", "full_matrices=False": "full_matrices=True"},
    "You read Vh as V. torch.linalg.svd returns Vᵀ: the right singular vectors are its rows, Vh[:rank].")
truncate.mistake("takes_rows_of_u", {"U[:, :rank]": "U.T[:, :rank]", "full_matrices=False": "full_matrices=True"},
    "You take rows of U. The left singular vectors are its columns, U[:, :rank].")
truncate.mistake("zeroes_entries", {"S[:rank, None] * Vh[:rank]": "layer.weight[:rank]", "U[:, :rank]": "torch.eye(layer.out_features, rank)"},
    "You keep the first rows of the weight and set the others to zero. That has the rank, but there are products nearer to the weight: take its singular vectors.")
truncate.mistake("forgets_the_bias", {"bias=layer.bias is not None": "bias=False", "if layer.bias is not None:\n": "if False:\n"},
    "You lose the layer's bias. It belongs into the second Linear.")
truncate.mistake("leaves_the_bias_as_drawn", {"second.bias.copy_(layer.bias)": "pass"},
    "The second Linear's bias is the one that it was born with. Copy the layer's.")
truncate.mistake("gives_the_first_one_a_bias", {"rank, bias=False": "rank"},
    "Your first Linear has a bias of random numbers, which the second one multiplies. Only the last has one: bias=False.")
truncate.mistake("always_has_a_bias", {", bias=layer.bias is not None": ""},
    "Your second Linear has a bias even where the layer has none.")
truncate.mistake("shares_the_bias", {"second.bias.copy_(layer.bias)": "second.bias = layer.bias"},
    "Your second Linear's bias is the layer's own: whoever changes one changes the other. Copy its numbers.")
truncate.mistake("multiplies_in_the_wrong_order", {"nn.Sequential(first, second)": "nn.Sequential(second, first)"},
    "Your Linears stand in the wrong order. x goes through the first one first: from I to rank, then from rank to O.", raises=RuntimeError)
truncate.mistake("makes_them_in_the_default_dtype", {"device=layer.weight.device, dtype=layer.weight.dtype": "device=layer.weight.device"},
    "Your Linears have torch's default dtype, whatever the layer's. Give them layer.weight.dtype.")
truncate.mistake("returns_one_linear", {"return nn.Sequential(first, second)":
    "one = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None, **like)\n    "
    "one.weight = nn.Parameter((second.weight @ first.weight).detach())\n    return nn.Sequential(nn.Identity(), one)"},
    "You multiply the two factors out: that weight has O · I numbers again. Return the two Linears.", raises=AttributeError)
