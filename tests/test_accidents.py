"""What people leave in their notebooks without meaning any harm: it costs no answer a point, and the report is the same each time, on a busy machine too."""

import json
import multiprocessing
import os
from contextlib import contextmanager

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from .notebooks import answer_cell, answered, exercise, grade, grader, solution, tasks

EXERCISE, FULL, LINEAR = "01_formula", 22, 7
RUNS = int(os.environ.get("RUNS", 3))  # of each notebook, while the machine is busy
RIGHT = "def linear(x, weight, bias=None):\n    y = x @ weight.T\n    return y if bias is None else y + bias\n"
SETTINGS = """
import warnings
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True)
torch.autograd.set_detect_anomaly(True)
torch.set_float32_matmul_precision("medium")
torch.inference_mode(True).__enter__()
torch.autocast("cpu").__enter__()
warnings.simplefilter("error")
np.seterr(all="raise")
import sys; sys.setrecursionlimit(150)
"""

CELLS = {  # a cell, and where it stands: behind the imports, in the middle or at the end
    "exit, first": ("exit()", 2),
    "quit, in the middle": ("quit()", 9),
    "exit, last": ("exit()", None),
    "exit without a call": ("exit", 9),
    "a restart": ("import IPython\nIPython.Application.instance().kernel.do_shutdown(True)", 2),
    "a timer that ends the process at once": ("import os, threading\nthreading.Timer(0.01, os._exit, [0]).start()", 2),
    "a timer that ends the process later": ("import os, threading\nthreading.Timer(0.3, os._exit, [0]).start()", 2),
    "a thread that kills": ("import os, signal, threading\nthreading.Timer(0.1, os.kill, [os.getpid(), signal.SIGKILL]).start()", 9),
    "a timer that interrupts": ("import _thread, threading\nfor s in range(8): threading.Timer(s / 20, _thread.interrupt_main).start()", 2),
    "an alarm": ("import signal\ndef late(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.4, 0.4)", None),
    "a thread that goes on": ("import threading, time\ndef tick():\n    while True: print('tick'); time.sleep(0.01)\nthreading.Thread(target=tick, daemon=True).start()", 2),
    "sys.exit": ("import sys\nsys.exit(1)", 2),
    "a GPU by default": ("torch.set_default_device('cuda')", 2),
    "the meta device by default": ("torch.set_default_device('meta')", None),
    "settings": (SETTINGS, None),
    "a top-level await": ("import asyncio\nasync def f(): return 1\nprint(await f())\nawait asyncio.sleep(0)", 2),
    "an input": ("name = input('Your name? ')", 2),
    "as many open files as may be": ("held = []\ntry:\n    while True: held.append(open('/dev/null'))\nexcept OSError: pass", None),
    "no such module": ("import no_such_module as nsm\nnsm.mount('/content')", 2),
}
IN_THE_ANSWERS_CELL = {
    "await before the answer": "import asyncio\nawait asyncio.sleep(0)\n" + RIGHT,
    "input before the answer": "name = input()\nprint(int(name))\n" + RIGHT,
    "a missing module before the answer": "import no_such_module\nfrom no_such.package import drive\ndrive.mount('/content')\n" + RIGHT,
    "a missing module among good ones": "import torch, no_such_module\nfrom torch import nope\n" + RIGHT,
}


def with_cell(source, place):
    notebook = solution(EXERCISE)
    notebook.cells.insert(len(notebook.cells) if place is None else place, new_code_cell(source))
    return notebook


def in_the_answers_cell(source):
    notebook = solution(EXERCISE)
    answer_cell(notebook, "linear").source = source
    return notebook


AWKWARD = {name: with_cell(*cell) for name, cell in CELLS.items()} | {name: in_the_answers_cell(source) for name, source in IN_THE_ANSWERS_CELL.items()}


@contextmanager
def busy_machine():
    """Twice as many processes that compute as there are processors, at the usual priority."""
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(2 * (os.cpu_count() or 1))]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()


