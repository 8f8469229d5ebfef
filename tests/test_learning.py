"""A learner's loop on the command line: where one stands, what is next, and checks of one task or of everything."""

import os
import select
import subprocess
import sys

import nbformat
import pytest

from grader.catalogue import EXERCISES

from .notebooks import ROOT, answered, grader, run, solution

PATIENCE = 240  # seconds, on a busy machine
SLOW = "import time\n\ntime.sleep(10)\n\ndef linear(x, weight, bias=None):\n    return x @ weight.T + (0 if bias is None else bias)"
BOUND = "def kaiming_bound(in_features):\n    return 1.0"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a full exercise and one that is begun."""
    place = tmp_path_factory.mktemp("place")
    for name, notebook in {"01_formula": solution("01_formula"), "02_init": answered("02_init", {"kaiming_bound": BOUND})}.items():
        nbformat.write(notebook, place / f"{name}.ipynb")
    return place


def test_status_runs_what_changed_and_nothing_twice(place):
    first = grader("status", cwd=place)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[0] == f"01_formula      {'█' * 24}   22 / 22" and lines[1].endswith("    0 / 29") and lines[2] == "03_backward     not here"
    assert lines[-2].split()[-3:] == ["22", "/", str(sum(exercise.points for exercise in EXERCISES))]
    assert lines[-1] == "Next: kaiming_bound, in 02_init.ipynb"
    again = run("-X", "importtime", "-m", "grader", "status", cwd=place)
    assert again.stdout == first.stdout
    assert not {line.split("|")[-1].strip() for line in again.stderr.splitlines()} & {"torch", "numpy", "nbformat", "rich"}


def test_check_takes_tasks_several_exercises_and_all(place):
    some = grader("check", "kaiming_bound", "reset_bias_", cwd=place).stdout
    assert "kaiming_bound" in some and "reset_bias_" in some and "reset_weight_" not in some and "0 of 29 points" in some
    for words in (["1", "init"], ["all"]):
        done = grader("check", *words, cwd=place)
        assert done.returncode == 0 and "22 of 22 points" in done.stdout and "0 of 29 points" in done.stdout
    assert grader("check", cwd=place).stderr.startswith("Name what is to be graded: ")
    assert grader("check", "nothing", cwd=place).stderr.startswith("nothing: neither a notebook nor an exercise, nor a task. Exercises: 01_formula, ")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_watching_follows_the_learner_and_listens_to_single_keys(place):
    """In a terminal: from the exercise with the next task on, to whatever is saved."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "import os, sys; os.setsid(); import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
         "sys.argv[1:] = ['check', '--watch', '--sandbox', 'none']; from grader.__main__ import main; sys.exit(main())"],
        cwd=place, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    try:
        assert "next: kaiming_bound" in _until(ours, b"q: quit.")
        for key, said in (("h", "kaiming_bound, hint 1 of"), ("n", "next: reset_weight_"), ("h", "reset_weight_, hint 1 of")):
            os.write(ours, key.encode())
            _until(ours, said.encode())
        os.utime(place / "01_formula.ipynb")
        said = _until(ours, b"q: quit.")
        assert "22 of 22 points" in said and f"{'█' * 24}   22 / 22" in said and "next: open 02_init.ipynb" in said
        (place / "03_backward.ipynb").touch()  # nothing that is saved ends it, whatever it is
        full = (place / "01_formula.ipynb").read_bytes()
        (place / "01_formula.ipynb").write_bytes(full[:700])
        assert "cut off" in _until(ours, b"q: quit.")
        (place / "01_formula.ipynb").write_bytes(full)
        assert "22 of 22 points" in _until(ours, b"q: quit.")
        (place / "03_backward.ipynb").unlink()
        os.write(ours, b"q")
        assert process.wait(60) == 0
    finally:
        process.kill()
        os.close(ours)


