"""From a learning platform's download to a folder of submissions: each layout, rosters, times; and nothing that was handed in disappears."""

import json
import os
import unicodedata
import zipfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.collecting import records

from .downloads import collect, fill, packed, refused, work
from .notebooks import answered, exercise, grade, grader, run, solution


LAYOUTS = {
    "Moodle": {
        "Tim Lang_2310001_assignsubmission_file_/01_formula.ipynb": ("Tim Lang", "2310001", "", "taken"),
        "Jana Müller_2310002_assignsubmission_file/sub/x.ipynb": ("Jana Müller", "2310002", "", "taken"),
        "Ann_2310003_assignsubmission_file_01.ipynb": ("Ann", "2310003", "", "taken"),
        "Jana Müller_2310002_assignsubmission_onlinetext/onlinetext.html": ("Jana Müller", "2310002", "", "not a notebook"),
    },
    "Canvas": {
        "langtim_5001_9001_01_formula.ipynb": ("langtim", "5001", "", "older try"),
        "langtim_5001_9002_01_formula-1.ipynb": ("langtim", "5001", "", "taken"),
        "kurzpia_LATE_5002_9003_01_formula.ipynb": ("kurzpia", "5002", "", "taken"),
        "anon_a1B2c_9004_01_formula.ipynb": ("", "anon_a1B2c", "", "taken"),
        "langtim_5001_text.html": ("langtim", "5001", "", "not a notebook"),
    },
    "ILIAS": {
        "Blatt 1/Submissions/Lang_Tim_tlang_4711/20261001230500_01_formula.ipynb": ("Tim Lang", "4711", "tlang", "older try"),
        "Blatt 1/Submissions/Lang_Tim_tlang_4711/20261001230600_mine.ipynb": ("Tim Lang", "4711", "tlang", "taken"),
        "Blatt 1/Submissions/Team 7/Kurz_Pia_Maria_pkurz_4712/Late Submission - 01_formula.ipynb": ("Pia Maria Kurz", "4712", "pkurz", "taken"),
        "Blatt 1/status.csv": ("", "", "", "not a notebook"),
    },
    "Google Classroom": {
        "Tim Lang - 01_formula.ipynb": ("Tim Lang", "", "", "older try"),
        "Tim Lang - 01_formula (1).ipynb": ("Tim Lang", "", "", "taken"),
        "Copy of Jana Müller - 01_formula.ipynb": ("Jana Müller", "", "", "taken"),
        "01_formula.ipynb": ("", "", "", "of nobody"),
    },
    "nbgrader": {
        "submitted/tim/01_formula/01_formula.ipynb": ("", "", "tim", "taken"),
        "submitted/tim/01_formula/timestamp.txt": ("", "", "tim", "passed over"),
        "submitted/pia/01_formula/01_formula.ipynb": ("", "", "pia", "taken"),
    },
    "GitHub Classroom": {
        "linear-submissions/linear-hu-bot/exercises/01_formula.ipynb": ("", "", "hu-bot", "taken"),
        "linear-submissions/linear-octo/exercises/01_formula.ipynb": ("", "", "octo", "taken"),
        "linear-submissions/linear-octo/README.md": ("", "", "octo", "not a notebook"),
    },
    "a folder for each learner": {
        "class/Tim Lang/01_formula.ipynb": ("Tim Lang", "", "", "taken"),
        "class/Pia/deep/down/Copy of 01_formula.ipynb": ("Pia", "", "", "taken"),
    },
}  # fmt: skip


