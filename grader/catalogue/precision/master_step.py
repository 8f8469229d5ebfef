"""Task master_step."""

import torch
from torch import nn

from ...spec import Task


def master_step_reference(weight, master, grad, lr):
    parameter = nn.Parameter(master.detach())  # in the same memory
    parameter.grad = grad.float()
    torch.optim.SGD([parameter], lr).step()
    weight.data.copy_(parameter.data)


master_step = Task(
    "master_step",
    reference=master_step_reference,
    section="precision-master",
    tolerance=(0.0, 0.0),
    tolerance_reason="the numbers asked are sums of few powers of two: float32 holds every product and every sum exactly",
    hints=(
        "Two lines: one changes master, one changes weight. In which dtype is lr * grad, if grad is bfloat16 and lr a float?",
        "Inside `with torch.no_grad():` subtract lr * grad.float() from master in place, then weight.copy_(master): copy_ rounds.",
    ),
)


@master_step.probe(points=1)
def steps_and_rounds(master_step, bench, O=4, I=5):
    """One step of a weight (O, I), whose master has more bits than bfloat16: both after it."""
    master = bench.integers(-4096, 4097, O, I).float() / 1024
    weight, grad = master.bfloat16(), bench.integers(-255, 256, O, I).bfloat16()
    master_step(weight, master, grad, (2 * bench.size(300, 500) + 1) / 2**17)
    return {"master": master, "weight": weight}


@master_step.probe(points=2)
def adds_small_steps_up(master_step, bench, O=3, I=4):
    """Steps that are each too small for bfloat16, all the same way: weight and master after 1, 10, 100 and 300 of them."""
    master, answers = (1.0 + bench.integers(0, 128, O, I) / 128), {}
    weight, lr = master.bfloat16(), (2 * bench.size(1, 3) + 1) / 2**19
    direction = 1 - 2 * bench.integers(0, 2, O, I)
    grad = (direction * bench.integers(33, 128, O, I)).bfloat16()
    for step in range(1, 301):
        master_step(weight, master, grad, lr)
        if step in (1, 10, 100, 300):
            answers[f"after step {step}"] = [weight.clone(), master.clone()]
    return answers


@master_step.probe(points=1)
def works_in_the_memory_it_is_given(master_step, bench):
    """A weight that is a parameter of a layer, and a master of which every second row is no part: through other views of their memory, and a grad that is transposed; then whether weight still learns."""
    layer = nn.Linear(4, 3, dtype=torch.bfloat16, device=bench.device)
    memory = bench.integers(-2048, 2049, 6, 4).float() / 512
    held, grad = layer.weight.detach(), bench.integers(-255, 256, 4, 3).bfloat16().T
    held.copy_(memory[::2])
    returned = master_step(layer.weight, memory[::2], grad, 3 / 512)
    return {"weight": held, "master, and the rows between": memory, "grad": grad, "returned": returned, "weight learns, is a leaf": [layer.weight.requires_grad, layer.weight.is_leaf]}


# fmt: off
master_step.mistake("steps_in_bfloat16", {"master -= lr * grad.float()": "weight -= lr * grad", "weight.copy_(master)": "master.copy_(weight)"},
    "You step in bfloat16 and copy that into master. A step that is less than half the distance to the next bfloat16 is lost there: master takes it, and weight is rounded from master.")
master_step.mistake("steps_both_by_themselves", {"weight.copy_(master)": "weight -= lr * grad"},
    "You step weight by itself, beside master. Its small steps are lost: weight is master, rounded.")
master_step.mistake("starts_from_the_weight", {"master -=": "master.copy_(weight)\n        master -="},
    "Your master starts from the rounded weight each time, so what was rounded away never adds up. It keeps its own bits from step to step.")
master_step.mistake("rounds_the_master", {"weight.copy_(master)": "weight.copy_(master)\n        master.copy_(weight)"},
    "You write the rounded weight back into master. master keeps its bits; only weight is rounded.")
master_step.mistake("multiplies_in_bfloat16", {"grad.float()": "grad"},
    "lr * grad is bfloat16, as grad is: the product is rounded before master sees it. Make grad float32 first.")
master_step.mistake("rounds_the_learning_rate", {"lr * grad.float()": "torch.tensor(lr).to(grad).float() * grad.float()"},
    "You make lr a bfloat16: it is rounded. As a Python float it multiplies a float32 tensor as it is.")
master_step.mistake("leaves_the_weight", {"weight.copy_(master)": "pass"}, "weight stays as it was. It becomes master, rounded to bfloat16.")
master_step.mistake("climbs", {"master -=": "master +="}, "Your step goes uphill: subtract lr times the gradient.")
master_step.mistake("forgets_the_learning_rate", {"lr * ": ""}, "You subtract the gradient itself. The step is lr times the gradient.")
master_step.mistake("renames_instead_of_changing", {"master -= lr": "master = master - lr"},
    "`master = master - ...` makes a new tensor and calls it master: the caller's does not change. Change it in place.")
master_step.mistake("gives_the_weight_new_memory", {"weight.copy_(master)": "weight.data = master.bfloat16()"},
    "You give weight new memory (`weight.data = ...`): whoever holds a view of the old is left behind. Change the numbers in place.")
master_step.mistake("gives_the_master_new_memory", {"master -= lr * grad.float()": "master.data = master - lr * grad.float()"},
    "You give master new memory (`master.data = ...`): what it is a part of does not change. Change the numbers in place.")
master_step.mistake("steps_under_autograd", {"no_grad": "enable_grad"},
    "weight wants a gradient, and autograd refuses to have it changed in place. Step inside `with torch.no_grad():`.", raises=RuntimeError)
master_step.mistake("cuts_the_last_bits_off", {"weight.copy_(master)": "weight.copy_((master.contiguous().view(torch.int32) & -0x10000).view(torch.float32))"},
    "You cut the lower bits of master off. They are rounded, to the nearest bfloat16; copy_ and bfloat16() do that.")
master_step.mistake("scales_the_callers_gradient", {"lr * grad.float()": "grad.mul_(lr).float()"},
    "You multiply grad itself by lr: it is the caller's, and it is bfloat16. Make a float32 product of your own.")
