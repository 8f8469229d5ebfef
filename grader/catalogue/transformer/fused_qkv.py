"""Task fused_qkv."""

import torch
import torch.nn.functional as F

from ...spec import Task


def fused_qkv_reference(x, in_proj_weight, in_proj_bias):
    return F.linear(x, in_proj_weight, in_proj_bias).chunk(3, dim=-1)


fused_qkv = Task(
    "fused_qkv",
    reference=fused_qkv_reference,
    section="transformer-qkv",
    hints=(
        "The stacked weight is one Linear with 3D outputs. Which of the output's dimensions holds q, k and v side by side?",
        "Apply the whole layer once, as F.linear does, and cut its last dimension into three equal pieces with chunk.",
    ),
)


@fused_qkv.probe(points=1, zero="B T")
def gives_q_k_and_v(fused_qkv, bench, B=2, T=4, D=6, dtype=torch.float32):
    """x (B, T, D), in_proj_weight (3D, D) and in_proj_bias (3D,) give three tensors (B, T, D)."""
    q, k, v = fused_qkv(*(bench.randn(*shape, dtype=dtype) for shape in [(B, T, D), (3 * D, D), (3 * D,)]))
    return {"q": q, "k": k, "v": v}


@fused_qkv.probe(points=1)
def works_without_a_bias(fused_qkv, bench):
    """in_proj_bias=None; then a bias of zeros, and the gradients of the weight and of these zeros."""
    q, k, v = fused_qkv(bench.randn(2, 4, 6), bench.randn(18, 6), None)
    learned = [bench.randn(18, 6).requires_grad_(), torch.zeros(18, device=bench.device).requires_grad_()]
    parts = fused_qkv(bench.randn(2, 4, 6), *learned)
    gradients = torch.autograd.grad(sum((bench.randn(2, 4, 6) * part).sum() for part in parts), learned)
    return {"q": q, "k": k, "v": v, "gradients of in_proj_weight and of a bias of zeros": list(gradients)}


@fused_qkv.probe(points=1)
def keeps_every_leading_dimension(fused_qkv, bench):
    """One token alone, a single text, one dimension more, an empty one."""
    leads = [(), (4,), (2, 3, 4), (2, 0, 4)]
    answers = {}
    for lead in leads:
        q, k, v = fused_qkv(bench.randn(*lead, 6), bench.randn(18, 6), bench.randn(18))
        answers[f"x {(*lead, 6)}"] = {"q": q, "k": k, "v": v}
    return answers


@fused_qkv.probe(points=1)
def makes_one_product(fused_qkv, bench):
    """How many products the graph records for x (2, 4, 6): each keeps its x; then the gradients of in_proj_weight and in_proj_bias."""
    x, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(2, 4, 6), (18, 6), (18,)])
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.detach()) or t, lambda t: t):
        q, k, v = fused_qkv(x, weight.requires_grad_(), bias.requires_grad_())
    loss = sum((bench.randn(2, 4, 6, dtype=torch.float64) * part).sum() for part in (q, k, v))
    gradients = torch.autograd.grad(loss, (weight, bias))
    weight.data.zero_()
    sums = [float(t.abs().sum()) for t in kept]
    return {
        "sum over all that is kept but the weight": sum(sums),
        **dict(zip(["gradient of in_proj_weight", "gradient of in_proj_bias"], gradients)),
    }


@fused_qkv.impostor(
    "You make three products, one a projection. Stacked, the three weights are one Linear: multiply once, then cut the result."
)
def multiplies_three_times(x, in_proj_weight, in_proj_bias):
    biases = in_proj_bias.chunk(3) if in_proj_bias is not None else (None, None, None)
    return [F.linear(x, weight, bias) for weight, bias in zip(in_proj_weight.chunk(3), biases)]


# fmt: off
fused_qkv.mistake("exchanges_q_and_k", {"return ": "q, k, v = ", "dim=-1)": "dim=-1)\n    return k, q, v"},
    "You return k, q, v. The rows of in_proj_weight are q's first, then k's, then v's.")
fused_qkv.mistake("exchanges_q_and_v", {"dim=-1)": "dim=-1)[::-1]"}, "You return v, k, q. The rows of in_proj_weight are q's first, then k's, then v's.")
fused_qkv.mistake("deals_the_outputs_in_turn", {"return ": "y = ", ".chunk(3, dim=-1)": "\n    return y[..., 0::3], y[..., 1::3], y[..., 2::3]"},
    "You deal the outputs out in turn: 0 to q, 1 to k, 2 to v, 3 to q again. They lie in three runs: the first D outputs are q.")
fused_qkv.mistake("forgets_the_transpose", {"x, in_proj_weight, in_proj_bias).": "x, torch.cat([weight.T for weight in in_proj_weight.chunk(3)]), in_proj_bias)."},
    "You multiply by the three weights without the transpose, which square weights allow. A Linear is x Wᵀ.")
fused_qkv.mistake("cuts_the_tokens", {"dim=-1": "dim=-2"},
    "You cut the dimension of the tokens. q, k and v stand side by side in the last dimension, the features.", raises=(ValueError, IndexError))
fused_qkv.mistake("does_not_cut", {".chunk(3, dim=-1)": ""}, "You return the product in one piece, (..., 3D). Cut its last dimension into q, k and v.", raises=ValueError)
fused_qkv.mistake("forgets_the_bias", {"in_proj_bias).": "None)."}, "You leave the bias out. When it is not None, its 3D numbers belong to the 3D outputs.")
fused_qkv.mistake("always_adds_the_bias", {"F.linear(x, in_proj_weight, in_proj_bias)": "(x @ in_proj_weight.T + in_proj_bias)"},
    "You add the bias even when there is none: `+ None` fails. Add it only if it is not None.", raises=TypeError)
fused_qkv.mistake("gives_all_three_one_bias", {"in_proj_bias).": "None if in_proj_bias is None else in_proj_bias[: x.shape[-1]].repeat(3))."},
    "You give q, k and v the same bias. Each has its own third of in_proj_bias.")
fused_qkv.mistake("takes_only_three_dimensions", {"return": "B, T, D = x.shape\n    return", "chunk(3, dim=-1)": "reshape(B, T, 3, D).unbind(2)"},
    "You read off exactly three dimensions (B, T, D). x is (..., D): leave the leading dimensions to the product.", raises=ValueError)
