"""Attacks on the conversation with the kernel: forged, doubled, early and senseless messages, hooks, patches of the kernel.

They aim at the grader's own process, so they run with and without a sandbox.
"""

from .attack import HEAD, KERNEL, MIME, PUBLISH, Attack, of_all, of_linear

NO_ANSWER = ("wrong", "raised")  # some probes find no answer, or not a right one
# The nonce of the question being asked, and its seed, taken from the frames of the asking code.
FRAME = (
    "import sys\nframe = sys._getframe()\nwhile frame and 'question' not in frame.f_locals: frame = frame.f_back\n"
    "nonce = frame.f_locals['question']['nonce']\nnonces = [each['nonce'] for each in frame.f_locals['questions']['probes']]\n"
)
ZEROS = "{'t': 'tensor', 'dtype': 'float32', 'device': 'cpu', 'shape': [1], 'data': 'AAAAAA=='}"


def forged(nonce="nonce", value=ZEROS, forbidden="[]"):
    return f"{{'{MIME}': {{'nonce': {nonce}, 'value': {value}, 'forbidden': {forbidden}, 'traces': []}}}}"


def message(kind, extra="", data=None):
    """The statement that sends a message of some kind which carries a forged answer."""
    return f"send('{kind}', {{{extra}'data': {data or forged()}, 'metadata': {{}}}})\n"


EQUAL = "class Equal:\n    __eq__ = lambda self, other: True\n    __call__ = __getitem__ = lambda self, *a, **k: self\n    __hash__ = None\n"
BOMB = (
    "import os\nclass Bomb:\n    def __reduce__(self): return os.system, ('echo x > /tmp/linear_bomb',)\n"
    "    __reduce_ex__ = lambda self, protocol: self.__reduce__()\n"
)
LIAR = (
    "class Liar(torch.Tensor):\n    __torch_function__ = classmethod(lambda cls, func, types, args=(), kwargs=None: True)\n"
    "    shape = property(lambda self: torch.Size([4, 3]))\n"
)
UNSOLVED = {"linear": NO_ANSWER, "fold_bias": NO_ANSWER}


def returns(what, before=""):
    return {"linear": before + HEAD + f"    return {what}", "fold_bias": f"def fold_bias(weight, bias):\n    return {what}"}


def object_attack(name, variant, before, what, verdict=("wrong", "raised")):
    return Attack(name, variant, attacked=dict.fromkeys(UNSOLVED, verdict), answers=returns(what, before), gone=("/tmp/linear_bomb",))


HOOKS = [
    of_all("blanks later cells", "input transformer", "get_ipython().input_transformers_cleanup.append(lambda lines: [])", NO_ANSWER),
    of_all("blanks later cells", "ast transformer", "import ast\nclass Blank(ast.NodeTransformer):\n    def visit(self, node): return ast.Module([], [])\n"
           "get_ipython().ast_transformers.append(Blank())", NO_ANSWER),
    of_all("answers ok to everything", "do_execute", "get_ipython().kernel.do_execute = lambda *a, **k: {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}",
           ("wrong", "timed out")),
    of_all("answers ok to everything", "run_cell", "get_ipython().run_cell = get_ipython().run_cell_async = lambda *a, **k: None", ("wrong", "timed out", "kernel died")),
    of_all("answers ok to everything", "the shell handler", KERNEL + "kernel.shell_handlers['execute_request'] = lambda *a, **k: None", "timed out"),
    of_all("answers ok to everything", "the publisher", "get_ipython().display_pub.publish = lambda *a, **k: None", NO_ANSWER),
    Attack("hidden hooks", "pre_run_cell changes the cell", last="get_ipython().events.register('pre_run_cell', lambda info: setattr(info, 'raw_cell', ''))",
           attacked={"linear": "not attempted"}),
    Attack("hidden hooks", "pre_run_cell copies the questions", attacked={"linear": "not attempted"},
           last="get_ipython().events.register('pre_run_cell', lambda info: open('linear_copy', 'a').write(info.raw_cell))"),
    Attack("hidden hooks", "a display hook for the answers", attacked={"linear": "not attempted"},
           last="get_ipython().display_pub.register_hook(lambda msg: msg) if hasattr(get_ipython().display_pub, 'register_hook') else None"),
]  # fmt: skip

