"""What a candidate changes that is not its own: the arguments of its calls, and the state of the process. Noted where it is asked, judged elsewhere.

A trace is a line such as "0: values" (of the first argument), "1.weight: shape", "forward/0: values", "class: heads" (an attribute of a class) or "the default dtype".
"""

import functools
import inspect
from contextlib import contextmanager, suppress

import numpy as np
import torch

from . import state, wire

MOST_PARTS = 200  # of one argument that are looked at


def _parts(value, path, depth=0):
    """What is to be as it was, of an argument: pairs of a trace and something that tells one state from another."""
    if isinstance(value, torch.Tensor):
        yield f"{path}: shape", (tuple(value.shape), value.stride(), value.dtype)
        yield f"{path}: requires_grad", value.requires_grad
        yield f"{path}: values", wire.raw_bytes(value)
        if value.is_leaf and not isinstance(value, torch.nn.Parameter):  # those of a module's parameters are its user's own affair
            yield f"{path}: grad", None if value.grad is None else wire.raw_bytes(value.grad)
    elif isinstance(value, np.ndarray):
        yield f"{path}: shape", (value.shape, value.strides, value.dtype)
        yield f"{path}: values", np.ascontiguousarray(value).tobytes()
    elif isinstance(value, torch.nn.Module):
        for name, module in value.named_modules():
            yield f"{'.'.join(filter(None, [path, name]))}: mode", module.training
        for name, tensor in [*value.named_parameters(), *value.named_buffers()]:
            yield from _parts(tensor, f"{path}.{name}", depth + 1)
    elif isinstance(value, (list, tuple, dict)) and depth < 3:
        yield f"{path}: length", len(value)
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value))[:MOST_PARTS]:
            yield from _parts(item, f"{path}[{key}]", depth + 1)
            if isinstance(item, (int, float, str, bool)):
                yield f"{path}[{key}]: values", item


def _states(arguments):
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():  # the watch need not notice our own looks
        with suppress(Exception):  # a tensor without numbers, of a transformation or the meta device
            return {trace: part for path, value in arguments for trace, part in _parts(value, path)}
    return {}


class Lending:
    """Notes what changes in the arguments of a candidate's calls: of a function's, and of a class's own methods, where they are called from outside; and
    what is kept on the class itself."""

    def __init__(self):
        self.traces: dict[str, None] = {}
        self.calls = 0  # of a candidate that is a function
        self._depth = 0

    def function(self, candidate):
        """A plain function, in a coat that notes; anything else as it is, for a probe may ask what it is."""
        if not inspect.isfunction(candidate):
            return candidate

        @functools.wraps(candidate)
        def lent(*args, **kwargs):
            self.calls += 1
            return self._call(candidate, "", 0, args, kwargs)

        return lent

    def _call(self, function, prefix, skip, args, kwargs):
        if self._depth:
            return function(*args, **kwargs)
        arguments = [(f"{prefix}{place}", value) for place, value in enumerate(args[skip:])] + [(f"{prefix}{name}", value) for name, value in kwargs.items()]
        before = _states(arguments)
        self._depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            self._depth -= 1
            after = _states(arguments)
            self.traces |= dict.fromkeys(trace for trace, part in before.items() if trace in after and after[trace] != part)

    @contextmanager
    def methods(self, candidate):
        """A block in which a class's own methods note, where it lets itself be changed."""
        own = vars(candidate) if inspect.isclass(candidate) and not str(candidate.__module__).startswith("torch.") else {}
        before = {name: value for name, value in own.items() if inspect.isfunction(value) or isinstance(value, staticmethod)}
        with suppress(Exception):
            for name, value in before.items():
                setattr(candidate, name, self._method(name, value))
        attributes = dict(vars(candidate)) if own else {}
        try:
            yield
        finally:
            kept = [name for name, value in (vars(candidate) if own else {}).items() if attributes.get(name, self) is not value and not name.startswith("__")]
            self.traces |= dict.fromkeys(f"class: {name}" for name in kept)
            with suppress(Exception):
                for name, value in before.items():
                    setattr(candidate, name, value)

    def _method(self, name, value):
        function, skip = (value.__func__, 0) if isinstance(value, staticmethod) else (value, 1)

        @functools.wraps(function)
        def lent(*args, **kwargs):
            return self._call(function, f"{name}/", skip, args, kwargs)

        return staticmethod(lent) if isinstance(value, staticmethod) else lent


def changed_state(before: dict) -> list[str]:
    """The names of what is no longer as it was (see `state.reading`)."""
    return [name for name, value in state.reading().items() if value != before[name]]
