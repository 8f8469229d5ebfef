"""What a task forbids is found in the source, through every usual way of writing it, and at call level while a probe runs."""

import pytest

from grader.catalogue import all_tasks
from grader.diagnose import Examiner
from grader.sources import forbidden_in_source

from .attacks.plain_sight import ANSWERS, IMPORTS
from .notebooks import answered, grade, tasks

LINEAR = all_tasks()["linear"]
SUMS = all_tasks()["linear_sums"]


@pytest.mark.parametrize(
    "cells",
    [
        ["def linear(x, w, b=None): return torch.nn.functional.linear(x, w, b)"],
        ["import torch.nn.functional as F", "def linear(x, w, b=None): return F.linear(x, w, b)"],
        ["from torch.nn import functional", "def linear(x, w, b=None): return functional.linear(x, w, b)"],
        ["from torch.nn.functional import linear as lin", "def linear(x, w, b=None): return lin(x, w, b)"],
        ["linear = torch.nn.functional.linear"],
        ["from torch.nn.functional import linear"],
        ["from torch import nn", "def linear(x, w, b=None): return nn.Linear(5, 3)(x)"],
        ["def linear(x, w, b=None): return torch.addmm(b, x, w.T)"],
        ["def helper(x, w): return torch.nn.functional.linear(x, w)", "def linear(x, w, b=None): return helper(x, w)"],
        ["def linear(x, w, b=None): return getattr(torch.nn.functional, 'linear')(x, w)"],
        ["def linear(x, w, b=None): return torch.ops.aten.linear(x, w)"],
        ["def linear(x, w, b=None): return torch._C._nn.linear(x, w)"],
        ["if True:\n    linear = torch.nn.functional.linear"],
        ["import asyncio\nawait asyncio.sleep(0)\ndef linear(x, w, b=None): return torch.nn.functional.linear(x, w, b)"],
        ["%time 1\nimport torch as t", "def linear(x, w, b=None): return t.addmm(b, x, w.T)"],
    ],
)
def test_the_source_check_finds(cells):
    assert forbidden_in_source(["import torch", *cells], "linear", LINEAR.forbids)


@pytest.mark.parametrize(
    "cells",
    [
        ["def linear(x, w, b=None): return x @ w.T"],
        ["y = torch.nn.functional.linear(x, w)", "def linear(x, w, b=None): return x @ w.T"],  # a comparison beside it
        ["linear = torch.nn.functional.linear", "def linear(x, w, b=None): return x @ w.T"],  # a first try, since replaced
        ["def linear(x, w, b=None):\n    'like F.linear, nn.Linear'\n    return x @ w.T  # not torch.addmm"],
        ["def linear(x, w, b=None): return x @ w.T", "def broken(:"],
        ["y = torch.nn.functional.linear(x, w)", "def linear(x, w, b=None):\n    y = x @ w.T\n    return y"],  # a namesake
        ["class Mine:\n    def linear(self): ...", "def linear(x, w, b=None): return x @ w.T"],
    ],
)
def test_the_source_check_lets_pass(cells):
    assert not forbidden_in_source(["import torch", *cells], "linear", LINEAR.forbids)


NUMPY_WAYS = [
    "x @ weight.T + bias",
    "np.matmul(x, weight.T) + bias",
    "np.dot(x, weight.T) + bias",
    "x.dot(weight.T) + bias",
    "np.einsum('bi,oi->bo', x, weight) + bias",
    "np.inner(x, weight) + bias",
    "np.tensordot(x, weight, axes=(1, 1)) + bias",
    "np.linalg.multi_dot([x, weight.T]) + bias",
    "np.array([[np.vdot(s, r) for r in weight] for s in x]) + bias",
    "np.vecdot(x[:, None], weight) + bias",
]


@pytest.mark.parametrize("way", NUMPY_WAYS)
def test_numpys_products_are_found_both_ways(way):
    source = f"def linear_sums(x, weight, bias): return {way}"
    assert forbidden_in_source(["import numpy as np", source], "linear_sums", SUMS.forbids)
    namespace = {}
    exec(f"import numpy as np\n{source}", namespace)
    assert statuses(SUMS, namespace["linear_sums"])[0] == "forbidden"


