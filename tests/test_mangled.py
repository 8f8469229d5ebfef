"""What people and editors do to notebooks on the way: graded rightly all the same, or refused in one clear line."""

import copy
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from .notebooks import answer_cell, answered, check_cell, exercise, grade, grader, solution

EXERCISE = "01_formula"
FULL = 22
RIGHT = "def linear(x, weight, bias=None):\n    y = x @ weight.T\n    return y if bias is None else y + bias"


def mangled(change):
    """The solution after `change(notebook)`."""
    notebook = copy.deepcopy(solution(EXERCISE))
    return change(notebook) or notebook


def edit_checks(notebook):
    for cell in notebook.cells:
        if cell.source.startswith("check("):
            cell.source = cell.source.replace("check", "print") + "\nassert False"


def delete_checks(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("check(")]


def copy_checks(notebook):
    notebook.cells += [copy.deepcopy(check_cell(notebook, "linear")) for _ in range(3)]


def split_an_answer(notebook):
    cell = answer_cell(notebook, "linear")
    place = notebook.cells.index(cell)
    cell.source = "def product(x, weight):\n    return x @ weight.T"
    rest = "def linear(x, weight, bias=None):\n    y = product(x, weight)\n    return y if bias is None else y + bias"
    notebook.cells.insert(place + 1, new_code_cell(rest))


def answer_in_the_check_cell(notebook):
    answer_cell(notebook, "linear").source = ""
    check_cell(notebook, "linear").source = RIGHT + '\n\ncheck("linear")'


def reorder(notebook):
    first, rest = notebook.cells[:3], notebook.cells[3:]
    notebook.cells = first + rest[::-1]


def failing_cells(notebook):
    for place, source in ((2, "1 / 0"), (5, "def broken(:"), (8, "raise SystemExit"), (11, "%no_such_magic"), (12, "undefined")):
        notebook.cells.insert(place, new_code_cell(source))


