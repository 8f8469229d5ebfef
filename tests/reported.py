"""A class that was graded once, and the command `report` on it: for the tests of what leaves the grader."""

import csv
import io
import json
import zipfile
from pathlib import Path

import nbformat
import pytest

from grader.catalogue import EXERCISES

from .notebooks import IMPORTS, _without_sandbox, answer_cell, exercise, grader, named, solution

LEA, TIM, PIA = (f"{name}_{number}_assignsubmission_file_" for name, number in (("Lea Lang", 2310001), ("Tim Kurz", 2310002), ("Zoë <b>O'Neil", 2310003)))
WORDS = "lea_lang_helpers"  # a module of her own
TASKS = {task.name: task for task in EXERCISES[0].tasks}
MOODLE = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed", "Last modified (submission)", "Feedback comments"]


def with_mistakes(**mistakes):
    """The solved exercise 01 but for some tasks, answered with the source given, or with the known mistake of that name."""
    notebook = solution("01_formula")
    for task, what in mistakes.items():
        known = next((impostor for impostor in TASKS[task].impostors if impostor.name == what), None)
        answer_cell(notebook, task).source = IMPORTS + (named(task, known) if known else what)
    return notebook


@pytest.fixture(scope="session")
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
    (room / "submissions/otto/notes.pdf").touch()
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


def moodle_rows(comma=False):
    rows = [(2310001, "Lea Lang"), (2310002, "Tim Kurz"), (2310003, "Zoë <b>O'Neil"), (2310009, "Nina Nix"), (2310010, "Groß, Otto"), (2310011, "No Body")]
    most = "100,00" if comma else "100.00"
    return [[f"Participant {number}", name, f"{number}@x.org", "Submitted", "", most, "Yes", "Monday, 1 June 2026, 8:01 AM", 'a "b",\nc'] for number, name in rows]


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


def edited(room, name, change):
    """A copy of the report, changed."""
    data = json.loads((room / "report.json").read_text(encoding="utf-8"))
    change(data)
    (room / name).write_text(json.dumps(data), encoding="utf-8")
    return name


def keep(numbers):
    return lambda data: data.update(submissions=[each for number, each in enumerate(data["submissions"]) if number in numbers])
