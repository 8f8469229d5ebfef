"""From an answer to a verdict: ask the reference, compare, and find the impostor that answers as the learner did."""

import inspect
import re
from dataclasses import replace
from functools import cache, lru_cache
from textwrap import shorten

import torch

from . import asking, judge, verdicts
from .bench import Data, probe_seed
from .explain import explain
from .rounds import AGAIN, FIRST, TWICE, Round
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

    def ask(self, task: Task, probe: Probe, candidate, stream: int = LEARNER, forbids: tuple[str, ...] | None = None) -> asking.Answer:
        """Ask any object in this process, as a learner's is asked in its kernel. forbids: in place of what the task forbids, which its reference may use."""
        if forbids is None:
            forbids = () if stream == REFERENCE else task.forbids
        data = self.data(task, probe)
        if stream != REFERENCE:
            data = Data(data.given)
        return asking.read_answer(asking.ask(probe.ask, candidate, self.seed_of(task, probe), self.device, forbids, stream, data, task.rounds(probe)))

    def _data(self, task: Task, probe: Probe) -> Data:
        return probe.data(self.seed_of(task, probe)) if probe.data else Data(())

    def _reference(self, task: Task, probe: Probe) -> asking.Answer:
        answer = self.ask(task, probe, task.reference, REFERENCE)
        for each, asked in zip(_in_rounds(answer), task.rounds(probe)):
            if each.raised:
                raise ReferenceFault(f"torch's own answer to {task.name}.{probe.name} {asked.name} raised {each.raised.kind}: {each.raised.message}")
        return answer

    def _impostors(self, task: Task, probe: Probe) -> dict[str, asking.Answer]:
        place = task.probes.index(probe)
        if place:  # one that keeps something between calls has met the questions in the order in which a learner's answer meets them
            self.impostors(task, task.probes[place - 1])
        return {
            impostor.name: _as_if_named(task, impostor, self.ask(task, probe, impostor.answer, forbids=()))
            for impostor in task.impostors if impostor.is_known
        }

    def _calls(self, task: Task, probe: Probe, each: Round) -> list[dict]:
        return asking.recorded_inputs(probe.ask, task.reference, self.seed_of(task, probe), self.device, self.data(task, probe), each)

    def _passing_impostors(self, task: Task, probe: Probe) -> set[str]:
        """Impostors that this probe does not find out."""
        rounds = len(task.rounds(probe))
        return {name for name, answer in self.impostors(task, probe).items() if self._passes_rounds(task, probe, answer, rounds)}

    def _passes_rounds(self, task, probe, answer, number):
        """Whether an answer's values are right in the first rounds, so many."""
        mine, theirs = _in_rounds(answer)[:number], _in_rounds(self.reference(task, probe))[:number]
        return len(mine) == number and all(judge.agree(one, other, task.tolerance) for one, other in zip(mine, theirs))

    def changes(self, task: Task, probe: Probe, answer: asking.Answer) -> list[str]:
        """What the candidate has changed that it may not, in any round of this probe."""
        if not any(each.traces for each in _in_rounds(answer)):
            return []
        pairs = zip(_in_rounds(answer), _in_rounds(self.reference(task, probe)))
        return list(dict.fromkeys(trace for one, other in pairs for trace in one.traces if trace not in other.traces))

    def charged_once(self, task: Task, answers: dict[Probe, asking.Answer]) -> dict[Probe, asking.Answer]:
        """The answers to a task's probes with what they change kept in the first probe that shows it: it costs that probe's points, not the task's."""
        seen, charged = set(), {}
        for probe, answer in answers.items():
            charged[probe] = without_traces(answer, seen)
            seen |= self.kinds_of_changes(task, probe, answer)
        return charged

    def kinds_of_changes(self, task: Task, probe: Probe, answer: asking.Answer) -> set[str]:
        """What it changes that it may not: what it was given, what belongs to the process."""
        return set() if answer.missing else {_kind(trace) for trace in self.changes(task, probe, answer)}

    def verdict(self, task: Task, probe: Probe, answer: asking.Answer) -> Verdict:
        """Judge one answer to one probe: by the first of its rounds that is not right."""
        if answer.missing:
            return no_answer(probe, verdicts.MISSING, f"The notebook defines no `{task.name}`.")
        if answer.raised and answer.raised.kind == "NotImplementedError" and not answer.raised.message:
            return no_answer(probe, verdicts.NOT_ATTEMPTED, "Still to be written.")
        answers, rounds = _in_rounds(answer), task.rounds(probe)
        seen = dict.fromkeys(name for each in answers for name in each.forbidden)
        if seen:
            return no_answer(probe, verdicts.FORBIDDEN, forbidden_message(task, list(seen)))
        if len(answers) > len(rounds) or (len(answers) < len(rounds) and not answers[-1].raised):
            return no_answer(probe, verdicts.WRONG, "Your kernel answered some rounds of this question and not others.")
        references, changed = _in_rounds(self.reference(task, probe)), self.changes(task, probe, answer)
        for number, (each, mine, theirs) in enumerate(zip(rounds, answers, references)):
            found = [] if mine.raised else judge.differences(mine.value, theirs.value, task.tolerance)
            if mine.raised or found:
                made = self._raised_verdict if mine.raised else self._wrong_verdict
                verdict = made(task, probe, each, mine, theirs, found, self._like(task, probe, answer, number))
                seen = [self._seen(task, rounds[number:], answers, references), changed_message(task, changed) if changed else ""]
                return replace(verdict, seen=" ".join(filter(None, seen)))
        if changed:
            like = [name for name, other in self.impostors(task, probe).items() if self.changes(task, probe, other) == changed and self._gives(task, other, answer)]
            return Verdict(
                probe.name, probe.title, verdicts.WRONG, 0, probe.points, changed_message(task, changed), asked=self._asked(task, probe, FIRST), like=like
            )
        return Verdict(probe.name, probe.title, verdicts.PASSED, probe.points, probe.points)

    @staticmethod
    def _seen(task, left, answers, references):
        """When an answer is wrong, where that says something. left: the rounds from the first wrong one on."""
        agree = lambda one, other: judge.agree(one, other, task.tolerance)  # noqa: E731
        if left[0].name in (AGAIN, TWICE):
            return f"Right at first, but not {left[0].name}: is something kept between calls, or random?"
        if left[0].name:
            pairs = [*zip(answers, references)][-len(left) :]
            wrong = [each.name for each, (mine, theirs) in zip(left, pairs) if not agree(mine, theirs)]
            whole = len(answers) == len(references) and AGAIN not in wrong  # else nothing is known of the others
            return f"Right, except {' and '.join(wrong)}." if whole else f"Right at first, but not {left[0].name}."
        asked_twice = len(references) > 1 and len(answers) > 1 and not answers[1].raised
        if asked_twice and agree(*references[:2]) and not agree(*answers[:2]):
            return "The same was asked twice, and you gave two answers: is something random, or kept between calls?"
        return ""

    def _wrong_verdict(self, task, probe, each, answer, reference, found, like):
        asked = self._asked(task, probe, each)
        if isinstance(reference.value, dict) and len(reference.value) == len(asked):  # one call a part: show the one that failed
            asked = [call for part, call in zip(reference.value, asked) if found[0].at.startswith(part)][:1]
        message = f"{found[0].at}: {found[0].message}".removeprefix(": ")
        return Verdict(probe.name, probe.title, verdicts.WRONG, 0, probe.points, message, asked=asked, differences=found[:8], like=like)

    def _asked(self, task, probe, each):
        return [_call_text(task, call) for call in self.calls(task, probe, each)]

    def _raised_verdict(self, task, probe, each, answer, reference, found, like):
        raised = answer.raised
        out_of_memory = raised.kind in ("MemoryError", "OutOfMemoryError") or any(
            text in raised.message for text in MEMORY_MESSAGES
        )
        lines = [line.strip()[:300] for line in raised.message.split("\n") if line.strip()][:MESSAGE_LINES]
        where = f" in `{raised.line}`" if raised.line else f" on calling {task.name} or using its result"
        message = "\n".join([f"{raised.kind}{where}: {lines[0] if lines else ''}", *lines[1:]])
        meaning = explain(raised.message, self.calls(task, probe, each))
        asked = self._asked(task, probe, each)
        return Verdict(
            probe.name, probe.title, verdicts.OUT_OF_MEMORY if out_of_memory else verdicts.RAISED, 0, probe.points,
            f"{message}\n{meaning}".strip(), asked=asked[raised.call - 1 : raised.call] or asked, like=like,
        )

    def _like(self, task, probe, answer, number):
        """Impostors that are right in as many rounds, and then give the same wrong answer."""
        wrong = _in_rounds(answer)[number]
        return [
            name for name, other in self.impostors(task, probe).items()
            if self._gives_in_round(task, other, wrong, number) and self._passes_rounds(task, probe, other, number)
        ]  # fmt: skip

    @staticmethod
    def _gives_in_round(task, other, wrong, number):
        others = _in_rounds(other)
        return len(others) > number and judge.agree(wrong, others[number], task.tolerance)

    @staticmethod
    def _gives(task, other, answer):
        pairs = _in_rounds(other), _in_rounds(answer)
        return len(pairs[0]) == len(pairs[1]) and all(judge.agree(two, one, task.tolerance) for one, two in zip(*pairs))

    def result(self, task: Task, probe_verdicts: list[Verdict]) -> TaskResult:
        """Sum up a task: its points, its gravest status, and the mistakes that explain the failed probes."""
        status = min((verdict.status for verdict in probe_verdicts), key=GRAVITY.index)
        return TaskResult(
            task.name, status, sum(verdict.points for verdict in probe_verdicts), task.points,
            self._mistakes(task, probe_verdicts), "" if status == verdicts.PASSED else task.hints[0], task.section, probe_verdicts,
        )

    def _mistakes(self, task, probe_verdicts):
        """Known mistakes that explain failed probes, the one that explains most first.

        An impostor explains a failed probe if it gives the same wrong answer, in the same round, and passes whatever the learner passes.
        Of two that explain as much, the one declared first is named.
        """
        failed = [verdict for verdict in probe_verdicts if verdict.like]
        passed = {verdict.probe for verdict in probe_verdicts if verdict.status == verdicts.PASSED}
        able = [impostor for impostor in task.impostors if failed and self._passes(task, impostor, passed)]
        left, mistakes = {verdict.probe for verdict in failed}, []
        while left:
            covers = {impostor: [verdict.probe for verdict in failed if verdict.probe in left and impostor.name in verdict.like] for impostor in able}
            best = max(covers, key=lambda impostor: len(covers[impostor]), default=None)
            if best is None or not covers[best]:
                break
            mistakes.append(Mistake(best.name, best.message, covers[best]))
            left -= set(covers[best])
        return mistakes

    def _passes(self, task, impostor, probe_names):
        """Whether the impostor passes all of these probes."""
        return all(impostor.name in self.passing_impostors(task, probe) for probe in task.probes if probe.name in probe_names)


