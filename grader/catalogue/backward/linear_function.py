"""Task LinearFunction."""

import torch
import torch.nn.functional as F

from ...spec import Task


class LinearFunctionReference(torch.autograd.Function):
    @staticmethod
    def apply(x, weight, bias):
        return F.linear(x, weight, bias)


LinearFunction = Task(
    "LinearFunction",
    reference=LinearFunctionReference,
    section="backward-function",
    forbids=("torch.nn.functional.linear", "torch.nn.Linear"),
    hints=(
        "backward returns one gradient for each input of forward, in its order: x, weight, bias. Which of them reads which saved tensor?",
        "Save x if needs_input_grad[1], weight if needs_input_grad[0], else None. In backward, your grad_input, grad_weight and "
        "grad_bias do the work, each only where its flag is set.",
    ),
)


@LinearFunction.probe(points=1)
def computes_the_layer(LinearFunction, bench, B=6, I=5, O=3, dtype=torch.float32):
    """A torch.autograd.Function whose apply gives y = x Wᵀ + b in their dtype, for any leading dimensions."""
    answers = {"is a torch.autograd.Function": issubclass(LinearFunction, torch.autograd.Function)}
    for lead in [(B,), (), (2, 4), (0,)]:
        answers[f"x {(*lead, I)}"] = LinearFunction.apply(*(bench.randn(*shape, dtype=dtype) for shape in [(*lead, I), (O, I), (O,)]))
    return answers


@LinearFunction.probe(points=1)
def gives_all_three_gradients(LinearFunction, bench, B=6, I=5, O=3):
    """The gradients of x (B, I), weight (O, I) and bias (O,), for a random grad_output, after a later call in which the weight was frozen; and that call's."""
    answers, calls = {}, {}
    for call, learning in {"first call": "x weight bias", "second call": "x bias"}.items():
        inputs = {name: bench.randn(*shape, dtype=torch.float64) for name, shape in {"x": (B, I), "weight": (O, I), "bias": (O,)}.items()}
        calls[call] = {name: inputs[name].requires_grad_() for name in learning.split()}, LinearFunction.apply(*inputs.values())
    for call, (learners, y) in calls.items():
        gradients = torch.autograd.grad(y, list(learners.values()), bench.randn(B, O, dtype=torch.float64))
        answers[call] = {f"gradient of {name}": gradient for name, gradient in zip(learners, gradients)}
    return answers


@LinearFunction.probe(points=1)
def also_where_all_sizes_are_equal(LinearFunction, bench, I=4):
    """B = I = O: no shape can tell the gradients apart."""
    inputs = [bench.randn(*shape, dtype=torch.float64).requires_grad_() for shape in [(I, I), (I, I), (I,)]]
    gradients = torch.autograd.grad(LinearFunction.apply(*inputs), inputs, bench.randn(I, I, dtype=torch.float64))
    return dict(zip(["of x", "of weight", "of bias"], gradients))


@LinearFunction.probe(points=1)
def takes_any_leading_dimensions(LinearFunction, bench, I=5, O=3):
    """The output and the gradients without leading dimensions, with several, some of size 1, with empty ones, of transposed views; one grad_output
    is too large for float32."""
    answers = {}
    cases = [(bench.randn(*lead, I, dtype=torch.float64), bench.randn(*lead, O, dtype=torch.float64)) for lead in [(), (2, 4), (1, 1), (0,)]]
    cases.append((bench.randn(I, 3, 2, dtype=torch.float64).permute(2, 1, 0), 1e40 * bench.randn(O, 3, 2, dtype=torch.float64).permute(2, 1, 0)))
    for x, grad_output in cases:
        inputs = [each.requires_grad_() for each in (x, bench.randn(I, O, dtype=torch.float64).T, bench.randn(O, dtype=torch.float64))]
        y = LinearFunction.apply(*inputs)
        answers[f"x {tuple(x.shape)}"] = {"y": y, "gradients": list(torch.autograd.grad(y, inputs, grad_output))}
    return answers


@LinearFunction.probe(points=1)
def works_without_a_bias(LinearFunction, bench, B=6, I=5, O=3):
    """bias=None: the output, and the gradients of x and weight."""
    x, weight = (bench.randn(*shape, dtype=torch.float64).requires_grad_() for shape in [(B, I), (O, I)])
    y = LinearFunction.apply(x, weight, None)
    return {"y": y, "gradients": list(torch.autograd.grad(y, (x, weight), bench.randn(B, O, dtype=torch.float64)))}


@LinearFunction.probe(points=1)
def keeps_only_what_is_needed(LinearFunction, bench):
    """With some inputs frozen: the gradients of the others, how many backward gives, and which of x and weight is kept for backward: by how much
    what is kept loses when the input is set to zero."""
    answers = {}
    cases = {"all learn": "x weight bias", "weight frozen": "x bias", "x is data": "weight bias", "only the bias learns": "bias", "bias frozen": "x weight"}
    for case, learning in cases.items():
        shapes = {"x": (6, 5), "weight": (3, 5), "bias": (3,)}
        inputs = {name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()}
        learners = [inputs[name].requires_grad_() for name in learning.split()]
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.detach()) or t, lambda t: t):
            y = LinearFunction.apply(*inputs.values())
        given = []
        y.grad_fn.register_hook(lambda gradients, _: given.append(sum(gradient is not None for gradient in gradients)))
        answers[case] = {"gradients": list(torch.autograd.grad(y, learners, bench.randn(6, 3, dtype=torch.float64))), "how many backward gives": given}
        for name in ("x", "weight"):
            before = [float(t.abs().sum()) for t in kept]
            inputs[name].data.zero_()
            losses = [old - float(t.abs().sum()) for old, t in zip(before, kept)]
            answers[case][f"loss of what is kept when {name} is set to 0"] = max(losses, default=0.0)
    return answers