def _until(terminal, mark):
    """What a terminal shows until it shows a mark."""
    said = b""
    while mark not in said:
        assert select.select([terminal], [], [], PATIENCE)[0], said
        said += os.read(terminal, 4096)
    return said.decode("utf-8", "replace")


def test_what_cannot_be_read_or_has_another_name_is_no_next_task(tmp_path):
    nbformat.write(answered("02_init", {"kaiming_bound": BOUND}), tmp_path / "01_formula.ipynb")
    (tmp_path / "03_backward.ipynb").touch()
    done = grader("status", cwd=tmp_path)
    assert done.returncode == 1 and "Next" not in done.stdout and done.stderr.count("\n") == 2
    assert "01_formula.ipynb: holds exercise 02_init. Rename it." in done.stderr and "03_backward.ipynb" in done.stderr
    assert "wrote 02_init.ipynb" in grader("start", cwd=tmp_path).stdout  # beside the others, not in a folder below


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_an_exercise_that_is_a_link_of_the_learner_s_is_found_by_its_number(tmp_path):
    (tmp_path / "drive").mkdir()
    nbformat.write(solution("01_formula"), tmp_path / "drive/mine.ipynb")
    (tmp_path / "here").mkdir()
    (tmp_path / "here/01_formula.ipynb").symlink_to(tmp_path / "drive/mine.ipynb")
    done = grader("check", "01", cwd=tmp_path / "here")
    assert done.returncode == 0 and "22 of 22 points" in done.stdout, done.stderr
    for _ in range(2):
        done = grader("status", cwd=tmp_path / "here")
        assert done.returncode == 0 and "   22 / 22" in done.stdout, done.stdout + done.stderr


def test_what_special_limits_bring_about_is_not_remembered(tmp_path):
    nbformat.write(answered("01_formula", {"linear": SLOW}), tmp_path / "01_formula.ipynb")
    shown = grader("check", "01", "--limit", "cell=1", cwd=tmp_path).stdout
    assert "0 of 22 points" in shown and "grader fault" not in shown, shown
    assert "    7 / 22" in grader("status", cwd=tmp_path).stdout


def test_what_a_kernel_says_before_the_first_cell_is_not_the_notebooks_output(tmp_path):
    nbformat.write(solution("01_formula"), tmp_path / "01_formula.ipynb")
    done = grader("check", "01", "--limit", "output=0.0001", cwd=tmp_path)
    assert "grader fault" not in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links, and keeps the folder that one is in")
def test_start_writes_nowhere_else_and_needs_a_folder(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place/02_init.ipynb").symlink_to(tmp_path / "nowhere.ipynb")
    (tmp_path / "place/03_backward.ipynb").mkdir()
    done = grader("start", "place", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.count("it is no plain file") == 2 and "wrote place/09_capstone.ipynb" in done.stdout
    assert not (tmp_path / "nowhere.ipynb").exists()
    code = f"import os, sys; os.chdir({str(tmp_path / 'gone')!r}); os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, '-m', 'grader', 'status'])"
    (tmp_path / "gone").mkdir()
    done = run("-c", code)
    assert done.returncode == 1 and done.stderr == "The folder that you are in is gone. Change to one that is there.\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["start", "status"])
def test_output_that_cannot_be_written_is_said_in_a_line(place, tmp_path, command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        words, path = [sys.executable, "-m", "grader", command, *([str(tmp_path)] if command == "start" else [])], {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, cwd=place, env=path, stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 1 and done.stderr.startswith("Standard output cannot be written") and done.stderr.count("\n") == 1


def test_a_full_exercise_says_what_has_been_shown_and_the_next_question(place):
    assert all(exercise.milestone and ("Next:" in exercise.milestone) == (exercise != EXERCISES[-1]) for exercise in EXERCISES)
    assert " ".join(EXERCISES[0].milestone.split()) in " ".join(grader("check", "01", cwd=place).stdout.split())
    assert EXERCISES[1].milestone not in grader("check", "02", cwd=place).stdout
