"""Every attack scores nothing, harms no other task and no other submission, leaves nothing behind, and ends in time."""

import ctypes
import json
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.texts import STEERS
from grader.verdicts import REPORT_KIB

from .. import ready
from ..notebooks import ROOT, answer_cell, grader, solution, tasks
from . import files, protocol, steal
from .attack import EXERCISE, FULL, IMPORTS
from .every import ATTACKS, LIMITS
from .known_limits import HOOKED, SEEN, UNSEEN

PR_SET_CHILD_SUBREAPER = 36
SECRET = steal.WORDS[0]
BOUND = 1200  # seconds for all attacks in the sandbox, on a busy machine
PERMANENT = ("/usr/lib", "/etc", "/srv")  # folders of the machine that nobody else writes to while the tests run

# Aimed at the grader's process: also without a sandbox. What times out for each task says nothing new there.
OPEN = [attack for attack in protocol.ATTACKS if "timed out" not in attack.attacked.values()]


@pytest.fixture(scope="module", autouse=True)
def heir():
    """What a grader leaves running becomes a child of this process."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def needs_sandbox():
    if shutil.which("bwrap") or os.environ.get("CI"):
        return
    pytest.skip("bubblewrap is not installed")


class Run:
    """One run of `grade` over files, and what the machine looked like around it."""

    def __init__(self, folder: Path, write, names, sandbox: str):
        self.home, self.scratch, handed_in = (folder / name for name in ("home", "scratch", "handed_in"))
        for each in (self.home, self.scratch, handed_in):
            each.mkdir()
        for place in (self.home, handed_in, folder):
            (place / "secret.txt").write_text(SECRET)
        paths = [handed_in / f"{name}.ipynb" for name in names]
        for path in paths:
            write(path)
        before, start = self.looks(folder), time.monotonic()
        environment = {**os.environ, "HOME": str(self.home), "TMPDIR": str(self.scratch), "SECRET_TOKEN": SECRET}
        environment["PYTHONPATH"], environment["XDG_CACHE_HOME"] = str(ROOT), str(self.scratch / "cache")
        self.done = grader("grade", *paths, "--json", folder / "report.json", "-j1", "--sandbox", sandbox, *LIMITS, cwd=folder, env=environment, timeout=2 * BOUND)
        self.seconds = time.monotonic() - start
        shutil.rmtree(self.scratch / "cache", ignore_errors=True)
        self.outside = before, self.looks(folder)
        self.text = (folder / "report.json").read_text() if (folder / "report.json").is_file() else ""
        (folder / "report.json").unlink(missing_ok=True)
        self.report = {Path(each["path"]).stem: each for each in json.loads(self.text or '{"submissions": []}')["submissions"]}

    def looks(self, folder):
        """Everything that an attack might change outside: files here and in shared folders."""
        seen = {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.name not in ("report.json",) and path.is_file()}
        for place in PERMANENT:
            seen |= {entry.path: 0 for entry in os.scandir(place)}
        return seen


def living_children() -> set[str]:
    """Children of this process that are not dead, once they have had a moment to end."""
    for _ in range(50):
        pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        alive = {pid for pid in {*pids} - ready.pids() if not re.search(r"\) [ZX] ", read(f"/proc/{pid}/stat"))}
        if not alive:
            break
        time.sleep(0.1)
    return alive


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ") X "


def attacked(folder, attacks, sandbox):
    """Grade each attack, and after it the solution."""
    notebooks, clean = {}, solution(EXERCISE)
    for number, attack in enumerate(attacks):
        notebooks[f"{number:03}"] = attack.notebook()
        notebooks[f"{number:03}_next"] = clean
    return Run(folder, lambda path: path.write_text(json.dumps(notebooks[path.stem])), notebooks, sandbox)


class Both:
    """Two runs side by side, of every other attack, as one."""

    def __init__(self, folder, attacks, sandbox):
        for name in ("even", "odd"):
            (folder / name).mkdir()
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda name, first: attacked(folder / name, attacks[first::2], sandbox), ("even", "odd"), (0, 1)))
        self.report = {f"{2 * int(name[:3]) + first:03}{name[3:]}": each for first, run in enumerate(runs) for name, each in run.report.items()}
        self.outside = [set(run.outside[0].items()) ^ set(run.outside[1].items()) for run in runs]
        self.outputs = [run.text + run.done.stdout + run.done.stderr for run in runs]
        self.codes = [run.done.returncode for run in runs]
        self.seconds = max(run.seconds for run in runs)


@pytest.fixture(scope="module")
def confined(tmp_path_factory):
    needs_sandbox()
    return Both(tmp_path_factory.mktemp("confined"), ATTACKS, "bwrap")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Both(tmp_path_factory.mktemp("plain"), OPEN, "none")


def both(test):
    """Run a test on every attack in the sandbox, and on those on the grader's process without one, too."""
    cases = [pytest.param("confined", number, id=f"{attack}") for number, attack in enumerate(ATTACKS)]
    cases += [pytest.param("plain", number, id=f"{attack}, no sandbox") for number, attack in enumerate(OPEN)]
    return pytest.mark.parametrize(("run", "number"), cases)(test)


