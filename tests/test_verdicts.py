"""Each way a submission can end has its verdict, is noticed within seconds, and costs no other task its points."""

import os
import time

import nbformat
import pytest

from grader.kernels import clock

from .notebooks import answered, exercise, grade, grader, solution, tasks

OTHERS = {
    "fold_bias": "def fold_bias(weight, bias):\n    return torch.cat([weight, bias[:, None]], 1)",
    "parameter_count": "def parameter_count(i, o, bias=True):\n    return i * o + (o if bias else 0)",
}
HEAD = "def linear(x, weight, bias=None):\n    "

IN_THE_ANSWER = {
    "timed out": HEAD + "while True: pass",
    "kernel died": HEAD + "import os; os._exit(0)",
    "flooded": HEAD + "while True: print('x' * 1000)",
    "out of memory": HEAD + "return torch.empty(2**48)",
    "raised": HEAD + "return x.no_such_method()",
    "wrong": HEAD + "return 2 * (x @ weight.T) + (0 if bias is None else bias)",
    "missing": "",
    "not attempted": HEAD + "raise NotImplementedError",
}
IN_THE_CELL = {
    "timed out": "while True: pass",
    "kernel died": "import os; os.abort()",
    "flooded": "while True: print('x' * 1000)",
    "raised": "1 / 0",
}
STUBBORN = "import time\nwhile True:\n    try: time.sleep(100)\n    except KeyboardInterrupt: pass"


@pytest.fixture(scope="module", params=["bwrap", "none"])
def graded(request, tmp_path_factory):
    """All of the cases in one run, in the sandbox or without, and how long it took."""
    if request.param == "bwrap":
        request.getfixturevalue("sandbox")
    notebooks = {}
    for status, source in IN_THE_ANSWER.items():
        notebooks[f"answer, {status}"] = answered("01_formula", {**OTHERS, "linear": source})
    for status, source in IN_THE_CELL.items():
        notebooks[f"cell, {status}"] = answered("01_formula", {**OTHERS, "linear": f"{source}\n{HEAD}pass"})
    notebooks["flooded at once"] = answered("01_formula", {**OTHERS, "linear": HEAD + "print('x' * 60 * 2**20)\n    return x"})
    notebooks["stubborn"] = answered("01_formula", {**OTHERS, "linear": STUBBORN})
    late = "import os, threading\nthreading.Timer(1.5, os._exit, [0]).start()"
    notebooks["a thread that kills later"] = answered("01_formula", {**OTHERS, "linear": late})
    start = time.monotonic()
    limits = "--limit", "cell=3", "--limit", "probe=2", "--sandbox", request.param
    return grade(tmp_path_factory.mktemp("verdicts"), notebooks, *limits), time.monotonic() - start


def assert_others_keep_their_points(submission):
    found = tasks(submission)
    assert {name: found[name]["status"] for name in OTHERS} == dict.fromkeys(OTHERS, "passed")


@pytest.mark.parametrize("status", IN_THE_ANSWER)
def test_an_answer_that_ends_badly_has_its_verdict(graded, status):
    submission = graded[0][f"answer, {status}"]
    assert tasks(submission)["linear"]["status"] == status
    assert tasks(submission)["linear"]["points"] == 0
    assert_others_keep_their_points(submission)


@pytest.mark.parametrize("status", IN_THE_CELL)
def test_a_cell_that_ends_badly_has_its_verdict(graded, status):
    submission = graded[0][f"cell, {status}"]
    assert tasks(submission)["linear"]["status"] == status
    assert submission["notes"]
    assert_others_keep_their_points(submission)


def test_a_message_that_is_too_long_to_be_read_is_a_flood_too(graded):
    """Our side cuts the connection; the kernel lives."""
    linear = tasks(graded[0]["flooded at once"])["linear"]
    assert linear["status"] == "flooded" and "at once" in linear["verdicts"][0]["message"]
    assert_others_keep_their_points(graded[0]["flooded at once"])


def test_a_cell_that_swallows_interrupts_is_left_out(graded):
    submission = graded[0]["stubborn"]
    assert "timed out" in submission["notes"][0]
    assert_others_keep_their_points(submission)


def test_a_kernel_that_dies_between_probes_is_started_again(graded):
    assert_others_keep_their_points(graded[0]["a thread that kills later"])


def test_every_wait_has_its_limit(graded):
    """Two waits of 3 s for a cell and two of 2 s for a probe, six times as long at most where the machine is busy, and the rest in minutes."""
    assert graded[1] < clock.BACKSTOP * (2 * 3 + 2 * 2) + 240


def test_an_untouched_notebook_in_the_same_run_is_unharmed(tmp_path):
    killer = answered("01_formula", {"linear": IN_THE_ANSWER["kernel died"]})
    results = grade(tmp_path, {"a": killer, "b": exercise("01_formula")})
    assert {task["status"] for task in results["b"]["tasks"]} == {"not attempted"}


def test_a_machine_that_starts_no_kernel_is_a_grader_fault(tmp_path):
    """Never charged to the learner: the run says so and exits with 1."""
    (tmp_path / "sitecustomize.py").write_text("import os\nif os.environ.get('LINEAR_GRADER'): os._exit(1)")
    (tmp_path / "one.ipynb").write_text(nbformat.writes(solution("01_formula")))
    done = grader("grade", tmp_path / "one.ipynb", "--sandbox", "none", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "grader fault" in done.stdout and "Traceback" not in done.stderr
