"""From an answer to a verdict: ask the reference, compare, and find the impostor that answers as the learner did."""

import re
from dataclasses import replace
from functools import cache, lru_cache
from textwrap import shorten

import torch

from . import asking, judge, verdicts
from .bench import Data, probe_seed
from .explain import explain
from .spec import Exercise, Probe, Task
from .verdicts import GRAVITY, Mistake, SubmissionResult, TaskResult, Verdict

LEARNER, REFERENCE = 0, 1  # streams of random numbers; impostors draw what the learner draws, so as to answer the same

MESSAGE_LINES = 4  # of an exception's message: load_state_dict says what is missing in its second line
MEMORY_MESSAGES = (
    "can't allocate memory", "not enough memory", "Unable to allocate",
    "CUDA out of memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED",
)  # fmt: skip


class ReferenceFault(Exception):
    """The reference itself did not answer: the catalogue or the installed torch is at fault, never the learner."""


class Examiner:
    """Asks the reference and the impostors, once a probe, for one seed and device; judges answers against them."""

    def __init__(self, seed: int, device: str = "cpu"):
        self.seed = seed
        self.device = device
        self.data = lru_cache(maxsize=None)(self._data)
        self.reference = lru_cache(maxsize=None)(self._reference)
        self.impostors = lru_cache(maxsize=None)(self._impostors)
        self.calls = lru_cache(maxsize=None)(self._calls)
        self.passing_impostors = lru_cache(maxsize=None)(self._passing_impostors)

    def seed_of(self, task: Task, probe: Probe) -> int:
        return probe_seed(self.seed, task.name, probe.name)

    def ask(self, task: Task, probe: Probe, candidate, stream: int = LEARNER) -> asking.Answer:
        """Ask any object in this process, as a learner's is asked in its kernel. What a task forbids, its reference may use."""
        forbids = () if stream == REFERENCE else task.forbids
        data = self.data(task, probe)
        if stream != REFERENCE:
            data = Data(data.given)
        return asking.read_answer(asking.ask(probe.ask, candidate, self.seed_of(task, probe), self.device, forbids, stream, data))

    def _data(self, task: Task, probe: Probe) -> Data:
        return probe.data(self.seed_of(task, probe)) if probe.data else Data(())

    def _reference(self, task: Task, probe: Probe) -> asking.Answer:
        answer = self.ask(task, probe, task.reference, REFERENCE)
        if answer.raised:
            raise ReferenceFault(f"torch's own answer to {task.name}.{probe.name} raised {answer.raised.kind}: {answer.raised.message}")
        return answer

    def _impostors(self, task: Task, probe: Probe) -> dict[str, asking.Answer]:
        place = task.probes.index(probe)
        if place:  # one that keeps something between calls has met the questions in the order in which a learner's answer meets them
            self.impostors(task, task.probes[place - 1])
        return {
            impostor.name: _as_if_named(task, impostor, self.ask(task, probe, impostor.answer))
            for impostor in task.impostors
        }

    def _calls(self, task: Task, probe: Probe) -> list[dict]:
        return asking.recorded_inputs(probe.ask, task.reference, self.seed_of(task, probe), self.device, self.data(task, probe))

    def _passing_impostors(self, task: Task, probe: Probe) -> set[str]:
        """Impostors that this probe does not find out."""
        reference = self.reference(task, probe)
        answers = self.impostors(task, probe)
        return {name for name, answer in answers.items() if judge.agree(answer, reference, task.tolerance)}

    def verdict(self, task: Task, probe: Probe, answer: asking.Answer) -> Verdict:
        """Judge one answer to one probe."""
        if answer.missing:
            return no_answer(probe, verdicts.MISSING, f"The notebook defines no `{task.name}`.")
        if answer.raised and answer.raised.kind == "NotImplementedError" and not answer.raised.message:
            return no_answer(probe, verdicts.NOT_ATTEMPTED, "Still to be written.")
        if answer.forbidden:
            return no_answer(probe, verdicts.FORBIDDEN, forbidden_message(task, answer.forbidden))
        if answer.raised:
            return self._raised_verdict(task, probe, answer)
        reference = self.reference(task, probe)
        found = judge.differences(answer.value, reference.value, task.tolerance)
        if not found:
            return Verdict(probe.name, probe.title, verdicts.PASSED, probe.points, probe.points)
        asked = self._asked(task, probe)
        if isinstance(reference.value, dict) and len(reference.value) == len(asked):  # one call a part: show the one that failed
            asked = [call for part, call in zip(reference.value, asked) if found[0].at.startswith(part)][:1]
        return Verdict(
            probe.name, probe.title, verdicts.WRONG, 0, probe.points,
            f"{found[0].at}: {found[0].message}".removeprefix(": "), asked, found[:8], self._like(task, probe, answer),
        )

    def _asked(self, task, probe):
        return [_call_text(task, call) for call in self.calls(task, probe)]

    def _raised_verdict(self, task, probe, answer):
        raised = answer.raised
        out_of_memory = raised.kind in ("MemoryError", "OutOfMemoryError") or any(
            text in raised.message for text in MEMORY_MESSAGES
        )
        lines = [line.strip()[:300] for line in raised.message.split("\n") if line.strip()][:MESSAGE_LINES]
        where = f" in `{raised.line}`" if raised.line else f" on calling {task.name} or using its result"
        message = "\n".join([f"{raised.kind}{where}: {lines[0] if lines else ''}", *lines[1:]])
        meaning = explain(raised.message, self.calls(task, probe))
        asked = self._asked(task, probe)
        return Verdict(
            probe.name, probe.title, verdicts.OUT_OF_MEMORY if out_of_memory else verdicts.RAISED, 0, probe.points,
            f"{message}\n{meaning}".strip(), asked[raised.call - 1 : raised.call] or asked, [], self._like(task, probe, answer),
        )

    def _like(self, task, probe, answer):
        answers = self.impostors(task, probe)
        return [name for name, other in answers.items() if judge.agree(answer, other, task.tolerance)]

    def result(self, task: Task, probe_verdicts: list[Verdict]) -> TaskResult:
        """Sum up a task: its points, its gravest status, and the mistakes that explain the failed probes."""
        status = min((verdict.status for verdict in probe_verdicts), key=GRAVITY.index)
        return TaskResult(
            task.name, status, sum(verdict.points for verdict in probe_verdicts), task.points,
            self._mistakes(task, probe_verdicts), "" if status == verdicts.PASSED else task.hints[0], task.section, probe_verdicts,
        )

    def _mistakes(self, task, probe_verdicts):
        """Known mistakes that cover the failed probes, the one that behaves most like the learner first.

        An impostor behaves like the learner on a failed probe if it gives the same wrong answer, and on a passed probe
        if it passes too. Of two that cover as much, the one declared first is named.
        """
        failed = [verdict for verdict in probe_verdicts if verdict.like]
        passed = {verdict.probe for verdict in probe_verdicts if verdict.status == verdicts.PASSED}
        left, mistakes = {verdict.probe for verdict in failed}, []
        while left:
            covers = {
                impostor: [verdict.probe for verdict in failed if verdict.probe in left and impostor.name in verdict.like]
                for impostor in task.impostors
            }
            best = max(covers, key=lambda impostor: (len(covers[impostor]), self._passes(task, impostor, passed)), default=None)
            if best is None or not covers[best]:
                break
            mistakes.append(Mistake(best.name, best.message, covers[best]))
            left -= set(covers[best])
        return mistakes

    def _passes(self, task, impostor, probe_names):
        """How many of these probes the impostor passes."""
        asked = [probe for probe in task.probes if probe.name in probe_names]
        return sum(impostor.name in self.passing_impostors(task, probe) for probe in asked)


