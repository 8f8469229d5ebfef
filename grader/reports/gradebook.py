"""A class's results added up: who got how many points for what, changed by overrides and penalties, and which mistakes were made.

Of each submission only a summary is held; the whole of it lies in a file without a name, to be read again for its feedback.
"""

import hashlib
import json
import statistics
import tempfile
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ..texts import one_line
from ..verdicts import GRADER_FAULT, NOT_ATTEMPTED, SubmissionResult, result_from_dict
from . import roster
from .reading import ReportError, same_run, submissions


@dataclass(frozen=True)
class Change:
    """Points that a person gave in place of the grader's, and why."""

    points: Fraction
    comment: str = ""


@dataclass
class TaskMark:
    """A learner's task: what the grader gave, and what a person changed."""

    status: str
    given: int
    max_points: int
    change: Change | None = None

    @property
    def points(self) -> Fraction:
        return self.change.points if self.change else Fraction(self.given)


@dataclass
class Work:
    """A learner's exercise. error: why it could not be graded. late: in hours, None where nobody knows how many. share: what of its points is taken for that."""

    exercise: str
    path: str = ""
    error: str = ""
    tasks: dict[str, TaskMark] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    change: Change | None = None
    late: Fraction | None = Fraction(0)
    share: Fraction = Fraction(0)
    at: int = -1  # where the spool holds it
    digest: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the grader could not do it, or not all of it, and nobody gave points instead."""
        faults = any(task.status == GRADER_FAULT and not task.change for task in self.tasks.values())
        return not self.change and (bool(self.error) or faults)

    @property
    def points(self) -> Fraction:
        """A person's points for the whole exercise are final; the sum of the tasks' is not before the penalty is taken."""
        return self.change.points if self.change else sum((task.points for task in self.tasks.values()), Fraction(0)) * (1 - self.share)


@dataclass
class Learner:
    """A learner: who, and the work by exercise; what could not be graded and says no exercise, under its file's name."""

    person: roster.Person
    works: dict[str, Work] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.person.key

    @property
    def points(self) -> Fraction:
        return sum((work.points for work in self.works.values()), Fraction(0))

    @property
    def is_open(self) -> bool:
        return any(work.is_open for work in self.works.values())

    @property
    def problems(self) -> list[str]:
        """Why there are no points where there are none by right."""
        faults = [f"{name}: the grader failed on {task}" for name, work in self.works.items() for task, mark in work.tasks.items() if mark.status == GRADER_FAULT]
        status = [] if self.works else ["; ".join(dict.fromkeys(self.person.said)) or "nothing handed in"]
        return [*(work.error for work in self.works.values() if work.error), *faults, *status]


@dataclass
class KnownMistake:
    """A mistake that learners made: what they are told, where to read, and their keys."""

    message: str
    section: str
    learners: list[str] = field(default_factory=list)


