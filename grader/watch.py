"""Which forbidden functions an answer calls while a probe runs, seen at torch's and NumPy's function level, at torch's dispatcher, where
the work is done whatever name it was called by, and in the calls that Python makes of NumPy's and its own compiled functions.

Together with `sources`, which reads the code, this catches what a learner does openly. It is no wall: it lives in the
learner's own process, where code that hides a call on purpose can get past it.
"""

import functools
import sys
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._python_dispatch import TorchDispatchMode

from .sources import matches


class ForbiddenCalls(TorchFunctionMode):
    """Notes which forbidden torch functions are called while it is active. Methods and operators count as their functions."""

    def __init__(self, forbidden: tuple[str, ...]):
        super().__init__()
        self.forbidden = forbidden
        self.is_autocast_of_interest = bool(_forbidden_as("torch.autocast", forbidden))
        self.seen: list[str] = []

    def note(self, name: str):
        """Compare a name that was met with what is forbidden."""
        self.seen += [each for each in _forbidden_as(name, self.forbidden) if each not in self.seen]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.note(_name_of(func))
        if self.is_autocast_of_interest and any(map(torch.is_autocast_enabled, ("cpu", "cuda"))):  # whatever name it was entered by
            self.note("torch.autocast")
        return func(*args, **(kwargs or {}))


@functools.lru_cache(10_000)
def _name_of(func) -> str:
    """A function's name in torch."""
    name = resolve_name(func) or f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', '')}"
    return name if name.startswith("torch.") else f"torch.{name}"


@functools.lru_cache(10_000)
def _forbidden_as(name: str, forbidden: tuple[str, ...]) -> list[str]:
    """What is forbidden of what goes by this name."""
    found = [name if "*" in goal else goal for goal in forbidden if matches(name, goal)]
    is_product = name in ("numpy.matmul", "torch.Tensor.matmul", "torch.Tensor.__matmul__", "_operator.matmul", "_operator.imatmul")
    return [*found, "@"] if "@" in forbidden and is_product else found


class ForbiddenOperations(TorchDispatchMode):
    """Tells ForbiddenCalls of the operations that run, of the dtypes that they make, and of autograd's engine where one runs for it."""

    def __init__(self, calls: ForbiddenCalls):
        super().__init__()
        self.calls = calls

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """torch.compile, which takes seconds to import, need not know of this mode."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls.note(f"torch.{func.overloadpacket.__name__}")
        if torch._C._current_graph_task_id() != -1:
            self.calls.note("torch.autograd")
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, torch.Tensor):
                self.calls.note(str(each.dtype))
        return out


def _operations(calls: ForbiddenCalls):
    """A block in which operations are told, where any is forbidden. Where no tensor may ask for a gradient it is enough that what a graph has kept
    is read again: a training of thousands of steps is not slowed down."""
    if "torch.Tensor.requires_grad_" in calls.forbidden:
        return torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: calls.note("torch.autograd") or tensor)
    return ForbiddenOperations(calls) if any(goal.count(".") == 1 for goal in calls.forbidden) else nullcontext()


@contextmanager
def _compiled_calls(calls: ForbiddenCalls):
    """A block in which calls of compiled functions are told: of NumPy's on plain arrays, too, and of operator.matmul."""

    def see(frame, event, function):
        if event == "c_call":
            owner = function.__module__ or f"{type(function.__self__).__module__}.{type(function.__self__).__qualname__}"
            calls.note(f"{owner}.{function.__name__}")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(before)


_active: list[ForbiddenCalls] = []


@contextmanager
def watching(forbidden: tuple[str, ...]):
    """Yield the list of forbidden names that are used inside the block."""
    if not any(goal == "@" or goal.startswith(("torch.", "numpy.")) for goal in forbidden):  # nothing that could be seen here
        yield []
        return
    calls = ForbiddenCalls(forbidden)
    _active.append(calls)
    try:
        compiled = _compiled_calls(calls) if "numpy.dot" in forbidden else nullcontext()
        with calls, _operations(calls), compiled:
            yield calls.seen
    finally:
        _active.remove(calls)


class WatchedArray(np.ndarray):
    """A NumPy array that reports the functions it meets to the active watcher, and is otherwise an ordinary array."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        _report(f"numpy.{ufunc.__name__}")
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(_plain(array) for array in out)
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return _watched(result)

    def __array_function__(self, func, types, args, kwargs):
        _report(f"numpy.{func.__name__}")
        return super().__array_function__(func, types, args, kwargs)

    def dot(self, other, out=None):
        _report("numpy.dot")
        return super().dot(other, out)


def _report(name):
    for calls in _active:
        calls.note(name)


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, WatchedArray) else value


def _watched(value):
    return value.view(WatchedArray) if isinstance(value, np.ndarray) else value
