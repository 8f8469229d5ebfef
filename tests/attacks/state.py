"""Attacks on what all tasks of one notebook share: torch's settings, torch's and the grader's functions, names and their kinds."""

from .attack import ALL, HEAD, Attack, harmless, of_linear

SETTINGS = {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "number of threads": "torch.set_num_threads(8)",
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)",
    "no gradients": "torch.set_grad_enabled(False)",
    "seeds": "torch.manual_seed(0)",
    "anomaly mode": "torch.autograd.set_detect_anomaly(True)",
    "warnings are errors": "import warnings; warnings.simplefilter('error')",
    "NumPy's errors": "import numpy as np; np.seterr(all='raise')",
    "the recursion limit": "import sys; sys.setrecursionlimit(120)",
    "the working folder": "import os; os.mkdir('x'); os.chdir('x'); os.rmdir('../x')",
    "print and len": "import builtins; builtins.print = builtins.len = None",
}
DEVICE = "torch.set_default_device('meta')"
SHARED = [harmless("changes what all share", name, f"import torch\n{code}") for name, code in SETTINGS.items()]
SHARED += [
    of_linear("changes what all share, in an answer", name, f"{code}\nreturn x", ("wrong", "raised"))
    for name, code in list(SETTINGS.items())[:8]
]
SHARED.append(of_linear("changes what all share, in an answer", "default device", f"{DEVICE}\nreturn x", ("wrong", "raised")))

ZEROS = {
    "torch.randn": "import torch\ntorch.randn = lambda size, **k: torch.zeros(size, dtype=k.get('dtype'))",
    "the bench": "from grader.bench import Bench\nimport torch\nBench.randn = lambda self, *shape, dtype=torch.float32: torch.zeros(shape, dtype=dtype)",
    "the probe's source": "import grader.asking as asking\nasking.compile_probe = lambda *a: lambda candidate, bench: 0",
}
LAZY = {"linear": HEAD + "    return torch.zeros(*x.shape[:-1], weight.shape[0])", "fold_bias": "def fold_bias(weight, bias):\n    return torch.zeros(weight.shape[0], weight.shape[1] + 1)"}
LAZY["linear_sums"] = "def linear_sums(x, weight, bias):\n    return np.zeros((len(x), len(bias)))"
QUESTIONS = [
    Attack("makes the questions easy", name, last=code, attacked=dict.fromkeys((*LAZY, "compose"), ("wrong", "raised", "forbidden")), answers={**LAZY, "compose": "def compose(w1, b1, w2, b2):\n    return w1, b1"})
    if name != "the probe's source" else
    Attack("makes the questions easy", name, last=code, attacked=dict.fromkeys(ALL, ("wrong", "raised", "forbidden")), answers=LAZY)
    for name, code in ZEROS.items()
]  # fmt: skip

KINDS = {
    "a module": "import torch as linear",
    "a property": "linear = property(lambda self: 1)",
    "a metaclass": "class Meta(type):\n    def __call__(cls, *a, **k): return cls\n    __name__ = property(lambda cls: 1 / 0)\nclass linear(metaclass=Meta): pass",
    "an object without a type's name": "class Odd:\n    def __getattribute__(self, name): raise SystemExit\nlinear = Odd()",
    "a class": "class linear: pass",
    "a generator": "def linear(*a, **k): yield 1",
    "a coroutine": "async def linear(*a, **k): return 1",
    "None": "linear = None",
    "a number": "linear = 7",
    "the check itself": "linear = get_ipython",
    "deleted": "del linear",
    "a string that tells lies about its length": "class Text(str):\n    __len__ = lambda self: -1\n    __getitem__ = lambda self, key: self\nlinear = lambda *a, **k: Text('x')",
    "an exception without a message": "class Odd(Exception):\n    __str__ = lambda self: 1 / 0\ndef linear(*a, **k): raise Odd",
    "an exception that is no Exception": "class Odd(BaseException): pass\ndef linear(*a, **k): raise Odd",
    "an exception named after a stub's": "class NotImplementedError_(Exception): pass\nNotImplementedError_.__name__ = '\\x1b[31m'\ndef linear(*a, **k): raise NotImplementedError_",
}
NAMES = [
    Attack("an odd thing in the task's place", kind, last=code, attacked={"linear": ("raised", "wrong", "missing", "not attempted")})
    for kind, code in KINDS.items()
]  # fmt: skip

ATTACKS = [*SHARED, *QUESTIONS, *NAMES]
