"""Who should have handed in: a platform's own export, whatever its language, letters and columns, and which of its rows a learner is."""

import csv
import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from ..identity import kind_of, may_be_called, names, same
from ..reports import sheets
from ..reports.sheets import SheetError
from ..texts import one_line
from .records import Learner

NUMBERED = re.compile(r"(?:participant|teilnehmer\W?(?:in)?)\s*(\d+)", re.IGNORECASE)  # how Moodle's worksheet writes the number in its folders
MONTHS = {
    month: number
    for number, names in enumerate("jan feb mar,mär,maer apr may,mai jun jul aug sep oct,okt nov dec,dez".split(), 1)
    for month in names.split(",")
}
LONG_TIME = re.compile(r"(\d{1,2})\.? (\w{3})\w*\.? (\d{4}),? (\d{1,2}):(\d\d)(?::\d\d)?(?:\s?([AaPp])\.?[Mm]\.?)?")


def rows(path: Path, needed: tuple[set[str], ...]) -> list[tuple[int, dict[str, list[str]]]]:
    """The rows of a CSV by their line, each cell under the kind of its heading. Of each set in `needed`, one kind must be there. Raises SheetError."""
    text, _, _ = sheets.load(path)
    tables = [_table(text, delimiter) for delimiter in ",;\t"]
    kinds, table = max(tables, key=lambda each: (sum(map(bool, each[0])), len(each[0])))
    for either in needed:
        if not either & set(kinds):
            wanted = " or ".join(sorted(either))
            raise SheetError(f"{one_line(path)}: no column for {wanted} is known by its heading. Name one so, in the first line.")
    found = []
    for line, cells in table:
        row = {}
        for kind, cell in zip(kinds, cells):
            row.setdefault(kind, []).append(unicodedata.normalize("NFC", cell))
        if any(cell.strip() for cell in cells):
            found.append((line, row))
    return found


def _table(text, delimiter):
    """The kinds of the columns and the other lines, where cells part at the delimiter; Excel's `sep=;` is no line."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells and not (len(cells) <= 2 and cells[0].lower().startswith("sep="))]
    except csv.Error:
        return [], []
    kinds = [kind_of(cell) for cell in lines[0][1]] if lines else []
    return kinds, lines[1:]


def read(path: Path) -> list[Learner]:
    """Everybody on the roster. Raises SheetError."""
    people = []
    for _, row in rows(path, ({"name", "first", "last", "id", "email", "login"},)):
        name = next((cell for cell in row.get("name", []) if cell.strip()), "")
        first, last = (" ".join(filter(None, map(str.strip, row.get(kind, [])))) for kind in ("first", "last"))
        if first and last or not name:
            name = f"{first} {last}"
        elif first and first not in name:  # "Name" and "Vorname"
            name = f"{first} {name}"
        ids = [cell.strip() for cell in row.get("id", []) if cell.strip()]
        if name.startswith("    ") and not any(ids) or name == "Student, Test":  # Canvas: the most points there are, and the teacher as a learner
            continue
        login, email = (next((cell.strip() for cell in row.get(kind, []) if cell.strip()), "") for kind in ("login", "email"))
        numbers = [found[1] for each in ids if (found := NUMBERED.fullmatch(each))]
        name = name.strip() or next((each for each in ids if " " in each), "")  # as the identifier in GitHub's roster
        handed_in = next(filter(None, map(long_time, row.get("time", []))), None)
        person = Learner(name, list(dict.fromkeys(numbers + ids)), login, email, handed_in=handed_in)
        if person not in people[-1:] and (name or ids or login or email):
            people.append(person)
    if not people:
        raise SheetError(f"{one_line(path)}: nobody is on it.")
    return people


def long_time(text: str) -> datetime | None:
    """A time as Moodle writes it for people, in English or German: "Thursday, 1 October 2026, 11:04 PM"."""
    found = LONG_TIME.search(text)
    month = found and MONTHS.get(found[2].lower())
    if not month:
        return None
    day, _, year, hour, minute, half = found.groups()
    hour = int(hour) % 12 + 12 * (half in "pP") if half else int(hour)
    try:
        return datetime(int(year), month, int(day), hour, int(minute))
    except ValueError:
        return None


class Roster:
    """Finds the person that a learner is: by id, then by login or e-mail, then by name. What fits nobody, or more than one, is nobody."""

    def __init__(self, people: list[Learner]):
        self.people = people
        self._ids = _table_of(people, lambda one: {same(each) for each in one.ids})
        self._logins = _table_of(people, lambda one: {same(each) for each in (one.login, one.email, one.email.partition("@")[0]) if each})
        self._names = _table_of(people, lambda one: names(one.name))

    def find(self, learner: Learner) -> tuple[Learner | None, str]:
        """The person, or None and why, in a clause. Where there is a name only, as of a folder, it may be an id or a login."""
        other = {same(learner.name)} - {""} if not learner.ids and not learner.login else set()
        by_id = _all(self._ids, map(same, learner.ids))
        fitting = [person for person in by_id if may_be_called(learner.name, person.name)]  # platforms and offices count learners in their own ways
        if by_id and not fitting:
            return None, f"on the roster its id is that of {by_id[0].shown}"
        logins = {same(each) for each in (learner.login, learner.email) if each}
        for what, people in (
            ("id", fitting or _all(self._ids, other)),
            ("login or e-mail", _all(self._logins, logins | other)),
            ("name", _all(self._names, names(learner.name))),
        ):
            if len(people) > 1:
                return None, f"{len(people)} on the roster have the same {what}: {', '.join(person.shown for person in people)}"
            if people:
                return people[0], ""
        return None, "not on the roster"


def _table_of(people, keys):
    table: dict[str, list[Learner]] = {}
    for person in people:
        for key in keys(person):
            table.setdefault(key, []).append(person)
    return table


def _all(table, keys):
    return list({id(person): person for key in keys for person in table.get(key, [])}.values())
