"""Many machines: a scheduler and its workers are processes of their own, reached through the loopback. Whatever happens to them, the report is that of
one machine, to the byte."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from .notebooks import ROOT, answered, exercise, grader, solution
from .test_many import SLEEPER, await_results, start, write

SEED = "--seed", 8, "--regrade"
KILLS_ITS_ROOM = """
import os

def linear(x, weight, bias=None):
    return x @ weight.T

above = os.getpid()
while above > 1:
    with open(f"/proc/{above}/stat") as stat:
        parent = int(stat.read().rpartition(")")[2].split()[1])
    with open(f"/proc/{above}/cmdline") as words:
        if "grader.rooms" in words.read():
            os.kill(above, 9)
    above = parent
"""
SLOW = SLEEPER.replace("sleep(3)", "sleep(1)")


@pytest.fixture(scope="module", autouse=True)
def dask():
    if not importlib.util.find_spec("distributed"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Dask is not installed here: pip install -e .[cluster]")


class Machines:
    """A scheduler and workers."""

    def __init__(self, folder: Path, protocol="tcp"):
        self.folder, self.processes, self.protocol = folder, {}, protocol
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"{protocol}://127.0.0.1:{self.port}"

    def start(self, kind, *words, name, **environment):
        tmp = self.folder / name
        tmp.mkdir(exist_ok=True)
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, words)]
        with open(self.folder / f"{name}.log", "a") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=tmp, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(tmp), **environment}
            )

    def scheduler(self):
        self.start("scheduler", "--host", "127.0.0.1", "--port", self.port, "--protocol", self.protocol, "--no-dashboard", name="scheduler")

    def worker(self, name, **environment):
        self.start("worker", self.address, "--no-nanny", "--nthreads", 1, "--name", name, "--no-dashboard", name=name, **environment)

    def kill(self, *names):
        for name in names:
            process = self.processes.pop(name)
            below = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
            psutil.wait_procs(below, timeout=30)

    def await_workers(self, count):
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def rooms(self, name) -> list[psutil.Process]:
        return psutil.Process(self.processes[name].pid).children()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """A scheduler and a worker, for all tests; those that end some have their own."""
    running = Machines(tmp_path_factory.mktemp("machines"))
    running.scheduler()
    running.worker("one")
    yield running
    running.kill(*running.processes)


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory):
    """A folder of notebooks of all kinds, with the reports of a run on this machine alone."""
    folder = tmp_path_factory.mktemp("one")
    write(folder / "work", {f"slow{number}": answered("01_formula", {"linear": SLOW}) for number in range(3)})
    write(folder / "work/x.ipynb", {"a": solution("01_formula"), "mk[z] \x1b[2J": exercise("02_init")})
    write(folder / "work", {"dies": answered("01_formula", {"linear": "import os\ndef linear(x, weight, bias=None):\n    os._exit(1)"})})
    (folder / "work/torn.ipynb").write_text('{"cells": [')
    (folder / "work/link.ipynb").symlink_to("torn.ipynb")
    (folder / "work/large.ipynb").write_bytes(b" " * (50 * 2**20 + 1))
    assert graded(folder, "-j", 2).returncode == 1
    return folder, reports(folder)


def graded(folder, *options, env=None):
    return grader("grade", "work", "-j", 1, *SEED, "--json", "r.json", "--junit", "r.xml", *options, cwd=folder, env=env)


def begin(folder, *options):
    for name in ("r.json", "r.xml"):
        (folder / name).unlink(missing_ok=True)
    return start("grade", "work", "-j", 1, *SEED, "--json", "r.json", "--junit", "r.xml", *options, cwd=folder)


def reports(folder):
    return (folder / "r.json").read_text(), (folder / "r.xml").read_text()


def test_two_workers_give_the_report_of_one_machine_and_one_that_is_another_is_refused_by_name(machines, one_machine):
    folder, due = one_machine
    course = machines.folder / "course"
    for name in ("grader", "solutions"):
        shutil.copytree(ROOT / name, course / name)
    with open(course / "grader/catalogue/init/__init__.py", "a") as file:
        file.write("# another\n")
    machines.worker("two")
    machines.worker("outdated", PYTHONPATH=str(course))
    machines.await_workers(3)
    done = graded(folder, "--cluster", machines.address)
    assert (done.returncode, reports(folder)) == (1, due), done.stderr
    lines = [line for line in done.stderr.splitlines() if "not used" in line]
    assert len(lines) == 1 and "Worker outdated at tcp://127.0.0.1:" in lines[0] and "catalogue" in lines[0] and "grader " not in lines[0]
    assert [machines.rooms(name) for name in ("one", "two", "outdated")] == [[], [], []]
    machines.kill("two", "outdated")


def test_where_no_worker_will_do_nothing_begins(machines, one_machine):
    folder, due = one_machine
    before = reports(folder)
    other = "avx2" if os.environ.get("ATEN_CPU_CAPABILITY") == "default" else "default"
    done = graded(folder, "--cluster", machines.address, env={**os.environ, "ATEN_CPU_CAPABILITY": other})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert reports(folder) == before  # which are not emptied for a run that does not begin
    named, refused = done.stderr.splitlines()
    assert "Worker one" in named and f"here ATEN_CPU_CAPABILITY={other}" in named and "none of its workers will do" in refused


def test_a_worker_killed_in_the_middle_and_one_that_joins_change_nothing(machines, one_machine):
    folder, due = one_machine
    machines.worker("killed")
    machines.await_workers(2)
    process = begin(folder, "--cluster", machines.address)
    await_results(folder / "r.json", 4)
    machines.kill("killed")
    machines.worker("late")
    _, error = process.communicate(timeout=120)
    assert (process.returncode, reports(folder)) == (1, due), error
    machines.kill("late")


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """Dask's settings for TLS, with a certificate for all, as on the page *On many machines*; which protocol that is."""
    if not shutil.which("openssl"):
        return "tcp"
    command = "openssl req -x509 -newkey rsa:3072 -nodes -days 200 -subj /CN=grading -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    settings = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true", f"{tls}CA_FILE": tmp_path / "cert.pem"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{tls}{role}__CERT": tmp_path / "cert.pem", f"{tls}{role}__KEY": tmp_path / "key.pem"}
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))
    return "tls"


