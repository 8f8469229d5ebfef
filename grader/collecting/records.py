"""What is known of who handed in what, as plain data, and learners.csv, the table of it."""

import csv
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from ..reports import roster
from ..reports.sheets import guarded, unguarded
from ..texts import one_line

TABLE = roster.FILE
TAKEN = "taken"
OLDER = "older try"
SAME = "the same again"
OTHER = "another exercise"
NOT_A_NOTEBOOK = "not a notebook"
REFUSED = roster.REFUSED
UNPACKED = "unpacked"
PASSED_OVER = "passed over"
NOBODY = "of nobody"
NOTHING = "nothing handed in"
STATUSES = (TAKEN, OLDER, SAME, OTHER, NOT_A_NOTEBOOK, REFUSED, NOBODY, NOTHING, UNPACKED, PASSED_OVER)  # in the order in which they are told


@dataclass
class Learner:
    """Somebody who handed in, or should have. ids: all that are known, the download's first. note: who else this may be, as far as the roster tells."""

    name: str = ""
    ids: list[str] = field(default_factory=list)
    login: str = ""
    email: str = ""
    key: str = ""
    note: str = ""
    handed_in: datetime | None = None  # as the roster says

    @property
    def id(self) -> str:
        return self.ids[0] if self.ids else ""

    @property
    def shown(self) -> str:
        return " ".join(filter(None, [self.name or self.login, f"({self.id})" if self.id else ""])) or self.key


@dataclass
class Record:
    """A line of the table: a file of the download and what became of it, or a learner who handed in nothing.

    Of a notebook that is taken, `file` is its path in the submissions' folder. late_minutes is empty where nothing says when it was handed in.
    """

    key: str = ""
    name: str = ""
    id: str = ""
    email: str = ""
    login: str = ""
    exercise: str = ""
    source: str = ""
    tries: str = ""
    time: str = ""
    late: str = ""
    late_minutes: str = ""
    status: str = ""
    reason: str = ""
    file: str = ""

    def of(self, learner: Learner | None) -> "Record":
        if learner:
            self.key, self.name, self.id, self.email, self.login = learner.key, learner.name, learner.id, learner.email, learner.login
        return self


COLUMNS = {field.name: "try" if field.name == "tries" else field.name for field in fields(Record)}  # `try` is a word of Python's


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def write(path: Path, records: list[Record]):
    """Write the table so that a spreadsheet shows it as it is: UTF-8 with its mark, and no cell that is a formula. Raises OSError."""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS.values())
        for record in records:
            table.writerow([guarded(one_line(getattr(record, name))) for name in COLUMNS])


def read(path: Path) -> list[Record]:
    """The records of a table. Raises OSError, UnicodeError, csv.Error, and KeyError where it is another table."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [Record(**{name: unguarded(row[column] or "") for name, column in COLUMNS.items()}) for row in csv.DictReader(file)]