class Gradebook:
    """All that the outputs are made of.

    facts: seed, device and versions. tasks: by exercise and name, points and section. mistakes: by exercise, task and the impostor's name.
    """

    def __init__(self, reports: list[Path]):
        """Raises ReportError, also where two reports cannot be joined."""
        self.learners: dict[str, Learner] = {}
        self.facts: dict = {}
        self.tasks: dict[str, dict[str, tuple[int, str]]] = {}
        self.mistakes: dict[tuple[str, str, str], KnownMistake] = {}
        self.folders: set[str] = set()  # those that hold learners' folders or files
        self.anonymous = False
        self._spool = tempfile.TemporaryFile()
        for path in reports:
            facts: dict = {}
            before = {(key, name) for key, learner in self.learners.items() for name in learner.works}
            for data in submissions(path, facts):
                self._add(path, result_from_dict(data), data, before)
            if self.facts:
                same_run(path, facts, reports[0], self.facts)
            self.facts = self.facts or facts
        self.tasks = {name: self.tasks[name] for name in sorted(self.tasks)}
        for mistake in self.mistakes.values():
            mistake.learners.sort()  # whatever the order of the reports

    def _add(self, report, result: SubmissionResult, data: dict, before):
        folders, key, stem = roster.split_path(result.path)
        self.folders.add(folders)
        learner = self.learners.setdefault(key, Learner(roster.person_of(key)))
        name = result.exercise or stem
        text = json.dumps({**data, "path": ""}, sort_keys=True).encode()
        digest = hashlib.sha256(text).hexdigest()
        known = learner.works.get(name)
        if known and (key, name) in before and known.digest == digest:
            return  # the same notebook, graded on two machines
        if known:
            other = f"another result of {known.path}" if (key, name) in before else f"{result.path} and {known.path} are two notebooks"
            cure = "Leave one out, or give each learner a folder." if (key, name) not in before else "Leave one report out."
            raise ReportError(report, f"{other}, of one learner ({one_line(key)}) and exercise. {cure}")
        tasks = {task.name: TaskMark(task.status, task.points, task.max_points) for task in result.tasks}
        learner.works[name] = Work(name, result.path, result.error, tasks, result.flags, at=self._spool.seek(0, 2), digest=digest)
        self._spool.write(len(text).to_bytes(8) + text)
        if not result.error:
            known_tasks = self.tasks.setdefault(result.exercise, {})
            for task in result.tasks:
                known_tasks.setdefault(task.name, (task.max_points, task.section))
                for mistake in task.mistakes:
                    kind = result.exercise, task.name, mistake.impostor
                    self.mistakes.setdefault(kind, KnownMistake(mistake.message, task.section)).learners.append(key)

    def result(self, work: Work) -> SubmissionResult | None:
        """The whole of what a report says of a work; None where no report has it."""
        if work.at < 0:
            return None
        self._spool.seek(work.at)
        return result_from_dict(json.loads(self._spool.read(int.from_bytes(self._spool.read(8)))))

    def introduce(self, people: dict[str, roster.Person]):
        """Add what learners.csv knows: names, lateness, who handed in nothing, and what was handed in and stands in no report."""
        own = {unicodedata.normalize("NFC", key): key for key in self.learners}  # a file's name may have come in another form
        for person in people.values():
            key = person.key = own.get(unicodedata.normalize("NFC", person.key), person.key)
            learner = self.learners.setdefault(key, Learner(person))
            person.name, person.id = person.name or learner.person.name, person.id or learner.person.id
            learner.person = person
            for exercise, file in person.files.items():
                if not any(roster.same_exercise(exercise, name) or not exercise or work.error for name, work in learner.works.items()):
                    learner.works[exercise or file] = Work(exercise or file, error=f"{file}: handed in, but in no report")
            self._hold_back(learner)
            for name, work in learner.works.items():
                work.late = roster.hours_late(roster.of_exercise(person.late, name))

    def _hold_back(self, learner):
        """A file of theirs that could not be read may be any exercise that is not there: that is not nothing, and no mark until a person says."""
        for exercise, why in learner.person.refused if learner.works else ():
            lacking = [name for name in self.tasks if not any(roster.same_exercise(name, work) for work in learner.works)]
            for name in lacking:
                if not exercise or roster.same_exercise(name, exercise):
                    learner.works[name] = Work(name, error=why)

    @property
    def max_points(self) -> int:
        return sum(self.max_of(exercise) for exercise in self.tasks)

    def max_of(self, exercise: str) -> int:
        return sum(points for points, _ in self.tasks.get(exercise, {}).values())

    def sorted(self) -> list[Learner]:
        return [self.learners[key] for key in sorted(self.learners)]

    def graded(self) -> list[Learner]:
        """Those whose points are known, in order."""
        return [learner for learner in self.sorted() if learner.works and not learner.is_open]

    def mark(self, learner: Learner, scale: Fraction | None) -> Fraction | None:
        """The points on a scale, in hundredths; None where they are not known, or nothing was handed in."""
        if not learner.works or learner.is_open or not self.max_points:
            return None
        return Fraction(round_half_up(100 * learner.points / self.max_points * (scale or self.max_points)), 100)

    def commonest(self) -> list[tuple[tuple[str, str, str], KnownMistake]]:
        """The mistakes, those of most learners first."""
        return sorted(self.mistakes.items(), key=lambda item: (-len(item[1].learners), item[0]))


@dataclass(frozen=True)
class TaskFigures:
    """How a class did at a task. difficulty: the mean share of its points. discrimination: the correlation of its points with those for all other tasks;
    None where one of the two is the same for all."""

    solved: int
    partly: int
    wrong: int
    not_tried: int
    difficulty: float | None
    discrimination: float | None


def figures(book: Gradebook) -> dict[tuple[str, str], TaskFigures]:
    """The figures of every task by exercise and name, over those who handed in a notebook of its exercise and whose points are known."""
    graded = book.graded()
    totals = {learner.key: sum(float(task.points) for work in learner.works.values() for task in work.tasks.values()) for learner in graded}
    found = {}
    for exercise, task in ((exercise, task) for exercise, tasks in book.tasks.items() for task in tasks):
        marks = {learner.key: learner.works[exercise].tasks[task] for learner in graded if task in learner.works.get(exercise, Work("")).tasks}
        found[exercise, task] = _figures(list(marks.values()), [totals[key] for key in marks], book.tasks[exercise][task][0])
    return found


def _figures(marks, totals, most):
    counts = {"solved": 0, "partly": 0, "wrong": 0, "not_tried": 0}
    for mark in marks:
        tried = mark.change or mark.status != NOT_ATTEMPTED
        counts["solved" if mark.points == most else "partly" if mark.points else "wrong" if tried else "not_tried"] += 1
    own = [float(mark.points) for mark in marks]
    rest = [total - points for total, points in zip(totals, own)]
    varies = len(set(own)) > 1 and len(set(rest)) > 1
    return TaskFigures(**counts, difficulty=statistics.fmean(own) / most if own and most else None, discrimination=statistics.correlation(own, rest) if varies else None)


def round_half_up(value: Fraction) -> int:
    return (2 * value + 1) // 2
