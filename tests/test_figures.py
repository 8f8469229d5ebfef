"""The figures' code: a module for a chapter, a documented function for a figure, each drawn by its chapter; colours have one home."""

import ast
import re

import pytest

from .chapters import CHAPTERS, ROOT, cells

FIGURES = ROOT / "book/figures"
MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("[!_]*.py"))}
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b")

each_module = pytest.mark.parametrize("module", MODULES)


def calls(tree, name):
    """How often `….name(` is called in it."""
    return sum(isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name for node in ast.walk(tree))


def figures_of(module):
    return [node for node in MODULES[module].body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


@each_module
def test_a_module_and_its_figures_say_what_they_show(module):
    assert ast.get_docstring(MODULES[module])
    assert [figure.name for figure in figures_of(module)]
    assert not [figure.name for figure in figures_of(module) if not ast.get_docstring(figure)]


@each_module
def test_a_function_draws_one_figure(module):
    assert {figure.name: calls(figure, "show") for figure in figures_of(module)} == {figure.name: 1 for figure in figures_of(module)}


@each_module
def test_each_figure_is_drawn_by_the_chapter_of_the_module_s_name(module):
    (chapter,) = [name for name in CHAPTERS if name[3:] == module]
    trees = [ast.parse(cell.code) for cell in cells(chapter) if not cell.code.startswith("%%")]
    imported = [alias for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "figures" for alias in node.names]
    names = {alias.asname or alias.name for alias in imported if alias.name == module}
    drawn = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names}
    assert drawn == {figure.name for figure in figures_of(module)}


@each_module
def test_a_helper_is_used(module):
    private = {node.name for node in MODULES[module].body if isinstance(node, ast.FunctionDef)} - {figure.name for figure in figures_of(module)}
    assert private <= {node.id for node in ast.walk(MODULES[module]) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("place", [*MODULES, *CHAPTERS])
def test_colours_stand_in_one_place(place):
    texts = [FIGURES.joinpath(f"{place}.py").read_text(encoding="utf-8")] if place in MODULES else [cell.code for cell in cells(place)]
    assert not [found for text in texts for found in HEX.findall(text)]
