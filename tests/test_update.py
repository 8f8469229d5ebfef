"""A report that is gone on with: after a stop, for one learner, and never at the cost of what it holds."""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict

import nbformat
import psutil
import pytest

from grader.kernels.limits import Limits

from .notebooks import answered, exercise, grader, run, solution
from .test_many import await_results, start

ENDLESS = "while True: pass"
ANOTHER_TIME = "import os\ndef linear(x, weight, bias=None):\n    raise ValueError(os.urandom(8).hex())"  # says something else each time it is asked
RUN = "--seed", "7", "--limit", "cell=9"
pytestmark = pytest.mark.usefixtures("sandbox")


def hand_in(room, who, notebook):
    (room / "class" / who).mkdir(parents=True, exist_ok=True)
    path = room / "class" / who / "01_formula.ipynb"
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
    return path


@pytest.fixture(scope="module")
def class_(tmp_path_factory):
    """A folder with three submissions, and the report of an undisturbed run on them."""
    room = tmp_path_factory.mktemp("class")
    for who, notebook in (("ada", answered("01_formula", {"linear": ANOTHER_TIME})), ("ben", solution("01_formula")), ("cem", "no notebook")):
        hand_in(room, who, notebook)
    assert grader("grade", "class", *RUN, "--json", "report.json", "--junit", "report.xml", cwd=room).returncode == 1
    return room


@pytest.fixture
def room(class_, tmp_path):
    """A copy of it to change."""
    shutil.copytree(class_, tmp_path, dirs_exist_ok=True)
    return tmp_path


def update(room, *arguments):
    done = grader("grade", *arguments, "--update", "report.json", cwd=room)
    assert "Traceback" not in done.stderr
    assert not [each for each in room.iterdir() if each.name.startswith(".report")]
    return done


def submissions(room, name="report.json"):
    return {each["path"].split("/")[1]: each for each in json.loads((room / name).read_text())["submissions"]}


def test_a_run_that_was_killed_is_gone_on_with_and_ends_like_an_undisturbed_one(tmp_path):
    """Of one notebook, the answer says something else each time: what was graded before the stop is not graded again."""
    for who, notebook in (("a", answered("01_formula", {"linear": ANOTHER_TIME})), ("b", answered("01_formula", {"linear": ENDLESS})), ("c", solution("01_formula"))):
        hand_in(tmp_path, who, notebook)
    process = start("grade", "class", *RUN, "-j", 1, "--json", "report.json", cwd=tmp_path)
    before = await_results(tmp_path / "report.json", 1)
    second = update(tmp_path, "class")
    assert (second.returncode, second.stderr.count("\n")) == (2, 1) and "another command is writing this report" in second.stderr
    third = grader("grade", "class", "--json", "report.json", cwd=tmp_path)
    assert (third.returncode, third.stderr) == (2, second.stderr)
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    for each in below:  # else they would be at it until the notebook's time is up
        with suppress(psutil.NoSuchProcess):
            each.kill()
    assert json.loads((tmp_path / "report.json").read_text())["submissions"] == before
    hand_in(tmp_path, "b", exercise("01_formula"))
    done = update(tmp_path, "class", "--junit", "report.xml")
    assert done.returncode == 0 and "seed 7, cpu; 1 of 3 stand in report.json" in done.stdout, done.stderr
    assert grader("grade", "class", *RUN, "--json", "whole.json", "--junit", "whole.xml", cwd=tmp_path).returncode == 0
    assert submissions(tmp_path)["a"] == before[0]
    for kind in ("json", "xml"):
        assert (tmp_path / f"report.{kind}").read_bytes() == (tmp_path / f"whole.{kind}").read_bytes()


def test_only_what_is_new_has_changed_or_failed_is_graded_in_a_folder_and_nothing_is_lost(room):
    before = submissions(room)
    (room / "class/ben/01_formula.ipynb").unlink()
    hand_in(room, "cem", solution("01_formula"))
    hand_in(room, "abe", exercise("01_formula"))
    done = update(room, "class")
    after = submissions(room)
    assert done.returncode == 0 and "1 of 3 stand in report.json" in done.stdout, done.stderr
    assert list(after) == ["abe", "ada", "ben", "cem"] and [each["points"] for each in after.values()] == [0, 0, 22, 22]
    assert (after["ada"], after["ben"]) == (before["ada"], before["ben"])
    assert after["cem"]["digest"] == hashlib.sha256((room / "class/cem/01_formula.ipynb").read_bytes()).hexdigest()
    assert {name: json.loads((room / "report.json").read_text())[name] for name in ("seed", "device")} == {"seed": 7, "device": "cpu"}
    text = (room / "report.json").read_bytes()
    assert "3 of 3 stand" in update(room, "class").stdout and (room / "report.json").read_bytes() == text


def test_a_notebook_that_is_named_is_graded_again_and_the_others_stay(room):
    before = submissions(room)
    done = update(room, "class/ada/01_formula.ipynb", "--junit", "one.xml", "--seed", "7", "--limit", "cell=9.0", "--device", "cpu")
    after = submissions(room)
    assert done.returncode == 0 and "0 of 1 stand" in done.stdout and "no notebook" not in done.stderr, done.stderr
    assert before.pop("ada") != after.pop("ada") and before == after
    assert (room / "one.xml").read_text().count("<testsuite ") == 3
    assert "cem" in update(room, "class", "--exercise", "01").stderr  # a file that fails is tried again


