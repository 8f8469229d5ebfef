"""`check(...)` inside a notebook: what a learner sees there, and what it leaves alone."""

import os
import re

import nbclient
import pytest
from nbformat.v4 import new_code_cell

from grader.learner import check

from .notebooks import answer_cell, answered, exercise, run, solution

WRONG_SUM = "def linear_sums(x, weight, bias):\n    return (x[:, None] * weight).sum(-1)"
WRONG_BOUND = "def linear(x, weight, bias=None):\n    return x @ weight.T"


def execute(notebook, tmp_path):
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    return notebook


def html_of(cell):
    return next(output["data"]["text/html"] for output in cell.outputs if "text/html" in output.get("data", {}))


RANDOM = """import random
seed = lambda: (torch.manual_seed(0), np.random.seed(0), random.seed(0))
draw = lambda: (torch.rand(3), np.random.rand(3), random.random())
seed()
expected = draw()
seed()
check("linear")
after = draw()
torch.equal(expected[0], after[0]) and bool((expected[1] == after[1]).all()) and expected[2] == after[2]"""


ASKED = {  # cells, and what they say
    'hint("linear")': r"Hint 1 of 2: weight has shape .*",
    "hint(linear)": r"Hint 2 of 2: `x @ weight.T` keeps .*\nThat is the last one. solution\(\"linear\"\) shows an answer.",
    'hint("linear") ': r"Hint 2 of 2: .*",
    "solution(compose)": r"You have not solved compose yet; .* Ask once more, and an answer is shown.",
    'solution("compose")': r"def compose\(.*return .*",
    "solution(fold_bias)": r"def fold_bias\(.*return .*",  # it is solved
    "reset(linear)": r"What linear starts from is in a new cell below. .*",
    "status()": r"01_formula .* / 22\n.*together .* / \d+\nNext: .*",
    "check(print)": r"There is no task 'print'. Tasks: linear_sums, .*",
    "check(lambda x: x)": r"What you give does not say which task it is for. Give its name, as in check\(\"linear\"\). Tasks: .*",
    "check(fold_bias)": r"",
    'del output_shape, compose\ncheck("compose")': r"compose is not defined. Run the cell with your answer to its end, then check again.",
}
FILE = """import json, os
with open("mine.ipynb", "w", encoding="utf-8") as file:
    json.dump({"cells": [{"cell_type": "code", "source": ["def output_shape(x_shape, weight_shape):\\n", "    pass"]}]}, file)
os.environ["JPY_SESSION_NAME"] = os.path.abspath("mine.ipynb")"""
UNDEFINED = {
    'check("output_shape") ': r"output_shape stands in the notebook, but its cell has not been run to its end. .*",
    'check("compose") ': r"compose is not defined: no cell of the notebook, as it was last saved, has a function or class of this name.",
}


def test_an_answer_may_be_any_object_that_can_be_called(capsys):
    class Affine:
        __slots__, __name__ = (), "linear"

        def __call__(self, x, weight, bias=None):
            return x @ weight.T if bias is None else x @ weight.T + bias

    check(Affine())
    assert "7 / 7" in capsys.readouterr().out


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """An exercise with wrong, forbidden and right answers, run as in Jupyter; behind it two checks of one seed, and one between random numbers."""
    answers = {
        "linear_sums": WRONG_SUM,
        "linear": "def linear(x, weight, bias=None):\n    return F.linear(x, weight, bias)",
        "parameter_count": "def parameter_count(i, o, bias=True):\n    raise ValueError('<script>alert(1)</script>')",
        "fold_bias": "def fold_bias(weight, bias):\n    return torch.hstack([weight, bias[:, None]])",
    }
    notebook = answered("01_formula", answers)
    loop = [*ASKED, FILE, *UNDEFINED]
    notebook.cells += map(new_code_cell, [*loop, 'check("linear_sums", seed=1)', 'check("linear_sums", seed=1)', RANDOM])
    return execute(notebook, tmp_path_factory.mktemp("checked"))


@pytest.fixture(scope="module")
def checked(executed):
    """The checks' HTML by task."""
    checks = [cell for cell in executed.cells if cell.metadata.get("linear_course", {}).get("role") == "check"]
    return {re.search(r'"(\w+)"', cell.source)[1]: html_of(cell) for cell in checks}


def test_a_mistake_is_named_and_drawn(checked):
    html = checked["linear_sums"]
    assert "You left out the bias" in html
    assert "<svg" in html and "Heat map" in html
    assert "Hint 1" in html and "seed=" in html


def test_right_forbidden_and_untouched_look_as_they_should(checked):
    assert "✓ fold_bias" in checked["fold_bias"] and "2 / 2" in checked["fold_bias"]
    assert "forbidden" in checked["linear"] and "return F.linear(x, weight, bias)" in checked["linear"]
    assert "not attempted" in checked["compose"] and "This looks like" not in checked["compose"]


def test_feedback_asks_nothing_of_the_network_and_runs_no_script(checked):
    for html in checked.values():
        assert "<script" not in html and not re.search(r"(src|href)=", html) and "http" not in html


def test_what_a_learner_writes_is_shown_as_text_not_as_html(checked):
    html = checked["parameter_count"]
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_a_seed_repeats_a_check_and_random_numbers_go_on_undisturbed(executed):
    one, two, random = executed.cells[-3:]
    assert html_of(one) == html_of(two) and "seed=1" in html_of(one)
    assert random.outputs[-1].data["text/plain"] == "True"


def test_hints_solutions_and_the_code_to_start_from_come_when_they_are_asked_for(executed):
    for source, expected in {**ASKED, **UNDEFINED}.items():
        (cell,) = [cell for cell in executed.cells if cell.source == source]
        said = "".join(output.text for output in cell.outputs if output.output_type == "stream").rstrip()
        assert re.fullmatch(expected, said, re.DOTALL), (source, said)
    (cell,) = [cell for cell in executed.cells if cell.source == "check(fold_bias)"]
    assert "✓ fold_bias" in html_of(cell)


def test_an_unknown_task_is_answered_with_the_known_ones():
    done = run("-c", "from grader.learner import check; check('linaer')")
    assert done.returncode == 0 and "linear_sums" in done.stdout


def test_check_works_in_a_plain_script(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text("import torch\nfrom grader.learner import check\n\ndef linear(x, weight, bias=None):\n    return x @ weight\n\ncheck('linear')\n")
    done = run(script)
    assert done.returncode == 0 and "weight's transpose" in " ".join(done.stdout.replace("│", " ").split())


def test_nbgrader_gets_a_number(tmp_path):
    """nbgrader takes the value of a check cell as its score."""
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        notebook = execute(solution("01_formula"), tmp_path)
    finally:
        del os.environ["NBGRADER_EXECUTION"]
    marked = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in marked:
        results = [output["data"]["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]
        assert [float(text) for text in results] == [cell.metadata.nbgrader.points]


def test_inside_a_grading_kernel_a_check_does_nothing(tmp_path):
    os.environ["LINEAR_GRADER"] = "1"
    try:
        notebook = exercise("01_formula")
        answer_cell(notebook, "linear").source = WRONG_BOUND
        notebook = execute(notebook, tmp_path)
    finally:
        del os.environ["LINEAR_GRADER"]
    assert not any(cell.get("outputs") for cell in notebook.cells)