@cache
def examiner_of(seed: int, device: str) -> Examiner:
    """One Examiner for whoever judges in this process: an impostor that keeps something between calls has then met each question once."""
    return Examiner(seed, device)


def _in_rounds(answer: asking.Answer) -> tuple[asking.Answer, ...]:
    return answer, *answer.later


def _kind(trace):
    return "class" if trace.startswith("class: ") else "given" if ": " in trace else "process"


def without_traces(answer: asking.Answer, kinds: set[str]) -> asking.Answer:
    """The answer without the traces of these kinds (see Examiner.kinds_of_changes), in all its rounds."""
    later = tuple(without_traces(each, kinds) for each in answer.later)
    return replace(answer, traces=tuple(trace for trace in answer.traces if _kind(trace) not in kinds), later=later)


def _as_if_named(task, impostor, answer):
    """The answer with the impostor's name replaced by the task's in error messages: torch names classes there."""
    later = tuple(_as_if_named(task, impostor, each) for each in answer.later)
    if not answer.raised:
        return replace(answer, later=later)
    message = answer.raised.message.replace(impostor.name, task.name)
    return replace(answer, raised=replace(answer.raised, message=message), later=later)


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


def changed_message(task: Task, traces: list[str]) -> str:
    """What an answer has changed that is not its own, in words."""
    given: dict[str, list[str]] = {}
    kept = [f"`{trace.removeprefix('class: ')}`" for trace in traces if trace.startswith("class: ")]
    for trace in traces:
        path, _, what = trace.rpartition(": ")
        if path and path != "class":
            given.setdefault(_argument_name(task, path), []).append(what)
    state = [trace for trace in traces if ": " not in trace]
    listed = ", ".join(f"{name} ({', '.join(what)})" for name, what in given.items())
    said = [f"Your `{task.name}` changes what it is given: {listed}. Leave it as it was: work on a copy, or compute out of place."] if given else []
    if kept:
        said.append(f"Your `{task.name}` keeps {', '.join(kept)} on the class, where all its objects share it: keep it on the object, `self`.")
    return " ".join(said + ([f"Your `{task.name}` changes what belongs to the whole process: {', '.join(state)}. Leave it as it was."] if state else []))


def _argument_name(task, path):
    """A trace's path such as "0.weight" as a reader of the task's signature would say it."""
    method, _, path = path.rpartition("/")
    place = re.match(r"\d+", path)
    names = [] if method else list(inspect.signature(task.reference).parameters)
    if place and int(place[0]) < len(names):
        path = names[int(place[0])] + path[place.end() :]
    elif place:
        path = f"argument {int(place[0]) + 1}{path[place.end() :]}"
    return f"`{path}`" + (f" of `{method}`" if method else "")


def _call_text(task, call):
    """A call as text: linear(x: (2, 4, 5), weight: (3, 5), bias: None)."""
    return f"{task.name}({', '.join(f'{name}: {_argument_text(value)}' for name, value in call.items())})"


def _argument_text(value):
    if callable(value) and not isinstance(value, torch.nn.Module):
        return "a function"
    if isinstance(value, (list, tuple)) and any(hasattr(each, "shape") for each in value):
        return f"[{shorten(', '.join(map(_argument_text, value)), 110, placeholder=' …')}]"
    if not hasattr(value, "shape"):
        return shorten(re.sub(r" at 0x\w+", "", repr(value)), 110, placeholder=" …")
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    return f"{shape}" if dtype == "float32" else f"{shape} {dtype}"
