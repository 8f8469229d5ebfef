"""Task GradScaler."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


class GradScalerReference(torch.amp.GradScaler):
    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000):
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval)


GradScaler = Task(
    "GradScaler",
    reference=GradScalerReference,
    section="precision-scaling",
    forbids=("torch.amp", "torch.*GradScaler*", "torch._amp_*"),
    hints=(
        "step: three things in this order: divide the gradients, look whether all are finite, step or not. What must update() know that step() has seen?",
        "optimizer.param_groups is a list of dicts; the parameters stand under \"params\", and some may have no gradient. Keep a flag that step() sets where it skips, and a count of updates "
        "without a skip; update() changes the scale, and clears flag or count.",
    ),
)


@GradScaler.probe(points=1)
def scales_the_loss(GradScaler, bench):
    """A scalar loss and its gradient, scaled by 2¹⁶ and by a scale drawn at random; get_scale before and after."""
    answers = {}
    for scaler in (GradScaler(), GradScaler(init_scale=float(bench.size(3, 99)))):
        x = bench.randn(3).requires_grad_()
        before = scaler.get_scale()
        loss = scaler.scale((x * bench.randn(3)).sum())
        (gradient,) = torch.autograd.grad(loss, x)
        answers[f"scale {before}"] = {"loss": loss.detach(), "gradient of x": gradient, "get_scale": [before, scaler.get_scale()]}
    return answers


@GradScaler.probe(points=2)
def steps_with_unscaled_gradients(GradScaler, bench):
    """Three steps of Adam in two groups, with a parameter that no loss reaches: the parameters, and the gradients, in the memory that they had."""
    weight, bias, spare = (bench.randn(*shape).requires_grad_() for shape in [(3, 4), (3,), (2,)])
    optimizer = torch.optim.Adam([{"params": [weight, spare]}, {"params": [bias], "lr": 0.5}], lr=0.1)
    scaler, answers = GradScaler(init_scale=2.0 ** bench.size(4, 12)), {}
    for step in ("first", "second", "third"):
        optimizer.zero_grad()
        scaler.scale(F.linear(bench.randn(5, 4), weight, bias).square().mean()).backward()
        memory = [weight.grad, bias.grad]
        scaler.step(optimizer)
        scaler.update()
        answers[f"after the {step} step"] = {"weight and bias": [weight.detach().clone(), bias.detach().clone()], "gradients": [each.clone() for each in memory]}
    return {**answers, "the spare parameter": spare.detach(), "its gradient": spare.grad}


@GradScaler.probe(points=2)
def skips_what_is_not_finite(GradScaler, bench):
    """SGD with momentum and weight decay; in some steps one number of a gradient is ∞, -∞ or NaN, in random order: the parameters after each step."""
    answers, scaler = {}, GradScaler(init_scale=2.0 ** bench.size(4, 12))
    weight, bias = (bench.randn(*shape).requires_grad_() for shape in [(3, 4), (3,)])
    optimizer = torch.optim.SGD([weight, bias], lr=0.1, momentum=0.9, weight_decay=0.1)
    cases = ["all finite", "inf in weight", "-inf in weight", "nan in weight", "inf in bias", "nan in bias", "inf and -inf in weight"]
    for number, case in enumerate(["all finite", *bench.several(cases, 10)], 1):
        optimizer.zero_grad()
        scaler.scale(F.linear(bench.randn(5, 4), weight, bias).square().mean()).backward()
        values, _, name = case.partition(" in ")
        for place, value in enumerate(values.split(" and ") if name else []):
            {"weight": weight.grad[1], "bias": bias.grad}[name][place] = float(value)
        scaler.step(optimizer)
        scaler.update()
        answers[f"{number}. {case}"] = [weight.detach().clone(), bias.detach().clone()]
    return answers


@GradScaler.probe(points=2)
def grows_and_backs_off(GradScaler, bench):
    """The scale after each update, for factors and an interval drawn at random; then with two optimizers before each update."""
    answers = {}
    for optimizers in (1, 2):
        interval, growth, backoff = bench.size(2, 4), [2.0, 3.0, 1.5][bench.size(0, 2)], [0.5, 0.25, 0.125][bench.size(0, 2)]
        scaler = GradScaler(2.0 ** bench.size(-3, 9), growth, backoff, interval)
        parameters = [bench.randn(3).requires_grad_() for _ in range(optimizers)]
        each = [torch.optim.SGD([parameter], lr=0.1) for parameter in parameters]
        skipped = [(), *[()] * interval, tuple(range(optimizers)), (optimizers - 1,), *[()] * (2 * interval + 1), *bench.several([(0,), (), (), (), (), *[(optimizers - 1,)] * (optimizers - 1)])]
        scales = [scaler.get_scale()]
        for bad in skipped:
            for parameter, optimizer in zip(parameters, each):
                optimizer.zero_grad()
                scaler.scale(parameter.square().sum()).backward()
            for place in bad:
                parameters[place].grad[bench.size(0, 2)] = math.inf
            for optimizer in each:
                scaler.step(optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        told = "".join("." if not bad else "s" for bad in skipped)
        answers[f"{optimizers} optimizer{'s' * (optimizers - 1)}, growth {growth}, backoff {backoff}, interval {interval}, {told} (s: skipped)"] = scales
    return answers


@GradScaler.probe(points=1, once=True)
def has_torchs_defaults(GradScaler, bench):
    """GradScaler(): the scale after 1,999 steps and updates, after 2,000, after a step that is skipped; and with init_scale alone given, after such a step."""
    answers = {}
    for scaler, good in ((GradScaler(), 2000), (GradScaler(2.0 ** bench.size(3, 9)), 1)):
        weight, scales = torch.ones(99, device=bench.device, requires_grad=True), [scaler.get_scale()]
        optimizer = torch.optim.SGD([weight], lr=0.0)
        scaler.scale(weight.sum()).backward()
        for number in [3e38] * good + [math.inf]:  # 3e38 is finite, though its square and its sum are not
            weight.grad.fill_(number)
            scaler.step(optimizer)
            scaler.update()
            scales.append(scaler.get_scale())
        answers[f"init_scale={scales[0]}"] = [scales[0], *scales[-3:]]
    return answers


# fmt: off
GradScaler.mistake("leaves_the_gradients_scaled", {"            gradient.div_(self.current)\n": "            pass\n"},
    "You step with gradients that are still multiplied by the scale. Divide them by it first, in place: `gradient = gradient / scale` makes a copy, and the optimizer reads the old.")
GradScaler.mistake("gives_new_gradients",
    {"[p.grad for group": "[p for group", "gradient.div_(self.current)": "gradient.grad = gradient.grad / self.current", "gradient.isfinite()": "gradient.grad.isfinite()"},
    "You put new tensors in the place of the gradients. They are divided in place: whoever holds one sees it.")
GradScaler.mistake("multiplies_by_the_scale", {"div_": "mul_"}, "You multiply the gradients by the scale once more. They carry it already: divide.")
GradScaler.mistake("always_steps", {"            self.skipped = True": "            optimizer.step()\n            self.skipped = True"},
    "You step with ∞ or NaN among the gradients, and they are in the parameters for good. Such a step is left out.")
GradScaler.mistake("steps_with_zeros", {"            self.skipped = True": "            [gradient.zero_() for gradient in gradients]\n            optimizer.step()\n            self.skipped = True"},
    "Instead of no step you make one with gradients of 0. Momentum and weight decay move the parameters all the same.")
GradScaler.mistake("replaces_what_is_not_finite", {"            gradient.div_(self.current)": "            gradient.div_(self.current).nan_to_num_(0.0, 0.0, 0.0)"},
    "You put numbers in the place of ∞ and NaN, and step. A gradient with one of them is not to be trusted: leave the step out.")
GradScaler.mistake("looks_for_nan_only", {"gradient.isfinite().all()": "not gradient.isnan().any()"}, "You look for NaN alone. ∞ and -∞ are not finite, either.")
GradScaler.mistake("looks_for_infinity_only", {"gradient.isfinite().all()": "not gradient.isinf().any()"}, "You look for ∞ alone. NaN is not finite, either.")
GradScaler.mistake("backs_off_for_each_skip",
    {"            self.current *= self.backoff_factor\n            self.good = 0": "            self.good = 0", "self.skipped = True": "self.skipped = True\n            self.current *= self.backoff_factor"},
    "Your scale falls with each step that is skipped. It falls once for each update, however many optimizers skipped theirs.")
GradScaler.mistake("stays_above_one", {"self.current *= self.backoff_factor": "self.current = max(self.current * self.backoff_factor, 1.0)"},
    "Your scale does not fall below 1. It may: gradients that are too large for float16 need a scale below 1.")
GradScaler.mistake("looks_at_the_sum", {"gradient.isfinite().all()": "not gradient.sum().isinf()"},
    "You ask whether a gradient's sum is infinite. ∞ and -∞ together, and NaN, make it NaN: look at every number.")
GradScaler.mistake("looks_at_the_first_gradient_only", {"for gradient in gradients):": "for gradient in gradients[:1]):"},
    "You look at the first parameter's gradient alone. One number that is not finite, in any of them, stops the step.")
GradScaler.mistake("looks_at_one_group_only", {"for group in optimizer.param_groups": "for group in optimizer.param_groups[:1]"},
    "You unscale the first group of parameters alone. An optimizer may have several: walk over param_groups.")
GradScaler.mistake("expects_a_gradient_everywhere", {" if p.grad is not None": ""}, "A parameter that the loss does not reach has no gradient: None. Pass it by.", raises=AttributeError)
GradScaler.mistake("never_backs_off", {"self.current *= self.backoff_factor": "pass"},
    "Your scale stays after a step that was skipped, and the next one overflows again. Multiply it by backoff_factor.")
GradScaler.mistake("never_grows", {"self.current *= self.growth_factor": "pass"}, "Your scale never grows. After growth_interval updates in a row without a skip it is multiplied by growth_factor.")
GradScaler.mistake("grows_with_every_update", {"if self.good == self.growth_interval": "if self.good"}, "Your scale grows with every update. It takes growth_interval of them in a row, without a skip.")
GradScaler.mistake("grows_one_update_late", {"self.good == self.growth_interval": "self.good > self.growth_interval"},
    "Your scale grows one update late: with the growth_interval-th in a row, not with the next.")
GradScaler.mistake("grows_with_every_update_from_then_on", {"self.current *= self.growth_factor\n                self.good = 0": "self.current *= self.growth_factor",
    "self.good == self": "self.good >= self"}, "Once your count has reached growth_interval, the scale grows with every update. After growing, count from 0.")
GradScaler.mistake("grows_once", {"self.current *= self.growth_factor\n                self.good = 0": "self.current *= self.growth_factor"},
    "Your scale grows once, and then no more: the count goes on past growth_interval. After growing, count from 0.")
GradScaler.mistake("counts_on_after_a_skip", {"self.current *= self.backoff_factor\n            self.good = 0": "self.current *= self.backoff_factor"},
    "A skip does not end your count. Only updates in a row, without a skip, let the scale grow: count from 0 again.")
GradScaler.mistake("remembers_a_skip_for_ever", {"        self.skipped = False\n": "        pass\n"},
    "Once a step was skipped, every update lowers the scale. update() is about the steps since the last update: clear the flag.")
GradScaler.mistake("asks_the_last_optimizer_only", {"            optimizer.step()\n": "            optimizer.step()\n            self.skipped = False\n"},
    "An optimizer that steps makes you forget that one before it skipped. update() counts any skip since the last update.")
GradScaler.mistake("exchanges_the_factors", {"= growth_factor, backoff_factor": "= backoff_factor, growth_factor"},
    "You exchange the factors: your scale grows after a skip and shrinks when all is well.")
