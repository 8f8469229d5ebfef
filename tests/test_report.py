"""From the reports of `grade` to what leaves the grader: gradebook, marks, feedback, the class's mistakes."""

import csv
import io
import json
import os
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.catalogue import EXERCISES
from grader.reports import lms, roster, sheets

from .notebooks import IMPORTS, ROOT, _without_sandbox, answer_cell, exercise, grader, named, run, solution

LEA, TIM, PIA = (f"{name}_{number}_assignsubmission_file_" for name, number in (("Lea Lang", 2310001), ("Tim Kurz", 2310002), ("Zoë <b>O'Neil", 2310003)))
WORDS = "lea_lang_helpers"  # a module of her own
NAMES = re.compile(r"\b(Lea|Lang|Tim|Kurz|Zoë|Otto|otto|Nina)\b|lea_lang|Neil|23100|assignsub|Groß|evil|cmd|by mail|t\.kurz|submissions/")
TASKS = {task.name: task for task in EXERCISES[0].tasks}
SECTIONS = {task.section for each in EXERCISES[:2] for task in each.tasks}
MOODLE = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed", "Last modified (submission)", "Feedback comments"]


def with_mistakes(**mistakes):
    """The solved exercise 01 but for some tasks, answered with the source given, or with the known mistake of that name."""
    notebook = solution("01_formula")
    for task, what in mistakes.items():
        known = next((impostor for impostor in TASKS[task].impostors if impostor.name == what), None)
        answer_cell(notebook, task).source = IMPORTS + (named(task, known) if known else what)
    return notebook


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with a class's submissions, learners.csv and report.json: what `collect` and `grade` leave."""
    room = tmp_path_factory.mktemp("room")
    secretive = f"raise ValueError('Lea Lang, {LEA}')"
    talking = with_mistakes(
        linear="forgets_the_transpose", compose=f"def compose(weight1, bias1, weight2, bias2):\n    {secretive}",
        output_shape="def output_shape(shape, out_features):\n    return 'Tim Kurz'", parameter_count="class Kurz: pass\ndef parameter_count(*sizes, **more):\n    return Kurz()",
    )  # fmt: skip
    talking.cells.append(nbformat.v4.new_code_cell(f"import {WORDS}\neval('\"Tim Kurz\"')"))
    submissions = {
        (LEA, "01_formula"): solution("01_formula"), (LEA, "02_init"): exercise("02_init"), (TIM, "01_formula"): talking,
        (PIA, "01_formula"): with_mistakes(linear="forgets_the_transpose", fold_bias="puts_the_bias_in_front"),
        ("=cmd", "01_formula"): exercise("01_formula"), ("otto", "01_formula"): "no notebook",
    }  # fmt: skip
    for (key, name), notebook in submissions.items():
        (room / "submissions" / key).mkdir(parents=True, exist_ok=True)
        (room / "submissions" / key / f"{name}.ipynb").write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
    (room / "submissions/otto/notes.pdf").write_text("")
    rows = [
        [TIM, "Tim Kurz", "2310002", "t.kurz", "t.kurz@x.org", "01_formula", f"{TIM}/01_formula.ipynb", "1 d 2 h", "1560", "taken", ""], [TIM, "Tim Kurz", "2310002", "", "", "01_formula", "", "800", "", "older try", ""],
        ["otto", "Otto Groß", "", "", "", "01_formula", "otto/01_formula.ipynb", "no", "0", "taken", ""], ["nina", "Nina Nix", "2310009", "", "", "", "", "", "", "not a notebook", "a PDF, Nina.pdf"],
        ["'=cmd", "'=evil()", "", "", "", "01_formula", "'=cmd/01_formula.ipynb", "unknown", "", "taken", ""], ["", "", "", "", "", "", "", "", "", "of nobody", "readme.txt"],
    ]  # fmt: skip
    write_csv(room / "submissions/learners.csv", ["key,name,id,login,email,exercise,file,late,late_minutes,status,reason".split(","), *rows])
    done = grader("grade", "submissions", "--seed", 3, "--json", "report.json", *_without_sandbox(), cwd=room)
    (room / "grade.txt").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "otto" in done.stderr  # the one that is no notebook
    return room


def write_csv(path: Path, rows, encoding="utf-8", **how):
    text = io.StringIO()
    csv.writer(text, **how).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def report(room, *options, reports=("report.json",)):
    """Run the command in the room; the folder it wrote. Whatever it wrote before is replaced."""
    done = grader("report", *reports, "-o", "out", "--force", *options, cwd=room)
    assert (done.returncode, done.stderr) == (0, "")
    return room / "out", done.stdout


