"""What the judge is given, mangled: whatever comes out of a kernel ends in a verdict, of bounded and inert text, and never in a fault.

`make bench` tries two hundred times as many (hypothesis' profile "long").
"""

import copy
import functools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from grader import asking, wire
from grader.bench import Data
from grader.catalogue import EXERCISES
from grader.diagnose import Examiner, submission_result
from grader.reports.console import verdict_text
from grader.texts import STEERS
from grader.verdicts import FORBIDDEN, OUT_OF_MEMORY, PASSED, RAISED, REPORT_KIB, WRONG, as_json, bounded

EXAMINER = Examiner(seed=3)
CHOSEN = EXERCISES[:4]  # tensors, samples, classes, dicts of parts
DEEP = functools.reduce(lambda inner, _: {"t": "list", "v": [inner]}, range(60), 0)
HOSTILE = [
    None, True, -1, 0, 2**53, -(10**400), 1e308, float("nan"), [], {}, [[]], "", "\x1b[2J\x1b]0;x\x07", "a\n\u202eb\u2028c\ud800", "x" * 30_000, "9" * 5000, "tensor", DEEP,
    {"t": "opaque", "v": "\x1b" * 500}, {"t": "dict", "v": [["\x9b" * 200, 1]] * 300}, {"t": "int", "v": "9" * 301}, {"t": "float", "v": "-inf"},
    {"t": "tuple", "v": ["\ud83d\ude00" * 9000] * 50}, {"t": "tensor", "dtype": "bool", "shape": [0, 2**24], "device": "\x1b[m", "data": ""},
    {"kind": "\u202eE" * 999, "message": f"mat1 and mat2 shapes cannot be multiplied ({'9' * 5000}x3 and 3x{'9' * 5000})", "line": "\x1b\n" * 999, "call": 10**20},
    {"kind": "RuntimeError", "message": "expected " * 3000 + "shape '[" * 999, "line": "", "call": -1},
]  # fmt: skip


@functools.cache
def answers() -> list:
    """(task, probe, data): what the reference and every impostor answer, as it comes out of a kernel."""
    found = []
    for task in (task for exercise in CHOSEN for task in exercise.tasks):
        for probe in task.probes:
            for candidate in (task.reference, *(impostor.answer for impostor in task.impostors[:3])):
                data = Data(EXAMINER.data(task, probe).given)
                found.append((task, probe, list(asking.ask(probe.ask, candidate, EXAMINER.seed_of(task, probe), "cpu", data=data, rounds=task.rounds(probe)))))
    return found


def places(data):
    """Every (container, key) in a nest of JSON."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield data, key
        yield from places(value)


@st.composite
def mangled(draw):
    task, probe, answer = draw(st.sampled_from(answers()))
    whole = {"rounds": copy.deepcopy(answer)}
    for _ in range(draw(st.integers(1, 4))):
        container, key = draw(st.sampled_from(list(places(whole))))
        how = draw(st.sampled_from(["hostile", "hostile", "another", "again", "gone"]))
        if how == "hostile":
            container[key] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
        elif how == "another":
            container[key] = copy.deepcopy(draw(st.sampled_from(answers()))[2][0].get("value"))
        elif how == "again" and isinstance(container, list):
            container *= 2
        elif how == "gone" and container is not whole:
            del container[key]
    rounds = whole["rounds"] if isinstance(whole["rounds"], list) and whole["rounds"] else [whole["rounds"]]
    if isinstance(rounds[-1], dict) and draw(st.booleans()):
        rounds[-1]["raised"] = copy.deepcopy(draw(st.sampled_from(HOSTILE[-2:])))
    return task, probe, rounds


@given(mangled())
@settings(deadline=None)
def test_whatever_an_answer_is_it_gets_a_verdict(found):
    task, probe, data = found
    try:
        answer = asking.read_answer(data)
    except wire.WireError:
        return
    verdict = EXAMINER.verdict(task, probe, answer)
    assert verdict.status in (PASSED, WRONG, RAISED, FORBIDDEN, OUT_OF_MEMORY, "missing", "not attempted")
    assert verdict.points == (probe.points if verdict.status == PASSED else 0)
    assert not (verdict.points and (answer.raised or answer.forbidden))
    exercise = next(exercise for exercise in CHOSEN if task in exercise.tasks)
    part = as_json(bounded(submission_result("x", exercise, [EXAMINER.result(task, [verdict] * 45)], [], [], [])))
    assert len(part) <= REPORT_KIB * 1024
    assert not STEERS.search(verdict_text(verdict))
    assert not [value for value in (container[key] for container, key in places(json.loads(part))) if isinstance(value, str) and STEERS.search(value)]