OBJECTS = [
    object_attack("equal to everything", "a plain object", EQUAL, "Equal()", ("wrong", "raised", "timed out", "out of memory")),
    object_attack("equal to everything", "a list of them", EQUAL, "[Equal()] * 4"),
    object_attack("equal to everything", "a number", "class Equal(int):\n    __eq__ = lambda self, other: True\n    __hash__ = None\n", "Equal()"),
    object_attack("a tensor that lies", "about everything", LIAR, "torch.zeros(1).as_subclass(Liar)"),
    object_attack("a tensor that lies", "about its numbers", "class Liar(torch.Tensor):\n    cpu = numpy = detach = lambda self: torch.ones(4, 3)\n", "torch.zeros(4, 3).as_subclass(Liar)"),
    object_attack("a pickle", "as the answer", BOMB, "Bomb()"),
    object_attack("a pickle", "inside a tensor's dictionary", BOMB, "[setattr(t := torch.zeros(4, 3), 'bomb', Bomb()), t][1]"),
    object_attack("a pickle", "as a NumPy array of objects", BOMB, "np.array([Bomb()], dtype=object)"),
]  # fmt: skip

PATCHES = [
    Attack("patches the grader in the kernel", "the judge", attacked={"linear": "not attempted"},
           last="try:\n    import grader.judge, grader.diagnose\n    grader.judge.differences = lambda *a, **k: []\n    grader.diagnose.Examiner.verdict = None\nexcept ImportError: pass"),
    of_all("patches the grader in the kernel", "asking always answers true", "import grader.asking\ngrader.asking.ask = lambda *a, **k: [{'value': True, 'forbidden': [], 'traces': []}] * 4", NO_ANSWER),
    of_all("patches the grader in the kernel", "the wire sends zeros", "import grader.wire\ngrader.wire._encode = lambda *a: {'t': 'opaque', 'v': 'right'}", ("wrong", "raised", "not attempted")),
    of_all("patches the grader in the kernel", "inside.answer does nothing", "import grader.kernels.inside\ngrader.kernels.inside.answer = lambda *a, **k: None", NO_ANSWER),
    of_all("patches the grader in the kernel", "publish_display_data", "import grader.kernels.inside as inside\ninside.publish_display_data = lambda *a, **k: None", NO_ANSWER),
    Attack("patches torch's tests", "assert_close and allclose", attacked={"linear": NO_ANSWER},
           last="import torch\ntorch.testing.assert_close = torch.allclose = torch.equal = torch.isclose = lambda *a, **k: True",
           answers={"linear": HEAD + "    return torch.zeros(4, 3)"}),
    Attack("patches torch's tests", "TorchFunctionMode", attacked={"linear": ("wrong", "raised")},
           last="import torch.overrides\ntorch.overrides.TorchFunctionMode.__enter__ = lambda self: self\ntorch.overrides.TorchFunctionMode.__exit__ = lambda *a: None",
           answers={"linear": HEAD + "    return torch.zeros(4, 3)"}),
]  # fmt: skip

