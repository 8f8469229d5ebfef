"""Task numerical_grad."""

import torch

from ...spec import Task
from .shared import AUTOGRAD


def numerical_grad_reference(f, x, eps=1e-6):
    """Autograd's gradient. The probes' f are chosen so that a central difference comes within 1e-7 of it."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


numerical_grad = Task(
    "numerical_grad",
    reference=numerical_grad_reference,
    section="backward-numerical",
    forbids=AUTOGRAD,
    hints=(
        "One entry at a time: a tensor that is zero but for eps at that entry is a step you can add to x and subtract from x.",
        "Loop over every index of x (np.ndindex(*x.shape) lists them, also for shape ()), and put "
        "(f(x + step) - f(x - step)) / (2 * eps) into a result made by torch.zeros_like(x).",
    ),
)


@numerical_grad.probe(points=2)
def agrees_with_autograd(numerical_grad, bench, O=3, I=4):
    """The gradient of a curved f at a matrix (O, I), with the default eps."""
    x, a = bench.randn(O, I, dtype=torch.float64), bench.randn(O, I, dtype=torch.float64)
    return numerical_grad(lambda t: (a * t).sum().sin() + 2 * (t * t).sum(), x)


@numerical_grad.probe(points=1)
def takes_any_shape(numerical_grad, bench):
    """A single number, a vector, three dimensions, a transposed view: the result has x's shape."""
    answers = {}
    for shape in [(), (7,), (1,), (2, 1, 3)]:
        x, a = bench.randn(*shape, dtype=torch.float64), bench.randn(*shape, dtype=torch.float64)
        answers[f"x {shape}"] = numerical_grad(lambda t: (a * t).sum().sin() + 2 * (t * t).sum(), x)
    a = bench.randn(4, 3, dtype=torch.float64)
    x = bench.randn(3, 4, dtype=torch.float64).T
    return {**answers, "transposed view (4, 3)": numerical_grad(lambda t: (a * t).sum().sin() + 2 * (t * t).sum(), x)}


@numerical_grad.probe(points=1)
def leaves_x_as_it_was(numerical_grad, bench):
    """A quadratic f, for which a central difference is exact at any eps, here 0.5; then a look at x."""
    x, a = bench.randn(2, 3, dtype=torch.float64), bench.randn(2, 3, dtype=torch.float64)
    gradient = numerical_grad(lambda t: (a * t).sum() ** 2 + (t * t).sum(), x, eps=0.5)
    return {"gradient": gradient, "x afterwards": x}


@numerical_grad.probe(points=1)
def steps_by_eps(numerical_grad, bench):
    """An f that rounds to float32 inside, with eps = 0.25: there all numbers are exact, while a step of 1e-6 is lost in rounding.
    And an f that is a straight line for steps of 1e-6 from zero, the default, and for no others."""
    x, a = bench.integers(1, 9, 2, 3).double() / 4, bench.randn(2, 3, dtype=torch.float64)
    return {
        "eps=0.25": numerical_grad(lambda t: (t.float() ** 2).sum().double(), x, eps=0.25),
        "the default eps": numerical_grad(lambda t: (a * t * (1 + (1e6 * t) ** 2 * ((1e6 * t) ** 2 - 1))).sum(), torch.zeros_like(a)),
    }


# fmt: off
numerical_grad.mistake("steps_one_way", {"f(x - step)": "f(x)", "(2 * eps)": "eps"},
    "That is the one-sided difference, (f(x + h) - f(x)) / h. Its error grows with h times the curvature: step both ways.")
numerical_grad.mistake("forgets_the_two", {"(2 * eps)": "eps"}, "From x - h to x + h is a way of 2h: divide by 2 * eps.")
numerical_grad.mistake("ignores_eps", {"= eps": "= 1e-6", "2 * eps": "2 * 1e-6"},
    "Your step has a fixed size. It is to be the argument eps, which the caller chooses to suit f.")
numerical_grad.mistake("takes_another_default_step", {"eps=1e-6": "eps=1e-5"}, "Your default step is not 1e-6: a caller who gives no eps counts on it.")
numerical_grad.mistake("leaves_its_steps_in_x", {"x + step": "x.add_(step)", "x - step": "x.sub_(2 * step)"},
    "You change x in place and do not restore it: later entries start from another point, and the caller's x is changed.")
numerical_grad.mistake("leaves_its_steps_in_a_copy", {"gradient =": "x = x.clone()\n    gradient =", "x + step": "x.add_(step)", "x - step": "x.sub_(2 * step)"},
    "You step a copy and never undo the step: the caller's x is safe, but later entries start from another point.")
numerical_grad.mistake("multiplies_by_eps", {"(2 * eps)": "2 * eps"}, "`/ 2 * eps` divides by 2 and then multiplies by eps. Put the denominator in parentheses.")
numerical_grad.mistake("gives_one_tensor_two_names", {
    "step[index] = eps": "plus = x\n        plus[index] += eps\n        minus = x\n        minus[index] -= eps", "x + step": "plus", "x - step": "minus"},
    "`plus = x; minus = x` are two names for one tensor, so both steps land in it and cancel. Make two tensors: x + step, x - step.")
numerical_grad.mistake("steps_a_copy_that_f_never_sees", {
    "gradient[index] = (f(x + step) - f(x - step))": "flat, step = x.reshape(-1), step.reshape(-1)\n        flat += step\n        above = f(x)\n        "
    "flat -= 2 * step\n        below = f(x)\n        flat += step\n        gradient[index] = (above - below)"},
    "You change x through x.reshape(-1). For a transposed x that is a copy: f never sees the step, and the gradient comes out as zero.")
numerical_grad.mistake("returns_a_flat_vector", {"return gradient": "return gradient.reshape(-1)"}, "You return a flat vector. The gradient has x's shape.")
numerical_grad.mistake("moves_all_entries_at_once", {"return gradient": "return (f(x + eps) - f(x - eps)) / (2 * eps)"},
    "You move all entries at once. That gives one slope, along (1, ..., 1); a gradient needs each entry's own.")
numerical_grad.mistake("moves_whole_rows", {"np.ndindex(*x.shape)": "range(len(x))"},
    "You step along the first dimension only, so all entries of x[i] move together. Visit every index of every dimension.")
numerical_grad.mistake("collects_in_float32", {"gradient = torch.zeros_like(x)": "gradient = torch.zeros(x.shape, device=x.device)"},
    "Your gradient is float32: torch.zeros(shape) and torch.tensor(list) make that. Give it x's dtype, as torch.zeros_like(x) does.")
