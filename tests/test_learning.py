"""A learner's loop on the command line: where one stands, what is next, and checks of one task or of everything."""

import nbformat
import pytest

from grader.catalogue import EXERCISES

from .notebooks import answered, grader, run, solution

BOUND = "def kaiming_bound(in_features):\n    return 1.0"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a full exercise and one that is begun."""
    place = tmp_path_factory.mktemp("place")
    for name, notebook in {"01_formula": solution("01_formula"), "02_init": answered("02_init", {"kaiming_bound": BOUND})}.items():
        nbformat.write(notebook, place / f"{name}.ipynb")
    return place


def test_status_runs_what_changed_and_nothing_twice(place):
    first = grader("status", cwd=place)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[0] == f"01_formula      {'█' * 24}   22 / 22" and lines[1].endswith("    0 / 29") and lines[2] == "03_backward     not here"
    assert lines[-2].split()[-3:] == ["22", "/", str(sum(exercise.points for exercise in EXERCISES))]
    assert lines[-1] == "Next: kaiming_bound, in 02_init.ipynb"
    again = run("-X", "importtime", "-m", "grader", "status", cwd=place)
    assert again.stdout == first.stdout
    assert not {line.split("|")[-1].strip() for line in again.stderr.splitlines()} & {"torch", "numpy", "nbformat", "rich"}


def test_check_takes_tasks_several_exercises_and_all(place):
    some = grader("check", "kaiming_bound", "reset_bias_", cwd=place).stdout
    assert "kaiming_bound" in some and "reset_bias_" in some and "reset_weight_" not in some and "0 of 29 points" in some
    for words in (["1", "init"], ["all"]):
        done = grader("check", *words, cwd=place)
        assert done.returncode == 0 and "22 of 22 points" in done.stdout and "0 of 29 points" in done.stdout
    assert grader("check", "01", "02", "--watch", cwd=place).stderr == "--watch follows one notebook. Name one.\n"
    assert grader("check", "nothing", cwd=place).stderr.startswith("nothing: neither a notebook nor an exercise, nor a task. Exercises: 01_formula, ")


def test_a_full_exercise_says_what_has_been_shown_and_the_next_question(place):
    assert all(exercise.milestone and ("Next:" in exercise.milestone) == (exercise != EXERCISES[-1]) for exercise in EXERCISES)
    assert " ".join(EXERCISES[0].milestone.split()) in " ".join(grader("check", "01", cwd=place).stdout.split())
    assert EXERCISES[1].milestone not in grader("check", "02", cwd=place).stdout
