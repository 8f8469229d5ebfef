"""Many notebooks, by several workers: what is shown, kept and left when things are interrupted, killed or repeated."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from grader import workers
from grader.kernels import warm

from .notebooks import ROOT, answered, exercise, grader, solution

SLEEPER = "import time\ntime.sleep(3)\ndef linear(x, weight, bias=None):\n    return x @ weight"
pytestmark = pytest.mark.usefixtures("sandbox")


def write(folder: Path, notebooks: dict):
    folder.mkdir(parents=True, exist_ok=True)
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def several(folder: Path, count: int) -> Path:
    return write(folder, {f"{number:02}": solution("01_formula") for number in range(count)})


def start(*arguments, cwd):
    """A run that can be stopped by Ctrl-C and the like, even where these tests themselves cannot."""
    return subprocess.Popen(
        [sys.executable, "-m", "grader", *map(str, arguments)], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)],
    )  # fmt: skip


def await_results(report: Path, count: int):
    """Wait until a growing report holds some results; what it holds. It can be read at any moment."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if report.exists() and len(found := json.loads(report.read_text())["submissions"]) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError("no results came")


def templates(process) -> list[psutil.Process]:
    """The processes below a run that kernels are forked from: of those that import torch in the sandbox, the innermost but the kernels."""
    return [child for child in psutil.Process(process.pid).children() if "bwrap" in child.name()]

