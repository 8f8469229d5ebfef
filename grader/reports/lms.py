"""Marks go back the way they came: into the very file that Moodle or Canvas exported, in which nothing but the cells of the mark column changes."""

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..identity import kind_of, may_be_called, same, words
from ..texts import one_line, path_text
from . import sheets
from .gradebook import Gradebook, Learner
from .sheets import SheetError

KINDS = ("moodle", "canvas")
PLATFORMS = ("identifier", "id")  # the headings of the numbers that Moodle and Canvas give themselves; all other ids are an office's
MARKS = {"mark": ("grade", "bewertung"), "most": ("maximum grade", "bestwertung")}  # in Moodle's grading worksheet, in English and in German
ASSIGNMENT = re.compile(r"\s*\(\d+\)$")  # how Canvas ends the heading of one
NO_MARKS = ("N/A", "EX")  # in Canvas: not assigned, and excused


@dataclass(frozen=True)
class Row:
    """A learner's row in an export. mark: its cell, None where the row ends before. kept: why its mark stays as it is, else empty."""

    ids: dict[str, str]
    mark: sheets.Cell | None
    kept: str = ""

    @property
    def name(self) -> str:
        return self.ids.get("name", "")


@dataclass(frozen=True)
class Export:
    """An LMS's file. most: what it counts the mark out of, if it says so; comma: whether it writes decimals so."""

    kind: str
    text: str
    encoding: str
    bom: bytes
    delimiter: str
    rows: list[Row]
    most: Fraction | None
    comma: bool

    def with_marks(self, marks: dict[int, Fraction]) -> bytes:
        """The file's bytes with marks in some rows, by their numbers."""
        pieces, at = [], 0
        for number in sorted(marks, key=lambda each: self.rows[each].mark.start):
            cell = self.rows[number].mark
            pieces += [self.text[at : cell.start], self._written(cell, marks[number])]
            at = cell.end
        return self.bom + "".join([*pieces, self.text[at:]]).encode(self.encoding)

    def _written(self, cell, mark):
        text = f"{float(mark):.2f}".replace(".", "," if self.comma else ".")
        return f'"{text}"' if self.text[cell.start : cell.start + 1] == '"' or self.delimiter in text else text


def load(kind: str, path: Path, column: str) -> Export:
    """Read an export. column: the heading of the mark column, where there are several. Raises SheetError."""
    text, encoding, bom = sheets.load(path)
    delimiter = sheets.delimiter_of(text)
    head, *rows = sheets.split(text, delimiter)
    names = [cell.value.strip().casefold() for cell in head]
    kinds = list(map(_kind, names))
    known = {what: kinds.index(what) if what in kinds else None for what in ("id", "number", "name", "first", "last", "login", "email")}
    refuse = _refusal(path, kind)
    if kind == "moodle":
        mark, most = (next((names.index(word) for word in words if word in names), None) for words in MARKS.values())
        place = _only(head, column, refuse) if column else mark
        if known["id"] is None or place is None:
            refuse("no grading worksheet: there is no column Identifier and Grade (Moodle: view all submissions, download grading worksheet).")
        found = rows
        limits = [_value(row, most) for row in rows if _value(row, most)]
    else:
        if known["id"] is None or (known["name"] is None and known["last"] is None):
            refuse("no gradebook export: there is no column Student and ID (Canvas: Grades, Export).")
        place = _only(head, column, refuse, [number for number, name in enumerate(names) if ASSIGNMENT.search(name)])
        ahead = [row for row in rows if not _value(row, known["id"])]  # points possible, and which marks are hidden
        found = [row for row in rows if _value(row, known["id"])]
        limits = [_value(row, place) for row in ahead if _value(row, 0).casefold() == "points possible"]
    numbers = {sheets.number(each) for each in limits} - {None}
    made = [_row(kind, row, known, place) for row in found if any(cell.value for cell in row)]
    return Export(kind, text, encoding, bom, delimiter, made, numbers.pop() if len(numbers) == 1 else None, any("," in each for each in limits))


def _kind(name):
    """What a column holds; an assignment in Canvas, "Name (12)", is none of it."""
    kind = "" if ASSIGNMENT.search(name) else kind_of(name)
    return kind if kind != "id" or name in PLATFORMS else "number"


def _refusal(path, kind):
    def refuse(problem):
        raise SheetError(f"{path_text(path)}: {one_line(problem)}")

    return refuse


