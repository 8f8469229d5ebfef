"""Task route."""

import torch

from ...spec import Task


def route_reference(scores, k):
    """As many implementations go about it: softmax over all experts, the k largest, normalised again."""
    shares = scores.softmax(-1)
    largest, experts = shares.topk(k, dim=-1)
    return largest / largest.sum(-1, keepdim=True), experts


route = Task(
    "route",
    reference=route_reference,
    section="parallel-routing",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax over the k scores, or one over all that is normalised again, in float32: both are right",
    hints=(
        "torch has a method that gives the k largest entries of each row and where they stand. What makes weights of k scores?",
        "largest, experts = scores.topk(k, dim=-1); the weights are the softmax of `largest` along its last dimension.",
    ),
)


@route.probe(points=2, zero="T")
def chooses_and_weighs(route, bench, T=5, k=2, others=4, dtype=torch.float32):
    """Scores (T, k + others): weights and experts, both (T, k)."""
    return bench.sequence(route(bench.randn(T, k + others, dtype=dtype), k))


@route.probe(points=1)
def takes_any_scores(route, bench):
    """One expert, all of them, scores near 2000 and near -2000, in random order; six experts."""
    answers = {}
    for number, (k, centre) in enumerate(bench.several([(1, 0), (6, 0), (3, 2000), (2, -2000)], 6), 1):
        answers[f"{number}. k={k}, scores near {centre}"] = bench.sequence(route(bench.randn(4, 6, dtype=torch.float64) + centre, k))
    return answers


@route.probe(points=1)
def lets_gradients_through(route, bench, T=4, k=2, others=3):
    """The gradient of the scores (T, k + others + 1), for a random gradient of the weights."""
    scores = bench.randn(T, k + 1 + others, dtype=torch.float64).requires_grad_()
    weights, experts = route(scores, k)
    return {"gradient": torch.autograd.grad(weights, scores, bench.randn(T, k, dtype=torch.float64))[0], "experts": experts}


# fmt: off
route.mistake("does_not_normalise_again", {"scores.topk(k, dim=-1)": "scores.softmax(-1).topk(k, dim=-1)", "largest.softmax(-1)": "largest"},
    "Your weights are shares of a softmax over all experts: those of the chosen ones do not add up to 1. Divide by their sum, or take the softmax over the k alone.")
route.mistake("takes_softmax_twice", {"scores.topk": "scores.softmax(-1).topk"},
    "You take a softmax of a softmax: the weights come close to equal. One is enough.")
route.mistake("returns_the_scores", {"largest.softmax(-1)": "largest"}, "You return the k largest scores. The weights are their softmax.")
route.mistake("divides_scores_by_their_sum", {"largest.softmax(-1)": "largest / largest.sum(-1, keepdim=True)"},
    "You divide the scores by their sum. Scores may be negative: exponentials first, which is a softmax.")
route.mistake("takes_sigmoids", {"largest.softmax(-1)": "largest.sigmoid()"}, "You take a sigmoid of each score. The weights are a softmax: they add up to 1.")
route.mistake("takes_the_smallest", {"dim=-1)": "dim=-1, largest=False)"}, "You choose the k smallest scores. The k largest are asked.")
route.mistake("is_in_ascending_order", {"return largest.softmax(-1), experts": "return largest.softmax(-1).flip(-1), experts.flip(-1)"},
    "Your experts stand in ascending order. The one with the largest weight comes first.")
route.mistake("is_in_the_experts_order", {"return largest.softmax(-1), experts": "experts, order = experts.sort(-1)\n    return largest.softmax(-1).gather(-1, order), experts"},
    "Your experts stand in the order of their numbers. The one with the largest weight comes first.")
route.mistake("normalises_over_the_tokens", {"largest.softmax(-1)": "largest.softmax(0)"},
    "You normalise over the tokens. Each token has weights of its own, which add up to 1 over its k experts.")
route.mistake("chooses_tokens", {"scores.topk(k, dim=-1)": "scores.topk(min(k, len(scores)), dim=0)", "largest.softmax(-1)": "largest.softmax(0)"},
    "You choose the k largest tokens for each expert. Here every token chooses k experts, along the last dimension.")
route.mistake("exchanges_the_two", {"return largest.softmax(-1), experts": "return experts, largest.softmax(-1)"}, "You return the experts first. Weights come first, then experts.")
route.mistake("gives_a_weight_to_every_expert", {"largest.softmax(-1)": "torch.zeros_like(scores).scatter(-1, experts, largest.softmax(-1))"},
    "Your weights have an entry for every expert, zeros for those not chosen. Return the k alone, (T, k).")
route.mistake("overflows", {"largest.softmax(-1)": "largest.exp() / largest.exp().sum(-1, keepdim=True)"},
    "You take exponentials of the scores as they are: of large ones they are infinite. softmax subtracts the largest first.")
route.mistake("uses_the_first_only", {"largest.softmax(-1)": "torch.zeros_like(largest).index_fill(-1, experts.new_zeros(1), 1)"},
    "Your first expert has all the weight. The k share it, by the softmax of their scores.")
route.mistake("cuts_the_graph", {"largest.softmax(-1)": "largest.softmax(-1).detach()"},
    "Your weights are cut off from autograd. They are the only way on which the router learns.", raises=RuntimeError)
route.mistake("masks_by_a_product", {"largest.softmax(-1)": "(scores * torch.zeros_like(scores).scatter(-1, experts, 1)).softmax(-1).gather(-1, experts)"},
    "You set the scores of the other experts to 0, and exp(0) is 1: they still have a share of the softmax. Take it over the k chosen scores alone, or mask with -∞.")