def refused(room, *arguments):
    """The one line with which a command is refused."""
    done = grader("report", *arguments, cwd=room)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    return done.stderr


def table(path: Path) -> list[dict[str, str]]:
    """One of our tables; it begins with the mark that Excel needs."""
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def by_key(out):
    return {row["learner"]: row for row in table(out / "gradebook.csv")}


def texts(out) -> dict[str, str]:
    """All that lies in a folder, by its path, in zips, too."""
    found = {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file() and path.suffix != ".zip"}
    with zipfile.ZipFile(out / "feedback.zip") as archive:
        found |= {f"feedback.zip/{name}": archive.read(name).decode() for name in archive.namelist()}
    return found


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


def test_mistakes_are_counted_the_commonest_first(room):
    out, _ = report(room)
    rows = table(out / "mistakes.csv")
    assert [(row["learners"], row["task"], row["mistake"]) for row in rows][:2] == [("2", "linear", "forgets_the_transpose"), ("1", "fold_bias", "puts_the_bias_in_front")]
    assert rows[0]["section"].endswith("section “Any number of leading dimensions”") and set(rows[0]["who"].split(", ")) == {TIM, PIA}
    page = " ".join((out / "class.html").read_text(encoding="utf-8").split())
    assert "<b>2 learners</b>, <code>linear</code>: You multiply by weight as it is stored" in page
    assert page.index("You multiply by weight") < page.index("Your bias column comes first")
    assert "seed 3, cpu" in page and "eval" in page and "not a readable notebook" in page  # what a person is to look at


def moodle_rows(comma=False):
    rows = [(2310001, "Lea Lang"), (2310002, "Tim Kurz"), (2310003, "Zoë <b>O'Neil"), (2310009, "Nina Nix"), (2310010, "Groß, Otto"), (2310011, "No Body")]
    most = "100,00" if comma else "100.00"
    return [[f"Participant {number}", name, f"{number}@x.org", "Submitted", "", most, "Yes", "Monday, 1 June 2026, 8:01 AM", 'a "b",\nc'] for number, name in rows]


GERMAN = ["ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung", "Bestwertung", "Bewertung kann geändert werden", "Zuletzt geändert (Abgabe)", "Feedback als Kommentar"]
FORMS = [
    ("utf-8-sig", {"lineterminator": "\n"}, MOODLE), ("utf-8", {"quoting": csv.QUOTE_ALL}, MOODLE), ("utf-16", {"delimiter": "\t"}, GERMAN),
    ("cp1252", {"delimiter": ";", "lineterminator": "\r"}, GERMAN), ("utf-8-sig", {}, GERMAN),
]  # fmt: skip


@pytest.mark.parametrize("encoding, how, head", FORMS)
def test_moodles_worksheet_comes_back_with_marks_and_nothing_else_changed(room, encoding, how, head):
    before = write_csv(room / "moodle.csv", [head, *moodle_rows(comma=head is GERMAN)], encoding, **how).read_bytes()
    out, said = report(room, "--lms", "moodle=moodle.csv")
    after = (out / "marks.csv").read_bytes()
    sign = "," if head is GERMAN else "."
    marks = {f"Participant {number}": mark.replace(".", sign) for number, mark in ((2310001, "43.14"), (2310002, "11.76"), (2310003, "25.49"))}
    rows = [list(csv.reader(io.StringIO(data.decode(encoding), newline=""), **how)) for data in (before, after)]
    expected = [[marks.get(row[0], "") if number == 4 and row[0] in marks else cell for number, cell in enumerate(row)] for row in rows[0]]
    assert rows[1] == expected
    for mark in marks.values():  # the marks taken out again, it is the same to the byte
        quoted = f'"{mark}"' if how.get("quoting") or sign == how.get("delimiter", ",") else mark
        old = '""' if how.get("quoting") else ""
        assert after.count(quoted.encode(encoding.removesuffix("-sig")).removeprefix(b"\xff\xfe")) == 1
        after = after.replace(quoted.encode(encoding.removesuffix("-sig")).removeprefix(b"\xff\xfe"), old.encode(encoding.removesuffix("-sig")).removeprefix(b"\xff\xfe"))
    assert after == before
    unmatched = {(row["where"], row["who"], row["id"]) for row in table(out / "unmatched.csv")}
    assert unmatched == {("report", "'=cmd", ""), ("report", "nina", "2310009"), ("report", "otto", ""), ("export", "No Body", "2310011")}
    assert "No Body" in said and "3 marks on a scale of 100" in said


