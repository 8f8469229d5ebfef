"""What people add to the grader's points: overrides by a teacher, and penalties for late work."""

import re
from fractions import Fraction
from pathlib import Path

from ..texts import one_line, path_text
from ..verdicts import NOT_ATTEMPTED
from . import roster, sheets
from .gradebook import Change, Gradebook, TaskMark, Work
from .sheets import SheetError, shown

OVERRIDES = ("learner", "exercise", "task", "points", "comment")
PENALTIES = ("hours", "share")


def override(book: Gradebook, path: Path):
    """Change points as a table says: a row for a task, or, where it names none, for a whole exercise. Raises SheetError."""
    seen = set()
    for row in sheets.records(path, OVERRIDES, ("learner", "exercise", "points")):

        def refuse(problem):
            raise SheetError(f"{path_text(path)}: {one_line(problem)}")

        learner = _learner(book, row["learner"]) or refuse(f"there is no learner {row['learner']}; give the key that gradebook.csv shows.")
        exercises = [name for name in book.tasks if roster.same_exercise(row["exercise"], name)]
        exercise = exercises[0] if exercises else refuse(f"there is no exercise {row['exercise']} in the reports. Exercises: {', '.join(book.tasks) or 'none'}.")
        tasks = book.tasks[exercise]
        if row["task"] and row["task"] not in tasks:
            refuse(f"{exercise} has no task {row['task']}. Tasks: {', '.join(tasks)}.")
        points, most = sheets.number(row["points"]), tasks[row["task"]][0] if row["task"] else book.max_of(exercise)
        if points is None or points > most:
            refuse(f"{row['learner']}, {row['task'] or exercise}: {row['points'] or 'nothing'} is not a number of points from 0 to {most}.")
        if (learner.key, exercise, row["task"]) in seen:
            refuse(f"{row['learner']}, {row['task'] or exercise}: two rows.")
        seen.add((learner.key, exercise, row["task"]))
        _change(learner, exercise, book.tasks, row["task"], Change(points, one_line(row["comment"])))


def _learner(book, word):
    """The learner of that key; else, if it is that of one learner alone, of that id, login or e-mail."""
    known = [each for each in book.learners.values() if word and word in (each.person.id, each.person.login, each.person.email)]
    return book.learners.get(word) or (known[0] if len(known) == 1 else None)


def _change(learner, exercise, known, task, change):
    tasks = known[exercise]
    strays = [name for name, each in learner.works.items() if each.error and name not in known and (name[:3] == exercise[:3] or not re.match(r"\d\d_", name))]
    if exercise not in learner.works:  # nothing was handed in, or what was could not be read
        learner.works[exercise] = learner.works.pop(strays.pop(0)) if strays else Work(exercise)
    work = learner.works[exercise]
    work.exercise = exercise
    if not task:
        work.change = change
        for name in strays:  # copies that could not be read
            del learner.works[name]
        return
    if not work.tasks:
        work.tasks = {name: TaskMark(NOT_ATTEMPTED, 0, points) for name, (points, _) in tasks.items()}
    work.tasks[task].change = change
    if work.error and all(mark.change for mark in work.tasks.values()):
        work.change = Change(sum((mark.points for mark in work.tasks.values()), Fraction(0)), change.comment)


def penalise(book: Gradebook, path: Path) -> list[str]:
    """Take the share of late work's points that a table of hours and shares says; the keys of those who are late nobody knows how much.

    Raises SheetError, also where somebody is later than the table says anything about.
    """
    rows = []
    for row in sheets.records(path, PENALTIES, PENALTIES):
        hours = float("inf") if row["hours"].casefold() in ("inf", "later") else sheets.number(row["hours"])
        share = sheets.number(row["share"].removesuffix("%").strip())
        share = share / 100 if share is not None and row["share"].endswith("%") else share
        if hours is None or share is None or share > 1:
            raise SheetError(f"{path_text(path)}: {one_line(row['hours'])},{one_line(row['share'])}: hours (or `later`) and a share from 0 to 1 are needed.")
        rows.append((hours, share))
    rows.sort()
    unknown = []
    for learner in book.sorted():
        for work in learner.works.values():
            if work.late is None:
                unknown.append(learner.key)
            elif work.late:
                share = next((share for hours, share in rows if work.late <= hours), None)
                if share is None:
                    said = f"{learner.key} is {shown(work.late)} h late with {work.exercise}, and the table ends before. Add a row such as `later,1`."
                    raise SheetError(f"{path_text(path)}: {one_line(said)}")
                work.share = share
    return list(dict.fromkeys(unknown))