def test_a_report_that_was_cut_down_while_a_result_was_replaced_holds_the_later_one(room):
    data = json.loads((room / "report.json").read_text())
    data["submissions"].insert(0, {**data["submissions"][0], "notes": ["the earlier one"]})
    (room / "report.json").write_text(json.dumps(data))
    update(room, "class/cem")
    assert submissions(room) == {each["path"].split("/")[1]: each for each in data["submissions"][1:]}


REFUSED = [
    (["--seed", "8"], {}, "its seed: 7; here: 8. Leave out"),
    (["--limit", "cell=10"], {}, "its limits: cell=9.0; here: cell=10.0. Leave out"),
    (["--json", "other.json"], {}, "Leave --json out"),
    (["--junit", "./report.json"], {}, "that is the JSON report"),
    (["--cluster", "local"], {"device": "cuda"}, "CPU"),
    (["--device", "cpu"], {"device": "cuda"}, "its device: cuda; here: cpu. Leave out"),
    ([], {"torch": "2.0"}, "its torch: 2.0; here: "),
    ([], {"grader": "0.0.9"}, "grade all notebooks again with --json"),
    ([], {"catalogue": "0"}, "its catalogue: 0; here: "),
    ([], {"limits": {"cell": -1}}, "Grade all notebooks again with --json"),
    ([], {"limits": {**asdict(Limits()), "cell": float("inf")}}, "its limits are none"),
    ([], {"limits": None}, "Grade all notebooks again with --json"),
    ([], {"version": 2}, "Update the grader"),
    ([], {"submissions": [{"path": "x"}]}, "damaged"),
    ([], "cut", "cut off"),
    ([], "twice", "no JSON"),
    ([], "", "no JSON"),
    ([], "[1]", "no JSON"),
]


@pytest.mark.parametrize("options, change, words", REFUSED, ids=[each[2] for each in REFUSED])
def test_what_cannot_be_gone_on_with_is_refused_in_a_line_and_stays_as_it_is(room, options, change, words):
    text = (room / "report.json").read_text()
    if isinstance(change, dict):
        text = json.dumps(json.loads(text) | change)
    else:
        text = {"cut": text[: len(text) // 2], "twice": text + text}.get(change, change)
    (room / "report.json").write_text(text)
    done = update(room, "class", *options)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "") and words in done.stderr, done.stderr
    assert (room / "report.json").read_text() == text and not (room / "other.json").exists()


def test_points_that_were_changed_in_a_report_are_no_grader_s(room):
    text = (room / "report.json").read_text()
    (room / "report.json").write_text(text.replace('"points": 22', '"points": 21', 1))
    done = update(room, "class")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "ben" in done.stderr and "--overrides" in done.stderr, done.stderr


def test_a_run_that_cannot_begin_one_of_its_reports_leaves_the_others_as_they_were(room):
    before = {name: (room / name).read_bytes() for name in ("report.json", "report.xml")}
    assert grader("grade", "class", "--json", "report.json", "--junit", "no/such/folder.xml", cwd=room).returncode == 2
    (room / ".report-report.json").mkdir()  # in the way of the report that is to take its place
    assert grader("grade", "class", "--update", "report.json", "--junit", "report.xml", cwd=room).returncode == 2
    assert before == {name: (room / name).read_bytes() for name in before}


def test_what_an_update_left_that_was_killed_is_the_next_one_s_to_write_over(room):
    killed = "import os; os.replace = lambda *_: os.kill(os.getpid(), 9); from grader.__main__ import main; main(['grade', 'class', '--update', 'report.json'])"
    assert run("-c", killed, cwd=room).returncode == -9 and list(room.glob(".report*"))
    assert update(room, "class").returncode == 1  # and sees that nothing is left


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_report_keeps_its_owner_and_its_permissions(room):
    os.chown(room / "report.json", 54321, 54322)
    (room / "report.json").chmod(0o640)
    hand_in(room, "abe", exercise("01_formula"))  # a result that is put in order at the end, in another file
    update(room, "class")
    about = (room / "report.json").stat()
    assert (about.st_uid, about.st_gid, about.st_mode & 0o777) == (54321, 54322, 0o640)


def test_a_report_that_is_not_there_or_leads_elsewhere_or_is_seen_from_elsewhere_is_refused(room):
    text = (room / "report.json").read_bytes()
    (room / "link.json").symlink_to("report.json")
    shutil.copy(room / "class/ben/01_formula.ipynb", room / "01.ipynb")
    for name, words in (("none.json", "Begin one with --json"), ("link.json", "a link"), ("class", "directory"), ("01.ipynb", "not a report")):
        done = grader("grade", "class", "--update", name, cwd=room)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and words in done.stderr, done.stderr
    for folder, paths in (("class", "."), ("class/ben", "01_formula.ipynb"), ("class", "../class")):
        done = grader("grade", paths, "--update", os.path.relpath(room / "report.json", room / folder), cwd=room / folder)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "Start the command in the folder" in done.stderr, done.stderr
    assert (room / "report.json").read_bytes() == text and not (room / "none.json").exists()
