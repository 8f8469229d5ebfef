"""Wherever the course and its environment lie, a notebook can read neither solutions nor other notebooks."""

import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from .notebooks import ROOT, environment, run
from .test_accidents import FULL, later

WALK = """
import os
found = [os.path.join(folder, file) for folder, _, files in os.walk('/') for file in files if file in ('01_formula.ipynb', 'report.json') or '/catalogue' in folder]
raise OSError(f'found {len(found)}: {found[:3]}')
"""
SYSTEM = Path("/usr/local/share")
pytestmark = pytest.mark.usefixtures("sandbox")


def course(folder: Path) -> Path:
    """A checkout, as far as grading needs it, with a submission and a report in it."""
    for name in ("grader", "solutions", "exercises"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "0[2-9]*.ipynb", "1*.ipynb"))
    (folder / "handed_in").mkdir()
    notebook = later(WALK)
    nbformat.write(notebook, folder / "handed_in" / "01_formula.ipynb")
    (folder / "report.json").write_text("{}")
    return folder


def in_the_checkout(folder):
    return environment(course(folder / "course")) / "python", folder / "course"


def in_the_libraries(folder):
    return environment(folder / "env") / "python", course(folder / "env" / "lib" / "course")  # lib64 leads there, too


def in_the_environment(folder):
    return environment(folder / "env") / "python", course(folder / "env" / "share" / "course")


def in_the_system(folder):
    if not os.access(SYSTEM, os.W_OK):
        pytest.skip(f"{SYSTEM} is not to be written to")
    return environment(folder / "env") / "python", course(SYSTEM / folder.name)


@pytest.mark.parametrize("layout", [in_the_checkout, in_the_environment, in_the_libraries, in_the_system])
def test_a_notebook_finds_no_other(tmp_path, layout):
    python, place = layout(tmp_path)
    try:
        words = [python, "-m", "grader", "grade", "handed_in", "--sandbox", "bwrap", "--json", tmp_path / "found.json"]
        done = subprocess.run(words, cwd=place, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True)
        assert f"{FULL} / {FULL}" in done.stdout, done.stderr
        assert "OSError: found 0" in (tmp_path / "found.json").read_text()
    finally:
        if place.is_relative_to(SYSTEM):
            shutil.rmtree(place)


def test_the_doctor_tells_what_a_notebook_could_read(tmp_path):
    python = environment(tmp_path / "env") / "python"
    shutil.copytree(ROOT / "exercises", tmp_path / "env" / "lib" / "handed_in")
    done = subprocess.run([python, "-m", "grader", "doctor"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "notebooks can read" in done.stdout and "/handed_in/" in done.stdout
    assert "find no other" in run("-m", "grader", "doctor").stdout
