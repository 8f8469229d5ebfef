"""Notebooks as files: read a submission and tell which exercise it answers. (What makes the exercises is `release`.)"""

import errno
import functools
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat

from . import files, glance
from .catalogue import EXERCISES
from .course import ROOT
from .glance import KEY
from .sources import begin_submission, defined_names
from .spec import Exercise
from .texts import one_line, path_text
from .wire import clean

STRANGERS = {  # what a file that is no notebook begins with
    b"<": "It is a web page, perhaps that of a sign-in. Download the notebook's file itself.",
    b"%pdf": "It is a PDF. Hand in the .ipynb file.",
    b"pk": "It is a zip. Unpack it, and hand in the .ipynb file.",
}
MAX_BYTES = 50 * 2**20
MAX_CODE = 10**6  # characters in all code cells
SHOWN = 40  # characters of what a notebook's metadata say
MAX_ANSWER = 50_000  # characters of a cell that may hold an answer without being code
KINDS = {"markdown": "Markdown", "raw": "raw"}  # of cells that are not run


class NotebookError(Exception):
    """The file cannot be graded. The message is one inert line: which file, what is wrong and what to do."""

    def __init__(self, path, problem):
        super().__init__(f"{path_text(path)}: {one_line(problem)}")


@dataclass(frozen=True)
class Submission:
    """A learner's notebook: the exercise it answers, its code cells as they stand in the file, and those of its other
    cells that look like code: number, kind and text."""

    path: Path
    exercise: Exercise
    cells: tuple[str, ...]
    other_cells: tuple[tuple[int, str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read(path: Path) -> Submission:
    """Read a submission. Raises NotebookError."""
    begin_submission()
    notebook = load(path)
    cells = tuple(clean(cell.source) for cell in notebook.cells if cell.cell_type == "code")
    others = tuple(
        (number, KINDS[cell.cell_type], clean(cell.source))
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type in KINDS and re.search(r"^\s*(def|class) ", cell.source, re.MULTILINE) and len(cell.source) < MAX_ANSWER
    )
    if not any(map(str.strip, cells)):
        raise NotebookError(path, "the notebook holds no code. Hand in the exercise's own notebook, with its cells.")
    if sum(map(len, cells)) > MAX_CODE:
        raise NotebookError(path, f"holds more than {MAX_CODE // 10**6} million characters of code. Take out what is not an answer.")
    own = notebook.metadata.get(KEY, {})
    own = own if isinstance(own, dict) else {}
    exercise = _exercise(own.get("exercise"), path, cells)
    release = own.get("release", exercise.release)
    if not isinstance(release, int) or release > exercise.release:
        known = f"this grader knows up to {exercise.release}. Update the grader."
        raise NotebookError(path, f"made for release {one_line(repr(release), SHOWN)} of the exercise; {known}")
    notes = ()
    if release < exercise.release:
        notes = (f"made for release {release} of the exercise; graded by release {exercise.release}",)
    return Submission(path, exercise, cells, others, notes)


def load(path: Path):
    """A notebook's file as nbformat has it. Raises NotebookError."""
    data = b""
    try:
        data = files.read(path, MAX_BYTES)
        with warnings.catch_warnings():  # nbformat mends small faults, such as doubled cell ids, and says so
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(_text(data), as_version=4)
            nbformat.validate(notebook, relax_add_props=True)
    except OSError as error:
        raise unreadable(path, error) from None
    except Exception:  # nbformat answers broken files with many kinds of errors
        raise NotebookError(path, f"not a readable notebook. {_illness(data)}") from None
    metadata = notebook.metadata
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or "python"
    if str(language).lower() not in ("python", "ipython"):
        raise NotebookError(path, f"a {one_line(language, SHOWN)} notebook; the course's exercises are in Python.")
    return notebook


def unreadable(path: Path, error: OSError) -> NotebookError:
    """What is said of a file that could not be read."""
    cure = " Clear its outputs and save it again." if error.errno == errno.EFBIG else ""
    return NotebookError(path, f"{error.strerror or error}.{cure}")


def _text(data) -> str:
    """The file's text; some editors mark its encoding at the start."""
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def _illness(data) -> str:
    """What is wrong with a file that is no notebook, and what to do, in a sentence or two."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if not start:
        return "The file is empty: the download or the copy failed. Fetch or save it again."
    for mark, what in STRANGERS.items():
        if start.startswith(mark):
            return what
    conflict = next((number for number, line in enumerate(data.split(b"\n"), 1) if line.startswith(b"<<<<<<< ")), None)
    if conflict:
        return f"It holds a merge conflict (<<<<<<< in line {conflict}): settle it in Git, and hand in the result."
    if start.startswith(b"{") and not data.rstrip().endswith(b"}"):
        return "It ends in the middle: the download or the copy was cut off. Fetch or save it again."
    if b'"cells"' not in data and b'"worksheets"' not in data:
        return "It holds no cells. Hand in the notebook itself, a file that Jupyter saved."
    return "Open it in Jupyter and save it again."


def _exercise(name, path, cells) -> Exercise:
    """The exercise a notebook answers: by its metadata, or, where an editor dropped that, by what it defines."""
    for exercise in EXERCISES:
        if exercise.name == name:
            return exercise
    defined = set().union(*map(defined_names, cells))
    overlap = {exercise: sum(task.name in defined for task in exercise.tasks) for exercise in EXERCISES}
    best = max(overlap, key=overlap.get)
    if overlap[best] * 2 >= len(best.tasks) or (overlap[best] and best.name in path.stem):
        return best
    raise NotebookError(path, "not a notebook of this course. Start from one of its exercises.")


def digest(notebook) -> str:
    """Tells whether anybody has written into an exercise since it was released."""
    return glance.digest(cell.source for cell in notebook.cells)


def origin(path: Path, exercise: Exercise) -> str:
    """Whether a notebook that can be read is the course's own, as it stands there: "exercise", "solution", or neither: ""."""
    notebook = load(path)
    own = notebook.metadata.get(KEY, {})
    if isinstance(own, dict) and own.get("digest") == digest(notebook):
        return "exercise"
    return "solution" if digest(notebook) == _solution_digest(exercise.name) else ""


@functools.cache
def _solution_digest(name):
    solution = ROOT / "solutions" / f"{name}.ipynb"
    return digest(load(solution)) if solution.is_file() else None
