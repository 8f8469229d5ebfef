"""The solution notebooks as texts: the answers that known mistakes are edits of, and that mutants change.

Only the grading process and a learner's own check read them; no kernel that grades has them.
"""

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .course import ROOT

FOLDER = ROOT / "solutions"


@dataclass(frozen=True)
class Solution:
    """imports: the statements that its answers count on. answers: the text of each function and class by name, without docstring and marks, in order."""

    imports: str
    answers: dict[str, str]

    def standing_alone(self, source: str) -> str:
        """A changed answer with what else of the notebook it calls, under private names before it: so it does what it does beside other answers."""
        own = ast.parse(source).body[0].name
        called = [name for name in self.answers if name in _names(source) and name != own]
        for name in called:
            source = re.sub(rf"\b{name}\b", f"_{name}", source)
        helpers = [self.standing_alone(self.answers[name]) for name in called]
        return "\n\n".join([*(re.sub(rf"\b(def|class) {name}\b", rf"\1 _{name}", helper) for name, helper in zip(called, helpers)), source])


@cache
def solution_of(task: str) -> Solution:
    """The solution that answers a task. Raises LookupError where there is none, as in a course that was handed out without them."""
    found = next((solution for solution in map(read, files()) if task in solution.answers), None)
    if found is None:
        raise LookupError(f"No notebook in {FOLDER} answers {task}.")
    return found


def files() -> list[Path]:
    """The solutions' notebooks, in order."""
    return [path for path in sorted(FOLDER.glob("*.ipynb")) if re.fullmatch(r"\d\d_\w+", path.stem)]  # not somebody's 01_formula-Copy1


@cache
def read(path: Path) -> Solution:
    """The solution in a notebook's file."""
    imports, answers = [], {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "code" or text.startswith("%"):
            continue
        for statement in ast.parse(text).body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                imports.append(ast.unparse(statement))
            elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                answers[statement.name] = _bare(text, statement)
    return Solution("\n".join(imports), answers)


def _names(source):
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _bare(text, statement):
    """A statement's text without the docstrings in it and the marks of a solution."""
    dropped = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            dropped |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
    lines = [line for number, line in enumerate(text.splitlines(), 1) if first <= number <= statement.end_lineno and number not in dropped]
    return "\n".join(line for line in lines if not line.strip().startswith("### ")) + "\n"
