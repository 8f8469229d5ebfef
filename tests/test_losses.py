"""What the machine kills at any moment of a run is replaced: the report is that of a run in which nothing happened."""

import json
import os
import random
import shutil
import signal
import time

import psutil
import pytest

from .notebooks import answered, solution
from .test_many import start, templates, write

RUNS = int(os.environ.get("RUNS", 1))  # for each that is killed
WRONG = "def linear(x, weight, bias=None):\n    import time\n    time.sleep(0.05)\n    return x @ weight"
DIES = "import os\ndef linear(x, weight, bias=None):\n    os._exit(1)"
pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    write(folder / "work", {"a": solution("02_init"), "b": answered("01_formula", {"linear": WRONG}), "c": answered("01_formula", {"linear": DIES}), "d": solution("01_formula")})
    return folder


def graded(folder, disturb=None):
    """The report of a run, its exit code, and how many seconds it took."""
    begin = time.monotonic()
    process = start("grade", "work", "-j", 1, "--seed", 5, "--json", "r.json", "--regrade", cwd=folder)
    if disturb:
        disturb(process)
    _, error = process.communicate(timeout=600)
    assert "Traceback" not in error, error
    return json.loads((folder / "r.json").read_text()), process.returncode, time.monotonic() - begin


@pytest.fixture(scope="module")
def undisturbed(work):
    return graded(work)


def victims(process, kind):
    """The processes of a kind that a run has now."""
    below = psutil.Process(process.pid).children()
    if kind == "worker":
        return [each for each in below if "bwrap" not in each.name()]
    inner = [each for bwrap in templates(process) for each in bwrap.children()]  # bubblewrap's own first process in the sandbox
    return templates(process) if kind == "bwrap" else [each for bwrap in inner for each in bwrap.children()]


@pytest.mark.parametrize("kind", ["bwrap", "template", "worker"])
@pytest.mark.parametrize("number", range(RUNS))
def test_a_run_in_which_one_process_is_killed_ends_as_any_other(work, undisturbed, kind, number):
    report, code, seconds = undisturbed
    moment = random.uniform(0, seconds)

    def disturb(process):
        time.sleep(moment)
        try:
            for each in victims(process, kind):
                each.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:  # it was quicker
            pass

    assert graded(work, disturb)[:2] == (report, code), f"{kind} killed after {moment:.2f} s of {seconds:.2f} s"


def test_a_trial_of_the_sandbox_that_is_killed_is_made_again(work, undisturbed):
    """It is the first that a run starts."""

    def disturb(process):
        while not (found := victims(process, "bwrap")) and process.poll() is None:
            time.sleep(0.005)
        for each in found:
            each.kill()

    assert graded(work, disturb)[:2] == undisturbed[:2]


def test_bubblewrap_that_is_killed_before_its_child_is_tied_to_it_leaves_nothing_behind(work, undisturbed, tmp_path, monkeypatch):
    """One of straw: its child, which holds all that it was given, waits for what will never come."""
    (tmp_path / "bwrap").write_text(
        f'#!/bin/sh\ncase "$*" in *kernels.template*) [ -e {tmp_path}/killed ] || {{ touch {tmp_path}/killed; sleep 3210 & kill -9 $$; }};; esac\n'
        f'exec {shutil.which("bwrap")} "$@"\n'
    )  # fmt: skip
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert graded(work)[:2] == undisturbed[:2] and (tmp_path / "killed").exists()
    assert not [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "3210"]]
