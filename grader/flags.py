"""What a person should look at in a notebook: code that reaches where no answer need reach, and functions that were replaced.

A flag says what, where and in which cell. It never takes a point: every one of these has an honest use, too.
"""

import ast
import builtins
import os
import re
import sys
import threading
from contextlib import contextmanager

import numpy as np
import torch

from .sources import HARMLESS, dotted, imports, read_cell

MAX_FLAGS = 20  # for one notebook
MAX_LINE = 120  # letters of a line of code
OWNERS = {
    "torch": torch, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.nn.functional, "torch.autograd": torch.autograd,
    "torch.testing": torch.testing, "torch.overrides": torch.overrides, "numpy": np, "builtins": builtins,
}  # fmt: skip
REACHES = {
    "frames": "f_back f_locals f_globals f_builtins tb_frame gi_frame cr_frame _getframe _current_frames currentframe getouterframes getinnerframes",
    "the inside of functions and classes": "__globals__ __code__ __closure__ __subclasses__ __builtins__",
    "the garbage collector": "get_objects get_referrers get_referents",
    "what traces Python": "settrace setprofile addaudithook",
    "other processes": "fork forkpty posix_spawn pidfd_open",
}
REACHED = {name: what for what, names in REACHES.items() for name in names.split()}
TRANSFORMERS = ("input_transformers_cleanup", "input_transformers_post", "ast_transformers")  # of cells, in IPython
JUPYTERS = ("builtins.input", "builtins.quit", "builtins.exit")  # a kernel replaces them itself
MODULES = {"ctypes": "memory, by ctypes", "_ctypes": "memory, by ctypes", "cffi": "memory, by cffi", "multiprocessing": "other processes", "subprocess": "other processes", "pty": "other processes"}
DEEDS = {  # what Python itself tells of (an audit event) or leaves open, and what a person reads
    "os.fork": "starts a process", "os.forkpty": "starts a process", "os.posix_spawn": "starts a process", "subprocess.Popen": "starts a process", "os.system": "starts a process",
    "os.exec": "becomes another program", "threading.Thread": "starts a thread", "socket.__new__": "opens a socket", "os.pipe": "opens a pipe",
    "gc.get_objects": "searches the garbage collector", "gc.get_referrers": "searches the garbage collector", "sys._current_frames": "reaches for frames",
    "sys.settrace": "traces Python", "sys.addaudithook": "traces Python",
}  # fmt: skip
DECODERS = ("b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "fromhex", "unhexlify", "decompress")


def in_source(cells: list[str]) -> list[str]:
    """Flags for a notebook's code, given a string a cell: each a line that begins with the cell's number, as a reader counts them."""
    found = []
    modules = imports([statement for cell in cells for statement in read_cell(cell)[0]])
    for number, cell in enumerate(cells, 1):
        statements, lines = read_cell(cell)
        for node in (node for statement in statements for node in ast.walk(statement)):
            what = _what(node, modules)
            if what:
                line = re.sub(r"[^ -~]", "?", lines[node.lineno - 1].strip())[:MAX_LINE]
                found.append(f"code cell {number} {what}: `{line}`")
    return list(dict.fromkeys(found))[:MAX_FLAGS]


def _what(node, modules) -> str:
    """What one syntax node does that a person should look at; empty if nothing."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return _of_import(node)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        replaced = [dotted(target, modules) for target in targets if isinstance(target, ast.Attribute)]
        return next((f"replaces {name}" for name in replaced if _is_guarded(name)), "")
    if isinstance(node, ast.Attribute):
        path = dotted(node, modules) or ""
        if path.startswith("torch._C"):
            return "reaches for torch._C"
        if path == "sys.modules":
            return "reaches for sys.modules"
        return f"reaches for {REACHED[node.attr]}" if node.attr in REACHED else ""
    if isinstance(node, ast.Call):
        return _of_call(node, modules)
    return "puts a name together from pieces" if _is_pieces(node) else ""


def _of_import(node):
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [f"{node.module}.{alias.name}" for alias in node.names]
    for name in names:
        if name.split(".")[0] == "grader" and name not in ("grader", *HARMLESS):
            return "reaches for the grader"
        if name.startswith("torch._C"):
            return "reaches for torch._C"
        if name.split(".")[0] in MODULES or name.split(".")[-1] in REACHED:
            return f"reaches for {MODULES.get(name.split('.')[0]) or REACHED[name.split('.')[-1]]}"
    return ""


def _of_call(node, modules):
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if isinstance(node.func, ast.Name) and name in ("exec", "eval") or name in DECODERS:
        return "runs text as code" if name in ("exec", "eval") else "decodes a text"
    if name == "setattr" and node.args and _is_guarded(f"{dotted(node.args[0], modules)}.x"):
        return f"replaces something of {dotted(node.args[0], modules)}"
    if name in ("__import__", "import_module") and node.args and not isinstance(node.args[0], ast.Constant):
        return "imports by a computed name"
    return ""


def _is_guarded(name):
    """Whether a dotted name is an attribute of torch, NumPy, Python's own functions or the grader, settings aside."""
    return bool(name) and name.split(".")[0] in ("torch", "numpy", "builtins", "grader") and not name.startswith(("torch.backends.", "torch.set_", "numpy.random."))


def _is_pieces(node):
    """Whether texts that are no words of their own are joined or turned round to a name: 'lin' + 'ear', 'raenil'[::-1], ''.join(['lin', 'ear'])."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [side.value if isinstance(side, ast.Constant) else None for side in (node.left, node.right)]
        return all(isinstance(side, str) for side in sides) and bool(re.fullmatch(r"\w+(\.\w+)*", "".join(sides)))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return isinstance(node.slice, ast.Slice) and node.slice.step is not None
    return False


def _ours():
    names = sorted(name for name in list(sys.modules) if name.startswith("grader."))
    return {name: sys.modules[name] for name in names if sys.modules[name] is not None}


def _owners() -> dict[str, object]:
    """The modules and classes of torch, NumPy, Python and the grader whose functions are looked after, by name."""
    ours = _ours()
    classes = {f"{name}.{each.__name__}": each for name, module in ours.items() for each in vars(module).values() if isinstance(each, type) and each.__module__ == name}
    return {**OWNERS, **ours, **classes}


_known: dict[str, dict[str, object]] = {}  # by owner: what stands in it


def remember():
    """Take down what stands where, before anybody's code has run."""
    _known.update({name: {key: value for key, value in vars(owner).items() if callable(value)} for name, owner in _owners().items()})


def replaced() -> list[str]:
    """What no longer is what it was when it was taken down, by name."""
    now = _owners() if _known else {}
    found = []
    for owner, functions in _known.items():
        space = vars(now[owner]) if owner in now else {}
        found += [f"{owner}.{name}" for name, value in functions.items() if space.get(name) is not value]
    return [name for name in found if name not in JUPYTERS][:MAX_FLAGS]


def hooks(shell) -> list[str]:
    """What others than Jupyter have hung into the shell where it meets a cell, and so the grader's question, before it runs."""
    hung = {name: getattr(shell, name) for name in TRANSFORMERS} | {event: shell.events.callbacks[event] for event in ("pre_execute", "pre_run_cell")}
    return [f"IPython.{name}" for name, found in hung.items() if not all(map(_is_jupyters, found))]


def _is_jupyters(hook):
    try:
        return hook.__module__.startswith(("IPython.", "ipykernel.", "matplotlib"))
    except Exception:
        return False


_heard: dict[str, None] | None = None
_hooked = False
_FILES = "/proc/self/fd"


def _hear(event, _arguments):
    if _heard is not None and event in DEEDS:
        _heard[event] = None


@contextmanager
def hearing():
    """A block with a function that tells what was done in it so far, by the names in DEEDS; by any thread."""
    global _heard, _hooked
    if not _hooked:
        sys.addaudithook(_hear)  # for good: Python takes none away
        _hooked = True
    files, threads, _heard = _open_files(), _threads(), {}
    heard = _heard

    def done() -> list[str]:
        if files is not None and any(_is_pipe(file) for file in (_open_files() or files) - files):
            heard["os.pipe"] = None
        if _threads() - threads:
            heard["threading.Thread"] = None
        return list(heard)

    try:
        yield done
    finally:
        _heard = None


def _threads():
    """All threads that Python started, but those of libraries: Jupyter's begin when it sends its first long message, a progress bar has one of its own."""
    return {each for each in threading.enumerate() if not isinstance(each, threading._DummyThread) and not type(each).__module__.startswith(("zmq", "ipykernel", "tqdm"))}


def _open_files():
    """All open files, by number; none where that cannot be told: elsewhere than on Linux, or where so many are open that no other can be."""
    try:
        return set(os.listdir(_FILES))
    except OSError:
        return None


def _is_pipe(file):
    try:
        return os.readlink(f"{_FILES}/{file}").startswith("pipe:")
    except OSError:  # closed since
        return False
