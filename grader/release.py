"""The exercises, made from the solutions: those of the course's own folder, and the ones that a learner starts from. What others wrote is never lost."""

import re
import textwrap
from pathlib import Path

import nbformat

from . import course
from .catalogue import EXERCISES
from .glance import KEY, is_untouched
from .notebooks import NotebookError, digest
from .sources import defined_names
from .spec import Exercise
from .texts import path_text

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"
FIRST = """
try:
    from grader.learner import check, hint, reset, solution, status
""".lstrip()
HERE = """
except ImportError as missing:
    print(f"{missing}. The course is not installed here: run `make lab` in "
          "its folder, or, away from it, pip install that folder and restart "
          "this notebook.")
""".strip()
ANYWHERE = """
except ImportError as missing:  # where Colab or Kaggle lends a machine, install it
    import os, sys

    address = "{address}"
    lent = {{"COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}} & set(os.environ)
    install = f'"{{sys.executable}}" -m pip install --quiet {{address}}'
    if lent and not os.system(install):
        from grader.learner import check, hint, reset, solution, status
    else:
        print(f"{{missing}}. The course is not installed here. In a terminal: "
              f"pip install {{address}}; then restart this notebook.")
""".strip()


def opening() -> str:
    """The first code cell of every exercise: where something is amiss, it says so in one line."""
    return FIRST + (ANYWHERE.format(address=course.package()) if course.package() else HERE)


def release(solution_text: str, exercise: Exercise) -> tuple[str, str]:
    """The text of a solution notebook put in order, and of the exercise made from it.

    In both, the first code cell is `opening`, outputs are gone, and answer and check cells carry nbgrader's metadata (schema 3). In the exercise each region
    between the solution marks is a stub, or the code that the task starts from. Raises NotebookError where a task has no answer cell or no check cell.
    """
    solution = nbformat.reads(solution_text, as_version=4)
    solution.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            KEY: {"exercise": exercise.name, "release": exercise.release},
        }
    )
    others = [cell for cell in solution.cells if "from grader.learner import check" not in cell.source]
    solution.cells = [others[0], nbformat.v4.new_code_cell(opening()), *others[1:]]
    found = []
    for number, cell in enumerate(solution.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key == "mystnb"})  # alt texts
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            found.append(_mark(cell, exercise))
    for task in exercise.tasks:
        for role in ("answer", "check"):
            if found.count((role, task.name)) != 1:
                raise NotebookError(f"solutions/{exercise.name}.ipynb", f"task {task.name} needs exactly one {role} cell.")
    text = nbformat.writes(solution)
    unsolved = nbformat.reads(text, as_version=4)
    for cell in unsolved.cells:
        cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell.source = unsolve(cell.source, _start(cell, exercise))
    if course.colab(exercise.name):
        unsolved.cells[0].source += f"\n\n[Open in Colab]({course.colab(exercise.name)})"
    return text + "\n", _sealed(unsolved)


def _sealed(exercise):
    """The text of an exercise as it goes out, with the digest by which it is known to be untouched."""
    exercise.metadata[KEY]["digest"] = digest(exercise)
    return nbformat.writes(exercise) + "\n"


def release_all() -> list[str]:
    """Put every solution in order and make its exercise, but never over somebody's answers; a line for each file that changed or was kept. Raises
    NotebookError."""
    lines = []
    for exercise in EXERCISES:
        solution, unsolved = (course.ROOT / folder / f"{exercise.name}.ipynb" for folder in ("solutions", "exercises"))
        if not solution.is_file():
            raise NotebookError(solution.relative_to(course.ROOT), f"no such file; {exercise.name} needs a solution.")
        text, exercise_text = release(solution.read_text(encoding="utf-8"), exercise)
        if solution.read_text(encoding="utf-8") != text:
            solution.write_text(text, encoding="utf-8", newline="\n")
            lines.append(f"wrote {solution.relative_to(course.ROOT)}")
        lines += _put(unsolved, exercise_text, unsolved.relative_to(course.ROOT))
    return lines


def lay_out(folder: Path) -> list[str]:
    """Write every exercise into a learner's folder, but never over answers; a line for each file that was written or kept. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {folder / f"{exercise.name}.ipynb": exercise for exercise in EXERCISES}
    return [line for path, exercise in paths.items() for line in _put(path, fresh(exercise), path)]


def fresh(exercise: Exercise) -> str:
    """The text of an exercise that nobody has worked in, to lie anywhere: its links lead to the site, or are words where that has no address."""
    solution, unsolved = (course.ROOT / folder / f"{exercise.name}.ipynb" for folder in ("solutions", "exercises"))
    if solution.is_file():
        _, text = release(solution.read_text(encoding="utf-8"), exercise)
    else:  # a course that was handed out without them
        text = unsolved.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\[([^]]+)\]\(\.\./book/(\w+)\.md\)", rf"[\1]({course.site()}/book/\2.html)" if course.site() else r"\1", cell.source)
    return _sealed(notebook)


def starting_code(task: str) -> str:
    """What stands in a task's cell before anybody has worked in it."""
    exercise = next(exercise for exercise in EXERCISES if task in [each.name for each in exercise.tasks])
    cells = nbformat.reads(fresh(exercise), as_version=4).cells
    return next(cell.source for cell in cells if cell.metadata.get(KEY) == {"role": "answer", "task": task})


def _put(path, text, shown):
    """Write an exercise unless somebody has worked in what stands there; the lines to say so."""
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
        return []
    if path.is_symlink() or path.exists() and not path.is_file():
        return [f"kept {path_text(shown)}: it is no plain file. To have the exercise, move it away."]
    if path.exists() and not is_untouched(path):
        return [f"kept {path_text(shown)}: it has been worked in, or damaged. To have it made anew, move it away."]
    path.write_text(text, encoding="utf-8", newline="\n")
    return [f"wrote {path_text(shown)}"]


def _mark(cell, exercise):
    """Give a code cell its metadata; its role and task as a pair, or None for a cell that is only run."""
    check = re.match(r'check\("(\w+)"\)', cell.source)
    defined = [task for task in exercise.tasks if BEGIN in cell.source and task.name in defined_names(cell.source)]
    if not check and not defined:
        return None
    role, task = ("check", exercise.task(check[1])) if check else ("answer", defined[0])
    nbgrader = {"schema_version": 3, "solution": not check, "grade": bool(check), "locked": bool(check), "task": False}
    nbgrader["grade_id"] = task.name if defined else f"check_{task.name}"
    if check:
        nbgrader["points"] = task.points
    cell.metadata = nbformat.from_dict({"nbgrader": nbgrader, KEY: {"role": role, "task": task.name}})
    if role == "answer":
        cell.metadata["tags"] = ["hide-input"]  # the site folds answers
    return role, task.name


def _start(cell, exercise):
    """What stands in a released cell where its solution stood."""
    own = cell.metadata.get(KEY, {})
    starter = exercise.task(own["task"]).starter if own.get("role") == "answer" else None
    return starter.body if starter else STUB


def unsolve(source: str, start: str) -> str:
    """A cell's source with every marked solution replaced by `start`, at the same indentation."""
    lines, inside = [], False
    for line in source.splitlines():
        if line.strip() == BEGIN:
            lines += textwrap.indent(start, line[: len(line) - len(line.lstrip())]).splitlines()
            inside = True
        elif line.strip() == END:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)
