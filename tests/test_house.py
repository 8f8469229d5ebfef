"""The house itself: imports run one way, known mistakes are edits of the solution as it stands, mutants that may live are still there to live."""

import ast
import graphlib
import importlib
import re
from fnmatch import fnmatch

import pytest

from book._ext.site_notebooks import INPUTS
from grader.catalogue import EXERCISES, all_tasks
from grader.mutants import equivalents, texts_of
from grader.solutions import solution_of
from grader.spec import Impostor

from . import conftest, mutants
from .chapters import cells
from .notebooks import ROOT


def imported(name, path, modules):
    """The modules that a module imports from, at its top or later, each with the name that it is called by, if it is imported itself."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            steps = package.split(".")
            base = ".".join([*steps[: len(steps) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (alias.asname or alias.name, whole) if whole in modules else (None, base)


def names_of_files():
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in (ROOT / "grader").rglob("*.py")}


def test_imports_run_one_way():
    files = names_of_files()
    graph = {name: {other for _, other in imported(name, path, files) if other in files and other != name} for name, path in files.items()}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(files) and any(graph.values())  # a circle raises, and names it


def test_what_is_asked_of_a_module_is_there():
    """Also on lines that this system never comes to: what moves from one module to another must be asked for where it is now."""
    files = names_of_files()
    for name, path in files.items():
        known = dict(imported(name, path, files))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                assert hasattr(importlib.import_module(known[node.value.id]), node.attr), f"{path}, line {node.lineno}: {ast.unparse(node)}"


def test_tests_that_begin_first_are_there():
    assert {*conftest.IN_PARTS} < {*conftest.LONGEST} <= {conftest.module_of(path.relative_to(ROOT).as_posix()) for path in ROOT.glob("tests/**/test_*.py")}


@pytest.mark.parametrize("task", all_tasks().values(), ids=lambda task: task.name)
def test_a_known_mistake_is_an_edit_of_the_solution_as_it_stands(task):
    """Each text that is replaced stands in the answer exactly once (else `source` raises and says which), and the answer is another afterwards."""
    whole = solution_of(task.name).standing_alone(solution_of(task.name).answers[task.name])
    sources = [impostor.source for impostor in task.impostors]
    assert whole not in sources and len(set(sources)) == len(sources)
    assert all(callable(impostor.answer) for impostor in task.impostors)


def test_an_edit_whose_text_is_gone_fails_by_name():
    with pytest.raises(LookupError, match=r"linear, is_out_of_date: 'weight\.mT' stands 0 times"):
        Impostor("is_out_of_date", "linear", "Said.", edits=(("weight.mT", "weight"),)).answer


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_mutants_that_may_live_are_mutants_of_the_solution(exercise):
    listed = {(task, change) for task, changes in equivalents(exercise).items() for change in changes}
    assert listed <= set(texts_of(exercise)), listed - set(texts_of(exercise))
    assert all(reason.strip() for changes in equivalents(exercise).values() for reason in changes.values())


def test_mutants_of_right_answers_that_may_live_are_theirs():
    left = {(name, edit) for name, edits in mutants.MAY_LIVE.items() for edit in edits}
    for exercise, task, number in mutants.answers([]):
        name, found, _ = mutants.mutants_of_answer(exercise, task, number)
        for edit in mutants.MAY_LIVE.get(name, {}):
            if any(mutants.is_edit(edit, *change.split(" -> ", 1)) for _, change in found):
                left.discard((name, edit))
    assert not left
    assert all(reason.strip() for edits in mutants.MAY_LIVE.values() for reason in edits.values())


@pytest.mark.parametrize("page", sorted(path.stem for path in (ROOT / "book").glob("*.md")))
def test_a_page_is_run_again_when_the_grader_that_it_runs_or_the_figures_that_it_shows_have_changed(page):
    code = "\n".join(cell.code for cell in cells(page))
    used = {ROOT / found for found in re.findall(r"benchmarks/results/\w+\.json", code)}
    used |= {ROOT / "grader/spec.py"} if re.search(r"^\s*(from|import) grader\b|-m grader\b", code, re.M) else set()
    assert used <= {file for pages, inputs in INPUTS.items() if fnmatch(f"book/{page}", pages) for each in inputs for file in ROOT.glob(each)}