@cache
def examiner_of(seed: int, device: str) -> Examiner:
    """One Examiner for whoever judges in this process: an impostor that keeps something between calls has then met each question once."""
    return Examiner(seed, device)


def _as_if_named(task, impostor, answer):
    """The answer with the impostor's name replaced by the task's in an error message: torch names classes there."""
    if not answer.raised:
        return answer
    message = answer.raised.message.replace(impostor.name, task.name)
    return replace(answer, raised=replace(answer.raised, message=message))


def no_answer(probe: Probe, status: str, message: str) -> Verdict:
    """A verdict on a probe that has no answer to compare."""
    return Verdict(probe.name, probe.title, status, 0, probe.points, message)


def as_given(verdict: Verdict) -> Verdict:
    """The verdict on code that the learner was given to mend and has not touched: nothing is attempted, and all is explained."""
    return replace(verdict, status=verdicts.NOT_ATTEMPTED, points=0)


def submission_result(path: str, exercise: Exercise, results: list[TaskResult], notes: list[str], missing_modules: list[str], flags: list[str]) -> SubmissionResult:
    points = sum(result.points for result in results)
    return SubmissionResult(path, exercise.name, points, exercise.points, results, list(notes), list(missing_modules), flags=list(flags))


def forbidden_message(task: Task, names, line: str = "") -> str:
    """Which forbidden name an answer uses."""
    what = ", ".join(f"`{name}`" for name in names)
    where = f" Found in: `{line}`." if line else ""
    return f"`{task.name}`, with what it calls, is to be written without {what}.{where}"


def _call_text(task, call):
    """A call as text: linear(x: (2, 4, 5), weight: (3, 5), bias: None)."""
    return f"{task.name}({', '.join(f'{name}: {_argument_text(value)}' for name, value in call.items())})"


def _argument_text(value):
    if callable(value) and not isinstance(value, torch.nn.Module):
        return "a function"
    if not hasattr(value, "shape"):
        return shorten(re.sub(r" at 0x\w+", "", repr(value)), 110, placeholder=" …")
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    return f"{shape}" if dtype == "float32" else f"{shape} {dtype}"