def _burn():
    while os.getppid() != 1:
        sum(range(10**5))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Every awkward notebook, several times in one run with one seed."""
    notebooks = {f"{name}, {number}": notebook for number in range(RUNS) for name, notebook in AWKWARD.items()}
    with busy_machine():
        return grade(tmp_path_factory.mktemp("awkward"), notebooks, "--seed", "11")


@pytest.mark.parametrize("name", AWKWARD)
def test_an_accident_costs_a_right_answer_nothing(graded, name):
    submission = graded[f"{name}, 0"]
    lost = [(task["name"], task["status"], task["verdicts"][0]["message"]) for task in submission["tasks"] if task["status"] != "passed"]
    assert (submission["points"], submission["error"]) == (FULL, ""), (lost, submission["notes"])


@pytest.mark.parametrize("name", AWKWARD)
def test_the_report_is_the_same_each_time(graded, name):
    reports = {json.dumps({**graded[f"{name}, {number}"], "path": ""}) for number in range(RUNS)}
    assert len(reports) == 1


def test_where_a_process_ends_is_said_alike_though_its_last_words_are_lost_with_it(tmp_path):
    """What a process has published is sent by a thread of its own, which may not come to that."""
    answer = "def linear(x, weight, bias=None):\n    if x.shape[-1] == 1:\n        import os; os._exit(3)\n    y = x @ weight.T\n    return y if bias is None else y + bias"
    found = grade(tmp_path, {str(number): in_the_answers_cell(answer) for number in range(8)}, "--seed", "11")
    assert len({json.dumps({**each, "path": ""}) for each in found.values()}) == 1
    verdicts = tasks(found["0"])["linear"]["verdicts"]
    assert [each["message"] for each in verdicts[:2]] == ["The Python process ended while it ran, where I is 1."] * 2 and found["0"]["points"] == FULL - 7


def without(notebook, task, kind):
    """The notebook with the answer's cell turned into another kind of cell."""
    cell = answer_cell(notebook, task)
    notebook.cells[notebook.cells.index(cell)] = kind(cell.source)
    return notebook


def later(source, *more):
    """The solved exercise with cells behind everything."""
    notebook = solution(EXERCISE)
    notebook.cells += [new_code_cell(each) for each in (source, *more)]
    return notebook


STUB = "def linear(x, weight, bias=None):\n    '''Write me.'''\n    raise NotImplementedError"
LOST = {  # a notebook, the status of its `linear`, and words of what is said
    "an answer in a Markdown cell": (without(solution(EXERCISE), "linear", new_markdown_cell), "missing", "holds `linear`, but it is a Markdown cell"),
    "an answer in a raw cell": (without(solution(EXERCISE), "linear", new_raw_cell), "missing", "but it is a raw cell"),
    "an answer below %%timeit": (in_the_answers_cell("%%timeit -n 1 -r 1\n" + RIGHT), "missing", "below %%timeit"),
    "a star import last": (later("from torch.nn.functional import *"), "forbidden", "replaces your `linear` of code cell"),
    "a name used again": (later("linear = 5"), "raised", "replaces your `linear` of code cell"),
    "a name deleted": (later("x = 1\ndel linear"), "missing", "deletes your `linear` of code cell"),
    "a long notebook": (later(*(f"x{number} = {number}" for number in range(100)), "linear = 5"), "raised", "replaces your `linear` of code cell"),
    "a deep expression": (later("linear = " + "1 + " * 600 + "1"), "raised", "replaces your `linear` of code cell"),
    "a stub last": (later(STUB), "not attempted", "as a stub: your answer in code cell"),
}


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    return grade(tmp_path_factory.mktemp("lost"), {name: notebook for name, (notebook, *_) in LOST.items()})


@pytest.mark.parametrize("name", LOST)
def test_where_an_answer_went_is_said_with_its_cell(lost, name):
    _, status, words = LOST[name]
    found = tasks(lost[name])
    assert (found["linear"]["status"], found["linear"]["points"]) == (status, 0)
    assert all(words in verdict["message"] for verdict in found["linear"]["verdicts"]), found["linear"]["verdicts"][0]["message"]
    assert sum(task["points"] for task in found.values()) == FULL - LINEAR


@pytest.mark.parametrize(
    "cells",
    [
        ["import functools\nlinear = functools.wraps(linear)(lambda *args: 2 * globals()['first'](*args))", "first = linear"],
        ["shapes = [linear for linear in range(3)]"],
        ["1 / 0\nlinear = 5"],
    ],
    ids=["wrapped by a later cell", "a comprehension's variable of that name", "a replacement that was not reached"],
)
def test_what_leaves_an_answer_alone_is_not_said_to_replace_it(tmp_path, cells):
    notebook = later(*cells)
    answer_cell(notebook, "linear").source = RIGHT.replace("x @", "2 * x @")
    message = tasks(grade(tmp_path, {"wrong": notebook})["wrong"])["linear"]["verdicts"][0]["message"]
    assert "replaces" not in message, message


