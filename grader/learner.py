"""What a learner calls inside the notebook: `check("linear")` asks the same probes as every other door; `hint`, `solution`, `reset` and `status`.

It looks into the caller's own process and so is for learning, not for grades. In a kernel that grades, nothing of it does anything.
"""

from __future__ import annotations  # an older Python must get as far as to say what it is

import json
import os
import secrets
import subprocess
import sys
from contextlib import redirect_stderr

if not os.environ.get("LINEAR_GRADER"):  # in a kernel, the grader has seen to it
    from .process import keep_all_bits

    keep_all_bits()


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


_hints: dict[str, int] = {}  # given so far, by task
_solved: set[str] = set()  # tasks
_asked: set[str] = set()  # tasks whose solution was asked for


def check(answer, seed: int | None = None):
    """Ask your answer the task's probes and show what came of it.

    answer: the name of a task of the course, "linear", or what you wrote, linear. seed: repeats the inputs of an earlier check.
    Returns nothing, but the points where nbgrader runs the cell: it takes a cell's value as its score. Raises RuntimeError there if none can be given.
    """
    if os.environ.get("LINEAR_GRADER"):
        return None  # the grader asks from outside; what a check says inside a graded notebook counts for nothing
    if not os.environ.get("NBGRADER_EXECUTION"):
        _check(answer, seed)
        return None
    with redirect_stderr(sys.stdout):  # to nbgrader, a cell that warns has failed
        points = _check(answer, seed)
    if points is None:  # and one without a value has all points
        raise RuntimeError(f"{answer} was not checked.")
    return points


def hint(answer):
    """Print the next hint for a task, one at a time, from gentle to plain. answer: as of `check`."""
    task = _task_outside_grading(answer)
    if task:
        number = _hints[task.name] = min(_hints.get(task.name, 0) + 1, len(task.hints))
        print(f"Hint {number} of {len(task.hints)}: {task.hints[number - 1]}")
        if number == len(task.hints):
            print(f'That is the last one. solution("{task.name}") shows an answer.')


def solution(answer):
    """Print an answer to a task that you have solved, or for which you ask twice. answer: as of `check`."""
    task = _task_outside_grading(answer)
    if not task:
        return
    if task.name not in _solved | _asked:
        _asked.add(task.name)
        print(f'You have not solved {task.name} yet; hint("{task.name}") points the way. Ask once more, and an answer is shown.')
        return
    from .solutions import solution_of

    try:
        print(solution_of(task.name).answers[task.name])
    except (LookupError, SyntaxError):
        print("This course was handed out without its solution.")


def reset(answer):
    """Put what a task starts from into a new cell below; what you wrote stays where it is. answer: as of `check`."""
    task = _task_outside_grading(answer)
    if not task:
        return
    from .release import starting_code

    if _shell() is None:
        print(starting_code(task.name))
        return
    _shell().set_next_input(starting_code(task.name))
    print(f"What {task.name} starts from is in a new cell below. Your text stays where it is; of two answers, the one that is run last counts.")


def status():
    """Print how far you have come: the points of each exercise, and the next task."""
    if not os.environ.get("LINEAR_GRADER"):
        path = filter(None, (os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.environ.get("PYTHONPATH")))
        own = {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "yes", "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run([sys.executable, "-m", "grader", "status"], capture_output=True, encoding="utf-8", env={**os.environ, **own})
        print((done.stdout + done.stderr).rstrip())


def _task_outside_grading(answer):
    """The task that is meant; None where there is none, which is said, and in a kernel that grades."""
    return None if os.environ.get("LINEAR_GRADER") or not _can_run() else _task(answer)


def _task(answer):
    from .catalogue import all_tasks

    name = answer if isinstance(answer, str) else vars(type(answer)).get("__name__") and answer.__name__
    if name not in all_tasks():
        what = f"There is no task {name!r}." if name and name != "<lambda>" else 'What you give does not say which task it is for. Give its name, as in check("linear").'
        print(f"{what} Tasks: {', '.join(all_tasks())}.")
    return all_tasks().get(name)


def _check(answer, seed):
    """Ask and show; the points, or None where nothing could be asked."""
    task = _task(answer) if _can_run() else None
    if not task:
        return None
    namespace, cells = _callers_names_and_code()
    if isinstance(answer, str) and answer not in namespace:
        print(_why_missing(answer, namespace))
        return 0
    seed = secrets.randbelow(2**31) if seed is None else seed
    result = _examine(task, seed, namespace[answer] if isinstance(answer, str) else answer, cells)
    _show(Feedback(result, task.hints, seed))
    if result.points == result.max_points and task.name not in _solved:
        _solved.add(task.name)
        _celebrate(task.name)
    return result.points


def _celebrate(name):
    """Say what a full exercise has shown, and what comes next."""
    from .catalogue import EXERCISES

    for exercise in EXERCISES:
        tasks = {task.name for task in exercise.tasks}
        if name in tasks <= _solved:
            print(exercise.milestone)


def _why_missing(name, namespace) -> str:
    """What is said of a name that is not defined: by the notebook's file, where Jupyter or VS Code names it, whether it stands there at all."""
    from .sources import defined_names

    try:
        with open(namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", ""), encoding="utf-8") as file:
            cells = ["".join(cell["source"]) for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    except (OSError, ValueError, LookupError, TypeError):
        return f"{name} is not defined. Run the cell with your answer to its end, then check again."
    if any(name in defined_names(cell) for cell in cells):
        return f"{name} stands in the notebook, but its cell has not been run to its end. Run it, then check again."
    return f"{name} is not defined: no cell of the notebook, as it was last saved, has a function or class of this name."


def _can_run() -> bool:
    """Whether the course runs with this Python and torch; if not, that is said."""
    from .versions import problem

    found = problem()
    if found:
        print(found)
    return not found


def _examine(task, seed, candidate, cells):
    """Ask the task's probes of an answer; a TaskResult."""
    from .diagnose import Examiner, as_given, forbidden_message, no_answer
    from .sources import forbidden_in_source, is_unchanged
    from .verdicts import FORBIDDEN

    name, examiner = task.name, Examiner(seed)
    used = forbidden_in_source(cells, name, task.forbids)
    if used:
        message = forbidden_message(task, [used[0][0]], used[0][1])
        found = [no_answer(probe, FORBIDDEN, message) for probe in task.probes]
    else:
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
