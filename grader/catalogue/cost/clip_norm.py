"""Task clip_norm."""

import torch

from ...spec import Task


def clip_norm_reference(x, limit):
    return x * (limit / torch.linalg.vector_norm(x).clamp(min=limit))


clip_norm = Task(
    "clip_norm",
    reference=clip_norm_reference,
    section="cost-compile",
    hints=(
        "Which lines need a number in Python? Find one formula for the factor that gives 1 where the norm is small, with no `if` and no `.item()`.",
        "The factor is limit divided by the larger of norm and limit: x.norm().clamp(min=limit). Where the norm is 0 that divides by limit, and no gradient becomes NaN.",
    ),
)


@clip_norm.probe(points=1)
def clips_without_looking(clip_norm, bench, B=3, I=4, dtype=torch.float32):
    """x (B, I), whose norm is above limit, and below it, and how often a tensor is asked for its value; then the shape of the result on the meta device, where none has one."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Asked(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            asked.extend([func] if func.overloadpacket.__name__ in ("_local_scalar_dense", "nonzero") else [])
            return func(*args, **(kwargs or {}))

    asked, x, limit = [], bench.randn(B, I, dtype=dtype), 0.5 + bench.size(0, 99) / 100
    scaled = {times: x / (x * x).sum().sqrt() * times * limit for times in (0.25, 0.75, 1.5, 40)}
    with Asked():
        values = {f"norm about {times} times limit": clip_norm(each, limit) for times, each in scaled.items()}
    try:
        there = clip_norm(torch.empty(B, I, dtype=dtype, device="meta"), limit)
    except NotImplementedError:  # of torch: a stub has raised its own before
        raise RuntimeError("This asks a tensor for its value, and on the meta device it has none.") from None
    return {**values, "on the meta device": [str(tuple(there.shape)), str(there.dtype)], "times that a value was asked for": len(asked)}


@clip_norm.probe(points=1)
def takes_any_shape(clip_norm, bench):
    """A scalar, a vector, four dimensions, an empty x; then the same shapes on the meta device."""
    answers, limit = {}, 0.01 * bench.size(1, 99)
    for shape in bench.several([(), (bench.size(4, 9),), (2, 3, 1, 2), (0, 3)]):
        answers[f"x {shape}, limit {limit}"] = clip_norm(bench.randn(*shape), limit)
    for shape in [(), (5,), (2, 3, 1, 2)]:
        try:
            answers[f"x {shape} on the meta device"] = str(tuple(clip_norm(torch.empty(shape, device="meta"), limit).shape))
        except NotImplementedError:  # of torch: a stub has raised its own before
            raise RuntimeError("This asks a tensor for its value, and on the meta device it has none.") from None
    return answers


@clip_norm.probe(points=1)
def lets_gradients_through(clip_norm, bench):
    """The gradient of x for a random grad_output: where x is clipped, where it is not, and where it is all zeros; then whether there is a graph on the meta device."""
    answers = {}
    for case, scale in {"above limit": 5, "below": 0.01, "all zeros": 0}.items():
        x = (scale * bench.randn(3, 4, dtype=torch.float64)).requires_grad_()
        answers[case] = torch.autograd.grad(clip_norm(x, 0.5), x, bench.randn(3, 4, dtype=torch.float64))[0]
    try:
        there = clip_norm(torch.empty(3, 4, device="meta", requires_grad=True), 0.5)
    except NotImplementedError:  # of torch: a stub has raised its own before
        raise RuntimeError("This asks a tensor for its value, and on the meta device it has none.") from None
    return {**answers, "graph on the meta device": there.requires_grad}


@clip_norm.starts_from(
    "Python asks a tensor for its value, as `.item()`, `if norm > limit`, min and max do: a GPU has to be waited for, and torch.compile ends its graph there. Choose inside "
    "the graph, with clamp, torch.where or torch.maximum: a factor that is 1 where nothing is to be clipped.",
    raises=RuntimeError,
)
def asks_for_the_norm(x, limit):
    norm = x.norm()
    if norm.item() > limit:
        return x * (limit / norm)
    return x


@clip_norm.impostor(
    "On a device where tensors have values this asks for one, and on the meta device it does something else. A program has to be the same on all devices: choose inside the graph."
)
def asks_where_there_are_values(x, limit):
    if x.device.type == "meta":
        return x * 1
    return x * (limit / x.norm()) if x.norm() > limit else x


# fmt: off
clip_norm.mistake("always_scales", {".clamp(min=limit)": ""},
    "You scale every x to the norm `limit`, also one that is smaller. Those stay as they are, and zeros must not become NaN.")
clip_norm.mistake("has_gradients_that_are_not_numbers", {"limit / x.norm().clamp(min=limit)": "(limit / x.norm()).clamp(max=1)"},
    "Where x is all zeros your values are right and the gradient is NaN: 1 / 0 stands in the graph, and the 0 that clamp or where sends back is multiplied by ∞. "
    "Keep the division away from 0.")
clip_norm.mistake("clips_each_entry", {"x * (limit / x.norm().clamp(min=limit))": "x.clamp(-limit, limit)"},
    "You clip each entry. Asked is one factor for all of x, which keeps its direction.")
clip_norm.mistake("clips_each_row", {"x.norm()": "x.norm(dim=-1, keepdim=True)"},
    "You clip each row by itself, and a scalar has none. The norm is that of all entries together.", raises=(IndexError, RuntimeError))
clip_norm.mistake("forgets_the_root", {"x.norm()": "x.square().sum()"}, "You compare the squared norm. The norm is its root.")
clip_norm.mistake("sums_absolute_values", {"x.norm()": "x.abs().sum()"}, "You take the sum of absolute values. The norm is the root of the sum of squares.")
clip_norm.mistake("takes_the_largest_entry", {"x.norm()": "x.norm(math.inf)"},
    "You take the largest entry for the norm. It is the root of the sum of squares.")
clip_norm.mistake("is_upside_down", {"limit / x.norm().clamp(min=limit)": "x.norm().clamp(min=limit) / limit"}, "You multiply where you should divide: a large x becomes larger.")
clip_norm.mistake("stays_below_limit_by_an_epsilon", {".clamp(min=limit)": ".clamp(min=limit).add(1e-3)"},
    "You add an epsilon to the norm. Then no x keeps its values; with the larger of norm and limit below there is nothing to guard against.")
clip_norm.mistake("cuts_the_norm_from_the_graph", {"x.norm()": "x.norm().detach()"},
    "You detach the norm. It depends on x, and the gradient goes through it, too.")
