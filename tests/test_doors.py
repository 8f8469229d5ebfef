"""Doors to platforms: what is made for Gradescope, GitHub and nbgrader is run as they would run it, by the recipes of the page *On your platform*, and gives
the points that `grade` gives."""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import nbformat
import psutil
import pytest
import yaml

from grader.catalogue import EXERCISES
from grader.doors import autograder

from .notebooks import ROOT, answer_cell, check_cell, environment, exercise, grade, grader, run, solution

FORMULA = EXERCISES[0]
WRONG = "def linear(x, weight, bias=None):\n    return x @ weight + bias"
PIP = {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
WARNS = "import warnings\n\ndef linear(x, weight, bias=None):\n    warnings.warn('slow')\n    return x @ weight.T + (0 if bias is None else bias)"


@pytest.fixture(scope="module")
def folder():
    """A temporary folder that other users may enter."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def mistaken(folder):
    """A notebook with right answers and a known mistake, and its points by task as `grade` gives them."""
    notebook = solution("01_formula")
    answer_cell(notebook, "linear").source = WRONG
    return notebook, points_of(grade(folder, {"01_formula": notebook})["01_formula"])


def points_of(submission):
    return {task["name"]: task["points"] for task in submission["tasks"]}


def recipe(label: str) -> list[str]:
    """The commands of a section of the page *On your platform*."""
    page = (ROOT / "book/platforms.md").read_text(encoding="utf-8")
    section = page.partition(f"({label})=")[2].partition("\n(teachers-")[0]
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


def course(place: Path) -> Path:
    """A copy of the course's folder, as far as the doors need it."""
    for name in ("grader", "solutions", "book"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "_static"))
    for name in ("pyproject.toml", "_config.yml"):
        shutil.copy(ROOT / name, place / name)
    return place


