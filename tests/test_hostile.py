"""What lies beside a notebook, and what it is called: nothing is imported, hidden, or read as an option."""

import os

import nbformat
import pytest

from .notebooks import answered, exercise, grader, run, solution

EXERCISE = "01_formula"


@pytest.mark.parametrize("door", ["cli", "pytest"])
def test_python_files_beside_a_notebook_are_never_imported(tmp_path, door):
    folder = tmp_path / "alice"
    folder.mkdir()
    for name in ("__init__.py", "test_alice.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (folder / "01_formula.ipynb").write_text(nbformat.writes(exercise(EXERCISE)))
    if door == "cli":
        assert grader("grade", tmp_path).returncode == 0
    else:
        assert "0 / 22" in run("-m", "pytest", "--grade", tmp_path, "-q", "-p", "no:cacheprovider", cwd=tmp_path).stdout
    assert not (tmp_path / "ran").exists()


def test_odd_names_are_graded_and_odd_files_refused(tmp_path):
    """None of them hides the others, and none is read as an option."""
    odd = ["@args.ipynb", "-k.ipynb", "a[1].ipynb", "mk[/z].d/a.ipynb", "[bold]b.ipynb", "p::q.ipynb", "with space.ipynb", "größe.ipynb"]
    for name in odd:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(nbformat.writes(solution(EXERCISE)))
    (tmp_path / "dangling.ipynb").symlink_to(tmp_path / "gone.ipynb")
    os.mkfifo(tmp_path / "fifo.ipynb")
    done = grader("grade", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert sorted(line.split(":")[0] for line in done.stderr.strip().splitlines()) == ["dangling.ipynb", "fifo.ipynb"]
    assert done.stdout.count("22 / 22") == len(odd)


def test_an_exception_cannot_steer_the_terminal(tmp_path):
    source = "def linear(x, weight, bias=None):\n    raise ValueError('\\x1b[2J\\x1b]0;title\\x07 all [green]22 of 22[/] points')"
    nbformat.write(answered(EXERCISE, {"linear": source}), tmp_path / "a.ipynb")
    done = grader("check", "a.ipynb", cwd=tmp_path)
    assert done.returncode == 0 and "[green]22 of 22[/] points" in " ".join(done.stdout.split())
    assert not {"\x1b", "\x07"} & set(done.stdout)