def test_canvas_gradebook_comes_back_with_one_assignments_marks(room):
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 1 (77)", "Quiz (78)", "Current Score"]
    rows = [
        ["", "", "", "", "", "Manual Posting", "", ""], ["    Points Possible", "", "", "", "", "20.00", "5", "(read only)"], ["Lang, Lea", "11", "s1", "lea", "A, B", "", "5", "1"],
        ["Kurz, Tim", "12", "s2", "t.kurz", "A", "3.00", "4", "2"], ["Zoë <b>O'Neil", "13", "s3", "z", "A", "EX", "", ""], ["Student, Test", "99", "", "x", "A", "", "", ""],
    ]  # fmt: skip
    write_csv(room / "canvas.csv", [head, *rows])
    assert "Homework 1 (77); Quiz (78)" in refused(room, "report.json", "-o", "new", "--lms", "canvas=canvas.csv")
    out, said = report(room, "--lms", "canvas=canvas.csv", "--column", "homework 1")
    after = list(csv.reader(io.StringIO((out / "marks.csv").read_text(), newline="")))
    assert [row[5] for row in after] == ["Homework 1 (77)", "Manual Posting", "20.00", "8.63", "2.35", "EX", ""]
    assert [row[:5] + row[6:] for row in after] == [row[:5] + row[6:] for row in [head, *rows]]
    assert "its mark is EX" in said and "2 marks on a scale of 20; 1 of them replace another" in said
    assert "Mind the scale" in report(room, "--lms", "canvas=canvas.csv", "--column", "homework 1", "--scale", "10")[1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8), min_size=4, max_size=4), min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), delimiter=st.sampled_from(",;\t"), end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]), last=st.booleans(),
)  # fmt: skip
def test_whatever_stands_in_an_export_only_marks_change(tmp_path, cells, encoding, delimiter, end, quoting, last):
    rows = [["Identifier", "Full name", "Grade", "More"], *([f"Participant {number}", *row[1:]] for number, row in enumerate(cells))]
    how = {"delimiter": delimiter, "lineterminator": end, "quoting": quoting}
    if quoting == csv.QUOTE_MINIMAL:  # it leaves an end of line that is not its own unquoted
        rows = [[re.sub(r"[\r\n]", " ", cell) for cell in row] for row in rows]
    text = io.StringIO()
    csv.writer(text, **how).writerows(rows)
    data = (text.getvalue() if last else text.getvalue().removesuffix(end)).encode(encoding)
    (tmp_path / "export.csv").write_bytes(data)
    read = list(csv.reader(io.StringIO(data.decode(encoding), newline=""), **how))
    export = lms.load("moodle", tmp_path / "export.csv", "")
    assert export.with_marks({}) == data and [row.mark.value for row in export.rows] == [row[2] for row in read[1:]]
    after = export.with_marks({number: 7 for number in range(len(export.rows))}).decode(encoding)
    assert list(csv.reader(io.StringIO(after, newline=""), **how)) == [read[0], *([*row[:2], "7.00", row[3]] for row in read[1:])]


@pytest.mark.parametrize("text", ["=1+1", "+49 151", "-x", "@SUM(A1)", "\t=1", "\r=1", "＝1", "\n=1"])
def test_no_cell_of_ours_is_a_formula(text):
    assert not re.match(r"[=+\-@\t\r\n＝]", sheets.guarded(text)) and sheets.guarded(-1) == "-1" and sheets.guarded("a=b") == "a=b"