FORGERIES = [
    of_linear("a forged answer", "beside its own", PUBLISH + f"publish({forged(repr('x'))})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "with the nonce, before its own", FRAME + PUBLISH + f"publish({forged()})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "instead of its own", FRAME + PUBLISH + f"publish({forged()})\nimport os; os._exit(0)", ("kernel died", "wrong")),
    of_linear("a forged answer", "nonce read from In[-1]", "import re\n" + PUBLISH + "text = str(get_ipython().user_ns.get('In', ['', ''])[-1])\n"
              f"for nonce in re.findall('[0-9a-f]{{16}}', text): publish({forged()})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "nonce read from the message", KERNEL + "import re\n" + PUBLISH +
              f"for nonce in re.findall('[0-9a-f]{{16}}', str(kernel.get_parent())): publish({forged()})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "to all probes at once, early", FRAME + PUBLISH + f"for nonce in nonces: publish({forged()})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "to all probes, and gone", FRAME + PUBLISH + f"for nonce in nonces: publish({forged()})\nimport os; os._exit(0)", ("wrong", "kernel died")),
    of_linear("a forged answer", "to other tasks, with any nonce", PUBLISH + f"import secrets\nfor _ in range(5): publish({forged('secrets.token_hex(8)')})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "twice, after its own", FRAME + PUBLISH + f"publish({forged()}); publish({forged()})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "with a nonce that is a list", PUBLISH + f"publish({forged('[1]')})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "as a text", PUBLISH + f"publish({{'{MIME}': 'passed'}})\nreturn torch.zeros(4, 3)", NO_ANSWER),
    of_linear("a forged answer", "that says it is missing", FRAME + PUBLISH + f"publish({{'{MIME}': {{'nonce': nonce, 'missing': True}}}})\nimport os; os._exit(0)", ("missing", "kernel died")),
    Attack("a forged answer", "ahead of time", last=PUBLISH + f"publish({forged(repr(''))})", attacked={"linear": "not attempted"}),
    Attack("a forged answer", "on stdout, as JSON", last=f"print({forged(repr('x'))})", attacked={"linear": "not attempted"}),
    *(of_linear("a forged answer", f"in a message of kind {kind}", FRAME + KERNEL + message(kind, extra) + "import os; os._exit(0)", ("kernel died", "wrong", "raised"))
      for kind, extra in {"stream": "", "error": "", "execute_result": "", "foo": "", "status": "'execution_state': 'busy', ", "update_display_data": "", "clear_output": ""}.items()),
    *(of_linear("a forged value", variant, FRAME + KERNEL + message("display_data", data=forged(value=value)) + "import os; os._exit(0)", ("kernel died", "wrong"))
      for variant, value in {
          "array too big to shape": "{'t': 'array', 'dtype': 'float32', 'shape': [0] + [2**24] * 15, 'data': ''}",
          "tensor too big to shape": "{'t': 'tensor', 'dtype': 'float32', 'device': 'cpu', 'shape': [0] + [2**24] * 15, 'data': ''}",
          "nested a thousand deep": "eval('[' * 90 + ']' * 90)",
          "a whole number of 4000 digits": "10**3999",
          "not a number": "float('nan')",
          "a type that is a list": "{'t': []}",
      }.items()),
]  # fmt: skip

SENSELESS = {
    "data that is a list": KERNEL + "send('display_data', {'data': [1, 2], 'metadata': {}})",
    "display without metadata": KERNEL + "send('display_data', {'data': {'text/plain': 'x'}})",
    "content that is a list": KERNEL + "send('stream', [])",
    "status without a state": KERNEL + "send('status', {})",
    "idle too early": KERNEL + "send('status', {'execution_state': 'idle'})",
    "deeply nested": KERNEL + "kernel.session.pack = lambda o: b'[' * 10**5 + b']' * 10**5\ntry: send('stream', {})\nfinally: del kernel.session.pack",
    "bad signature": KERNEL + "import hmac\nown = kernel.session.auth\nkernel.session.auth = hmac.HMAC(b'x', digestmod='sha256')\n"
    "send('display_data', {'data': {}, 'metadata': {}})\nkernel.session.auth = own",
    "half a character": "x = '\ud800'",
    "nonsense when interrupted": KERNEL + "import time\ntry: time.sleep(100)\nexcept KeyboardInterrupt: send('status', [])",
}
BROKEN = [Attack("a senseless message in a cell", variant, cell=source) for variant, source in SENSELESS.items()] + [
    of_linear("a senseless message in an answer", variant, source + "\nreturn x", ("wrong", "kernel died", "timed out", "raised"))
    for variant, source in SENSELESS.items()
]

ATTACKS = [*HOOKS, *OBJECTS, *PATCHES, *FORGERIES, *BROKEN]