def one_of(run, number, request):
    attack = (ATTACKS if run == "confined" else OPEN)[number]
    return attack, request.getfixturevalue(run).report, f"{number:03}"


@both
def test_an_attack_scores_nothing_and_costs_nothing_else(run, number, request):
    attack, report, name = one_of(run, number, request)
    found = tasks(report[name])
    for task, verdict in attack.losses.items():
        assert found[task]["points"] == 0
        verdicts = (verdict,) if isinstance(verdict, str) else verdict
        # A notebook that reaches into the grader is found out before; on a busy machine an attack may only reach its time limit.
        assert found[task]["status"] in (*verdicts, "forbidden", "timed out")
    others = {task: found[task]["status"] if task in found else "not reported" for task in tasks(report[f"{name}_next"]) if task not in attack.losses}
    assert others == dict.fromkeys(others, "passed")


@both
def test_an_attack_is_named_in_a_note(run, number, request):
    attack, report, name = one_of(run, number, request)
    assert not attack.note or re.search(f"{attack.note}|timed out", " ".join(report[name]["notes"])), report[name]["notes"]


@both
def test_the_next_submission_scores_as_alone(run, number, request):
    _, report, name = one_of(run, number, request)
    assert report[f"{name}_next"]["points"] == FULL, {task: each["status"] for task, each in tasks(report[f"{name}_next"]).items()}


@pytest.mark.parametrize("run", ["confined", "plain"])
def test_nothing_outside_has_changed(run, request):
    assert request.getfixturevalue(run).outside == [set(), set()]
    assert not [path for attack in ATTACKS for path in attack.gone if os.path.exists(path)]


def test_no_process_is_left(confined, plain):
    assert not living_children()


@pytest.mark.parametrize("run", ["confined", "plain"])
def test_the_run_ends_as_ever(run, request):
    assert request.getfixturevalue(run).codes == [0, 0]


@pytest.mark.parametrize("word", steal.WORDS)
def test_no_secret_is_in_the_report(confined, word):
    assert not [output for output in confined.outputs if word in output]


def test_nothing_from_a_notebook_steers_the_terminal(confined):
    assert not set("".join(confined.outputs)) & set("\x1b\x07\x9b")


def test_all_attacks_end_in_time(confined):
    assert confined.seconds < BOUND


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    needs_sandbox()
    names = {file.name: file for file in files.FILES} | {"zz_neighbour": files.File("", json.dumps(files.SOLVED))}
    return Run(tmp_path_factory.mktemp("files"), lambda path: names[path.stem].write(path), names, "bwrap")


@pytest.mark.parametrize("file", files.FILES, ids=str)
def test_an_odd_file_is_refused_or_graded_as_what_it_holds(handed_in, file):
    result = handed_in.report[file.name]
    assert result["points"] == (file.points or 0)
    assert bool(result["error"]) == (file.points is None)
    assert "\n" not in result["error"]
    assert len(json.dumps(result, indent=1)) <= REPORT_KIB * 1024


def test_nothing_in_a_file_steers_the_terminal_or_fills_the_report(handed_in):
    assert not [text for text in (handed_in.done.stdout, handed_in.done.stderr, *strings(handed_in.report)) if STEERS.search(text)]
    assert len(handed_in.done.stderr) < 300 * len(files.FILES)


def strings(nest):
    """Every text in a nest of JSON."""
    if isinstance(nest, str):
        yield nest
    for inner in nest.values() if isinstance(nest, dict) else nest if isinstance(nest, list) else ():
        yield from strings(inner)


def test_the_neighbour_of_odd_files_is_unharmed(handed_in):
    assert handed_in.report["zz_neighbour"]["points"] == FULL
    assert handed_in.outside[0] == handed_in.outside[1]


@pytest.fixture(scope="module")
def disguises(tmp_path_factory):
    needs_sandbox()

    def write(path):
        notebook = solution(EXERCISE)
        answer_cell(notebook, "linear").source = IMPORTS + {**SEEN, **UNSEEN}[path.stem]
        path.write_text(json.dumps(notebook))

    return Run(tmp_path_factory.mktemp("limits"), write, [*SEEN, *UNSEEN], "bwrap").report


@pytest.mark.parametrize("disguise", SEEN)
def test_a_forbidden_call_is_seen_through_a_disguise(disguises, disguise):
    linear = tasks(disguises[disguise])["linear"]
    assert (linear["status"], linear["points"]) == ("forbidden", 0)


@pytest.mark.parametrize("disguise", UNSEEN)
def test_a_forbidden_call_is_not_seen_through_these_disguises(disguises, disguise):
    """The present state, not a wish: see known_limits. A person is told where to look."""
    assert tasks(disguises[disguise])["linear"]["points"] > 0
    assert disguises[disguise]["flags"]


def test_a_hook_that_meets_the_question_is_named(disguises):
    assert "IPython.pre_run_cell" in " ".join(disguises[HOOKED]["flags"])
