"""The house itself: imports run one way, mutants that may live are still there to live."""

import ast
import graphlib

import pytest

from grader.catalogue import EXERCISES
from grader.mutants import equivalents, texts_of

from .notebooks import ROOT


def imported(name, path, modules):
    """The grader's own modules that a module imports, at its top or later."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            steps = package.split(".")
            base = ".".join([*steps[: len(steps) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module
            yield from (f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base for alias in node.names)


def test_imports_run_one_way():
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in (ROOT / "grader").rglob("*.py")}
    graph = {name: {other for other in imported(name, path, files) if other in files and other != name} for name, path in files.items()}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(files) and any(graph.values())  # a circle raises, and names it


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_mutants_that_may_live_are_mutants_of_the_solution(exercise):
    listed = {(task, change) for task, changes in equivalents(exercise).items() for change in changes}
    assert listed <= set(texts_of(exercise)), listed - set(texts_of(exercise))
    assert all(reason.strip() for changes in equivalents(exercise).values() for reason in changes.values())
