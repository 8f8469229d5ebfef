"""Submissions as a course without our grader would have them: the same notebooks, with ordinary checks in the check cells."""

import ast
import textwrap
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
CHECKS = (Path(__file__).parent / "checks.py").read_text(encoding="utf-8")
NODES = ast.parse(CHECKS).body
IMPORTS = "\n".join(ast.get_source_segment(CHECKS, node) for node in NODES if isinstance(node, (ast.Import, ast.ImportFrom)))
FUNCTIONS = {
    node.name.removeprefix("check_"): ast.get_source_segment(CHECKS, node) for node in NODES if isinstance(node, ast.FunctionDef)
}
CELL_SECONDS = 30  # a peer that has a limit for one cell gets the limit that our grader has


def check_cell(task: str) -> str:
    """A task's check as a cell, which uses the learner's name."""
    return f"{IMPORTS}\n\n{textwrap.dedent(FUNCTIONS[task].split(chr(10), 1)[1])}"


def with_checks(path: Path) -> nbformat.NotebookNode:
    """A notebook of the course without the import of our grader, and with those checks, worth a point each."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "from grader.learner import check" not in cell.source]
    for cell in notebook.cells:
        task = checked_task(cell)
        if task:
            cell.source = check_cell(task)
            cell.metadata.nbgrader.points = 1
    return notebook


def checked_task(cell) -> str | None:
    """The task whose check stands in this cell, if any."""
    own = cell.metadata.get("linear_course", {})
    return own["task"] if own.get("role") == "check" else None


def tasks_of(notebook: nbformat.NotebookNode) -> list[str]:
    return list(filter(None, map(checked_task, notebook.cells)))


def exercise_of(path: Path) -> str:
    return nbformat.read(path, as_version=4).metadata["linear_course"]["exercise"]


def solution(exercise: str) -> Path:
    return ROOT / "solutions" / f"{exercise}.ipynb"


def write_with_checks(folder: Path, submissions: list[Path]):
    """The submissions with checks, under their own names."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in submissions:
        nbformat.write(with_checks(path), folder / path.name)