@pytest.mark.parametrize(
    "way",
    [
        "getattr(torch.nn.functional, 'lin' + 'ear')(x, weight, bias)",
        "vars(torch)['addmm'](torch.zeros(3), x.reshape(-1, 5), weight.T)",
        "x.reshape(-1, 5).new_zeros(3).addmm(x.reshape(-1, 5), weight.T)",
    ],
)
def test_hidden_names_are_seen_when_called(way):
    namespace = {}
    exec(f"import torch\ndef linear(x, weight, bias=None): return {way}", namespace)
    assert "forbidden" in statuses(LINEAR, namespace["linear"])


@pytest.mark.parametrize(("task", "what"), ANSWERS)
def test_a_forbidden_answer_in_plain_sight_is_found(task, what):
    source, chosen = IMPORTS + ANSWERS[task, what], all_tasks()[task]
    namespace = {}
    exec(source, namespace)
    assert forbidden_in_source([source], task, chosen.forbids) or "forbidden" in statuses(chosen, namespace[task])


AUTOCAST = """
class AutocastLinear(torch.nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(out_features, in_features).uniform_(-1, 1))
        self.bias = torch.nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x):
        with {}("cpu", torch.bfloat16):
            return F.linear(x, self.weight, self.bias)"""


@pytest.mark.parametrize(
    ("task", "source"),
    [
        ("grad_weight", "def grad_weight(g, x):\n    w = torch.zeros(g.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n"
         "    return getattr(torch._C, '_Imperative' + 'Engine')().run_backward((F.linear(x, w),), (g,), False, False, (w,), True, True)[0]"),
        ("grad_weight", "def grad_weight(g, x):\n    w = torch.zeros(g.shape[-1], x.shape[-1], dtype=x.dtype, requires_grad=True)\n"
         "    return getattr(F.linear(x, w), 'grad' + '_fn')(g)[1].T"),
        ("conv2d_by_linear", "def conv2d_by_linear(x, w, b, padding=0):\n    return getattr(torch._C._nn, 'thnn' + '_conv2d')(x, w, w.shape[2:], b, (1, 1), (padding, padding))"),
        ("attention", "def attention(q, k, v, mask=None):\n    return getattr(torch, '_scaled_dot' + '_product_attention_math')(q, k, v, mask)[0]"),
        ("linear_sums", "def linear_sums(x, w, b):\n    return getattr(operator, 'mat' + 'mul')(np.asarray(x), np.asarray(w).T) + b"),
        ("linear", "def linear(x, w, b=None):\n    return getattr(torch, 'addmm' + '')(b, x, w.T)"),
        ("to_bfloat16", "def to_bfloat16(x):\n    return x.to(torch.get_autocast_dtype('cpu')).float()"),
        ("to_bfloat16", "def to_bfloat16(x):\n    return x.to(getattr(torch, 'bfloat' + '16')).float()"),
        ("to_bfloat16", "def to_bfloat16(x):\n    return x.type('torch.' + 'BFloat' + '16Tensor').float()"),
        ("AutocastLinear", AUTOCAST.format("vars(torch)['auto' + 'cast']")),
        ("AutocastLinear", AUTOCAST.format("getattr(torch.amp, 'auto' + 'cast')")),
    ],
)  # fmt: skip
def test_what_the_source_does_not_show_is_seen_where_the_work_is_done(task, source):
    chosen, namespace = all_tasks()[task], {}
    assert not forbidden_in_source([f"{IMPORTS}import torch.nn.functional as F\n{source}"], task, chosen.forbids)
    exec(f"{IMPORTS}import torch.nn.functional as F\n{source}", namespace)
    assert "forbidden" in statuses(chosen, namespace[task])


def statuses(task, candidate):
    examiner = Examiner(1)
    return [examiner.verdict(task, probe, examiner.ask(task, probe, candidate)).status for probe in task.probes]


def test_a_forbidden_answer_scores_zero_and_says_which_line(tmp_path):
    answers = {
        "linear": "def linear(x, weight, bias=None):\n    return F.linear(x, weight, bias)",
        "linear_sums": "def linear_sums(x, weight, bias):\n    return x.__getattribute__('d' + 'ot')(weight.T) + bias",
        "fold_bias": "def fold_bias(weight, bias):\n    return torch.cat([weight, bias[:, None]], 1)",
    }
    found = tasks(grade(tmp_path, {"cheat": answered("01_formula", answers)})["cheat"])
    assert (found["linear"]["status"], found["linear"]["points"]) == ("forbidden", 0)
    assert "return F.linear(x, weight, bias)" in found["linear"]["verdicts"][0]["message"]
    assert (found["linear_sums"]["status"], found["linear_sums"]["points"]) == ("forbidden", 0)
    assert found["fold_bias"]["status"] == "passed"