@LinearFunction.probe(points=1)
def can_be_differentiated_twice(LinearFunction, bench):
    """The gradients of ½ Σ (∂L/∂x)² + ½ Σ (∂L/∂W)² + ½ Σ (∂L/∂b)² by x, weight and grad_output, and the first ones, each weighed at random."""
    x, weight, bias, grad_output = (
        bench.randn(*shape, dtype=torch.float64).requires_grad_() for shape in [(4, 3), (2, 3), (2,), (4, 2)]
    )
    first = torch.autograd.grad(LinearFunction.apply(x, weight, bias), (x, weight, bias), grad_output, create_graph=True, allow_unused=True)
    given = [gradient for gradient in first if gradient is not None]
    penalty = sum(gradient.square().sum() / 2 for gradient in given)
    second = torch.autograd.grad(penalty, (x, weight, grad_output), retain_graph=True, materialize_grads=True)
    weighed = sum((gradient * bench.randn(*gradient.shape, dtype=torch.float64)).sum() for gradient in given)
    mixed = torch.autograd.grad(weighed, (x, weight, grad_output), materialize_grads=True)
    return {"first derivatives": list(first), "second derivatives": list(second), "of the first ones, weighed at random": list(mixed)}


@LinearFunction.impostor("Your class leaves backward to autograd. Inherit from torch.autograd.Function and write forward and backward yourself.")
class lets_autograd_do_it:
    @staticmethod
    def apply(x, weight, bias):
        return x @ weight.T if bias is None else x @ weight.T + bias


# fmt: off
LinearFunction.mistake("forgets_the_gradient_of_the_bias", {"grad_bias(grad_output) if bias_needed else None": "None"},
    "You return None for the bias, so it never learns. Its gradient is the sum of grad_output over all rows.")
LinearFunction.mistake("returns_the_gradients_out_of_order", {"return (": "dx, dw, db = (", "        )\n": "        )\n        return dw, dx, db\n"},
    "Your gradients are in another order than forward's inputs: return them for x, weight, bias.")
LinearFunction.mistake("takes_only_matrices", {
    "x @ weight.T": "x.mm(weight.t())", "grad_input(grad_output, weight)": "grad_output.mm(weight)", "grad_weight(grad_output, x)": "grad_output.t().mm(x)"},
    "`mm` takes exactly two matrices, so any x that is not 2-D fails. `@` keeps leading dimensions; for the weight's gradient flatten them.", raises=RuntimeError)
LinearFunction.mistake("views_out_of_order_memory", {"grad_bias(grad_output)": "grad_output.view(-1, grad_output.shape[-1]).sum(0)"},
    "`view` fails where memory is not in order, as in a transposed grad_output. `reshape` copies if it must.", raises=RuntimeError)
LinearFunction.mistake("always_adds_the_bias", {"y if bias is None else y + bias": "y + bias"},
    "You add the bias even when there is none: `+ None` fails. Add it only if it is not None.", raises=TypeError)
LinearFunction.mistake("gives_no_bias_a_gradient", {" if bias_needed else None": ""},
    "You return a gradient for the bias even when it is None. What is no tensor gets None: ask needs_input_grad[2].", raises=RuntimeError)
LinearFunction.mistake("saves_everything", {"x if weight_needed else None, weight if x_needed else None": "x, weight"},
    "You always save both x and weight. x is needed only if weight learns, weight only if x does: save None otherwise.")
LinearFunction.mistake("saves_each_tensor_for_itself", {"x if weight_needed": "x if x_needed", "weight if x_needed": "weight if weight_needed"},
    "You save x when x learns and weight when weight learns. It is crosswise: weight's gradient reads x, x's gradient reads weight.", raises=TypeError)
LinearFunction.mistake("saves_copies", {"x if weight_needed": "x.clone() if weight_needed", "weight if x_needed": "weight.clone() if x_needed"},
    "You save copies of x and weight. They cost memory, and autograd does not know whose copies they are: save the tensors themselves.")
LinearFunction.mistake("keeps_tensors_as_attributes", {
    "ctx.save_for_backward(x if weight_needed else None, weight if x_needed else None)": "ctx.kept = x, weight", "ctx.saved_tensors": "ctx.kept"},
    "You keep tensors as attributes of ctx, where torch neither sees changes to them nor frees them. Use ctx.save_for_backward.")
LinearFunction.mistake("keeps_tensors_on_the_class", {
    "ctx.save_for_backward(x if weight_needed else None, weight if x_needed else None)": "LinearFunction.kept = x, weight", "ctx.saved_tensors": "LinearFunction.kept"},
    "You keep tensors on the class, where the next call overwrites them: backward of an earlier call then reads a later one's. ctx belongs to one call.")
LinearFunction.mistake("gives_a_frozen_bias_a_gradient", {"return y if": "ctx.has_bias = bias is not None\n        return y if", "if bias_needed": "if ctx.has_bias"},
    "You compute the bias's gradient even where the bias is frozen. What needs none gets None: ask needs_input_grad[2], not whether there is a bias.")
LinearFunction.mistake("detaches_the_saved_tensors", {"(grad_output, weight)": "(grad_output, weight.detach())", "(grad_output, x)": "(grad_output, x.detach())"},
    "Your backward detaches what was saved (`detach`, `.data`, `no_grad`), so it cannot be differentiated itself. Use the saved tensors as they are.")
LinearFunction.mistake("differentiates_only_once", {"def backward": "@torch.autograd.function.once_differentiable\n    def backward"},
    "Your backward is marked once_differentiable: torch then refuses a second derivative. Leave the mark out.")