# What the commands refuse


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["gradescope"], "EXERCISE"),
        (["gradescope", "77"], "01_formula"),
        (["gradescope", "1", "-o", "there.txt"], "--force"),
        (["gradescope", "1", "-o", "there.txt/autograder.zip"], "cannot be written"),
        (["github"], "repository: url:"),
        (["release", "--nbgrader", "course"], "--force"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_and_nothing_is_written_over(tmp_path, arguments, words):
    (tmp_path / "there.txt").write_text("mine")
    (tmp_path / "course").mkdir()
    (tmp_path / "course/nbgrader_config.py").write_text("mine")
    done = grader(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 or "usage" in done.stderr
    files = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == dict.fromkeys([tmp_path / "there.txt", tmp_path / "course/nbgrader_config.py"], "mine")


def test_with_force_a_file_is_written_over(tmp_path):
    (tmp_path / "autograder.zip").write_text("mine")
    assert grader("gradescope", "formula", "--force", cwd=tmp_path).returncode == 0
    assert zipfile.is_zipfile(tmp_path / "autograder.zip")


def test_help_imports_nothing_heavy():
    done = run("-X", "importtime", "-m", "grader", "gradescope", "--help")
    assert done.returncode == 0 and "autograder.zip" in done.stdout
    assert not {line.split("|")[-1].strip() for line in done.stderr.splitlines()} & {"torch", "numpy", "nbformat", "jinja2", "rich"}


# Gradescope


@pytest.fixture(scope="module")
def gradescope(folder):
    """Gradescope's folder, as it is after setup.sh."""
    (command,) = recipe("teachers-gradescope")
    done = grader(*command.split()[3:-1], folder / "autograder.zip")
    assert done.returncode == 0 and f"{FORMULA.points} points" in done.stdout
    root = folder / "autograder"
    with zipfile.ZipFile(folder / "autograder.zip") as archive:
        assert {info.filename for info in archive.infolist() if info.external_attr >> 16 & 0o111} == {"setup.sh", "run_autograder"}
        archive.extractall(root / "source")
    environment(root / "venv")
    done = subprocess.run(["bash", "source/setup.sh"], cwd=root, env={**os.environ, **PIP, "AUTOGRADER": str(root)}, capture_output=True, encoding="utf-8")
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"no environment can be made here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return root


def submit(root: Path, files: dict, **environment) -> dict:
    """What run_autograder makes of some notebooks (or texts)."""
    for name in ("submission", "results"):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir()
    for name, content in files.items():
        (root / "submission" / name).write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    done = subprocess.run(
        ["bash", root / "source/run_autograder"], cwd=root, env={**os.environ, "AUTOGRADER": str(root), **environment}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0
    return results(root)


def results(root: Path) -> dict:
    """The results, which keep to Gradescope's format."""
    found = json.loads((root / "results/results.json").read_text(encoding="utf-8"))
    formats, seen = ("text", "html", "simple_format", "md", "ansi"), ("hidden", "after_due_date", "after_published", "visible")
    assert isinstance(found["score"], int) and found["output_format"] in formats and found["stdout_visibility"] == "hidden"
    for test in found.get("tests", []):
        assert test["output_format"] in formats and test["visibility"] in seen and isinstance(test["name"] + test["output"], str)
        assert test["visibility"] == "hidden" or (0 <= test["score"] <= test["max_score"] and test["status"] in ("passed", "failed"))
        assert "<style" not in test["output"] and "<script" not in test["output"]
    return found


def test_gradescope_gives_the_points_of_grade_and_names_the_mistake(gradescope, mistaken):
    notebook, points = mistaken
    found = submit(gradescope, {"01_formula.ipynb": notebook, "01_formula-Copy1.ipynb": exercise("01_formula"), "02_init.ipynb": exercise("02_init")})
    tests = {test["name"].split(" · ")[0]: test for test in found["tests"] if test["visibility"] == "visible"}
    assert {name: test["score"] for name, test in tests.items()} == points and found["score"] == sum(points.values()) > 0
    assert {name: test["max_score"] for name, test in tests.items()} == {task.name: task.points for task in FORMULA.tasks}
    assert "the product needs weight&#39;s transpose" in tests["linear"]["output"] and "book/01_formula.md" in tests["linear"]["output"]
    assert "01_formula.ipynb" in found["output"] and "Not graded: 01_formula-Copy1.ipynb" in found["output"] and "02_init.ipynb" in found["output"]


def test_gradescope_without_a_sandbox_grades_and_tells_the_teacher(gradescope, folder):
    """And what the notebook leaves behind is ended before the results are written."""
    notebook = solution("01_formula")
    notebook.cells.append(nbformat.v4.new_code_cell("import subprocess\nsubprocess.Popen(['sleep', '31557600'])"))
    programs = folder / "programs"  # all that there are but bwrap
    programs.mkdir()
    for name in ("bash", "mkdir", "rm", "cat", "sleep", "env", "dirname"):
        os.symlink(shutil.which(name), programs / name)
    found = submit(gradescope, {"mine.ipynb": notebook}, PATH=str(programs))
    assert found["score"] == FORMULA.points
    (remark,) = [test for test in found["tests"] if test["visibility"] == "hidden"]
    assert "without a sandbox" in remark["output"] and "bubblewrap" in remark["output"]
    assert not [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "31557600"]]


def test_gradescope_says_what_is_missing(gradescope):
    found = submit(gradescope, {"readme.txt": "Here is my homework."})
    assert found["score"] == 0 and "no notebook" in found["output"] and "01_formula.ipynb" in found["output"]


@pytest.mark.parametrize(
    "notebooks, words",
    [
        ({"01_formula.ipynb": '{"cells": [{"cell_type": "co'}, "01_formula.ipynb: not a readable notebook. It ends in the middle"),
        ({"02_init.ipynb": exercise("02_init")}, "02_init.ipynb answers 02_init"),
        ({"a.ipynb": exercise("01_formula"), "b.ipynb": exercise("01_formula")}, "a.ipynb, b.ipynb"),
    ],
    ids=["broken", "another exercise", "two"],
)
def test_gradescope_says_why_nothing_was_graded(tmp_path, notebooks, words):
    (tmp_path / "submission").mkdir()
    for name, content in notebooks.items():
        (tmp_path / "submission" / name).write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    assert autograder.main("01_formula", tmp_path) == 0
    found = results(tmp_path)
    assert found["score"] == 0 and words in found["output"]


def test_gradescope_gets_results_from_a_grader_that_cannot_start(gradescope, tmp_path):
    shutil.copytree(gradescope / "source", tmp_path / "source")
    found = submit(tmp_path, {"01_formula.ipynb": exercise("01_formula")})
    assert found["score"] == 0 and "The grader failed, not your notebook" in found["output"]


# GitHub


def test_the_workflows_steps_give_the_points_of_grade(folder, mistaken, sandbox):
    notebook, points = mistaken
    teacher, learner, temporary = course(folder / "teacher"), folder / "learner", folder / "runner"
    with open(teacher / "_config.yml", "a", encoding="utf-8") as config:
        config.write(f"\nrepository:\n  branch: main\n  url: {teacher}\n")
    git = ["git", "-C", teacher, "-c", "user.name=teacher", "-c", "user.email=teacher@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "The course"]):
        subprocess.run([*git, *words], check=True)
    (command,) = recipe("teachers-github")
    assert run(*command.split()[1:-1], learner / ".github/workflows/classroom.yml", cwd=teacher).returncode == 0

    for name in ("exercises", "grader"):
        (learner / name).mkdir()
    (learner / "grader/__init__.py").write_text("raise SystemExit('the learner graded')")
    (learner / "pip.py").write_text("raise SystemExit('the learner installed')")
    (learner / "exercises/01_formula.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    (learner / "exercises" / f"|<b>{'x' * 40}::notice title=Autograding complete::Points 99.ipynb").write_text("{}")

    workflow = yaml.safe_load((learner / ".github/workflows/classroom.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    programs, shown = environment(folder / "runners_python"), folder / "summary.md"
    (temporary).mkdir()
    env = {**os.environ, **PIP, **job["env"], "RUNNER_TEMP": str(temporary), "GITHUB_STEP_SUMMARY": str(shown), "PATH": f"{programs}:{os.environ['PATH']}"}
    done = {}
    for step in job["steps"]:
        if "run" in step:
            ended = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=learner, env=env, capture_output=True, encoding="utf-8")
            done[step["name"]] = (ended.returncode, ended.stdout + ended.stderr)
    if done["Fetch the grader"][0] and not os.environ.get("CI"):
        pytest.skip(f"no environment can be made here: {done['Fetch the grader'][1][-300:]}")
    assert {name: code for name, (code, _) in done.items()} == {"Fetch the grader": 0, "Have a sandbox": 0, "Grade": 1, "Show": 0}, done  # one is no notebook
    commands = [line for line in done["Grade"][1].splitlines() if line.startswith("::")]
    assert commands[0].startswith("::stop-commands::") and commands[-1] == f"::{commands[0][17:]}::"  # GitHub hears nothing of what is between

    log = done["Show"][1].splitlines()
    total = f"{sum(points.values())}/{FORMULA.points}"
    assert [line for line in log if not line.startswith("::")] == [f"01_formula · {task.name}: {points[task.name]}/{task.points}" for task in FORMULA.tasks]
    assert f"::notice title=Autograding complete::Points {total}" in log
    assert json.loads(log[-1].partition("report::")[2]) == {"totalPoints": sum(points.values()), "maxPoints": FORMULA.points}
    text = shown.read_text(encoding="utf-8")
    assert f"**{total.replace('/', ' of ')} points**" in text and "the product needs weight&#39;s transpose" in text
    assert "\\|\\<b\\>" in text and "<b>" not in text and "\\:\\:notice" in text


# nbgrader


def test_nbgraders_sources_hold_answers_and_points_and_tests_that_call_the_graders_own_check(tmp_path):
    done = grader("release", "--nbgrader", tmp_path / "course")
    assert done.returncode == 0 and done.stdout.count("wrote") == len(EXERCISES) + 1
    compile((tmp_path / "course/nbgrader_config.py").read_text(encoding="utf-8"), "nbgrader_config.py", "exec")
    for ours in EXERCISES:
        notebook = nbformat.read(tmp_path / f"course/source/{ours.name}/{ours.name}.ipynb", 4)
        for task in ours.tasks:
            answer, check = answer_of(notebook, task.name), next(cell for cell in notebook.cells if cell.source.endswith(f'check("{task.name}")'))
            assert "### BEGIN SOLUTION" in answer.source and answer.metadata.nbgrader.solution and answer.metadata.nbgrader.grade_id == task.name
            assert check.source.startswith("### BEGIN HIDDEN TESTS\nfrom grader.learner import check")
            assert check.metadata.nbgrader.locked and check.metadata.nbgrader.points == task.points
            assert answer.metadata.linear_course.get("start") == (task.starter.body if task.starter else None)


def answer_of(notebook, task):
    return next(cell for cell in notebook.cells if cell.metadata.get("linear_course", {}).get("role") == "answer" and cell.metadata.linear_course.task == task)


def test_nbgraders_round_trip_gives_the_points_of_grade(folder, mistaken):
    programs, place = environment(folder / "nbgrader"), folder / "linear-course"
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}  # not the user's
    env = {**os.environ, **PIP, **own, "PYTHONPATH": str(ROOT), "PATH": f"{programs}:{os.environ['PATH']}"}

    def nbgrader(line):
        words = [programs / "python", "-m", "pip", "-q"] if line.startswith("pip") else [programs / line.split()[0]]
        return subprocess.run([*words, *line.split()[1:]], cwd=place if place.exists() else folder, env=env, capture_output=True, encoding="utf-8")

    activate, install, release, enter, generate, autograde, export = recipe("teachers-nbgrader")
    assert activate.endswith("activate") and enter.split()[1] == release.split()[-1]
    done = nbgrader(install)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"nbgrader cannot be installed here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    assert grader(*release.split()[3:-1], place).returncode == 0

    warns, pitfalls = solution("01_formula"), exercise("05_pitfalls")
    answer_cell(warns, "linear").source = WARNS
    answer_cell(warns, "compose").source += "\n\ndef check(name):\n    return 1"
    warns.cells.remove(check_cell(warns, "fold_bias"))
    mended = EXERCISES[4].tasks[0].name
    answer_cell(pitfalls, mended).source = answer_cell(solution("05_pitfalls"), mended).source
    handed_in = {"01_formula": {"mistaken": mistaken[0], "warns": warns}, "05_pitfalls": {"mended": pitfalls}}
    for name, notebooks in handed_in.items():
        done = nbgrader(generate.replace("01_formula", name))
        assert done.returncode == 0, done.stderr
        released = nbformat.read(place / f"release/{name}/{name}.ipynb", 4)
        assert [cell.source for cell in released.cells] == [cell.source for cell in exercise(name).cells]
        for learner, notebook in notebooks.items():
            marks = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in released.cells if "nbgrader" in cell.metadata}
            for cell in notebook.cells:  # learners start from what nbgrader has released
                if "nbgrader" in cell.metadata:
                    cell.metadata.nbgrader = marks[cell.metadata.nbgrader.grade_id]
            (place / f"submitted/{learner}/{name}").mkdir(parents=True)
            nbformat.write(notebook, place / f"submitted/{learner}/{name}/{name}.ipynb")
        done = nbgrader(autograde.replace("01_formula", name))
        assert done.returncode == 0, done.stderr
    graded = grade(folder, {learner: notebook for notebooks in handed_in.values() for learner, notebook in notebooks.items()})
    expected = {(submission["exercise"], learner): points_of(submission) for learner, submission in graded.items()}
    assert scores_of(place / "gradebook.db") == expected
    assert nbgrader(export).returncode == 0
    with open(place / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    totals = {(row["assignment"], row["student_id"]): float(row["score"]) for row in rows}
    totals = {key: score for key, score in totals.items() if key in expected}  # there is a row for what was not handed in, too
    assert totals == {key: sum(points.values()) for key, points in expected.items()}
    assert 0 < totals["05_pitfalls", "mended"] < EXERCISES[4].points and totals["01_formula", "warns"] == FORMULA.points


def scores_of(gradebook: Path) -> dict:
    """The points by task in nbgrader's database, for each assignment and learner."""
    query = """
        SELECT assignment.name, submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade
        JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
        JOIN assignment ON assignment.id = submitted_assignment.assignment_id"""
    scores: dict = {}
    with closing(sqlite3.connect(gradebook)) as database:
        for assignment, learner, cell, score in database.execute(query):
            scores.setdefault((assignment, learner), {})[cell.removeprefix("check_")] = score
    return scores
