"""What lies beside a notebook, what it is called, what it is a link to, and what it writes: nothing is imported, followed, hidden, or read as an option."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from grader.texts import STEERS

from .notebooks import answered, exercise, grader, run, solution

EXERCISE = "01_formula"
SOLVED, UNSOLVED = (nbformat.writes(make(EXERCISE)) for make in (solution, exercise))
CODE = ("secrets.py", "nbformat.py", "rich.py", "sitecustomize.py", "conftest.py", "__init__.py", "test_alice.py")  # names that somebody imports
ODD = ["@args.ipynb", "-k.ipynb", "--json=victim.ipynb", "a[1].ipynb", "mk[/z].d/a.ipynb", "[bold]b.ipynb", "p::q.ipynb", "with space.ipynb", "größe.ipynb"]
STEERING = ["e\x1b[2J\x1b]0;x\x07.ipynb", "x.ipynb   22 of 22   all\ny.ipynb", "\u202ebpynb.a.ipynb", os.fsdecode(b"bad_\xff.ipynb")]
REFUSED = ["dangling.ipynb", "evil/01_formula.ipynb", "fifo.ipynb", "mallory/01_formula.ipynb"]
SEED = ("--seed", "3")


def hostile_code(folder, mark):
    for name in CODE:
        (folder / name).write_text(f"open({str(mark)!r}, 'a').write('{name} ')\nraise ImportError")


class Graded:
    """A folder as it may be handed in, graded twice from within with a strict standard output; in between, the cache is spoilt."""

    def __init__(self, folder):
        self.folder, self.mark = folder / "submissions", folder / "ran"
        for name in ("victim", "alice", "mallory", "mk[/z].d"):
            (self.folder / name).mkdir(parents=True)
        for name in ("victim/01_formula.ipynb", "victim.ipynb", *ODD, *STEERING):
            (self.folder / name).write_text(SOLVED, encoding="utf-8")
        (self.folder / "alice/01_formula.ipynb").write_text(UNSOLVED, encoding="utf-8")
        hostile_code(self.folder, self.mark)
        hostile_code(self.folder / "alice", self.mark)
        (self.folder / "dangling.ipynb").symlink_to("gone.ipynb")
        (self.folder / "evil").symlink_to("victim")
        (self.folder / "mallory/01_formula.ipynb").symlink_to("../victim/01_formula.ipynb")
        for name in "ab":
            (self.folder / "alice" / name).symlink_to(".")  # a way without end
        os.mkfifo(self.folder / "fifo.ipynb")
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONIOENCODING": "utf-8:strict"}
        self.runs = [self.grade(folder / "1")]
        self.spoil(sorted((folder / "cache").rglob("*.json")))
        self.runs.append(self.grade(folder / "2"))

    def grade(self, out):
        out.mkdir()
        paths = [*sorted(path.name for path in self.folder.glob("*.ipynb")), "*/01*.ipynb", "**/a.ipynb"]
        reports = "--json", out / "report.json", "--junit", out / "report.xml"
        done = grader("grade", *paths, *SEED, *reports, cwd=self.folder, env=self.environment)
        return done, (out / "report.json").read_text(encoding="utf-8"), (out / "report.xml").read_text(encoding="utf-8")

    @staticmethod
    def spoil(entries):
        assert len(entries) >= 12
        kept = json.loads(entries[0].read_text())
        kept |= {"points": 21}  # somebody else's sum
        unknown = json.loads(entries[1].read_text())
        unknown["tasks"][0] |= {"status": ["passed"]}
        fewer = json.loads(entries[2].read_text())
        fewer["tasks"] = fewer["tasks"][:1]
        texts = [json.dumps(kept), json.dumps(unknown), json.dumps(fewer), "[" * 100_000, "{}", "[1]", "\x00\xff", entries[0].read_text()[:999]]
        for entry, text in zip(entries, texts):
            entry.write_text(text)
        for entry in entries[8:11]:
            entry.unlink()
        os.mkfifo(entries[8])
        entries[9].mkdir()
        entries[10].symlink_to(entries[11])


@pytest.fixture(scope="module")
def graded(tmp_path_factory, sandbox):
    return Graded(tmp_path_factory.mktemp("hostile"))


def test_python_files_beside_notebooks_are_never_imported(graded):
    assert [done.returncode for done, *_ in graded.runs] == [1, 1]
    assert not graded.mark.exists()


def test_odd_names_are_graded_and_odd_files_and_links_refused(graded):
    """None of them hides the others, none is read as an option, and no link is followed: not by pattern, not on a second run."""
    for done, report, _ in graded.runs:
        assert sorted(line.split(":")[0] for line in done.stderr.strip().splitlines()) == REFUSED
        assert done.stdout.count("22 / 22   all 6") == len([*ODD, *STEERING, "victim", "victim/01"])
        assert len(json.loads(report)["submissions"]) == len([*ODD, *STEERING, *REFUSED, "victim", "victim/01", "alice"])
    assert (graded.folder / "victim.ipynb").read_text(encoding="utf-8") == SOLVED


def test_a_name_steers_neither_a_terminal_nor_a_report(graded):
    done, report, junit = graded.runs[0]
    paths = [each["path"] for each in json.loads(report)["submissions"]]
    suites = [suite.get("name") for suite in ElementTree.fromstring(junit.encode())]
    assert not [text for text in (done.stdout, done.stderr, junit, *paths, *suites) if STEERS.search(text)]
    assert not [path for path in paths if "\n" in path] and len(set(paths)) == len(paths)
    for name in (r"e\x1b[2J\x1b]0;x\x07.ipynb", r"x.ipynb   22 of 22   all\ny.ipynb", r"\u202ebpynb.a.ipynb", r"bad_\udcff.ipynb"):
        assert name in paths and name in suites and name in done.stdout


def test_a_spoilt_cache_changes_nothing(graded):
    (first, *reports), (second, *again) = graded.runs
    assert (first.stdout, first.stderr, reports) == (second.stdout, second.stderr, again)


def test_a_full_disk_behind_standard_output_is_said_in_a_line_and_the_seed_with_it(graded, tmp_path):
    command = [sys.executable, "-m", "grader", "grade", "victim", *SEED, "--json", str(tmp_path / "report.json")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=graded.folder, env=graded.environment, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "No space left" in done.stderr and "seed 3" in done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["submissions"][0]["points"] == 22


@pytest.mark.parametrize(
    "words, reason",
    [
        (["alice", "--json", "report.json"], "a link"),
        (["alice", "--json", "victim.ipynb"], "the name of a notebook"),
        (["alice", "--regrade"], "--regrade: a file here has the name of this option"),
        (["alice", "-\x1b[2J"], r"-\x1b[2J"),
    ],
)
def test_no_report_is_written_through_a_link_or_over_a_notebook_and_no_file_is_an_option(graded, words, reason):
    target = graded.folder / "report.json"
    if not target.is_symlink():
        target.symlink_to("victim.ipynb")
        (graded.folder / "--regrade").touch()
    done = grader("grade", *words, *SEED, cwd=graded.folder)
    assert done.returncode == 2 and reason in done.stderr and not STEERS.search(done.stderr)
    assert (graded.folder / "victim.ipynb").read_text(encoding="utf-8") == SOLVED


def test_the_installed_command_takes_no_folder_for_the_grader(tmp_path):
    """`python -m grader` does, before any of ours runs; the page *What to trust it with* says so."""
    hostile_code(tmp_path, tmp_path / "ran")
    (tmp_path / "grader").mkdir()
    hostile_code(tmp_path / "grader", tmp_path / "ran")
    command = Path(sys.executable).with_name("linear")
    if not command.exists() and not os.environ.get("CI"):
        pytest.skip("the grader was installed before it had a command: run make")
    done = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "grade" in done.stdout and not (tmp_path / "ran").exists()


def test_pytest_reads_no_code_and_no_settings_beside_notebooks(tmp_path):
    hostile_code(tmp_path, tmp_path / "ran")
    (tmp_path / "e\x1b[2J.ipynb").write_text(UNSOLVED, encoding="utf-8")
    words = "--grade", ".", "-q", "-p", "no:cacheprovider"
    pytest_alone = "-P", "-m", "pytest"  # as `pytest` does it; `python -m pytest` looks for modules where it is started
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --grade-sandbox=none\n")
    refused = run(*pytest_alone, *words, cwd=tmp_path)
    assert refused.returncode == 4 and "reads no settings" in refused.stderr
    done = run(*pytest_alone, *words, "-c", os.devnull, cwd=tmp_path)
    assert "0 / 22" in done.stdout and r"e\x1b[2J.ipynb" in done.stdout and not STEERS.search(done.stdout)
    assert not (tmp_path / "ran").exists()


def test_an_exception_cannot_steer_the_terminal(tmp_path):
    source = "def linear(x, weight, bias=None):\n    raise ValueError('\\x1b[2J\\x1b]0;title\\x07 all [green]22 of 22[/] points')"
    odd = "def output_shape(*a, **k):\n    return type('\\x1b[2J\\u202e', (), {})()"
    nbformat.write(answered(EXERCISE, {"linear": source, "output_shape": odd}), tmp_path / "a.ipynb")
    done = grader("check", "a.ipynb", cwd=tmp_path)
    text = " ".join(done.stdout.split())
    assert done.returncode == 0 and "[green]22 of 22[/] points" in text
    assert r"a \x1b[2J\u202e object" in text and not STEERS.search(done.stdout)
