"""The invented class of the page *For teachers*: the same at every call, and as large as one asks; `collect` finds everybody in it."""

import csv

import pytest

from book import classroom
from grader.collecting import records

from .downloads import collect


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with the download of a class of 34, two exercises each, and the class."""
    folder = tmp_path_factory.mktemp("class")
    return folder, classroom.make(folder, 34, ("01_formula", "03_backward"))


def test_the_same_seed_makes_the_same_class(room, tmp_path):
    _, people = room
    assert classroom.make(tmp_path, 34, ("01_formula", "03_backward")) == people
    assert classroom.make(tmp_path, 34, ("01_formula", "03_backward"), seed=2) != people
    assert len({person.name for person in people}) == len({person.number for person in people}) == 34


def test_collect_finds_whom_it_made(room):
    folder, people = room
    found, said = collect(folder / "download.zip", "--roster", folder / "worksheet.csv", "--due", f"{classroom.DUE:%Y-%m-%d %H:%M}", code=1)
    status = {}
    for record in found.values():
        status.setdefault(record.status, set()).add(record.name)
    assert status["not a notebook"] == {people[classroom.PDF].name} and status["refused"] == {people[classroom.DAMAGED].name}
    assert status[records.NOTHING] == {people[classroom.IDLE].name} and status["older try"] == {people[classroom.TWICE].name}
    assert {record.name for record in found.values() if int(record.late_minutes or 0)} == {people[place].name for place in classroom.LATE}
    assert len([record for record in found.values() if record.status == records.TAKEN]) == 2 * 32 - 1


def test_the_worksheet_is_one_of_moodles(room):
    folder, people = room
    with open(folder / "worksheet.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Full name"] for row in rows] == [person.name for person in people]
    assert {row["Last modified (submission)"] for row, person in zip(rows, people) if not person.handed_in} == {"-"}