def _only(head, column, refuse, candidates=None):
    """The place of the one column of that heading, with or without Canvas's number, or of the one candidate."""
    names = [cell.value.strip() for cell in head]
    wanted = column.strip().casefold()
    every = range(len(names)) if candidates is None else candidates
    found = [number for number in every if not wanted or wanted in (names[number].casefold(), ASSIGNMENT.sub("", names[number]).casefold())]
    if len(found) != 1:
        said = f"{'more than one' if found else 'no'} column {column}".strip() if column else f"{len(found)} columns could hold the marks"
        refuse(f"{said}. Name one with --column: {'; '.join(names[number] for number in every)}.")
    return found[0]


def _value(row, place):
    return row[place].value.strip() if place is not None and place < len(row) else ""


def _row(kind, row, known, place):
    ids = {what: _value(row, column) for what, column in known.items()}
    if kind == "moodle":  # "Participant 2310001"
        ids["id"] = "".join(re.findall(r"\d+$", ids["id"]))
    elif not ids["name"]:
        ids["name"] = f"{ids['first']} {ids['last']}".strip()
    mark = row[place] if place < len(row) else None
    kept = "the row ends before the mark's column" if mark is None else f"its mark is {mark.value.strip()}" if mark.value.strip() in NO_MARKS else ""
    return Row({what: value for what, value in ids.items() if value and what not in ("first", "last")}, mark, kept)


def match(export: Export, learners: list[Learner]) -> dict[str, int]:
    """The number of the row of each learner whose row is known, by the learners' keys: by id, address, login, key or, at last, name.

    Whatever is found in more than one row, or said of more than one learner, tells nobody from anybody and is passed over; and so is an id in a row of
    somebody with another name, for numbers of two kinds may be alike.
    """
    ways = (
        (("id", "number"), lambda person: person.id), (("email",), lambda person: person.email), (("login",), lambda person: person.login),
        (("id", "number", "login", "email"), lambda person: person.key), (("name",), lambda person: person.name), (("name",), lambda person: person.key),
    )  # fmt: skip
    names = {learner.key: learner.person.name for learner in learners}
    found: dict[str, int] = {}
    for columns, said in ways:
        rows: dict[object, set[int]] = {}
        taken = set(found.values())
        for number, row in enumerate(export.rows):
            for column in columns:
                if row.ids.get(column) and number not in taken:
                    rows.setdefault(_plain(row.ids[column], column), set()).add(number)
        people: dict[object, list[str]] = {}
        for learner in learners:
            if said(learner.person) and learner.key not in found:
                people.setdefault(_plain(said(learner.person), columns[0]), []).append(learner.key)
        pairs = [(keys[0], min(rows[word])) for word, keys in people.items() if len(keys) == 1 and len(rows.get(word, ())) == 1]
        claims = Counter(number for _, number in pairs)
        found |= {key: number for key, number in pairs if claims[number] == 1 and may_be_called(export.rows[number].name, names[key])}
    return found


def _plain(text, column):
    """An id as it is compared, or a name: in any order and form of its letters, "Lang, Lea" being "Lea Lang"."""
    return tuple(sorted(words(text))) if column == "name" else same(text)


@dataclass(frozen=True)
class Filled:
    """marks.csv, and what did not find its place: (where, who, id, why)."""

    data: bytes
    count: int
    replaced: int
    unmatched: list[tuple[str, str, str, str]]


def fill(export: Export, book: Gradebook, rows: dict[str, int], scale: Fraction | None) -> Filled:
    """The export with the marks of all who have one."""
    marks, unmatched, owners = {}, [], {number: key for key, number in rows.items()}
    for learner in book.sorted():
        mark, number = book.mark(learner, scale), rows.get(learner.key)
        who = learner.key, learner.person.id
        if number is None:
            unmatched.append(("report", *who, "no row of the export is surely theirs"))
        elif export.rows[number].kept:
            unmatched.append(("report", *who, export.rows[number].kept))
        elif mark is None:
            unmatched.append(("report", *who, f"no mark: {'; '.join(learner.problems) or 'not graded'}"))
        else:
            marks[number] = mark
    for number, row in enumerate(export.rows):
        if number not in owners:
            unmatched.append(("export", row.name, row.ids.get("id", ""), "nobody in the reports"))
    replaced = sum(1 for number in marks if export.rows[number].mark.value.strip() not in ("", "-"))
    return Filled(export.with_marks(marks), len(marks), replaced, unmatched)
