"""Who is who: a learner's key, by the path of a notebook, and what `learners.csv` knows of them besides."""

import os
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from ..identity import MOODLE_FOLDER
from . import sheets

FILE = "learners.csv"
COLUMNS = ("key", "name", "id", "login", "email", "exercise", "file", "late", "late_minutes", "status", "reason")
TAKEN = ("", "taken")  # the status of a notebook that counts
REFUSED = "refused"  # that of a file that is damaged, say: what it held is not known
UNITS = {"d": 24, "h": 1, "m": Fraction(1, 60)}


@dataclass
class Person:
    """A learner as learners.csv or a folder's name knows them. late, files: by exercise, of the notebooks that count; said: what became of the rest; refused: the exercise, if that is
    known, of a file that should have been read, and why it was not."""

    key: str
    name: str = ""
    id: str = ""
    login: str = ""
    email: str = ""
    late: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def split_path(shown: str) -> tuple[str, str, str]:
    """The folders above, the key and the stem of a notebook by its path in a report, whichever system wrote it.

    A file that is called after an exercise, 01_formula.ipynb, belongs to whom its folder is called after; any other to whom it is called after itself.
    """
    steps = re.split("/" if "/" in shown else r"\\", shown)
    stem = re.sub(r"\.ipynb$", "", steps[-1], flags=re.IGNORECASE)
    if re.match(r"\d\d_", stem) and len(steps) > 1:
        return "/".join(steps[:-2]), steps[-2], stem
    return "/".join(steps[:-1]), stem, stem


def person_of(key: str) -> Person:
    """What a key alone says: Moodle's folders hold a name and a number."""
    found = MOODLE_FOLDER.fullmatch(key)
    return Person(key, found["name"], found["id"]) if found else Person(key)


def read(path: Path) -> dict[str, Person]:
    """The learners of a learners.csv by their keys. Raises SheetError."""
    people: dict[str, Person] = {}
    for row in sheets.records(path, COLUMNS, ("key",)):
        if not row["key"]:
            continue
        person = people.setdefault(row["key"], Person(row["key"]))
        for name in ("name", "id", "login", "email"):
            setattr(person, name, getattr(person, name) or row[name])
        if row["status"] not in TAKEN:
            person.said.append(": ".join(filter(None, [row["status"], row["reason"]])))
            if row["status"] == REFUSED:
                person.refused.append((row["exercise"], person.said[-1]))
            continue
        if row["file"]:
            person.files[row["exercise"]] = row["file"]
        person.late[row["exercise"]] = f"{row['late_minutes']} min" if row["late_minutes"] else row["late"]
    return people


def beside(folders: set[str], reports: list[Path]) -> Path | None:
    """The learners.csv in the folder that holds all the notebooks, or the one above, as seen from here or from a report; None where there is none.

    What lies beside one learner's notebook is not asked: whoever hands in could bring it along.
    """
    shared = Path(*os.path.commonprefix([Path(folder).parts for folder in folders]))
    for base in (Path(), *(report.parent for report in reports)):
        for place in (base / shared / FILE, base / shared.parent / FILE):
            if os.path.isfile(place):
                return place
    return None


def hours_late(text: str) -> Fraction | None:
    """Hours by a text such as `26`, `26.5`, `1:30`, `90 min` or `1 d 2 h`; None where it says late, but not by how much. 0 where it says nothing, no, or that nobody knows whether."""
    text = text.strip().casefold()
    if text in ("", "no", "unknown", "on time", "-"):
        return Fraction(0)
    clock = re.fullmatch(r"(\d+):(\d\d)(?::\d\d)?", text)
    if clock:
        return Fraction(int(clock[1])) + Fraction(int(clock[2]), 60)
    parts = re.fullmatch(r"(?:\d+(?:[.,]\d+)?\s*(?:d|h|m|)[a-z]*\s*)+", text) and re.findall(r"(\d+(?:[.,]\d+)?)\s*([dhm]?)", text)
    return sum((sheets.number(value) * UNITS[unit or "h"] for value, unit in parts), Fraction(0)) if parts else None


def same_exercise(one: str, other: str) -> bool:
    """Whether two names, `01` or `01_formula`, mean one exercise."""
    return one == other or (one[:2] == other[:2] and one[:2].isdigit() and (len(one) == 2 or len(other) == 2))


def of_exercise(table: dict[str, str], exercise: str) -> str:
    """What a table by exercises says of one; what it says under no name holds for all."""
    return next((value for name, value in table.items() if same_exercise(name, exercise)), table.get("", ""))
