"""Task numerical_grad."""

import numpy as np
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


@numerical_grad.impostor(
    "That is the one-sided difference, (f(x + h) - f(x)) / h. Its error grows with h times the curvature: step both ways."
)
def steps_one_way(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x)) / eps for step in steps]).reshape(x.shape)


@numerical_grad.impostor("From x - h to x + h is a way of 2h: divide by 2 * eps.")
def forgets_the_two(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x - step)) / eps for step in steps]).reshape(x.shape)


@numerical_grad.impostor("Your step has a fixed size. It is to be the argument eps, which the caller chooses to suit f.")
def ignores_eps(f, x, eps=1e-6):
    steps = 1e-6 * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x - step)) / 2e-6 for step in steps]).reshape(x.shape)


@numerical_grad.impostor("Your default step is not 1e-6: a caller who gives no eps counts on it.")
def takes_another_default_step(f, x, eps=1e-5):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x - step)) / (2 * eps) for step in steps]).reshape(x.shape)


@numerical_grad.impostor(
    "You change x in place and do not restore it: later entries start from another point, and the caller's x is changed."
)
def leaves_its_steps_in_x(f, x, eps=1e-6):
    gradient = torch.zeros_like(x)
    for index in np.ndindex(*x.shape):
        x[index] += eps
        above = f(x)
        x[index] -= 2 * eps
        gradient[index] = (above - f(x)) / (2 * eps)
    return gradient


@numerical_grad.impostor(
    "You step a copy and never undo the step: the caller's x is safe, but later entries start from another point."
)
def leaves_its_steps_in_a_copy(f, x, eps=1e-6):
    x, gradient = x.clone(), torch.zeros_like(x)
    for index in np.ndindex(*x.shape):
        x[index] += eps
        above = f(x)
        x[index] -= 2 * eps
        gradient[index] = (above - f(x)) / (2 * eps)
    return gradient


@numerical_grad.impostor("`/ 2 * eps` divides by 2 and then multiplies by eps. Put the denominator in parentheses.")
def multiplies_by_eps(f, x, eps=1e-6):
    gradient = torch.zeros_like(x)
    for index in np.ndindex(*x.shape):
        step = torch.zeros_like(x)
        step[index] = eps
        gradient[index] = (f(x + step) - f(x - step)) / 2 * eps
    return gradient


@numerical_grad.impostor(
    "`plus = x; minus = x` are two names for one tensor, so both steps land in it and cancel. Make two tensors: x + step, x - step."
)
def gives_one_tensor_two_names(f, x, eps=1e-6):
    gradient = torch.zeros_like(x)
    for index in np.ndindex(*x.shape):
        plus = x
        plus[index] += eps
        minus = x
        minus[index] -= eps
        gradient[index] = (f(plus) - f(minus)) / (2 * eps)
    return gradient


@numerical_grad.impostor(
    "You change x through x.reshape(-1). For a transposed x that is a copy: f never sees the step, and the gradient comes out as zero."
)
def steps_a_copy_that_f_never_sees(f, x, eps=1e-6):
    gradient, flat = torch.zeros(x.numel(), dtype=x.dtype, device=x.device), x.reshape(-1)
    for number in range(x.numel()):
        value = flat[number].item()
        flat[number] = value + eps
        above = f(x)
        flat[number] = value - eps
        gradient[number] = (above - f(x)) / (2 * eps)
        flat[number] = value
    return gradient.reshape(x.shape)


@numerical_grad.impostor("You return a flat vector. The gradient has x's shape.")
def returns_a_flat_vector(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x - step)) / (2 * eps) for step in steps])


@numerical_grad.impostor("You move all entries at once. That gives one slope, along (1, ..., 1); a gradient needs each entry's own.")
def moves_all_entries_at_once(f, x, eps=1e-6):
    return (f(x + eps) - f(x - eps)) / (2 * eps)


@numerical_grad.impostor(
    "You step along the first dimension only, so all entries of x[i] move together. Visit every index of every dimension."
)
def moves_whole_rows(f, x, eps=1e-6):
    gradient = torch.zeros_like(x)
    for i in range(len(x)):
        step = torch.zeros_like(x)
        step[i] = eps
        gradient[i] = (f(x + step) - f(x - step)) / (2 * eps)
    return gradient


@numerical_grad.impostor(
    "Your gradient is float32: torch.zeros(shape) and torch.tensor(list) make that. Give it x's dtype, as torch.zeros_like(x) does."
)
def collects_in_float32(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).reshape(-1, *x.shape)
    slopes = [(f(x + step) - f(x - step)).item() / (2 * eps) for step in steps]
    return torch.tensor(slopes, device=x.device).reshape(x.shape)
