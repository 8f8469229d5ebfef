"""Marks: into the export of a learning platform, changed by a person, less for what was late."""

import csv
import io
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.reports import lms, roster

from .reported import LEA, MOODLE, PIA, TIM, by_key, edited, moodle_rows, refused, report, table, write_csv

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


@pytest.mark.parametrize(
    "text, hours", [("", 0), ("no", 0), ("unknown", 0), ("26", 26), ("1,5 h", 1.5), ("90 min", 1.5), ("1 d 2 h 30 min", 26.5), ("1:30", 1.5), ("LATE", None), ("yes, says Canvas", None)]
)
def test_lateness_is_read_in_hours(text, hours):
    assert roster.hours_late(text) == hours


def test_a_row_of_somebody_else_is_nobodys_though_a_number_fits(room):
    write_csv(room / "canvas.csv", [["Student", "ID", "SIS User ID", "HW (1)"], ["Body, Any", "2310001", "", "2.0"], ["Kurz, Tim", "5", "2310002", ""]])
    out, _ = report(room, "--lms", "canvas=canvas.csv", "--scale", "51")
    assert [row["HW (1)"] for row in csv.DictReader((out / "marks.csv").read_text().splitlines())] == ["2.0", "6.00"]


def test_a_file_that_collect_refused_is_no_zero_of_the_exercise_that_is_not_there(room, tmp_path):
    """Pia has 01 alone; 02, which Lea handed in, may be the file that could not be read."""
    rows = [["key", "exercise", "file", "status", "reason"], [PIA, "01_formula", f"{PIA}/01_formula.ipynb", "taken", ""], [PIA, "", "", "refused", "cut off"], [LEA, "", "", "refused", "cut off"]]
    learners = write_csv(tmp_path / "learners.csv", rows)
    marks = by_key(report(room, "--learners", learners)[0])
    assert marks[PIA]["mark"] == "" and "refused: cut off" in marks[PIA]["not graded"]
    assert marks[LEA]["mark"] != ""  # she has all there is
    write_csv(room / "overrides.csv", [["learner", "exercise", "points"], [PIA, "02", "3"]])
    assert by_key(report(room, "--learners", learners, "--overrides", "overrides.csv")[0])[PIA]["mark"] != ""


def test_copies_that_cannot_be_read_hold_a_mark_back_until_a_person_gives_points(room):
    def copy(data):
        broken = next(each for each in data["submissions"] if each["error"])
        data["submissions"].append({**broken, "path": f"submissions/{LEA}/01_formula-Copy1.ipynb"})

    name = edited(room, "odd.json", copy)
    assert by_key(report(room, reports=[name])[0])[LEA]["mark"] == ""
    write_csv(room / "overrides.csv", [["learner", "exercise", "points"], ["2310001", "01", "22"], ["otto", "01_formula", "3"]])
    rows = by_key(report(room, "--overrides", "overrides.csv", reports=[name])[0])
    assert (rows[LEA]["points"], rows[LEA]["not graded"], rows["otto"]["points"]) == ("22", "", "3")