def test_overrides_change_points_and_are_shown_everywhere(room):
    rows = [["learner", "exercise", "task", "points", "comment"], ["t.kurz", "01", "linear", "6,5", "=Right, but <late>"], ["otto", "01_formula", "", "11", "by mail"], ["'=cmd", "1", "", "2", ""]]
    write_csv(room / "overrides.csv", rows, delimiter=";")
    assert "there is no exercise 1 " in refused(room, "report.json", "-o", "new", "--overrides", "overrides.csv")
    write_csv(room / "overrides.csv", [*rows[:3], ["'=cmd", "01", "", "2", ""]], delimiter=";")
    write_csv(room / "moodle.csv", [MOODLE, *moodle_rows()])
    out, _ = report(room, "--overrides", "overrides.csv", "--lms", "moodle=moodle.csv", "--scale", "51")
    rows = by_key(out)
    assert (rows[TIM]["01_formula linear"], rows[TIM]["points"], rows["otto"]["points"], rows["'=cmd"]["mark"]) == ("6.5", "12.5", "11", "2")
    assert "linear: 6.5 instead of 0. =Right, but <late>" in rows[TIM]["changed"] and "by mail" in rows["otto"]["changed"]
    assert next(row["points changed"] for row in table(out / "mistakes.csv") if row["task"] == "linear") == TIM
    marks = (out / "marks.csv").read_text()
    assert "Tim Kurz,2310002@x.org,Submitted,12.50," in marks and "Submitted,11.00," in marks
    feedback = (out / "feedback" / TIM / "feedback.html").read_text(encoding="utf-8")
    for page in (feedback, (out / "class.html").read_text(encoding="utf-8")):
        assert "6.5 instead of 0" in page and "=Right, but &lt;late&gt;" in page
    assert "12.5 of 51 points" in feedback
    assert "11 points for this exercise. by mail" in (out / "feedback/Groß, Otto_2310010_assignsubmission_file_/feedback.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("row, words", [("nobody,01,,3,", "no learner nobody"), ("otto,01,lineal,3,", "no task lineal"), ("otto,01,linear,8,", "0 to 7"), ("otto,01,,-1,", "0 to 22"), ("otto,01,,many,", "many")])
def test_an_override_of_nobody_or_nothing_is_refused(room, tmp_path, row, words):
    (tmp_path / "o.csv").write_text(f"learner,exercise,task,points,comment\n{row}\n")
    assert words in refused(room, "report.json", "-o", tmp_path / "out", "--overrides", tmp_path / "o.csv")
    assert not (tmp_path / "out").exists()


def test_a_penalty_is_a_row_of_a_table_and_shown_as_such(room):
    (room / "penalties.csv").write_text("hours,share\n24,10%\n48,0.5\n")
    out, _ = report(room, "--penalties", "penalties.csv")
    assert (by_key(out)[TIM]["points"], by_key(out)[TIM]["01_formula fold_bias"]) == ("3", "2") and "26 h, 50 % taken" in by_key(out)[TIM]["late"]
    assert "26 h late; for that, 50 % of the points are taken" in (out / "feedback" / TIM / "feedback.html").read_text(encoding="utf-8")
    assert "26 h, 50 % taken" in (out / "class.html").read_text(encoding="utf-8")
    (room / "penalties.csv").write_text("hours,share\n24,0.1\n")
    assert "26 h late with 01_formula" in refused(room, "report.json", "-o", "new", "--penalties", "penalties.csv")


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


def edited(room, name, change):
    """A copy of the report, changed."""
    data = json.loads((room / "report.json").read_text())
    change(data)
    (room / name).write_text(json.dumps(data))
    return name


def keep(numbers):
    return lambda data: data.update(submissions=[each for number, each in enumerate(data["submissions"]) if number in numbers])


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


@pytest.mark.parametrize(
    "text, hours", [("", 0), ("no", 0), ("unknown", 0), ("26", 26), ("1,5 h", 1.5), ("90 min", 1.5), ("1 d 2 h 30 min", 26.5), ("1:30", 1.5), ("LATE", None), ("yes, says Canvas", None)]
)
def test_lateness_is_read_in_hours(text, hours):
    assert roster.hours_late(text) == hours


def test_a_row_of_somebody_else_is_nobodys_though_a_number_fits(room):
    write_csv(room / "canvas.csv", [["Student", "ID", "SIS User ID", "HW (1)"], ["Body, Any", "2310001", "", "2.0"], ["Kurz, Tim", "5", "2310002", ""]])
    out, _ = report(room, "--lms", "canvas=canvas.csv", "--scale", "51")
    assert [row["HW (1)"] for row in csv.DictReader((out / "marks.csv").read_text().splitlines())] == ["2.0", "6.00"]


def test_copies_that_cannot_be_read_hold_a_mark_back_until_a_person_gives_points(room):
    def copy(data):
        broken = next(each for each in data["submissions"] if each["error"])
        data["submissions"].append({**broken, "path": f"submissions/{LEA}/01_formula-Copy1.ipynb"})

    name = edited(room, "odd.json", copy)
    assert by_key(report(room, reports=[name])[0])[LEA]["mark"] == ""
    write_csv(room / "overrides.csv", [["learner", "exercise", "points"], ["2310001", "01", "22"], ["otto", "01_formula", "3"]])
    rows = by_key(report(room, "--overrides", "overrides.csv", reports=[name])[0])
    assert (rows[LEA]["points"], rows[LEA]["not graded"], rows["otto"]["points"]) == ("22", "", "3")
