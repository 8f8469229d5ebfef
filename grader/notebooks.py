"""Notebooks as files: read a submission and tell which exercise it answers; make the exercises from the solutions."""

import errno
import functools
import hashlib
import re
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat

from . import files
from .catalogue import EXERCISES
from .sources import begin_submission, defined_names
from .spec import Exercise
from .texts import one_line, path_text
from .wire import clean

KEY = "linear_course"  # our own part of a notebook's and a cell's metadata
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STRANGERS = {  # what a file that is no notebook begins with
    b"<": "It is a web page, perhaps that of a sign-in. Download the notebook's file itself.",
    b"%pdf": "It is a PDF. Hand in the .ipynb file.",
    b"pk": "It is a zip. Unpack it, and hand in the .ipynb file.",
}
STUB = "raise NotImplementedError"
OPENING = """
try:
    from grader.learner import check
except ImportError as missing:
    print(f"{missing}. This notebook needs the course's own environment: run `make` in its folder, then `make lab`.")
""".strip()  # the first code cell of every exercise: where something is amiss, it says so in one line
MAX_BYTES = 50 * 2**20
MAX_CODE = 10**6  # characters in all code cells
SHOWN = 40  # characters of what a notebook's metadata say
MAX_ANSWER = 50_000  # characters of a cell that may hold an answer without being code
KINDS = {"markdown": "Markdown", "raw": "raw"}  # of cells that are not run
ROOT = Path(__file__).resolve().parent.parent  # of the course, whose folders solutions/ and exercises/ lie beside the grader


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
    notebook = _load(path)
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


def _load(path):
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
    raise NotebookError(path, "not a notebook of this course. Start from a file in exercises/.")


def release(solution_text: str, exercise: Exercise) -> tuple[str, str]:
    """The text of a solution notebook put in order, and of the exercise made from it.

    In both, OPENING is the first code cell, outputs are gone, and answer and check cells carry nbgrader's metadata (schema 3). In the exercise each region
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
    others = [cell for cell in solution.cells if not cell.source.startswith(OPENING.partition("except")[0])]
    solution.cells = [others[0], nbformat.v4.new_code_cell(OPENING), *others[1:]]
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
    unsolved.metadata[KEY]["digest"] = _digest(unsolved)
    return text + "\n", nbformat.writes(unsolved) + "\n"


def _digest(notebook) -> str:
    """Tells whether anybody has written into an exercise since it was released."""
    return hashlib.sha256("\0".join(cell.source for cell in notebook.cells).encode()).hexdigest()[:16]


def _is_untouched(path) -> bool:
    """Whether the exercise at `path` holds nothing but what `release` wrote."""
    try:
        notebook = _load(path)
        return notebook.metadata[KEY]["digest"] == _digest(notebook)
    except (NotebookError, KeyError):
        return False


def origin(path: Path, exercise: Exercise) -> str:
    """Whether a notebook that can be read is the course's own, as it stands there: "exercise", "solution", or neither: ""."""
    notebook = _load(path)
    own = notebook.metadata.get(KEY, {})
    if isinstance(own, dict) and own.get("digest") == _digest(notebook):
        return "exercise"
    return "solution" if _digest(notebook) == _solution_digest(exercise.name) else ""


@functools.cache
def _solution_digest(name):
    solution = ROOT / "solutions" / f"{name}.ipynb"  # an installed grader has none
    return _digest(_load(solution)) if solution.is_file() else None


def release_all() -> list[str]:
    """Put every solution in order and make its exercise, but never over somebody's answers; a line for each file that
    changed or was kept. Raises NotebookError."""
    lines = []
    for exercise in EXERCISES:
        solution, unsolved = (ROOT / folder / f"{exercise.name}.ipynb" for folder in ("solutions", "exercises"))
        if not solution.is_file():
            raise NotebookError(solution.relative_to(ROOT), f"no such file; {exercise.name} needs a solution.")
        texts = release(solution.read_text(encoding="utf-8"), exercise)
        for path, text in zip((solution, unsolved), texts):
            shown = path.relative_to(ROOT)
            if path == unsolved and path.is_file() and not _is_untouched(path):
                lines.append(f"kept {shown}: it has been worked in. To have it made anew, move it away.")
            elif not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8", newline="\n")
                lines.append(f"wrote {shown}")
    return lines


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
