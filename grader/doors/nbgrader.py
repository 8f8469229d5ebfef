"""The course as nbgrader wants it: source/ and nbgrader_config.py, such that its round trip gives the points that `grade` gives.

Answers stand between nbgrader's own marks. A check cell is an autograder test whose value is its score; that it asks the grader, and not what the
notebook has put in its place, is a hidden test.
"""

from pathlib import Path

import nbformat

from ..catalogue import EXERCISES
from ..course import ROOT
from ..glance import KEY
from ..kernels.limits import Limits
from ..release import STUB, release
from ..spec import Exercise
from .shared import DoorError, template, write

HIDDEN = """
### BEGIN HIDDEN TESTS
from grader.learner import check  # whatever the notebook calls so by now
### END HIDDEN TESTS
""".lstrip()


def write_course(folder: Path, force: bool) -> list[str]:
    """Write the course into a folder; a line for each file. Raises DoorError."""
    files = {folder / "source" / exercise.name / f"{exercise.name}.ipynb": source(exercise) for exercise in EXERCISES}
    config = template("nbgrader_config.txt").render(key=KEY, stub=STUB, seconds=round(Limits().total))
    return write({**files, folder / "nbgrader_config.py": config}, force)


def source(exercise: Exercise) -> str:
    """An exercise's notebook with its answers, for nbgrader to make assignments of. Raises DoorError."""
    path = ROOT / "solutions" / f"{exercise.name}.ipynb"
    try:
        text, _ = release(path.read_text(encoding="utf-8"), exercise)
    except OSError as error:
        raise DoorError(f"{path}: {error.strerror}. nbgrader's sources are made from the solutions.") from None
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)
        own = cell.metadata.get(KEY, {})
        if own.get("role") == "check":
            cell.source = HIDDEN + cell.source
        elif own.get("role") == "answer" and exercise.task(own["task"]).starter:
            own["start"] = exercise.task(own["task"]).starter.body
    return nbformat.writes(notebook) + "\n"
