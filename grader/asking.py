"""Ask one candidate one probe and write down what it answers. The same code runs in a learner's kernel, in a learner's
own notebook and in the grading process (for the reference and the impostors). It decides nothing.
"""

import functools
import inspect
import linecache
import math
import re
import traceback
from dataclasses import asdict, dataclass

import numpy as np
import torch

from . import wire
from .bench import Bench, Data, probe_seed
from .state import seeded
from .texts import inert, one_line
from .watch import watching

MAX_CALLS = 20  # forbidden ones that are told
MISSING = object()  # stands for a candidate that the notebook does not define
PROBE_NAMES = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "math": math}


@dataclass(frozen=True)
class Raised:
    """An exception as an answer: its type's name, its message, the innermost line of the candidate's own code, and in which
    call of a candidate that is a function, counted from 1; 0 where that is not known."""

    kind: str
    message: str
    line: str = ""
    call: int = 0


@dataclass(frozen=True)
class Answer:
    """What came of one probe: a value (a nest, see wire), an exception, or nothing; and the forbidden calls seen."""

    value: object = None
    raised: Raised | None = None
    missing: bool = False
    forbidden: tuple[str, ...] = ()


def ask(probe, candidate, seed: int, device: str, forbids: tuple[str, ...] = (), stream: int = 0, data: Data = Data(())) -> dict:
    """Ask `candidate` the probe (a function) on inputs of `seed`; the answer as JSON-able data for `read_answer`.

    The global random generators are seeded for the call and restored after it. Different streams give independent
    random numbers for the same inputs: samples are compared as independent ones. Warnings are not shown.
    """
    if candidate is MISSING:
        return {"missing": True}
    bench = Bench(seed, device, data)
    counted, calls = _counting(candidate)
    with seeded(probe_seed(seed, "stream", str(stream)), device), watching(forbids) as forbidden:
        try:
            answer = {"value": wire.encode(probe(counted, bench))}
        except KeyboardInterrupt:  # the time is up
            raise
        except BaseException as error:
            answer = {"raised": asdict(_describe(error, len(calls)))}
    return {**answer, "forbidden": list(forbidden)}


def _counting(candidate):
    """A function that also notes each call of it in a list; anything else as it is, for a probe may ask what it is."""
    calls = []
    if not inspect.isfunction(candidate):
        return candidate, calls

    @functools.wraps(candidate)
    def counted(*args, **kwargs):
        calls.append(None)
        return candidate(*args, **kwargs)

    return counted, calls


def compile_probe(source: str, name: str):
    """The probe function that stands in `source`."""
    namespace = dict(PROBE_NAMES)
    exec(compile(source, f"<probe {name}>", "exec"), namespace)
    return namespace[name]


def read_answer(data) -> Answer:
    """What `ask` returned, after a journey through a kernel: checked part by part, its texts inert and bounded. Raises wire.WireError."""
    if not isinstance(data, dict):
        raise wire.WireError("an answer that is not a dict")
    if data.get("missing") is True:
        return Answer(missing=True)
    forbidden = data.get("forbidden")
    if type(forbidden) is not list or not all(type(name) is str for name in forbidden):
        raise wire.WireError("an answer without its list of calls")
    forbidden = tuple(one_line(name) for name in forbidden[:MAX_CALLS])
    if "raised" not in data:
        return Answer(wire.decode(data.get("value", {})), forbidden=forbidden)
    raised = data["raised"]
    kinds = {"kind": str, "message": str, "line": str, "call": int}
    if not isinstance(raised, dict) or any(type(raised.get(field)) is not kind for field, kind in kinds.items()):
        raise wire.WireError("an exception that is none")
    kind, line = one_line(raised["kind"]), one_line(raised["line"])
    return Answer(raised=Raised(kind, inert(raised["message"]), line, raised["call"]), forbidden=forbidden)


def recorded_inputs(probe, reference, seed: int, device: str, data: Data = Data(())) -> list[dict]:
    """The arguments of each call that the probe makes of the reference: a dict from parameter name to value, a call."""
    calls = []
    signature = inspect.signature(reference)

    def recorder(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        calls.append({name: _snapshot(value) for name, value in bound.arguments.items()})
        return reference(*args, **kwargs)

    with seeded(probe_seed(seed, "stream", "0"), device):
        probe(reference if inspect.isclass(reference) else recorder, Bench(seed, device, data))
    return calls


def _snapshot(value):
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _describe(error: BaseException, call: int) -> Raised:
    """The exception and the innermost frame of code that is neither a library's nor ours."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own_code(frame.filename)]
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip() if own else ""
    return Raised(type(error).__name__, _message(error), line[:200], call)


def _message(error) -> str:
    """An exception's text; its author may have got that wrong, too."""
    try:
        text = re.sub(r" at 0x[0-9a-f]+", "", wire.clean(str(error)[: wire.MAX_TEXT]))  # an address is never twice the same
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "?", text)  # nothing that steers a terminal
    except Exception:
        return ""


def _is_own_code(filename: str) -> bool:
    libraries = ("site-packages", "dist-packages", "<probe ", "<frozen", "<__array_function__")
    return not any(part in filename for part in libraries) and not filename.startswith((_HERE, _STDLIB))


_HERE = __file__.rsplit("asking.py", 1)[0]
_STDLIB = traceback.__file__.rsplit("traceback.py", 1)[0]