@pytest.mark.parametrize("how", ["zip", "folder"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_known(tmp_path, layout, how):
    expected = LAYOUTS[layout]
    files = {name: work(number) if name.endswith(".ipynb") else "2026-10-02 09:30:00.25 UTC" for number, name in enumerate(expected)}
    download = packed(files, tmp_path / "download.zip") if how == "zip" else fill(tmp_path / "download", files)
    found, printed = collect(download, code=1 if "of nobody" in str(expected) else 0)
    assert {source: (record.name, record.id, record.login, record.status) for source, record in found.items()} == expected
    assert f"By {layout}: " in printed
    for source, record in found.items():
        if record.file:
            assert (tmp_path / "submissions" / record.file).read_text() == files[source]


def test_the_newest_try_wins_and_says_so(tmp_path):
    files = {name: work(number) for number, name in enumerate(list(LAYOUTS["Canvas"])[:3])}
    found, printed = collect(packed(files, tmp_path / "canvas.zip"))
    old, new, late = (found[name] for name in files)
    assert (old.status, old.tries, old.reason) == ("older try", "1 of 2", f"{new.source} is newer, by its number")
    assert (new.tries, new.reason) == ("2 of 2", "the newest of 2, by its number")
    assert late.late == "yes, says Canvas" and "Late:\n  kurzpia (5002), 01_formula: yes, says Canvas" in printed


def test_what_nothing_tells_is_not_guessed(tmp_path):
    files = {"tim/a.ipynb": work(1), "tim/b.ipynb": work(2), "pia/a.ipynb": work(3), "pia/b.ipynb": work(3)}
    found, printed = collect(fill(tmp_path / "class", files), code=1)
    assert {found[f"tim/{each}.ipynb"].status for each in "ab"} == {"refused"}
    assert "nothing says which of 2 of 01_formula is newer" in printed
    assert (found["pia/a.ipynb"].status, found["pia/b.ipynb"].status) == ("taken", "the same again")


def test_a_clone_of_the_whole_course_holds_its_own_copies(tmp_path):
    """Git's own files are one line; the course's solutions, and exercises that were not worked in, never stand in for somebody's work."""
    mine, theirs = work(1), nbformat.writes(solution("01_formula"))
    untouched = nbformat.writes(exercise("01_formula"))
    files = {f"lin-{who}/{folder}/01_formula.ipynb": text for who in "ab" for folder, text in (("exercises", mine), ("solutions", theirs), ("x", untouched))}
    files |= {f"lin-{who}/.git/objects/{number}": b"x" for who in "ab" for number in range(3)}
    found, _ = collect(fill(tmp_path / "clones", files))
    assert [found[f"lin-a/{each}/01_formula.ipynb"].status for each in ("exercises", "solutions", "x")] == ["taken", "passed over", "passed over"]
    assert found["lin-b/solutions/01_formula.ipynb"].reason == "the course's own solution"
    assert (found["lin-a/.git/"].status, found["lin-a/.git/"].reason, found["lin-a/.git/"].login) == ("passed over", "Git's own, 3 files", "a")


def test_an_exercise_is_known_by_its_contents(tmp_path):
    stripped = exercise("02_init")
    stripped.metadata = {}
    files = {"tim/01_formula.ipynb": work(1, "02_init"), "pia/x.ipynb.txt": work(2), "ann/y.IPYNB": nbformat.writes(stripped)}
    found, _ = collect(fill(tmp_path / "class", files))
    assert [found[source].file for source in files] == ["tim/02_init.ipynb", "pia/01_formula.ipynb", "ann/02_init.ipynb"]


def test_one_exercise_is_taken_and_others_are_named(tmp_path):
    files = {"tim/a.ipynb": work(1), "tim/b.ipynb": work(1, "02_init"), "pia/01_formula.ipynb": work(2, "02_init")}
    found, printed = collect(fill(tmp_path / "class", files), "--exercise", "1", code=1)
    assert [found[source].status for source in files] == ["taken", "another exercise", "another exercise"]
    assert "pia: pia/01_formula.ipynb, another exercise (02_init)" in printed and "tim:" not in printed


def test_what_cannot_be_taken_is_said_with_the_reason(tmp_path):
    files = {
        "a/x.pdf": "%PDF-1", "b/x.ipynb": "<!DOCTYPE html>", "c/x.ipynb": "", "d/x.ipynb": work(1)[:500], "e/x.rar": b"Rar!", "f/x.ipynb": '{"cells": []}',
        "g/x.zip": b"PK\3\4 cut off", "h/x.ipynb": work(1), "i/.DS_Store": b"x",
    }  # fmt: skip
    found, printed = collect(fill(tmp_path / "class", files), code=1)
    reasons = {source[0]: (record.status, record.reason) for source, record in found.items()}
    assert reasons["a"] == ("not a notebook", "a PDF")
    for who, words in (("b", "It is a web page"), ("c", "The file is empty"), ("d", "It ends in the middle"), ("f", ""), ("g", "damaged")):
        assert reasons[who][0] == "refused" and words in reasons[who][1]
        assert "handed in" not in reasons[who][1] and str(tmp_path) not in reasons[who][1]
    assert reasons["e"] == ("refused", "an archive that is not opened here; unpack it by hand")  # what is in it may be any exercise
    assert reasons["i"] == ("passed over", "macOS's own")
    assert printed.count("\n  ") >= 7 and "Taken: 1 notebook of 1 learner." in printed


def test_a_name_is_one_name_in_any_form(tmp_path):
    """Composed or not, marked as UTF-8 or not, from DOS; and folders that differ in case alone, or are called like a device, are folders of their own."""
    names = [unicodedata.normalize(form, f"Zoë Åström_{form}") for form in ("NFC", "NFD")]
    files = {f"{names[0]}/a.ipynb": work(1), f"{unicodedata.normalize('NFD', names[0])}/b.pdf": "%PDF", f"{names[1]}/a.ipynb": work(2)}
    files |= {"con/a.ipynb": work(3), "ANNA/a.ipynb": work(4), "Anna B/a.ipynb": work(5), "anna_b/a.ipynb": work(6), "李雷/a.ipynb": work(7), "..x/a.ipynb": work(8)}
    download = packed(files, tmp_path / "class.zip")
    found, _ = collect(download)
    assert found[f"{names[0]}/a.ipynb"].key == found[f"{names[0]}/b.pdf"].key == "Zoe_Astroem_NFC"
    folders = {record.key for record in found.values()}
    assert len({folder.lower() for folder in folders}) == len(folders) == 8
    assert {"learner_con", "ANNA", "Anna_B", "anna_b_2"} <= folders
    assert all(folder.isascii() and folder.replace("_", "").replace("-", "").isalnum() for folder in folders)

    unmarked = packed([(f"Jörg_{number}_assignsubmission_file_/a.ipynb", work(number)) for number in (1, 2)])
    unmarked = unmarked.replace(b"\0\x08\x08\0", b"\0\0\x08\0")  # without the flag that says so, names are in UTF-8 all the same
    (tmp_path / "mac.zip").write_bytes(unmarked)
    found, _ = collect(tmp_path / "mac.zip", "--force")
    assert {record.name for record in found.values()} == {"Jörg"} and len({record.key for record in found.values()}) == 2


ROSTER = [
    ["ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Zuletzt geändert (Abgabe)"],
    ["Teilnehmer/in11", "Lang, Tim", "tim@uni.de", "", "Donnerstag, 1. Oktober 2026, 23:58"],
    ["Teilnehmer/in12", "Müller, Jana Maria", "jana@uni.de", "", "Friday, 2 October 2026, 1:14 AM"],
    ["Teilnehmer/in13", "Nichts; Nina", "nina@uni.de", "", "-"],
]


def roster(rows, delimiter=","):
    return "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_a_roster_is_read_as_platforms_write_it(tmp_path, encoding, delimiter):
    (tmp_path / "roster.csv").write_bytes(roster(ROSTER, delimiter).encode(encoding))
    files = {"Tim Lang_11_assignsubmission_file_/a.ipynb": work(1), "Jana Müller_12_assignsubmission_file_/a.ipynb": work(2)}
    found, printed = collect(fill(tmp_path / "m", files), "--roster", tmp_path / "roster.csv", "--due", "2026-10-01 23:59")
    tim, jana = (found[source] for source in files)
    assert (tim.name, tim.email, tim.late, tim.late_minutes) == ("Lang, Tim", "tim@uni.de", "no", "0")
    assert (jana.name, jana.id, jana.late, jana.late_minutes) == ("Müller, Jana Maria", "12", "1 h 15 min", "75")
    assert found["Nichts; Nina"].status == "nothing handed in" and "Handed in nothing:\n  Nichts; Nina (13)" in printed


@pytest.mark.parametrize(
    "headings, rows",
    [
        ("Student,ID,SIS User ID,SIS Login ID,Section", ['    Points Possible,,,,', '"Lang, Tim",5001,S1,tlang,A', '"Student, Test",9,,,A', '"Kurz, Pia",5002,S2,pk,A']),
        ("Vorname;Nachname;Matrikelnummer;Anmeldename", ["Tim;Lang;77;tlang", "Pia;Kurz;78;pk"]),
        ("identifier,github_username,github_id,name", ["Tim Lang,tlang,1,", "Pia Kurz,pk,2,"]),
        ("Name;Vorname;E-Mail", ["Lang;Tim;tlang@uni.de", "Kurz;Pia;pk@uni.de"]),
    ],
    ids=["Canvas", "German", "GitHub", "hand-made"],
)
def test_a_learner_is_found_by_login_or_name(tmp_path, headings, rows):
    (tmp_path / "roster.csv").write_text("\n".join([headings, *rows]))
    found, printed = collect(fill(tmp_path / "class", {"tlang/a.ipynb": work(1), "Kurz, Pia/a.ipynb": work(2)}), "--roster", tmp_path / "roster.csv")
    assert "Lang" in found["tlang/a.ipynb"].name and found["tlang/a.ipynb"].name != "tlang"
    assert "nothing" not in printed and "Left open" not in printed and len(found) == 2


def test_who_could_be_two_is_listed_and_not_guessed(tmp_path):
    """The same name twice on the roster; an id that is another's there; somebody who is not on it."""
    rows = [["id", "name"], ["1", "Anna Maier"], ["2", "Anna Maier"], ["3", "Bob Stein"], ["4", "Eva Rot"]]
    (tmp_path / "roster.csv").write_text(roster(rows))
    download = fill(tmp_path / "class", {f"{name}/a.ipynb": work(number) for number, name in enumerate(["Anna Maier", "Rot, Eva", "Zed"])})
    found, printed = collect(download, "--roster", tmp_path / "roster.csv")
    assert "Anna Maier: 2 on the roster have the same name: Anna Maier (1), Anna Maier (2)" in printed and "Zed: not on the roster" in printed
    assert "Anna Maier (2), unless this is Anna Maier" in printed
    assert found["Rot, Eva/a.ipynb"].id == "4" and found["Anna Maier/a.ipynb"].id == ""
    files = {"Anna Maier_3_assignsubmission_file_/a.ipynb": work(1), "Anna Maier_2_assignsubmission_file_/a.ipynb": work(2)}
    found, printed = collect(fill(tmp_path / "moodle", files), "--roster", tmp_path / "roster.csv", "--force")
    assert "Anna Maier (3): on the roster its id is that of Bob Stein (3)" in printed
    assert sorted(record.key for record in found.values() if record.file) == ["Anna_Maier_2", "Anna_Maier_3"]


def test_extensions_move_the_due_time(tmp_path):
    stamps = {who: f"2026-10-02 {hour}:00:00 UTC" for who, hour in (("tim", "09"), ("pia", "09"), ("ann", "11"))}
    files = {f"submitted/{who}/01_formula/timestamp.txt": stamp for who, stamp in stamps.items()}
    files |= {f"submitted/{who}/01_formula/01_formula.ipynb": work(number) for number, who in enumerate([*stamps, "eve"])}
    (tmp_path / "longer.csv").write_text("learner;due\npia;2026-10-02T10:00Z\nann;2026-10-02 10:00+00:00\nnobody;2026-10-05\n")
    found, printed = collect(fill(tmp_path / "n", files), "--due", "2026-10-01T23:59:30Z", "--extensions", tmp_path / "longer.csv")
    late = {record.login: (record.late, record.late_minutes) for record in found.values() if record.file}
    assert late == {"tim": ("9 h 1 min", "541"), "pia": ("no", "0"), "ann": ("1 h", "60"), "eve": ("unknown", "")}
    assert "nobody: has an extension, and is not one learner here" in printed and "Nothing says when 1 notebook came." in printed


def test_ilias_keeps_times_in_its_zip_unless_they_are_those_of_packing(tmp_path):
    def pack(times):
        members = []
        for number, time in enumerate(times):
            members.append((zipfile.ZipInfo(f"Lang_Tim_t{number}_{number}/01_formula.ipynb", time), work(number)))
        return packed(members, tmp_path / "ilias.zip")

    found, _ = collect(pack([(2026, 10, 1, 12, 0, 0), (2026, 10, 2, 12, 0, 0)]), "--due", "2026-10-02")
    assert [record.late for record in found.values()] == ["no", "no"] and found["Lang_Tim_t1_1/01_formula.ipynb"].time.startswith("2026-10-02 12:00:00")
    found, _ = collect(pack([(2026, 10, 1, 12, 0, 0), (2026, 10, 1, 12, 0, 4)]), "--due", "2026-10-02", "--force")
    assert [record.late for record in found.values()] == ["unknown", "unknown"]


def test_a_pattern_says_whose_a_file_is(tmp_path):
    files = {"hw1-17-Tim-2.ipynb": work(1), "hw1-17-Tim-10.ipynb": work(2), "hw1-18-Tim-1.ipynb": work(3), "x.ipynb": work(4)}
    download = fill(tmp_path / "flat", files)
    found, _ = collect(download, "--pattern", r"hw1-(?P<id>\d+)-(?P<learner>\w+)-(?P<try>\d+)", code=1)
    assert [found[source].status for source in files] == ["older try", "taken", "taken", "of nobody"]
    assert found["hw1-18-Tim-1.ipynb"].key == "Tim_18"


@pytest.mark.parametrize(
    "options, words",
    [
        (["--pattern", "("], "not a regular expression"),
        (["--pattern", "(?P<name>.*)"], "(?P<learner>"),
        (["--exercise", "77"], "Exercises: 01_formula"),
        (["--due", "tomorrow"], "--due: tomorrow is not a time"),
        (["--extensions", "{}/longer.csv"], "needs --due"),
        (["--due", "2026-10-01", "--extensions", "{}/longer.csv"], "longer.csv, line 2: soon is not a time"),
        (["--due", "2026-10-01", "--extensions", "{}/none.csv"], "No such file"),
        (["--roster", "{}/download"], "s a directory"),
        (["--roster", "{}/excel.csv"], "Excel file"),
        (["--roster", "{}/odd.csv"], "is known by its heading"),
        (["-o", "{}/download/out"], "must not lie in each other"),
        (["-o", "{}"], "must not lie in each other"),
        (["-o", "{}/no/such/out"], "does not exist"),
        (["-o", "{}/odd.csv"], "has this name"),
        (["-o", "{}/full"], "already holds something"),
        (["-o", "{}/full", "--force"], "was not made by collect"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(tmp_path, options, words):
    fill(tmp_path, {"download/tim/a.ipynb": work(1), "longer.csv": "learner,due\ntim,soon\n", "excel.csv": b"PK\3\4", "odd.csv": "x,y\n1,2\n", "full/marks.txt": "mine"})
    output = [] if "-o" in options else ["-o", tmp_path / "out"]
    refused(tmp_path, tmp_path / "download", *output, *[option.replace("{}", str(tmp_path)) for option in options], words=words)


def test_force_replaces_what_collect_made_and_nothing_else(tmp_path):
    download = fill(tmp_path / "class", {"tim/a.ipynb": work(1), "pia/a.ipynb": work(2)})
    collect(download)
    refused(tmp_path, download, "-o", tmp_path / "submissions", words="--force")
    (download / "pia/a.ipynb").unlink()
    collect(download, "--force")
    assert not (tmp_path / "submissions/pia").exists()
    (tmp_path / "submissions/marks.csv").write_text("mine")
    refused(tmp_path, download, "-o", tmp_path / "submissions", "--force", words="also holds marks.csv")


@pytest.mark.skipif(os.name == "nt", reason="no such limit here")
def test_what_stops_half_way_leaves_nothing(tmp_path):
    """Here, in a folder that may not be written to, or with a disk that is full."""
    download = fill(tmp_path / "class", {"tim/a.ipynb": work(1)})
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    if os.access(shut, os.W_OK):  # whoever may do anything is not stopped by this
        limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        done = run("-c", limited + "from grader.__main__ import main; sys.exit(main(sys.argv[1:]))", "collect", download, "-o", shut / "out")
    else:
        done = grader("collect", download, "-o", shut / "out")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "Nothing was collected" in done.stderr
    assert list(shut.iterdir()) == []


NAMES = st.sampled_from(["01_formula.ipynb", "Copy of x.ipynb", "x (1).ipynb", "notes.pdf", "a.zip", ".DS_Store", "._x.ipynb", "é.ipynb", "README"])
FOLDERS = st.sampled_from(["Tim Lang_1_assignsubmission_file_", "Ann_2_assignsubmission_file_", "__MACOSX", "lang_5_6_x", "pia", ".git", "e\u0301"])
CONTENTS = st.sampled_from([work(1), work(2), work(1, "02_init"), "", "{}", b"%PDF", packed({"in/x.ipynb": work(3), "y.txt": "y", ".git/z": "z"})])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(files=st.dictionaries(st.tuples(st.lists(FOLDERS, max_size=3).map("/".join), NAMES).map(lambda each: "/".join(filter(None, each))), CONTENTS, min_size=1))
def test_every_file_is_accounted_for_once(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("any")
    files = {name: content for name, content in files.items() if not any(other.startswith(f"{name}/") for other in files)}
    done = grader("collect", packed(files, folder / "download.zip"), "-o", folder / "out")
    assert done.returncode in (0, 1) or "--pattern" in done.stderr or "holds no files" in done.stderr
    if done.returncode == 2:
        return
    found = records.read(folder / "out/learners.csv")
    whole = {record.source: int(record.reason.split(", ")[1].split()[0]) for record in found if record.source.endswith("/")}
    single = [record.source for record in found if record.source and not record.source.endswith("/")]
    names = [unicodedata.normalize("NFC", name) for name in files]
    for record in [record for record in found if record.status == "unpacked"]:
        assert {f"{record.source}/{inner}" for inner in ("in/x.ipynb", "y.txt", ".git/")} <= {each.source for each in found}
    outside = [source for source in single if not any(source.startswith(f"{name}/") for name in names)]
    covered = [name for name in names if any(name.startswith(source) for source in whole)]
    assert sorted(outside + covered) == sorted(names)
    assert sum(count for source, count in whole.items() if not source.endswith("a.zip/.git/")) == len(covered)


@pytest.mark.parametrize("command", [["collect", "--help"]])
def test_help_comes_before_anything_heavy(command):
    done = run("-X", "importtime", "-m", "grader", *command)
    assert done.returncode == 0 and "--roster" in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "numpy", "nbformat", "pytest", "rich", "zipfile"}


def test_what_is_collected_is_graded_as_it_is(tmp_path):
    """From the download to points, in two commands."""
    files = {
        "Tim Lang_1_assignsubmission_file_/01_formula.ipynb": nbformat.writes(solution("01_formula")),
        "Pia Kurz_2_assignsubmission_file_/a.zip": packed({"mine/01_formula.ipynb": nbformat.writes(answered("01_formula", {}))}),
    }
    collect(packed(files, tmp_path / "download.zip"))
    results = grade(tmp_path, {}, tmp_path / "submissions", "--seed", "3")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert results and sorted((Path(each["path"]).parent.name, each["points"]) for each in report["submissions"]) == [("Pia_Kurz_2", 0), ("Tim_Lang_1", 22)]
