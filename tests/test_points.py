"""Points are earned by answers alone: not by recorded ones, not by replaced comparisons; and whoever tries is pointed out to a person."""

import json

import pytest
from nbformat.v4 import new_code_cell

from grader.catalogue import find_exercise
from grader.diagnose import Examiner
from grader.flags import in_source

from .attacks.known_limits import UNSEEN
from .notebooks import ROOT, answered, exercise, grade, named
from .right_answers import right_answers

PATCHED = "torch.equal = torch.allclose = torch.isclose = torch.autograd.gradcheck = torch.autograd.gradgradcheck = lambda *a, **k: True"
REPLAY = """
import json, sys
recorded = json.loads({recorded!r})
module = sys.modules['gra' + 'der.asking']
old = module.ask
module.ask = lambda probe, *a, **k: recorded.get(probe.__name__) or old(probe, *a, **k)
"""
REPLAYED = ("01_formula", "04_source", "05_pitfalls", "07_cnn", "08_transformer")
MOST = 200_000  # letters of a recorded answer: a notebook of more than a million is not read
IMPOSTORS = {  # whose last difference from the right answer was once found by a comparison inside the kernel
    "03_backward": ("LinearFunction", "differentiates_only_once"), "05_pitfalls": ("add_bias", "changes_the_callers_y"),
    "08_transformer": ("from_conv1d", "shares_the_memory"), "09_capstone": ("CrossEntropy", "changes_what_it_keeps"),
}  # fmt: skip


def recorded_answers(name):
    """Right answers to every probe of an exercise, as they crossed the boundary in a run of another seed."""
    from grader import asking

    examiner = Examiner(1)
    answers = {
        probe.name: list(asking.ask(probe.ask, task.reference, examiner.seed_of(task, probe), "cpu", data=examiner.data(task, probe), rounds=task.rounds(probe)))
        for task in find_exercise(name).tasks for probe in task.probes
    }  # fmt: skip
    return {name: answer for name, answer in answers.items() if len(json.dumps(answer)) < MOST}


def impostor(name):
    """A notebook with one known mistake."""
    task = find_exercise(name).task(IMPOSTORS[name][0])
    return answered(name, {task.name: named(task.name, next(each for each in task.impostors if each.name == IMPOSTORS[name][1]))})


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    notebooks = {}
    for name in REPLAYED:
        notebooks[f"replayed {name}"] = exercise(name)
        notebooks[f"replayed {name}"].cells.append(new_code_cell(REPLAY.format(recorded=json.dumps(recorded_answers(name)))))
    for name in IMPOSTORS:
        notebooks[f"wrong {name}"], notebooks[f"patched {name}"] = impostor(name), impostor(name)
        notebooks[f"patched {name}"].cells.append(new_code_cell(PATCHED))
    return grade(tmp_path_factory.mktemp("points"), notebooks, "--seed", "2")


@pytest.mark.parametrize("name", REPLAYED)
def test_recorded_answers_earn_nothing(graded, name):
    result = graded[f"replayed {name}"]
    assert result["points"] == 0, [verdict["probe"] for task in result["tasks"] for verdict in task["verdicts"] if verdict["points"]]
    assert any("grader.asking.ask" in flag for flag in result["flags"]) and any("sys.modules" in flag for flag in result["flags"])


@pytest.mark.parametrize("name", IMPOSTORS)
def test_replaced_comparisons_earn_nothing(graded, name):
    wrong, patched = graded[f"wrong {name}"], graded[f"patched {name}"]
    assert patched["points"] <= wrong["points"] < sum(task["max_points"] for task in wrong["tasks"] if task["name"] == IMPOSTORS[name][0])
    assert "replaces torch.equal" in patched["flags"][0] and not wrong["flags"]


DEEDS = {
    "starts a process": "import os\n    pid = os.fork()\n    if not pid: os._exit(0)\n    os.waitpid(pid, 0)",
    "starts a thread": "import threading, time\n    threading.Thread(target=time.sleep, args=[0.02]).start()",
    "opens a pipe": "import os\n    os.pipe()",
    "opens a socket": "import socket\n    socket.socketpair()",
    "searches the garbage collector": "import gc\n    gc.get_objects()",
    "traces Python": "import sys\n    sys.settrace(None)",
}


@pytest.fixture(scope="module")
def at_work(tmp_path_factory):
    answers = {what: f"def linear(x, weight, bias=None):\n    {code}\n    return x @ weight.T + (0 if bias is None else bias)" for what, code in DEEDS.items()}
    return grade(tmp_path_factory.mktemp("at_work"), {what: answered("01_formula", {"linear": answer}) for what, answer in answers.items()})


@pytest.mark.parametrize("what", DEEDS)
def test_what_an_answer_does_beside_answering_is_flagged_and_takes_no_point(at_work, what):
    linear = next(task for task in at_work[what]["tasks"] if task["name"] == "linear")
    assert f"`linear` {what} when it is asked" in at_work[what]["flags"] and linear["points"] == linear["max_points"], linear


TAMPERING = {
    "torch.equal = lambda *a: True": "replaces torch.equal",
    "setattr(torch.Tensor, 'backward', None)": "replaces something of torch.Tensor",
    "torch.nn.Linear.forward = None": "replaces torch.nn.Linear.forward",
    "import grader.wire": "reaches for the grader",
    "from grader import asking": "reaches for the grader",
    "import sys\nm = sys.modules['x']": "reaches for sys.modules",
    "getattr(torch, 'ad' + 'dmm')": "from pieces",
    "getattr(torch, 'mmdda'[::-1])": "from pieces",
    "exec('x = 1')": "runs text as code",
    "import base64\nx = base64.b64decode(b'eA==')": "decodes",
    "import ctypes": "ctypes",
    "from ctypes import CDLL": "ctypes",
    "import torch._C": "torch._C",
    "f = torch._C._nn.linear": "torch._C",
    "import os\nos.fork()": "other processes",
    "import subprocess": "other processes",
    "import inspect\nx = inspect.currentframe()": "frames",
    "import sys\nx = sys._getframe(1).f_back": "frames",
    "import gc\nx = gc.get_objects()": "garbage collector",
    "x = print.__self__.__dict__, (lambda: 0).__globals__": "inside of functions",
    "m = __import__('gra' + 'der.wire')": "computed name",
    "import sys\nsys.settrace(None)": "traces",
}


@pytest.mark.parametrize("code", TAMPERING)
def test_what_tampers_is_flagged_with_its_cell(code):
    found = in_source(["import torch", "x = 1", f"import torch\n{code}"])
    assert any(TAMPERING[code] in flag and flag.startswith("code cell 3 ") for flag in found), found


@pytest.mark.parametrize("disguise", UNSEEN)
def test_a_disguise_that_is_not_seen_is_flagged(disguise):
    assert in_source([f"import torch\n{UNSEEN[disguise]}"])


def test_honest_code_raises_no_flag():
    """Every solution, every exercise, every right answer and every known mistake."""
    notebooks = [json.loads(path.read_text(encoding="utf-8"))["cells"] for folder in ("solutions", "exercises") for path in (ROOT / folder).glob("*.ipynb")]
    codes = [["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"] for cells in notebooks]
    for name in sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb")):
        for task in find_exercise(name).tasks:
            codes += [[named(task.name, answer)] for answer in [*right_answers(name)[task.name], *task.impostors]]
    assert len(codes) > 500
    assert not [found for code in codes if (found := in_source(code))]
