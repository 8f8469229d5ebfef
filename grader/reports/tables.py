"""The tables: gradebook.csv, mistakes.csv, and, for an LMS, marks.csv and unmatched.csv."""

import statistics
from fractions import Fraction
from pathlib import Path

from . import sheets
from .gradebook import Gradebook, Learner
from .lms import Filled
from .pages import changes_of, lateness_of
from .places import place_of


def write(folder: Path, book: Gradebook, scale: Fraction | None, filled: Filled | None):
    """Write all tables to a folder."""
    columns = [(exercise, task) for exercise, tasks in book.tasks.items() for task in ("", *tasks)]
    who = ["learner"] if book.anonymous else ["learner", "name", "id"]
    head = [*who, *(f"{exercise} {task}".strip() for exercise, task in columns), "points", "max", "mark", "late", "changed", "not graded"]
    sheets.save(folder / "gradebook.csv", head, (_row(book, learner, columns, scale) for learner in book.sorted()))
    rows = (_mistake_row(book, *kind, mistake) for kind, mistake in book.commonest())
    sheets.save(folder / "mistakes.csv", ["learners", "exercise", "task", "mistake", "message", "section", "who", "points changed"], rows)
    if filled:
        (folder / "marks.csv").write_bytes(filled.data)
        sheets.save(folder / "unmatched.csv", ["where", "who", "id", "why"], filled.unmatched)


def _row(book, learner: Learner, columns, scale):
    who = [learner.key] if book.anonymous else [learner.key, learner.person.name, learner.person.id]
    known = bool(learner.works) and not learner.is_open
    return [
        *who, *(_points(learner, exercise, task) for exercise, task in columns), learner.points if known else None, book.max_points,
        book.mark(learner, scale), "; ".join(lateness_of(learner)), "; ".join(changes_of(learner)),
        "; ".join(learner.problems) if learner.is_open or not learner.works else "",
    ]  # fmt: skip


def _points(learner, exercise, task):
    work = learner.works.get(exercise)
    if not work or (work.is_open and not task):
        return None
    return (work.tasks[task].points if task in work.tasks else None) if task else work.points


def _mistake_row(book, exercise, task, impostor, mistake):
    changed = [key for key in mistake.learners if any(each.change for each in _marks(book.learners[key], exercise, task))]
    return [len(mistake.learners), exercise, task, impostor, mistake.message, place_of(mistake.section), ", ".join(mistake.learners), ", ".join(changed)]


def _marks(learner, exercise, task):
    """What of a learner's a person may have changed: the task, and the exercise as a whole."""
    work = learner.works[exercise]
    return [work, work.tasks[task]]


def mean_of(book: Gradebook, graded: list[Learner]) -> str:
    """The mean of the points in words; empty where there is none."""
    return f", mean {sheets.shown(statistics.mean(learner.points for learner in graded))} of {book.max_points}" if graded else ""
