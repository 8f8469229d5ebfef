"""The doors: command line and pytest. They say the same, exit as promised, and refuse in one line."""

import json
import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import nbformat
import pytest

from grader.catalogue import EXERCISES
from grader.reports.machine import SCHEMA

from .notebooks import ROOT, answer_cell, answered, exercise, grade, grader, named, run, tasks

WRONG = "def linear(x, weight, bias=None):\n    return x @ weight + bias"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder with a solution, an untouched exercise, and one with a mistake, and its graded report with seed 5."""
    folder = tmp_path_factory.mktemp("mixed")
    fold = next(task for task in EXERCISES[0].tasks if task.name == "fold_bias")
    notebooks = {
        "a_solved": nbformat.read(ROOT / "solutions/01_formula.ipynb", 4),
        "b_untouched": exercise("01_formula"),
        "c_mistaken": answered("01_formula", {"linear": WRONG, "fold_bias": named("fold_bias", fold.impostors[0])}),
    }
    results = grade(folder, notebooks, "--seed", "5", "--junit", folder / "junit.xml")
    return folder, results


def test_help_answers_without_importing_torch():
    done = run("-X", "importtime", "-m", "grader", "--help")
    assert done.returncode == 0
    for command in ("check", "grade", "report", "release", "doctor"):
        assert command in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "numpy", "nbformat", "pytest", "rich"}


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["grade"], "PATH"),
        (["grade", "no/such/folder"], "no such file"),
        (["grade", "{empty}"], "without notebooks"),
        (["grade", "solutions", "--device", "tpu"], "tpu"),
        (["grade", "solutions", "--json", "no/such/folder/report.json"], "cannot be written"),
        (["grade", "solutions", "--json", "tests"], "cannot be written"),
        (["check", "77"], "01_formula"),
        (["check", "no_such_notebook.ipynb"], "neither"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_usage_exits_2_with_the_reason(tmp_path, arguments, words):
    done = grader(*[argument.replace("{empty}", str(tmp_path)) for argument in arguments])
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="this machine has a GPU")
def test_a_missing_gpu_is_said_in_one_line():
    done = grader("grade", "solutions", "--device", "cuda")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "--device cpu" in done.stderr


def test_a_missing_torch_is_said_in_one_line(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    done = grader("grade", "solutions", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == ["torch is not installed here. Run `make`, or: pip install -r requirements.txt"]


def test_points_and_exit_codes(mixed):
    folder, results = mixed
    points = {name: (result["points"], result["max_points"]) for name, result in results.items()}
    assert points == {"a_solved": (22, 22), "b_untouched": (0, 22), "c_mistaken": (0, 22)}
    assert grader("grade", folder / "b_untouched.ipynb").returncode == 0
    assert grader("grade", folder / "b_untouched.ipynb", "--require-full").returncode == 1
    assert grader("grade", folder / "a_solved.ipynb", "--require-full").returncode == 0


def test_the_report_keeps_to_its_schema(mixed):
    report = json.loads((mixed[0] / "report.json").read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert report["seed"] == 5


def test_the_same_seed_gives_the_same_report(mixed, tmp_path):
    folder, _ = mixed
    paths = sorted(folder.glob("*.ipynb"))
    assert grader("grade", *paths, "--seed", "5", "--regrade", "--json", tmp_path / "again.json").returncode == 0
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads((folder / "report.json").read_text())


def test_another_seed_asks_other_questions(mixed, tmp_path):
    folder, results = mixed
    grader("grade", folder / "c_mistaken.ipynb", "--seed", "6", "--json", tmp_path / "other.json")
    other = json.loads((tmp_path / "other.json").read_text())["submissions"][0]
    one, two = (tasks(result)["fold_bias"]["verdicts"][0]["differences"][0] for result in (results["c_mistaken"], other))
    assert one["expected"] != two["expected"]


def test_junit_has_one_case_for_each_probe_with_a_stable_name(mixed):
    suites = ElementTree.parse(mixed[0] / "junit.xml").getroot().findall("testsuite")
    assert [Path(suite.get("name")).stem for suite in suites] == ["a_solved", "b_untouched", "c_mistaken"]
    expected = [(f"01_formula.{task.name}", probe.name) for task in EXERCISES[0].tasks for probe in task.probes]
    for suite in suites:
        assert [(case.get("classname"), case.get("name")) for case in suite.findall("testcase")] == expected
    assert [suite.get("failures") for suite in suites] == ["0", str(len(expected)), str(len(expected))]


def test_check_shows_what_was_asked_and_names_the_mistake(mixed):
    done = grader("check", mixed[0] / "c_mistaken.ipynb", "--seed", "5")
    assert done.returncode == 0
    text = " ".join(done.stdout.replace("│", " ").split())
    for words in (
        "this looks like", "the product needs weight's transpose", "linear(x: (4, 5), weight: (3, 5), bias: (3,))",
        "mat1 and mat2 shapes cannot be multiplied", "(3, 5) is weight",
        "book/01_formula.md, section “Any number of leading dimensions”", "Your bias column comes first", "expected", "you", "0 of 22 points", "seed 5",
    ):
        assert words in text, words


def test_check_says_which_call_raised_and_all_of_a_long_message(tmp_path):
    notebook = answered("01_formula", {
        "linear": "def linear(x, weight, bias=None):\n    if x.dim() == 1: raise ValueError('first line\\n\\tsecond line')\n"
        "    return x @ weight.T + (0 if bias is None else bias)"
    })
    (tmp_path / "one.ipynb").write_text(nbformat.writes(notebook))
    text = " ".join(grader("check", tmp_path / "one.ipynb").stdout.split())
    assert "asked linear(x: (5,), weight: (3, 5), bias: (3,)) ValueError in `if x.dim() == 1" in text
    assert "first line second line" in text
    assert "hint" in text  # no known mistake says more


def test_check_finds_an_exercise_by_its_number(tmp_path):
    done = grader("check", "1", cwd=tmp_path)
    assert done.returncode == 0 and "0 of 22 points" in done.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_pytest_agrees_with_the_command_line(mixed, workers):
    folder, results = mixed
    done = run("-m", "pytest", "--grade", folder, "-q", "--grade-seed", "5", "-p", "no:cacheprovider", *workers, cwd=folder)
    assert done.returncode == 1
    for name, result in results.items():
        line = next(line for line in done.stdout.splitlines() if line.startswith(f"{name}.ipynb"))
        assert f"{result['points']} / {result['max_points']}" in line
    failures = sum(verdict["status"] != "passed" for result in results.values() for task in result["tasks"] for verdict in task["verdicts"])
    assert f"{failures} failed" in done.stdout


def test_pytest_can_select_a_task(mixed):
    done = run("-m", "pytest", "--grade", mixed[0] / "a_solved.ipynb", "-q", "-k", "compose", "-p", "no:cacheprovider")
    assert done.returncode == 0 and "3 passed" in done.stdout


def test_pytest_without_the_flag_leaves_notebooks_alone(mixed):
    done = run("-m", "pytest", mixed[0], "-q", "-p", "no:cacheprovider", cwd=mixed[0])
    assert "no tests ran" in done.stdout


def test_release_finds_the_committed_exercises_current():
    """The notebooks in exercises/ are what `release` makes of solutions/, and release leaves its own work alone."""
    before = {path: path.read_bytes() for folder in ("exercises", "solutions") for path in (ROOT / folder).glob("*.ipynb")}
    done = grader("release")
    assert (done.returncode, done.stdout) == (0, "")
    assert before == {path: path.read_bytes() for path in before}


def test_release_never_writes_over_a_learners_answers(tmp_path):
    for folder in ("grader", "solutions", "exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    worked_in, only_run, gone = (tmp_path / "exercises" / f"{exercise.name}.ipynb" for exercise in EXERCISES[:3])
    notebook = nbformat.read(worked_in, 4)
    answer_cell(notebook, "linear").source = WRONG
    nbformat.write(notebook, worked_in)
    answers = worked_in.read_bytes()
    notebook = nbformat.read(only_run, 4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, only_run)
    gone.unlink()
    done = run("-m", "grader", "release", cwd=tmp_path)  # the copy's own
    assert done.returncode == 0
    assert f"kept exercises/{worked_in.name}" in done.stdout and worked_in.read_bytes() == answers
    for path in (only_run, gone):
        assert path.read_bytes() == (ROOT / "exercises" / path.name).read_bytes()


@pytest.mark.parametrize("name", [exercise.name for exercise in EXERCISES])
def test_an_exercise_fits_its_box_shows_no_answer_and_carries_nbgraders_marks(name):
    notebook = exercise(name)
    ours = next(ex for ex in EXERCISES if ex.name == name)
    marked = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert all(cell.source.count("SOLUTION") == 0 for cell in notebook.cells)
    answers = [cell for cell in notebook.cells if cell.metadata.get("linear_course", {}).get("role") == "answer"]
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert not [line for cell in (first, *answers) for line in cell.source.split("\n") if len(line) > 79]  # as wide as a page or a notebook shows
    assert all(not cell.get("outputs") for cell in notebook.cells)
    assert {mark.schema_version for mark in marked} == {3}
    assert sum(mark.get("points", 0) for mark in marked) == ours.points
    assert len({mark.grade_id for mark in marked}) == len(marked) == 2 * len(ours.tasks)


def test_doctor_says_what_there_is_and_what_is_missing():
    done = grader("doctor")
    assert done.returncode == 0
    for word in ("Python", "torch", "GPU", "nbval", "kernel", "site", "browser"):
        assert word in done.stdout


def test_doctor_fails_where_grading_cannot_work(tmp_path):
    (tmp_path / "ipykernel").mkdir()
    (tmp_path / "ipykernel/__init__.py").write_text("raise SystemExit(3)")
    (tmp_path / "ipykernel/kernelspec.py").touch()
    done = grader("doctor", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode != 0 and "Traceback" not in done.stderr


def test_grading_leaves_nothing_behind(tmp_path):
    """Not in the temporary folder, and not where it was started: a notebook's files go with its scratch folder."""
    scratch, notebook = tmp_path / "tmp", tmp_path / "one.ipynb"
    scratch.mkdir()
    littering = answered("01_formula", {"linear": "open('left_behind', 'w').write('x')\n" + WRONG})
    notebook.write_text(nbformat.writes(littering))
    done = grader("grade", notebook, cwd=tmp_path, env={**os.environ, "TMPDIR": str(scratch)})
    assert done.returncode == 0
    assert list(scratch.iterdir()) == [] and sorted(path.name for path in tmp_path.iterdir()) == ["one.ipynb", "tmp"]


def test_each_task_has_a_line_whatever_the_length_of_its_name(tmp_path):
    shown = grader("check", ROOT / "exercises/10_cost.ipynb", cwd=tmp_path).stdout
    for task in next(exercise for exercise in EXERCISES if exercise.name == "10_cost").tasks:
        assert re.search(rf" {task.name} +0 / {task.points} ", shown), shown


def test_lists_of_tensors_are_shown_and_explained_by_their_shapes(tmp_path):
    nbformat.write(answered("14_parallel", {"row_parallel": "def row_parallel(xs, weights, bias, all_reduce):\n    return all_reduce([x @ w for x, w in zip(xs, weights)])"}), tmp_path / "14.ipynb")
    shown = " ".join(grader("check", tmp_path / "14.ipynb", cwd=tmp_path).stdout.split())
    assert "row_parallel(xs: [(2, 3, 2), (2, 3, 3), (2, 3, 4)], weights: [(4, 2), (4, 3), (4, 4)], bias: (4,), all_reduce: a function)" in shown
    assert "(6, 2) is xs[0], of shape (2, 3, 2), with its leading dimensions flattened and (4, 2) is weights[0]." in shown