def test_a_restarted_scheduler_with_new_workers_changes_nothing(tmp_path, one_machine, certificates, request):
    folder, due = one_machine
    machines = Machines(tmp_path, certificates)
    request.addfinalizer(lambda: machines.kill(*machines.processes))
    machines.scheduler()
    machines.worker("one")
    process = begin(folder, "--cluster", machines.address)
    await_results(folder / "r.json", 4)
    machines.kill("scheduler")
    machines.scheduler()
    machines.worker("two")
    _, error = process.communicate(timeout=120)
    assert (process.returncode, reports(folder)) == (1, due), error


def test_a_notebook_that_takes_workers_down_is_given_up_and_costs_nobody_else_anything(machines, tmp_path):
    write(tmp_path / "work", {"kills": answered("01_formula", {"linear": KILLS_ITS_ROOM}), "a": exercise("01_formula"), "z": solution("01_formula")})
    done = graded(tmp_path, "--cluster", machines.address, "--sandbox", "none")
    results = {Path(each["path"]).stem: each for each in json.loads(reports(tmp_path)[0])["submissions"]}
    assert done.returncode == 1 and {name: each["points"] for name, each in results.items()} == {"a": 0, "kills": 0, "z": 22}
    assert [name for name, each in results.items() if each["error"]] == ["kills"] and "failed on it, twice" in results["kills"]["error"]


def test_ctrl_c_leaves_a_valid_report_and_nothing_on_workers(machines, tmp_path):
    write(tmp_path / "work", {"a": solution("01_formula"), "endless": answered("01_formula", {"linear": "while True: pass"})})
    before = set((machines.folder / "one").glob("grader-*"))
    process = begin(tmp_path, "--cluster", machines.address, "-j", 2)
    await_results(tmp_path / "r.json", 1)
    rooms = machines.rooms("one")
    started = [below for room in rooms for below in (room, *room.children(recursive=True))]
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130 and "1 of 2" in error and "Traceback" not in error
    assert rooms and psutil.wait_procs(started, timeout=5)[1] == [] and machines.processes["one"].poll() is None
    assert set((machines.folder / "one").glob("grader-*")) <= before  # what rooms that were killed left, the next grader there removes


def test_where_nobody_listens_is_said_in_a_line_within_seconds(tmp_path):
    write(tmp_path / "work", {"a": exercise("01_formula")})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        begun = time.monotonic()
        done = grader("grade", "work", "--cluster", f"tcp://127.0.0.1:{taken.getsockname()[1]}", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "no scheduler answers" in done.stderr and time.monotonic() - begun < 20
    for address in ("nowhere", "tls://127.0.0.1:1"):
        done = grader("grade", "work", "--cluster", address, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--cluster" in done.stderr, done.stderr


def test_a_cluster_of_this_machine_alone(one_machine):
    folder, due = one_machine
    done = graded(folder, "--cluster", "local")
    assert (done.returncode, reports(folder)) == (1, due), done.stderr


def test_a_report_without_a_class_in_memory_is_in_order(tmp_path):
    """Parts lie in the file alone until it is put in order; what cannot be written leaves a whole document."""
    from grader.kernels.limits import Limits
    from grader.reports.machine import JsonReport, facts_of
    from grader.verdicts import SubmissionResult

    path = tmp_path / "r.json"
    report = JsonReport(path, facts_of(1, "cpu", Limits()))
    report.begin()
    for name in ("c", "a", "b", "a"):
        report.add(SubmissionResult(name, "", 0, 0, error=f"{name} " * 9))
        assert json.loads(path.read_text())["submissions"][-1]["path"] == name
    report.close()
    assert [each["path"] for each in json.loads(path.read_text())["submissions"]] == ["a", "b", "c"]
    assert list(tmp_path.iterdir()) == [path]
