"""`check("linear")`: a learner's own check, inside the notebook. The same tasks, probes and judging as every other door.

It looks into the caller's own process and so is for learning, not for grades.
"""

from __future__ import annotations  # an older Python must get as far as to say what it is

import os
import secrets
import sys
from contextlib import redirect_stderr


class Feedback:
    """A task's result, shown as HTML in notebooks and as text elsewhere."""

    def __init__(self, result, hints, seed):
        self.result, self.hints, self.seed = result, hints, seed

    def _repr_html_(self):
        from .reports.html import task_html

        return task_html(self.result, self.hints, self.seed)

    def __repr__(self):
        from .reports.console import task_text

        return task_text(self.result)


def check(name: str, seed: int | None = None):
    """Ask your `name` the task's probes and show what came of it.

    name: a task of the course, such as "linear". seed: repeats the inputs of an earlier check.
    Returns nothing, but the points where nbgrader runs the cell: it takes a cell's value as its score. Raises RuntimeError there if none can be given.
    """
    if os.environ.get("LINEAR_GRADER"):
        return None  # the grader asks from outside; what a check says inside a graded notebook counts for nothing
    if not os.environ.get("NBGRADER_EXECUTION"):
        _check(name, seed)
        return None
    with redirect_stderr(sys.stdout):  # to nbgrader, a cell that warns has failed
        points = _check(name, seed)
    if points is None:  # and one without a value has all points
        raise RuntimeError(f"{name} was not checked.")
    return points


def _check(name, seed):
    """Ask and show; the points, or None where nothing could be asked."""
    if not _can_run():
        return None
    from .catalogue import all_tasks

    tasks = all_tasks()
    if name not in tasks:
        print(f"There is no task {name!r}. Tasks: {', '.join(tasks)}.")
        return None
    seed = secrets.randbelow(2**31) if seed is None else seed
    result = _examine(tasks[name], seed, *_callers_names_and_code())
    _show(Feedback(result, tasks[name].hints, seed))
    return result.points


def _can_run() -> bool:
    """Whether the course runs with this Python and torch; if not, that is said."""
    from .versions import problem

    found = problem()
    if found:
        print(found)
    return not found


def _examine(task, seed, namespace, cells):
    """Ask the task's probes of what the caller calls by its name; a TaskResult."""
    from .asking import MISSING
    from .diagnose import Examiner, as_given, forbidden_message, no_answer
    from .sources import forbidden_in_source, is_unchanged
    from .verdicts import FORBIDDEN

    name, examiner = task.name, Examiner(seed)
    used = forbidden_in_source(cells, name, task.forbids)
    if used:
        message = forbidden_message(task, [used[0][0]], used[0][1])
        found = [no_answer(probe, FORBIDDEN, message) for probe in task.probes]
    else:
        candidate = namespace.get(name, MISSING)
        answers = {probe: examiner.ask(task, probe, candidate) for probe in task.probes}
        seen = dict.fromkeys(name for answer in answers.values() for each in (answer, *answer.later) for name in each.forbidden)  # in one call counts for all
        if seen:
            found = [no_answer(probe, FORBIDDEN, forbidden_message(task, seen)) for probe in task.probes]
        else:
            found = [examiner.verdict(task, probe, answer) for probe, answer in examiner.charged_once(task, answers).items()]
        if task.starter and is_unchanged(cells, name, task.starter.source):
            found = list(map(as_given, found))
    return examiner.result(task, found)


def _callers_names_and_code():
    """The notebook's names and the code of the cells run so far; in a plain script, the script's."""
    shell = _shell()
    if shell is not None:
        return shell.user_ns, list(shell.user_ns.get("In", []))
    frame = sys._getframe(3)
    try:
        with open(frame.f_code.co_filename, encoding="utf-8") as script:
            return frame.f_globals, [script.read()]
    except OSError:
        return frame.f_globals, []


def _show(feedback):
    if _shell() is None:
        from .terminal import fitting

        print(fitting(repr(feedback)))
        return
    from IPython.display import display

    display(feedback)


def _shell():
    """The running IPython shell, if any."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


if not os.environ.get("LINEAR_GRADER"):
    _can_run()  # an exercise's first cell imports this: the place to say what is amiss
