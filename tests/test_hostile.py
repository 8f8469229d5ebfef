"""Notebooks and folders that try to score without an answer, or to take others down: 0 points, and nobody else is harmed."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from .notebooks import answered, exercise, grade, grader, solution, tasks

EXERCISE, FULL = "01_formula", 22
KERNEL = "kernel = get_ipython().kernel\nsend = lambda *what: kernel.session.send(kernel.iopub_socket, *what, parent=kernel.get_parent())\n"

CHEATS = {
    "blanks later cells": "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "answers ok to everything": "get_ipython().kernel.do_execute = lambda *a, **k: {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}",
    "runs nothing": "get_ipython().run_cell = get_ipython().run_cell_async = lambda *a, **k: None",
    "says that nothing differs": "import grader.judge, grader.diagnose\ngrader.judge.differences = lambda *a, **k: []\ngrader.diagnose.Examiner.verdict = None",
    "patches torch.testing": "import torch\ntorch.testing.assert_close = torch.allclose = lambda *a, **k: True",
    "equal to everything": "class Equal:\n    __eq__ = lambda self, other: True\n    __call__ = lambda self, *a, **k: self\n    shape = dtype = property(lambda self: self)\n"
    "linear_sums = linear = output_shape = parameter_count = fold_bias = compose = Equal()",
    "a pickle in the answer": "import os\nclass Bomb:\n    def __reduce__(self): return os.system, ('echo x > /tmp/linear_bomb',)\n"
    "linear_sums = linear = output_shape = parameter_count = fold_bias = compose = lambda *a, **k: Bomb()",
    "forges an answer beside its own": "from IPython.display import publish_display_data\nimport torch\n"
    "def linear(*a, **k):\n    publish_display_data({'application/vnd.linear-grader.answer+json': {'nonce': 'x', 'value': None, 'forbidden': []}})\n    return torch.zeros(4, 3)",
    "forges outputs ahead of time": "from IPython.display import publish_display_data\n"
    "publish_display_data({'application/vnd.linear-grader.answer+json': {'nonce': '', 'value': {'t': 'tensor'}, 'forbidden': []}})",
    "hidden hooks": "get_ipython().events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', ''))",
}

BROKEN_MESSAGES = {
    "data that is a list": KERNEL + "send('display_data', {'data': [1, 2], 'metadata': {}})",
    "display without metadata": KERNEL + "send('display_data', {'data': {'text/plain': 'x'}})",
    "status without a state": KERNEL + "send('status', {})",
    "bad signature": KERNEL + "import hmac\nown = kernel.session.auth\nkernel.session.auth = hmac.HMAC(b'x', digestmod='sha256')\n"
    "send('display_data', {'data': {}, 'metadata': {}})\nkernel.session.auth = own",
    "half a character": "x = '\ud800'",
    "nonsense when interrupted": KERNEL + "import time\ntry: time.sleep(100)\nexcept KeyboardInterrupt: send('status', [])",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    notebooks = {}
    for number, source in enumerate(CHEATS.values()):
        notebook = exercise(EXERCISE)
        notebook.cells.append(new_code_cell(source))
        notebooks[f"cheat_{number}"] = notebook
    for number, source in enumerate(BROKEN_MESSAGES.values()):
        notebook = solution(EXERCISE)
        notebook.cells.insert(2, new_code_cell(source))
        notebooks[f"message_{number}"] = notebook
        inside = source.replace("\n", "\n    ")
        notebooks[f"inside_{number}"] = answered(EXERCISE, {"linear": f"def linear(*a, **k):\n    {inside}\n    return a[0]", **others()})
    leaves = answered(EXERCISE, {"linear": "def linear(*a, **k):\n    raise SystemExit", **others()})
    notebooks |= {"exits": leaves, "zz_next": solution(EXERCISE)}
    return grade(tmp_path_factory.mktemp("hostile"), notebooks, "--limit", "cell=6", "--limit", "probe=4")


def others():
    return {"parameter_count": "def parameter_count(i, o, bias=True):\n    return i * o + (o if bias else 0)"}


@pytest.mark.parametrize("number", range(len(CHEATS)), ids=CHEATS)
def test_a_cheat_scores_nothing(results, number):
    assert results[f"cheat_{number}"]["points"] == 0
    assert not os.path.exists("/tmp/linear_bomb")


@pytest.mark.parametrize("number", range(len(BROKEN_MESSAGES)), ids=BROKEN_MESSAGES)
def test_a_cell_that_breaks_the_protocol_costs_no_other_task(results, number):
    assert results[f"message_{number}"]["points"] == FULL


@pytest.mark.parametrize("number", range(len(BROKEN_MESSAGES)), ids=BROKEN_MESSAGES)
def test_an_answer_that_breaks_the_protocol_costs_its_own_task_alone(results, number):
    found = tasks(results[f"inside_{number}"])
    assert len(found) == 6
    assert found["linear"]["points"] == 0 and found["parameter_count"]["status"] == "passed"


def test_an_answer_that_exits_raised(results):
    assert tasks(results["exits"])["linear"]["status"] == "raised"


def test_the_next_submission_scores_as_alone(results):
    assert results["zz_next"]["points"] == FULL


@pytest.mark.parametrize("door", ["cli", "pytest"])
def test_python_files_beside_a_notebook_are_never_imported(tmp_path, door):
    folder = tmp_path / "alice"
    folder.mkdir()
    for name in ("__init__.py", "test_alice.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (folder / "01_formula.ipynb").write_text(nbformat.writes(exercise(EXERCISE)))
    if door == "cli":
        assert grader("grade", tmp_path).returncode == 0
    else:
        from .notebooks import run

        assert "0 / 22" in run("-m", "pytest", "--grade", tmp_path, "-q", "-p", "no:cacheprovider", cwd=tmp_path).stdout
    assert not (tmp_path / "ran").exists()


def test_odd_names_are_graded_and_odd_files_refused(tmp_path):
    """None of them hides the others, and none is read as an option."""
    odd = ["@args.ipynb", "-k.ipynb", "a[1].ipynb", "p::q.ipynb", "with space.ipynb", "größe.ipynb"]
    for name in odd:
        (tmp_path / name).write_text(nbformat.writes(solution(EXERCISE)))
    (tmp_path / "dangling.ipynb").symlink_to(tmp_path / "gone.ipynb")
    os.mkfifo(tmp_path / "fifo.ipynb")
    done = grader("grade", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert sorted(line.split(":")[0] for line in done.stderr.strip().splitlines()) == ["dangling.ipynb", "fifo.ipynb"]
    assert done.stdout.count("22 / 22") == len(odd)
