"""From the reports of `grade` to what leaves the grader: gradebook, feedback, the class's mistakes."""

import os
import re
import shutil
from html.parser import HTMLParser

import pytest

from grader.catalogue import EXERCISES
from grader.reports import sheets

from .notebooks import ROOT, _without_sandbox, grader, run
from .reported import LEA, MOODLE, PIA, TIM, WORDS, by_key, edited, keep, moodle_rows, refused, report, table, texts, write_csv

NAMES = re.compile(r"\b(Lea|Lang|Tim|Kurz|Zoë|Otto|otto|Nina)\b|lea_lang|Neil|23100|assignsub|Groß|evil|cmd|by mail|t\.kurz|submissions/")
SECTIONS = {task.section for each in EXERCISES[:2] for task in each.tasks}


def test_grading_a_class_ends_with_what_a_teacher_asks_first(room):
    lines = (room / "grade.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "seed 3, cpu" and lines[-1].startswith("seed 3, cpu")
    assert "exercise" in lines[1] and any("02_init" in line and "0 / 29" in line for line in lines)
    assert "5 graded. 01_formula: 4, mean 10.2 of 22; 02_init: 1, mean 0.0 of 29." in lines
    assert "1 not graded: not a readable notebook (1)." in lines and "1 not notebooks: submissions/otto/notes.pdf." in lines


def test_other_exercises_are_named_and_not_graded_and_a_folder_without_notebooks_stops_nobody(room, tmp_path):
    (tmp_path / "empty").mkdir()
    done = grader("grade", room / "submissions" / LEA, tmp_path / "empty", "--exercise", "1", *_without_sandbox(), cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == "empty: a folder without notebooks.\n".replace("empty", str(tmp_path / "empty"))
    assert "22 / 22" in done.stdout and "0 / 29" not in done.stdout
    assert "1 of other exercises, not graded: " in done.stdout and "(02_init)" in done.stdout
    for wanted, words in (("77", "no such exercise"), ("09", "none of the 2 notebooks")):
        done = grader("grade", room / "submissions" / LEA, "--exercise", wanted)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_the_gradebook_has_a_row_a_learner(room):
    out, said = report(room, "--scale", "10")
    rows = by_key(out)
    assert set(rows) == {LEA, TIM, PIA, "'=cmd", "otto", "nina"}
    lea, tim, otto = rows[LEA], rows[TIM], rows["otto"]
    assert (lea["name"], lea["id"], lea["01_formula"], lea["02_init"], lea["points"], lea["max"], lea["mark"]) == ("Lea Lang", "2310001", "22", "0", "22", "51", "4.31")
    assert (tim["01_formula linear"], tim["01_formula fold_bias"], tim["02_init"]) == ("0", "2", "")
    assert "26 h, nothing taken" in tim["late"]
    assert (otto["points"], otto["mark"]) == ("", "") and "not a readable notebook" in otto["not graded"]
    assert rows["nina"]["not graded"] == "not a notebook: a PDF, Nina.pdf"
    assert "6 learners, 4 with points" in said and "submissions/learners.csv" in said and "no mark: otto" in said


def test_nothing_heavy_is_imported(room):
    done = run("-X", "importtime", "-m", "grader", "report", "report.json", "-o", "light", cwd=room, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-500:]
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "jinja2" in imported and not imported & {"torch", "numpy", "nbformat", "pytest", "rich", "IPython"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_report_is_whole_where_nobody_can_be_told_of_it(room):
    words = ["-c", "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); from grader.__main__ import main; sys.exit(main())"]
    done = run(*words, "report", "report.json", "-o", "untold", cwd=room, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 1 and done.stderr.startswith("Standard output cannot be written") and done.stderr.endswith(" untold is written.\n"), done.stderr
    assert (room / "untold" / "class.html").is_file() and (room / "untold" / "feedback.zip").is_file()


def test_mistakes_are_counted_the_commonest_first(room):
    out, _ = report(room)
    rows = table(out / "mistakes.csv")
    assert [(row["learners"], row["task"], row["mistake"]) for row in rows][:2] == [("2", "linear", "forgets_the_transpose"), ("1", "fold_bias", "puts_the_bias_in_front")]
    assert rows[0]["section"].endswith("section “Any number of leading dimensions”") and set(rows[0]["who"].split(", ")) == {TIM, PIA}
    page = " ".join((out / "class.html").read_text(encoding="utf-8").split())
    assert "<b>2 learners</b>, <code>linear</code>: You multiply by weight as it is stored" in page
    assert page.index("You multiply by weight") < page.index("Your bias column comes first")
    assert "seed 3, cpu" in page and "eval" in page and "not a readable notebook" in page  # what a person is to look at


@pytest.mark.parametrize("text", ["=1+1", "+49 151", "-x", "@SUM(A1)", "\t=1", "\r=1", "＝1", "\n=1"])
def test_no_cell_of_ours_is_a_formula(text):
    assert not re.match(r"[=+\-@\t\r\n＝]", sheets.guarded(text)) and sheets.guarded(-1) == "-1" and sheets.guarded("a=b") == "a=b"


class Page(HTMLParser):
    """What a page consists of, and whatever it could ask for."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "data", "action", "style")]
        assert not any(name.startswith("on") for name, _ in attributes)


def pages(out):
    return [(name, text) for name, text in texts(out).items() if name.endswith(".html")]


def test_pages_ask_for_nothing_run_nothing_and_escape_everything(room):
    out, _ = report(room)
    assert len(pages(out)) == 1 + 2 * 5
    for name, text in pages(out):
        page = Page(text)
        assert not set(page.tags) & {"script", "iframe", "link", "img", "object", "form", "b>o'neil"} and page.links == [], name
        assert "@import" not in text and "url(" not in text and "prefers-color-scheme: dark" in text
    assert "Zoë &lt;b&gt;O&#39;Neil" in texts(out)["feedback/Zoë b O'Neil_2310003_assignsubmission_file_/feedback.html"]


def test_feedback_says_what_check_says_in_the_folders_that_moodle_takes_back(room):
    write_csv(room / "moodle.csv", [MOODLE, *moodle_rows()])
    out, _ = report(room, "--lms", "moodle=moodle.csv")
    found = texts(out)
    folders = {name.split("/")[1]: text for name, text in found.items() if name.startswith("feedback/")}
    assert set(folders) == {LEA, TIM, "Zoë b O'Neil_2310003_assignsubmission_file_", "Groß, Otto_2310010_assignsubmission_file_", "=cmd.html"}
    assert {name.removeprefix("feedback.zip/"): text for name, text in found.items() if name.startswith("feedback.zip/")} == {
        name.removeprefix("feedback/"): text for name, text in found.items() if name.startswith("feedback/")
    }
    page = " ".join(folders[TIM].split())
    for words in ("This looks like", "You multiply by weight as it is stored", "mat1 and mat2 shapes cannot be multiplied", "Hint 1", "Any number of leading dimensions", WORDS):
        assert words in page, words
    assert "Heat map of the error" in folders["Zoë b O'Neil_2310003_assignsubmission_file_"]
    assert "01_formula: 22 of 22 points" in folders[LEA] and "02_init: 0 of 29 points" in folders[LEA]
    assert "not a readable notebook" in folders["Groß, Otto_2310010_assignsubmission_file_"]


def test_sections_are_links_where_the_site_has_an_address(room, tmp_path):
    for folder in ("grader", "book"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("catalogue", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "_config.yml").write_text('html:\n  favicon: x\n  baseurl: "https://course.example/a/"  # here\n')
    assert run("-m", "grader", "report", room / "report.json", "-o", "out", cwd=tmp_path).returncode == 0
    links = {link for _, text in pages(tmp_path / "out") for link in Page(text).links}
    sections = {f"https://course.example/a/book/{'01_formula' if section.startswith('formula') else '02_init'}.html#{section}" for section in SECTIONS}
    assert links and links <= sections


def test_an_anonymous_report_holds_no_name_anywhere(room):
    write_csv(room / "overrides.csv", [["learner", "exercise", "task", "points", "comment"], [TIM, "01", "linear", "5", "Tim Kurz told me by mail"]])
    out, said = report(room, "--anonymous", "--overrides", "overrides.csv")
    found = texts(out)
    assert len(found) == 3 + 2 * 5
    for name, text in found.items():
        assert not NAMES.search(name + "\n" + text), (name, NAMES.search(name + "\n" + text))
    assert "left out" in said and all(re.fullmatch(r"learner-\d{3}", row["learner"]) for row in table(out / "gradebook.csv"))
    page = next(text for name, text in found.items() if "5 instead of 0" in text and "feedback" in name)
    assert "This looks like" in page and "may hold a name" in page
    assert sorted(row["points"] for row in table(out / "gradebook.csv")) == sorted(row["points"] for row in by_key(report(room, "--overrides", "overrides.csv")[0]).values())
    assert "--anonymous with --lms" in refused(room, "report.json", "-o", "new", "--anonymous", "--lms", "moodle=moodle.csv")


def test_reports_of_several_machines_are_one(room):
    whole = texts(report(room)[0])
    parts = edited(room, "a.json", keep({0, 2, 4})), edited(room, "b.json", keep({1, 2, 3, 5}))
    assert texts(report(room, reports=parts)[0]) == whole


@pytest.mark.parametrize(
    "change, words",
    [
        ({"seed": 4}, "seed 4"), ({"torch": "2.0"}, "torch 2.0"), ({"grader": "9"}, "grader 9"), ({"device": "cuda"}, "device cuda"), ({"version": 0}, "version 0"),
        ({"version": 2}, "Update the grader"), ({"format": "x"}, "not a report"), ({"submissions": [{"path": "x"}]}, "damaged"), ({"submissions": 3}, "no JSON"),
    ],
)  # fmt: skip
def test_reports_that_do_not_fit_are_refused_by_name(room, change, words):
    name = edited(room, "odd.json", lambda data: data.update(change))
    line = refused(room, "report.json", name, "-o", "new")
    assert line.startswith("odd.json: ") and words in line


def test_two_results_of_one_notebook_are_refused(room):
    name = edited(room, "odd.json", lambda data: data["submissions"][0].update(notes=["another"]))
    assert "=cmd" in refused(room, "report.json", name, "-o", "new")
    name = edited(room, "odd.json", lambda data: data["submissions"].append({**data["submissions"][0], "path": "submissions/=cmd/01_formula (1).ipynb"}))
    assert "two notebooks" in refused(room, name, "-o", "new")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "linear-grader-report"}', "{" * 10**5, "%PDF", '{"a": 1} {', "\udcff", "cut", "learner,x"])
def test_what_is_no_report_is_said_in_one_line(room, text):
    whole = (room / "report.json").read_text()
    (room / "odd.json").write_bytes((whole[: len(whole) // 2] if text == "cut" else text).encode("utf-8", "surrogateescape"))
    assert refused(room, "odd.json", "-o", "new").startswith("odd.json: ")
    assert "No such file" in refused(room, "none.json", "-o", "new")


def test_nothing_is_overwritten_unasked_and_nothing_half_written(room, tmp_path):
    out = tmp_path / "deep" / "out"
    assert grader("report", room / "report.json", "-o", out).returncode == 0
    before = texts(out)
    assert "--force" in refused(room, "report.json", "-o", out)
    (out / "mine.txt").write_text("kept")
    assert "mine.txt" in refused(room, "report.json", "-o", out, "--force")
    (out / "mine.txt").unlink()
    assert texts(out) == before and [path.name for path in out.parent.iterdir()] == ["out"]
    assert "not a folder" in refused(room, "report.json", "-o", room / "report.json")


@pytest.mark.skipif(os.name == "nt", reason="names of files are Unicode here")
def test_letters_that_no_file_name_can_have_here_are_said_in_one_line(room):
    write_csv(room / "worksheet.csv", [["Identifier", "Full name", "Grade"], ["Participant 2310001", "Zoë 李", ""]])
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = grader("report", "report.json", "-o", "ascii", "--lms", "moodle=worksheet.csv", cwd=room, env=ascii_only)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "Set PYTHONUTF8=1" in done.stderr, done.stderr
    assert not list(room.glob("*ascii*"))


def test_a_flat_folder_names_its_learners_by_their_files(room):
    def flatten(data):
        keep({1, 4})(data)
        data["submissions"][0]["path"], data["submissions"][1]["path"] = "/work/class/lea.ipynb", "C:\\class\\zoë.ipynb"

    assert set(by_key(report(room, reports=[edited(room, "odd.json", flatten)])[0])) == {"lea", "zoë"}


def test_what_a_learner_brings_along_says_nothing_of_others(room):
    """Not even where her notebook has a name of its own, so that her folder holds a notebook and a list."""
    def rename(data):
        data["submissions"] = [{**each, "path": f"class/{each['path'].split('/')[1]}/mine-{number}.ipynb"} for number, each in enumerate(data["submissions"]) if not each["error"]]

    folder = room / "class" / LEA
    folder.mkdir(parents=True)
    write_csv(folder / "learners.csv", [["key", "name", "exercise", "late"], ["mine-0", "Somebody Else", "01_formula", "99 h"]])
    rows = by_key(report(room, reports=[edited(room, "odd.json", rename)])[0])
    assert len(rows) == 5 and not [row for row in rows.values() if row["name"] or row["late"]]
