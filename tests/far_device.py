"""A second device that needs none: tensors of device "meta" that do have numbers, kept on the CPU. Two devices are refused as on a GPU.

`python -m tests.far_device` asks torch's own answers and the solutions there, and prints where two devices meet. What it cannot be is a
device in memory: addresses are 0, generators and torch.testing refuse it. Probes that train are left out; they would take minutes.
"""

from dataclasses import replace

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

from grader import wire
from grader.asking import MISSING
from grader.catalogue import EXERCISES
from grader.diagnose import Examiner, ReferenceFault

from .notebooks import solution

TWO_DEVICES = "Expected all tensors to be on the same device"
LARGE = 2**20  # numbers; what holds more has none, as on device "meta": questions that only count have layers of gigabytes
MAY_MEET = ("aten._to_copy", "aten.copy_", "aten.index", "aten.index_put")  # an index may lie on the CPU


class Far(torch.Tensor):
    """A tensor whose numbers are those of `near`."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, near):
        layout = {"strides": near.stride(), "storage_offset": near.storage_offset(), "dtype": near.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, near.size(), device="meta", **layout)

    def __init__(self, near):
        self.near = near

    def tolist(self):
        """torch's own refuses a tensor of another class."""
        return self.near.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class FarMode(TorchDispatchMode):
    """Has what is made on the device made there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        leaves = tree_leaves((args, kwargs))
        far = any(isinstance(each, Far) or isinstance(each, torch.device) and each.type == "meta" for each in leaves)
        return _run(func, args, kwargs or {}) if far else func(*args, **(kwargs or {}))


def _run(func, args, kwargs):
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    far = {id(each.near): each for each in tensors if isinstance(each, Far)}
    if far and any(each.dim() and not isinstance(each, Far) for each in tensors) and not str(func).startswith(MAY_MEET):
        raise RuntimeError(f"{TWO_DEVICES}, but found at least two devices ({func})")
    if torch.Tag.inplace_view in func.tags:
        with no_dispatch():  # the outer tensor's sizes
            func(*args, **kwargs)
    with _disable_current_modes():
        args_near, kwargs_near = tree_map(_near, (args, kwargs))
        if any(each.near.numel() > LARGE or each.near.is_meta for each in far.values()):
            args_near, kwargs_near = tree_map(_without_numbers, (args_near, kwargs_near))
        found = func(*args_near, **kwargs_near)
    goes = args[0] if str(func).startswith("aten.copy_") else kwargs.get("device")
    stays = isinstance(goes, Far) or torch.device(goes).type == "meta" if isinstance(goes, (Far, str, torch.device)) else bool(far) and goes is None
    return tree_map(lambda each: far.get(id(each), Far(each) if stays else each) if isinstance(each, torch.Tensor) else each, found)


def _near(each):
    if isinstance(each, torch.device) and each.type == "meta":
        return torch.device("cpu")
    return each.near if isinstance(each, Far) else each


def _without_numbers(each):
    return each.to("meta") if isinstance(each, torch.Tensor) else torch.device("meta") if isinstance(each, torch.device) else each


def _tensor(data, *args, device=None, requires_grad=False, **kwargs):
    """torch.tensor, which makes its tensor before anybody is asked."""
    made = own_tensor(data, *args, **kwargs)
    made = made if device is None else made.to(device)
    return made.requires_grad_() if requires_grad else made


def _set_data(tensor, value):
    data.__set__(tensor, value)
    if isinstance(tensor, Far) and isinstance(value, Far):
        tensor.near = value.near


def _encode(tensor, budget, depth):
    plain = tensor.detach()
    return own_encode(plain.near if isinstance(plain, Far) else plain, budget, depth) | {"device": plain.device.type}


def main():
    """Print a line for each probe in which two devices meet, or that lacks a name, and how many passed of how many."""
    examiner, messages = Examiner(1, "meta"), []
    for exercise in EXERCISES:
        _, given, *others = [cell for cell in solution(exercise.name).cells if cell.cell_type == "code"]  # given: imports, and what the tasks count on
        cells = [given, *(cell for cell in others if cell.metadata.get("linear_course", {}).get("role") == "answer")]
        answers = {}
        exec(compile("\n".join(cell.source for cell in cells), exercise.name, "exec"), answers)
        once = [replace(task, probes=[replace(probe, once=True) for probe in task.probes if not probe.data]) for task in exercise.tasks]  # sizes do not matter here
        with FarMode():
            for task, probe in ((task, probe) for task in once for probe in task.probes):
                try:
                    said = examiner.verdict(task, probe, examiner.ask(task, probe, answers.get(task.name, MISSING))).message
                except (ReferenceFault, RuntimeError) as fault:
                    said = str(fault)
                messages.append(said)
                if TWO_DEVICES in said or "NameError" in said:
                    print(f"{task.name}.{probe.name}: {said}")
    print(messages.count(""), len(messages))


own_tensor, own_encode, data = torch.tensor, wire._encode_tensor, torch._C.TensorBase.data
if __name__ == "__main__":
    torch.tensor, wire._encode_tensor, torch.Tensor.data = _tensor, _encode, property(data.__get__, _set_data)
    main()
