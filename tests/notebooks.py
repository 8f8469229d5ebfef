"""Make submissions and grade them through the command line, as a learner or a teacher would."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import nbformat

from . import ready

ROOT = Path(__file__).parent.parent
IMPORTS = "import math\nimport numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"


def exercise(name: str) -> nbformat.NotebookNode:
    """The untouched notebook of an exercise such as "01_formula"."""
    return nbformat.read(ROOT / "exercises" / f"{name}.ipynb", as_version=4)


def solution(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)


def answer_cell(notebook, task: str):
    """The cell in which the learner answers `task`."""
    return next(cell for cell in notebook.cells if cell.metadata.get("linear_course") == {"role": "answer", "task": task})


def check_cell(notebook, task: str):
    return next(cell for cell in notebook.cells if cell.source == f'check("{task}")')


def answered(name: str, answers: dict[str, str]) -> nbformat.NotebookNode:
    """An exercise with the given source in the answer cells of the given tasks."""
    notebook = exercise(name)
    for task, source in answers.items():
        answer_cell(notebook, task).source = IMPORTS + source
    return notebook


def named(task: str, definition) -> str:
    """The source of some function or class of ours (or of an Impostor), renamed to what `task` asks for."""
    from grader.spec import Impostor, function_source

    is_impostor = isinstance(definition, Impostor)
    name, source = (definition.name, definition.source) if is_impostor else (definition.__name__, function_source(definition))
    return re.sub(rf"\b{name}\b", task, source)


def nameless(task):
    """The task without its known mistakes: they need not be asked where it does not matter how what is wrong is called."""
    return dataclasses.replace(task, impostors=[])


def run(*arguments, cwd=ROOT, timeout=600, env=None) -> subprocess.CompletedProcess:
    """Run python with arguments; its output as text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, timeout=timeout, env=env, capture_output=True, encoding="utf-8", errors="replace"
    )


def environment(place: Path) -> Path:
    """A new environment at a place, which finds this one's packages, but no course of its own; its folder of programs."""
    venv.create(place)
    packages = "\n".join(path for path in sys.path if path.endswith("site-packages"))
    next(place.glob("lib/python*/site-packages")).joinpath("base.pth").write_text(f"{packages}\n", encoding="utf-8")
    return place / "bin"


def grader(*arguments, cwd=ROOT, timeout=600, env=None) -> subprocess.CompletedProcess:
    """Run a command of the grader; its output as text. In a process of its own from the start, if what it finds in its environment could matter then."""
    env = env or dict(os.environ)
    changed = {name for name in env.keys() | os.environ.keys() if env.get(name) != os.environ.get(name)}
    if changed - {"PATH", "TMPDIR", "XDG_CACHE_HOME"} or sys.platform != "linux":
        return run("-m", "grader", *arguments, cwd=cwd, timeout=timeout, env=env)
    return ready.call([str(argument) for argument in arguments], cwd, timeout, env)


def _without_sandbox() -> list[str]:
    """The option that most tests need on a machine without a sandbox. In CI there must be one."""
    return ["--sandbox", "none"] if shutil.which("bwrap") is None and not os.environ.get("CI") else []


def grade(folder: Path, notebooks: dict[str, nbformat.NotebookNode | str], *options) -> dict[str, dict]:
    """Write notebooks (or raw texts) to a folder, grade them in one run, and return each one's part of the JSON report."""
    for name, notebook in notebooks.items():
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)  # as it is: nbformat would mend it
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    paths = [folder / f"{name}.ipynb" for name in notebooks]
    done = grader("grade", *paths, "--json", folder / "report.json", *_without_sandbox(), *options)
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {Path(submission["path"]).stem: submission for submission in report["submissions"]}


def tasks(submission: dict) -> dict[str, dict]:
    """A submission's tasks by name."""
    return {task["name"]: task for task in submission["tasks"]}