def test_the_number_of_workers_makes_no_difference(tmp_path):
    write(tmp_path, {"a": solution("02_init"), "b": exercise("01_formula"), "c": answered("01_formula", {"linear": SLEEPER})})
    reports = []
    for jobs in (1, 3):
        done = grader("grade", ".", "-j", jobs, "--seed", 4, "--regrade", "--json", f"{jobs}.json", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        reports.append(json.loads((tmp_path / f"{jobs}.json").read_text()))
    assert reports[0] == reports[1]

def test_patterns_and_folders_are_looked_through_and_each_notebook_graded_once(tmp_path):
    write(tmp_path / "one", {"01_formula": exercise("01_formula"), "02_init": exercise("02_init")})
    write(tmp_path / "two", {"01_formula": exercise("01_formula")})
    done = grader("grade", "*/01*.ipynb", "two", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.count("0 / 22") == 2 and "02_init" not in done.stdout
    assert grader("grade", "*/09*.ipynb", cwd=tmp_path).returncode == 2

def test_what_has_not_changed_is_not_graded_again(tmp_path):
    """The answer says something else each time it is asked."""
    write(tmp_path, {"a": answered("01_formula", {"linear": "import os\ndef linear(x, weight, bias=None):\n    raise ValueError(os.urandom(8).hex())"})})
    write(tmp_path, {"b": solution("01_formula")})

    def graded(*options):
        done = grader("grade", ".", "--seed", 7, "--json", "report.json", *options, cwd=tmp_path)
        assert done.returncode == 0 and "22 / 22" in done.stdout
        return (tmp_path / "report.json").read_text()

    first = graded()
    assert stat.S_IMODE(Path(os.environ["XDG_CACHE_HOME"], "linear-grader").stat().st_mode) == 0o700  # it holds names and marks
    assert graded() == first != graded("--regrade")
    write(tmp_path, {"a": solution("01_formula")})
    assert '"points": 0' in first and '"points": 0' not in graded()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopping_leaves_valid_reports_of_what_is_done_and_nothing_else(tmp_path, how):
    several(tmp_path / "work", 6)
    write(tmp_path / "work", {"99": answered("01_formula", {"linear": "while True: pass"})})
    (tmp_path / "tmp").mkdir()
    before = set(psutil.pids())
    os.environ["TMPDIR"] = str(tmp_path / "tmp")
    try:
        process = start("grade", "work", "-j", 1, "--json", "r.json", "--junit", "r.xml", cwd=tmp_path)
    finally:
        del os.environ["TMPDIR"]
    await_results(tmp_path / "r.json", 6)
    process.send_signal(how)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130 and "6 of 7" in error and "Traceback" not in error
    assert len(json.loads((tmp_path / "r.json").read_text())["submissions"]) == 6
    assert (tmp_path / "r.xml").read_text().count("</testsuite>") == 6
    assert list((tmp_path / "tmp").iterdir()) == []
    time.sleep(1)
    left = [each for each in psutil.process_iter(["cmdline"]) if each.pid not in before and "grader" in " ".join(each.info["cmdline"] or [])]
    assert [each.info["cmdline"] for each in left if str(tmp_path) in str(each.info["cmdline"])] == []

def test_what_a_killed_run_leaves_is_removed_by_the_next(tmp_path, monkeypatch):
    several(tmp_path / "work", 1)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    process = start("grade", "work", "--json", "r.json", cwd=tmp_path)
    await_results(tmp_path / "r.json", 0)
    while not any((tmp_path / "tmp").iterdir()) and process.poll() is None:
        time.sleep(0.01)
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=30)
    psutil.wait_procs(below, timeout=30)
    left, own = list((tmp_path / "tmp").iterdir()), tmp_path / "tmp/grader-homework"
    own.mkdir()
    for folder in (*left, own):
        os.utime(folder, (0, 0))  # as if it had lain there for long
    assert left and grader("grade", "work", cwd=tmp_path).returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == [own]


@pytest.mark.parametrize("victim", ["template", "worker"])
def test_what_the_machine_kills_is_replaced_and_nobody_loses_a_point(tmp_path, victim):
    several(tmp_path / "work", 5)
    write(tmp_path / "work", {"00": answered("01_formula", {"linear": SLEEPER})})
    process = start("grade", "work", "-j", 1, "--json", "r.json", "--regrade", cwd=tmp_path)
    await_results(tmp_path / "r.json", 0)  # until the sandbox has been tried: the trial holds a process that looks like a kernel
    deadline = time.monotonic() + 240
    kernels = []
    while not kernels and process.poll() is None and time.monotonic() < deadline:  # until the first notebook is at work
        time.sleep(0.1)
        kernels = [each for each in psutil.Process(process.pid).children(recursive=True) if _is_kernel(each)]
    found = templates(process) if victim == "template" else [each for each in psutil.Process(process.pid).children() if "bwrap" not in each.name()]
    for each in found:
        each.kill()
    out, error = process.communicate(timeout=120)
    points = [each["points"] for each in json.loads((tmp_path / "r.json").read_text())["submissions"]]
    assert process.returncode == 0 and points == [0, 22, 22, 22, 22], error

def _is_kernel(process) -> bool:
    """Whether a process is the first of a namespace within the template's, and not bubblewrap's."""
    try:
        if not process.name().startswith("python"):
            return False
        line = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("NSpid"))
    except (psutil.Error, OSError):  # it has ended meanwhile
        return False
    return line.split()[-1] == "1" and len(line.split()) > 3

def _is_at_work(kernel) -> bool:
    """Whether a kernel without a sandbox has reached its folder."""
    try:
        return Path(kernel.cwd()).name == "work"
    except (psutil.Error, OSError):  # it has ended meanwhile
        return False


def test_how_a_kernel_ended_is_heard_though_a_question_to_it_was_on_its_way():
    """Linux drops the unread question, and says so before it hands out what was said earlier."""
    provisioner = warm.WarmProvisioner()
    provisioner.lifeline, template = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    template.send(b"gone")
    provisioner.lifeline.send(b"time")
    template.close()
    with provisioner.lifeline:
        assert [provisioner._hear(), provisioner._hear()] == ["gone", ""]