def strip_metadata(notebook):
    notebook.metadata = nbformat.from_dict({})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def as_colab_saves(notebook):
    notebook.nbformat_minor = 0
    notebook.metadata = nbformat.from_dict({"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for cell in notebook.cells:
        cell.pop("id")
        cell.metadata = nbformat.from_dict({"id": "abc"})


def outputs_and_markdown(notebook):
    notebook.cells.insert(3, new_markdown_cell("my notes"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = 7
            cell.outputs = [new_output("stream", text="22 / 22")]


def redefine_afterwards(notebook):
    notebook.cells.append(new_code_cell("x, weight, bias, y = 1, 2, 3, 4\nimport numpy as torch"))
    answer_cell(notebook, "linear").source = "import torch as t\n" + RIGHT


def first_try_then_right(notebook):
    notebook.cells.insert(2, new_code_cell("def linear(x, weight, bias=None):\n    return torch.nn.functional.linear(x, weight, bias)"))


def older_release(notebook):
    notebook.metadata["linear_course"]["release"] = 0


def duplicate_ids(notebook):
    for cell in notebook.cells:
        cell.id = "same"


GRADED = {
    change.__name__: change
    for change in (
        edit_checks, delete_checks, copy_checks, split_an_answer, answer_in_the_check_cell, reorder, failing_cells, strip_metadata,
        as_colab_saves, outputs_and_markdown, first_try_then_right, older_release, duplicate_ids,
    )
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    notebooks = {name: mangled(change) for name, change in GRADED.items()}
    forged = exercise(EXERCISE)
    for cell in forged.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
            cell.outputs = copy.deepcopy(solution_outputs(cell))
    half = answered(EXERCISE, {"linear": RIGHT})
    strip_metadata(half)
    older_format = nbformat.convert(copy.deepcopy(solution(EXERCISE)), 3)
    notebooks |= {"forged_outputs": forged, "01_formula_half_done": half, "format_3": json.dumps(older_format)}
    return grade(tmp_path_factory.mktemp("mangled"), notebooks)


def solution_outputs(cell):
    return [new_output("execute_result", data={"text/plain": "7 / 7 points", "text/html": "<b>passed</b>"}, execution_count=1)]


@pytest.mark.parametrize("name", GRADED)
def test_a_mangled_solution_keeps_its_points(results, name):
    assert results[name]["error"] == ""
    assert results[name]["points"] == FULL, [(task["name"], task["verdicts"]) for task in results[name]["tasks"] if task["status"] != "passed"]


def test_an_old_notebook_format_is_read(results):
    assert results["format_3"]["points"] == FULL


def test_forged_outputs_score_nothing(results):
    assert results["forged_outputs"]["points"] == 0


def test_a_stripped_and_half_done_notebook_keeps_what_it_earned(results):
    assert results["01_formula_half_done"]["points"] == 7


def test_failing_cells_are_reported(results):
    notes = " ".join(results["failing_cells"]["notes"])
    assert "ZeroDivisionError" in notes and "SyntaxError" in notes


def test_an_older_release_is_noted(results):
    assert any("release 0" in note for note in results["older_release"]["notes"])


def metadata_of(**changes):
    notebook = solution(EXERCISE)
    for key, value in changes.items():
        notebook.metadata[key] = nbformat.from_dict(value)
    return nbformat.writes(notebook)


REFUSED = {
    "empty file": ("", "The file is empty"),
    "white space": ("\n \n", "The file is empty"),
    "not json": ("hello", "It holds no cells"),
    "json, no notebook": ("{}", "It holds no cells"),
    "json array": ("[1, 2]", "It holds no cells"),
    "cut off": (metadata_of()[:500], "ends in the middle"),
    "a sign-in page": ("<!DOCTYPE html>\n<html><body>Sign in</body></html>", "a web page"),
    "a merge conflict": (metadata_of().replace('"cells"', '\n<<<<<<< HEAD\n"cells"', 1), "merge conflict (<<<<<<< in line 3)"),
    "a PDF": ("%PDF-1.7\n1 0 obj", "It is a PDF"),
    "a zip": ("PK\x03\x04rest", "It is a zip"),
    "a comma too many": (metadata_of().replace("{", "{,", 1), "Open it in Jupyter and save it again"),
    "no cells": (nbformat.writes(nbformat.v4.new_notebook()), "no code"),
    "markdown only": (nbformat.writes(nbformat.v4.new_notebook(cells=[new_markdown_cell("hi")])), "no code"),
    "foreign": (nbformat.writes(nbformat.v4.new_notebook(cells=[new_code_cell("def f(): pass")])), "not a notebook of this course"),
    "R": (metadata_of(kernelspec={"name": "ir", "language": "R", "display_name": "R"}), "in Python"),
    "newer release": (metadata_of(linear_course={"exercise": EXERCISE, "release": 99}), "Update the grader"),
    "odd release": (metadata_of(linear_course={"exercise": EXERCISE, "release": "x"}), "Update the grader"),
}


def test_what_cannot_be_graded_is_refused_in_one_line_each(tmp_path):
    for number, (text, _) in enumerate(REFUSED.values()):
        (tmp_path / f"{number:02}.ipynb").write_text(text, encoding="utf-8")
    (tmp_path / "99.ipynb").write_text(nbformat.writes(solution(EXERCISE)))
    done = grader("grade", tmp_path, "--json", tmp_path / "report.json")
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == len(REFUSED)
    for line, (_, words) in zip(lines, REFUSED.values()):
        assert words in line
    report = json.loads((tmp_path / "report.json").read_text())
    assert [submission["points"] for submission in report["submissions"]] == [0] * len(REFUSED) + [FULL]


def test_every_way_to_write_a_file_is_read_and_what_systems_leave_beside_it_is_not(tmp_path):
    text = nbformat.writes(solution(EXERCISE))
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / ".ipynb_checkpoints").mkdir()
    for name, encoding in {"plain": "utf-8", "marked": "utf-8-sig", "powershell": "utf-16"}.items():
        (tmp_path / f"{name}.ipynb").write_bytes(text.encode(encoding))
    (tmp_path / "windows.ipynb").write_bytes(text.replace("\n", "\r\n").encode())
    (tmp_path / "LOUD.IPYNB").write_text(text, encoding="utf-8")
    for left in ("._plain.ipynb", "__MACOSX/._plain.ipynb", "__MACOSX/plain.ipynb", ".ipynb_checkpoints/plain-checkpoint.ipynb"):
        (tmp_path / left).write_bytes(b"\x00\x05\x16\x07")
    done = grader("grade", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(f"{FULL} / {FULL}") == 5, done.stdout
