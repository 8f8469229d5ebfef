"""`make` on machines that are not as it expects them, and twice at once."""

import fcntl
import os
import shutil
import subprocess
import sys

import pytest

from .notebooks import ROOT
from .test_environments import OUTSIDE, with_path

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
TORCH = next(line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))


@pytest.fixture
def makeable(tmp_path):
    """A folder with the course's Makefile, whose environment has a Python that says so when it is called, and works while nobody locks the file `go`."""
    for name in ("Makefile", "_config.yml", "pyproject.toml", "requirements.txt", "grader"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in (".venv/bin", "solutions"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".venv/ready").touch()
    python = tmp_path / ".venv/bin/python"
    python.write_text(
        f"#!{sys.executable}\nimport fcntl, sys\nprint(*sys.argv[2:], flush=True)\nprint(*sys.argv[2:], file=open('did', 'a'))\nfcntl.flock(open('go'), fcntl.LOCK_SH)\n",
        encoding="utf-8",
    )
    python.chmod(0o755)
    return tmp_path


def make(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if name not in ("ALONE", "MAKEFLAGS", "MAKELEVEL")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    return subprocess.Popen(["make", *arguments], cwd=folder, env=environment, **pipes)


def test_of_two_makes_one_waits_and_repeats_nothing(makeable):
    with open(makeable / "go", "w", encoding="utf-8") as go:
        fcntl.flock(go, fcntl.LOCK_EX)
        one = make(makeable, "_build/scores.txt", f"PYTHON={sys.executable}")
        assert one.stdout.readline().startswith("Making the exercises") and one.stdout.readline() == "grader release\n"
        other = make(makeable, "_build/scores.txt", f"PYTHON={sys.executable}")
        assert other.stdout.readline() == "Waiting for another make to end ...\n"
        fcntl.flock(go, fcntl.LOCK_UN)
    said = [each.communicate()[0] for each in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    assert (makeable / "did").read_text(encoding="utf-8").splitlines() == ["grader release", "grader grade solutions/ --require-full"]


@pytest.mark.skipif(sys.platform != "linux" or os.path.exists("/proc/driver/nvidia") or os.path.exists("/dev/dxg"), reason="needs Linux without an NVIDIA GPU")
@pytest.mark.parametrize("reached", [True, False])
def test_without_a_gpu_torch_comes_without_what_gpus_need(makeable, reached):
    """Where its authors' index cannot be reached, from where all else comes; said in a line."""
    (makeable / ".venv/ready").unlink()
    python, inner = makeable / "python", makeable / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\n[ "$2" = venv ] || exec {sys.executable} "$@"\n', encoding="utf-8")
    inner.write_text(f'#!/bin/sh\necho "$@" >> did\ncase "$*" in *torch-backend*) exit {int(not reached)};; esac\n', encoding="utf-8")
    python.chmod(0o755)
    one = make(makeable, ".venv/ready", f"PYTHON={python}")
    said, _ = one.communicate()
    _, first, second = (makeable / "did").read_text(encoding="utf-8").splitlines()
    assert first.endswith(f"--torch-backend cpu {TORCH}") and second.endswith("-r requirements.txt")
    assert one.returncode == 0 and ("cannot be reached" in said) != reached and "CPU build" in said


@pytest.mark.parametrize("what", ["old Python", "new Python"])
def test_make_says_which_python_it_needs(makeable, what):
    files, line = OUTSIDE[what]
    with_path(makeable / "aside", files)
    python = makeable / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={makeable / "aside"} exec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    (makeable / ".venv/ready").unlink()
    one = make(makeable, ".venv/ready", f"PYTHON={python}")
    said, _ = one.communicate()
    assert one.returncode != 0 and said.splitlines()[0] == line and "Traceback" not in said