def test_watching_grades_a_notebook_whenever_it_is_saved(tmp_path):
    notebook = write(tmp_path, {"mine": exercise("01_formula")}) / "mine.ipynb"
    process = start("check", notebook, "--watch", cwd=tmp_path)
    try:
        assert "0 of 22 points" in _next_verdict(process)
        nbformat.write(solution("01_formula"), notebook)
        assert "22 of 22 points" in _next_verdict(process)
    finally:
        process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert "Traceback" not in error

def _next_verdict(process):
    return next(line for line in process.stdout if " points" in line)

@pytest.fixture
def without_bwrap(tmp_path):
    """The environment of a machine without bubblewrap."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("env", "sh"):
        (programs / name).symlink_to(shutil.which(name))
    return {**os.environ, "PATH": str(programs)}

@pytest.mark.parametrize("command", [["-m", "grader", "grade"], ["-m", "pytest", "--grade"]], ids=["grade", "pytest"])
def test_others_work_is_refused_without_a_sandbox_in_one_line_that_says_the_cure(tmp_path, without_bwrap, command):
    from .notebooks import run

    folder = several(tmp_path / "work", 1)
    done = run(*command, folder, cwd=tmp_path, env=without_bwrap)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "apt install bubblewrap" in done.stderr and "--sandbox none" in done.stderr
    assert "22 / 22" not in done.stdout

def test_ones_own_work_and_what_is_asked_for_by_name_need_no_sandbox(tmp_path, without_bwrap):
    folder = several(tmp_path / "work", 1)
    assert "22 / 22" in grader("grade", folder, "--sandbox", "none", env=without_bwrap).stdout
    assert "22 / 22" in grader("grade", ROOT / "solutions/01_formula.ipynb", env=without_bwrap).stdout
    assert "22 of 22" in grader("check", folder / "00.ipynb", env=without_bwrap).stdout
    assert "bubblewrap is not installed" in grader("doctor", env=without_bwrap).stdout

@pytest.mark.parametrize("setting", ["cell", "cell=", "cell=0", "cell=ten", "nonsense=3", "files=1.5"])
def test_a_limit_that_is_none_is_refused(setting):
    done = grader("grade", "solutions", "--limit", setting)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--limit" in done.stderr

def test_a_killed_template_takes_its_kernels_along_even_without_a_sandbox(tmp_path):
    sleeper = answered("01_formula", {"linear": "import time\nfor _ in range(100): time.sleep(1)"})
    write(tmp_path / "work", {"00": sleeper})
    process = start("grade", "work", "-j", 1, "--json", "r.json", "--sandbox", "none", "--limit", "cell=4", cwd=tmp_path)
    deadline, kernels = time.monotonic() + 60, []
    while not kernels and time.monotonic() < deadline:
        time.sleep(0.1)
        template = [each for each in psutil.Process(process.pid).children() if "grader.kernels.template" in each.cmdline()]
        kernels = [kernel for each in template for kernel in each.children() if _is_at_work(kernel)]
    template[0].kill()
    _, still_there = psutil.wait_procs(kernels, timeout=3)
    assert still_there == []
    process.communicate(timeout=60)
    assert process.returncode == 0

def test_a_notebook_that_takes_the_grader_itself_too_long_is_given_up(tmp_path, monkeypatch):
    write(tmp_path, {"slow": answered("01_formula", {"linear": SLEEPER.replace("3", "25")}), "well": solution("01_formula")})
    setting = warm.Setting()
    paths = {name: (tmp_path / f"{name}.ipynb", name) for name in ("slow", "well")}
    try:
        with workers.Pool(1, 0, setting) as pool:
            assert [result.points for result in pool.grade([paths["well"]])] == [22]  # the template is there now
            results = pool.grade([paths["slow"], paths["well"]])
            monkeypatch.setattr(workers, "OVERTIME", -1.0)  # whatever it has computed is too much
            slow = next(results)
            monkeypatch.undo()
            well = next(results)
    finally:
        warm.close_templates()
    assert "not done with it in time" in slow.error and well.points == 22