def test_a_run_ends_by_naming_missing_modules_and_the_points_at_stake(tmp_path):
    needy = "import no_such_module\ndef linear(x, weight, bias=None):\n    return no_such_module.linear(x, weight, bias)"
    other = "def linear(x, weight, bias=None):\n    import elsewhere.deep\n    return x"
    paths = []
    for name, source in {"one": needy, "two": needy, "three": other}.items():
        paths.append(tmp_path / f"{name}.ipynb")
        paths[-1].write_text(json.dumps(in_the_answers_cell(source)), encoding="utf-8")
    done = grader("grade", *paths, "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    assert "no_such_module: 2 notebooks, 14 points at stake" in done.stdout
    assert "elsewhere: 1 notebook, 7 points at stake" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert sorted(submission["missing_modules"] for submission in report["submissions"]) == [["elsewhere"], ["no_such_module"], ["no_such_module"]]


def test_one_probe_that_does_not_end_costs_that_probe(tmp_path):
    """The loop has no end for a batch of none only."""
    source = RIGHT.replace("    y =", "    while x.numel() == 0: pass\n    y =")
    found = tasks(grade(tmp_path, {"loop": in_the_answers_cell(source)}, "--limit", "probe=2")["loop"])["linear"]
    assert sorted({verdict["status"] for verdict in found["verdicts"]}) == ["passed", "timed out"]
    assert 0 < found["points"] < LINEAR


def test_time_is_the_kernels_own(tmp_path):
    """An answer computes for a good part of its limit in every probe, on a machine so busy that it takes longer than that by the wall's clock."""
    source = RIGHT.replace("    y =", "    import time\n    end = time.process_time() + 0.1\n    while time.process_time() < end: pass\n    y =")
    with busy_machine(), busy_machine():
        submission = grade(tmp_path, {"slow": in_the_answers_cell(source)}, "--limit", "probe=1.5", "-j", "1")["slow"]
    assert tasks(submission)["linear"]["points"] == LINEAR, tasks(submission)["linear"]["verdicts"]


def test_what_sleeps_ends_at_its_limit(tmp_path):
    source = "import time\ndef linear(x, weight, bias=None):\n    time.sleep(1000)"
    found = tasks(grade(tmp_path, {"asleep": in_the_answers_cell(source)}, "--limit", "probe=1")["asleep"])["linear"]
    assert found["status"] == "timed out"


def test_an_exception_of_a_subclass_is_the_exception_that_is_asked_for(tmp_path):
    own = "class ShapeError(ValueError):\n    pass\n\n"
    shape = own + """def output_shape(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ShapeError(f"{input_shape[-1]} is not {weight_shape[1]}")
    return (*input_shape[:-1], weight_shape[0])
"""
    bias = own + """def add_bias(y, bias):
    if bias.dim() != 1 or bias.shape != y.shape[-1:]:
        raise ShapeError(f"{tuple(y.shape)} and {tuple(bias.shape)}")
    return y + bias
"""
    results = grade(tmp_path, {"shape": answered(EXERCISE, {"output_shape": shape}), "bias": answered("05_pitfalls", {"add_bias": bias})})
    for name, task in (("shape", "output_shape"), ("bias", "add_bias")):
        assert tasks(results[name])[task]["status"] == "passed", tasks(results[name])[task]


def test_an_untouched_exercise_tells_no_story(tmp_path):
    found = tasks(grade(tmp_path, {"untouched": exercise(EXERCISE)})["untouched"])
    assert all(verdict["message"] == "Still to be written." for task in found.values() for verdict in task["verdicts"])


def test_no_kernel_is_started_when_the_notebooks_time_is_spent(tmp_path):
    """Each cell ends its kernel, for it cannot be interrupted: one or two use up the time, the others are never run."""
    loop = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    submission = grade(tmp_path, {"loops": later(*[f"{loop}  # {number}" for number in range(5)])}, "--limit", "cell=2", "--limit", "total=3")["loops"]
    assert len(submission["notes"]) < 3, submission["notes"]
    assert {(verdict["status"], verdict["message"]) for task in submission["tasks"] for verdict in task["verdicts"]} == {
        ("timed out", "The notebook used up its 3 s in all.")
    }
