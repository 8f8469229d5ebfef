"""Ask one candidate one probe and write down what it answers. The same code runs in a learner's kernel, in a learner's
own notebook and in the grading process (for the reference and the impostors). It decides nothing.
"""

import inspect
import linecache
import math
import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from . import wire
from .bench import Bench, Data, probe_seed
from .lent import Lending, changed_state
from .rounds import FIRST, TWICE, Round
from .state import reading, seeded
from .texts import inert, one_line
from .watch import watching

MAX_CALLS = 20  # forbidden ones that are told
MAX_TRACES = 20
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
    """What came of one round of a probe: a value (a nest, see wire), an exception, or nothing; the forbidden calls seen; and the traces of what
    it changed (see lent). The first round's also holds those of the later ones, as far as they were asked."""

    value: object = None
    raised: Raised | None = None
    missing: bool = False
    forbidden: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    later: tuple["Answer", ...] = ()


def ask(
    probe, candidate, seed: int, device: str, forbids: tuple[str, ...] = (), stream: int = 0, data: Data = Data(()), rounds: tuple[Round, ...] = (FIRST,),
) -> Iterator[dict]:  # fmt: skip
    """Ask `candidate` the probe (a function) on inputs of `seed`, in each round (see rounds) until one raises; what came of each as JSON-able data,
    all of them for `read_answer`.

    The global random generators are seeded for the call and restored after it. Different streams give independent
    random numbers for the same inputs: samples are compared as independent ones. Warnings are not shown.
    """
    if candidate is MISSING:
        yield {"missing": True}
        return
    for each in rounds:
        found = _ask_once(probe, candidate, *_seeds(seed, stream, each), device, forbids, data, each.values)
        yield found
        if "raised" in found:
            return


def _seeds(seed, stream, each):
    """The seed of a round's inputs, and that of the global generators."""
    inputs = seed if each.name in ("", TWICE) else probe_seed(seed, "round", each.name)
    return inputs, probe_seed(seed, "stream", f"{stream}{each.name}")


def _ask_once(probe, candidate, seed, drawn, device, forbids, data, free):
    bench, lending = Bench(seed, device, data), Lending()
    with seeded(drawn, device), watching(forbids) as forbidden:
        before = reading()
        try:
            with lending.methods(candidate):
                answer = {"value": wire.encode(probe(lending.function(candidate), bench, **free))}
        except KeyboardInterrupt:  # the time is up
            raise
        except BaseException as error:
            answer = {"raised": asdict(_describe(error, lending.calls))}
        traces = [*lending.traces, *changed_state(before)]
    return {**answer, "forbidden": list(forbidden), "traces": traces[:MAX_TRACES]}


def compile_probe(source: str, name: str):
    """The probe function that stands in `source`."""
    namespace = dict(PROBE_NAMES)
    exec(compile(source, f"<probe {name}>", "exec"), namespace)
    return namespace[name]


def read_answer(rounds: Iterable) -> Answer:
    """What `ask` yielded, after a journey through a kernel: checked part by part, its texts inert and bounded. Raises wire.WireError."""
    first, *later = map(_read_round, rounds)
    return replace(first, later=tuple(later))


def _read_round(data):
    if not isinstance(data, dict):
        raise wire.WireError("an answer that is not a dict")
    if data.get("missing") is True:
        return Answer(missing=True)
    forbidden, traces = (data.get(name) for name in ("forbidden", "traces"))
    for names in (forbidden, traces):
        if type(names) is not list or not all(type(name) is str for name in names):
            raise wire.WireError("an answer without its list of calls")
    seen = {"forbidden": tuple(map(one_line, forbidden[:MAX_CALLS])), "traces": tuple(map(one_line, traces[:MAX_TRACES]))}
    if "raised" not in data:
        return Answer(wire.decode(data.get("value", {})), **seen)
    raised = data["raised"]
    kinds = {"kind": str, "message": str, "line": str, "call": int}
    if not isinstance(raised, dict) or any(type(raised.get(field)) is not kind for field, kind in kinds.items()):
        raise wire.WireError("an exception that is none")
    kind, line = one_line(raised["kind"]), one_line(raised["line"])
    return Answer(raised=Raised(kind, inert(raised["message"]), line, raised["call"]), **seen)


def recorded_inputs(probe, reference, seed: int, device: str, data: Data = Data(()), each: Round = FIRST) -> list[dict]:
    """The arguments of each call that the probe makes of the reference in a round: a dict from parameter name to value, a call."""
    calls = []
    signature = inspect.signature(reference)

    def recorder(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        calls.append({name: _snapshot(value) for name, value in bound.arguments.items()})
        return reference(*args, **kwargs)

    inputs, drawn = _seeds(seed, 0, each)
    with seeded(drawn, device):
        probe(reference if inspect.isclass(reference) else recorder, Bench(inputs, device, data), **each.values)
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
