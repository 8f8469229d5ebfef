"""What grading says, as plain data: a Difference, a probe's Verdict, a task's result, a submission's result.

Everything here survives `dataclasses.asdict` and JSON; the written schema is `reports/schema.json`. All text in it is inert (see texts), whoever wrote it.
"""

import json
from dataclasses import asdict, dataclass, field, replace

from .texts import inert

PASSED = "passed"
WRONG = "wrong"
RAISED = "raised"
MISSING = "missing"
NOT_ATTEMPTED = "not attempted"
FORBIDDEN = "forbidden"
TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
FLOODED = "flooded"
KERNEL_DIED = "kernel died"
GRADER_FAULT = "grader fault"

# Where a task's probes end differently, the task is called after the first of these that occurs.
GRAVITY = (
    GRADER_FAULT, KERNEL_DIED, OUT_OF_MEMORY, FLOODED, TIMED_OUT, FORBIDDEN, MISSING, RAISED, WRONG, NOT_ATTEMPTED, PASSED,
)


REPORT_KIB = 512  # of one submission's part of a report, whatever it answers
MAX_NOTES = 50  # of a submission, and missing modules; of each, a line
CUT = 200  # characters of a probe's message where all of them would be too much


class _Inert:
    """A dataclass whose texts, and those of its lists, are made inert."""

    def __post_init__(self):
        for name, value in vars(self).items():
            if isinstance(value, str):
                object.__setattr__(self, name, inert(value))
            elif isinstance(value, list):
                object.__setattr__(self, name, [inert(each) if isinstance(each, str) else each for each in value])


@dataclass(frozen=True)
class Difference(_Inert):
    """One place where an answer parts from the reference.

    at: which part of the answer. kind: type, length, keys, shape, dtype, device, nan, value, sample or accuracy.
    expected, received: the values as text, several lines for a small matrix. index: the first entry that differs.
    wrong of total entries differ, at most by `largest`. grid: the size of the error by entry, 0 to 1, for a heat map.
    histogram: for a sample, counts in equal bins over a common range, received first.
    """

    at: str
    kind: str
    message: str
    expected: str = ""
    received: str = ""
    index: list[int] = field(default_factory=list)
    wrong: int = 0
    total: int = 0
    largest: float = 0.0
    grid: list[list[float]] | None = None
    histogram: list[list[int]] | None = None


@dataclass(frozen=True)
class Verdict(_Inert):
    """What became of one probe. seen: when it is wrong, in a sentence, where that says something: it was seen, not guessed. like: impostors that
    answer this probe as the learner did."""

    probe: str
    title: str
    status: str
    points: int
    max_points: int
    message: str = ""
    seen: str = ""
    asked: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    like: list[str] = field(default_factory=list)


def folded(verdicts: list[Verdict]) -> list[tuple[Verdict, list[Verdict]]]:
    """A task's verdicts, each with the later ones that say the same: of one cause with many effects, the effects."""
    groups: dict[object, tuple[Verdict, list[Verdict]]] = {}
    for verdict in verdicts:
        same = verdict.probe if verdict.status == PASSED or not verdict.message else (verdict.seen, verdict.message)
        groups.setdefault(same, (verdict, []))[1].append(verdict)
    return [(first, of_one_kind[1:]) for first, of_one_kind in groups.values()]


@dataclass(frozen=True)
class Mistake(_Inert):
    """A known mistake that explains the failed probes named in `probes`."""

    impostor: str
    message: str
    probes: list[str]


@dataclass(frozen=True)
class TaskResult(_Inert):
    name: str
    status: str
    points: int
    max_points: int
    mistakes: list[Mistake]
    hint: str
    section: str
    verdicts: list[Verdict]


@dataclass(frozen=True)
class SubmissionResult(_Inert):
    """One notebook's result. error: the one line that says why it could not be graded, else empty. notes: what a reader
    of the result should know, such as a cell that failed. missing_modules: what the notebook imports and the grader's environment lacks.
    flags: what a person should look at (see flags.py); they take no point. digest: the SHA-256 of the file, empty where it could not be read."""

    path: str
    exercise: str
    points: int
    max_points: int
    tasks: list[TaskResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing_modules: list[str] = field(default_factory=list)
    error: str = ""
    flags: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def has_fault(self) -> bool:
        """Whether the grader, not the learner, failed in some task."""
        return any(task.status == GRADER_FAULT for task in self.tasks)


def to_dict(result) -> dict:
    """Any of the above as plain dicts and lists."""
    return asdict(result)


def bounded(result: SubmissionResult) -> SubmissionResult:
    """The result in at most REPORT_KIB of JSON: of one that is larger, the differences and the ends of the messages are left out."""
    if len(as_json(result)) <= REPORT_KIB * 1024:
        return result
    tasks = [replace(task, verdicts=[replace(each, message=inert(each.message, CUT), asked=[], differences=[]) for each in task.verdicts]) for task in result.tasks]
    return replace(result, tasks=tasks, notes=[f"more than {REPORT_KIB} KiB of results: without the details", *result.notes])


def outline(result: SubmissionResult) -> SubmissionResult:
    """The result as a table shows it: how the tasks stand, without what was asked, answered and explained. Of verdicts, those are left at which a
    missing module may show."""
    kept = (RAISED, MISSING) if result.missing_modules else ()
    tasks = []
    for task in result.tasks:
        verdicts = [Verdict("", "", each.status, each.points, each.max_points) for each in task.verdicts if each.status in kept]
        tasks.append(replace(task, mistakes=[], hint="", section="", verdicts=verdicts))
    return replace(result, tasks=tasks, notes=[])


def as_json(result: SubmissionResult) -> str:
    """A submission's part of a report."""
    return json.dumps(to_dict(result), indent=1)


def verdict_from_dict(data: dict) -> Verdict:
    """The inverse of to_dict for a Verdict."""
    return Verdict(**{**data, "differences": [Difference(**item) for item in data["differences"]]})


def result_from_dict(data: dict) -> SubmissionResult:
    """The inverse of to_dict for a SubmissionResult."""
    tasks = [
        TaskResult(
            **{
                **task,
                "mistakes": [Mistake(**mistake) for mistake in task["mistakes"]],
                "verdicts": [verdict_from_dict(verdict) for verdict in task["verdicts"]],
            }
        )
        for task in data["tasks"]
    ]
    return SubmissionResult(**{**data, "tasks": tasks})
