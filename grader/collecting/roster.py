"""Who should have handed in: a platform's own export, whatever its language, letters and columns, and which of its rows a learner is."""

import csv
import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from ..texts import one_line
from .records import Learner

MAX_BYTES = 20 * 2**20
HEADINGS = {  # usual ones, in English and German, without what is not a letter
    "name": "name fullname student studentname learner participant vollständigername namevorname nachnamevorname teilnehmer teilnehmerin",
    "first": "firstname givenname forename vorname vornamen",
    "last": "lastname surname familyname nachname familienname",
    "email": "email emailaddress mail mailaddress emailadresse emailaddresse",
    "login": "login loginid username userlogin sisloginid anmeldename benutzername githubusername github account kennung benutzerkennung rzkennung",
    "id": "id identifier userid usrid sisuserid idnumber studentid studentnumber matriculationnumber matrikelnummer matrikelnr matrikel idnummer "
    "teilnehmernummer orgdefinedid integrationid",
    "time": "lastmodifiedsubmission zuletztgeändertabgabe",
    "due": "due duedate until deadline extension frist abgabefrist verlängerung bis fällig",
}
KINDS = {heading: kind for kind, headings in HEADINGS.items() for heading in headings.split()}
NUMBERED = re.compile(r"(?:participant|teilnehmer\W?(?:in)?)\s*(\d+)", re.IGNORECASE)  # how Moodle's worksheet writes the number in its folders
MONTHS = {
    month: number
    for number, names in enumerate("jan feb mar,mär,maer apr may,mai jun jul aug sep oct,okt nov dec,dez".split(), 1)
    for month in names.split(",")
}
LONG_TIME = re.compile(r"(\d{1,2})\.? (\w{3})\w*\.? (\d{4}),? (\d{1,2}):(\d\d)(?::\d\d)?(?:\s?([AaPp])\.?[Mm]\.?)?")


class BadTable(Exception):
    """A table cannot be read. The message is one line: which, and why."""


def rows(path: Path, needed: tuple[set[str], ...]) -> list[tuple[int, dict[str, list[str]]]]:
    """The rows of a CSV by their line, each cell under the kind of its heading. Of each set in `needed`, one kind must be there. Raises BadTable."""
    text = _text(path)
    tables = [_table(text, delimiter) for delimiter in ",;\t"]
    kinds, table = max(tables, key=lambda each: (sum(map(bool, each[0])), len(each[0])))
    for either in needed:
        if not either & set(kinds):
            wanted = " or ".join(sorted(either))
            raise BadTable(f"{one_line(path)}: no column for {wanted} is known by its heading. Name one so, in the first line.")
    found = []
    for line, cells in table:
        row = {}
        for kind, cell in zip(kinds, cells):
            row.setdefault(kind, []).append(unicodedata.normalize("NFC", cell))
        if any(cell.strip() for cell in cells):
            found.append((line, row))
    return found


def _text(path):
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadTable(f"{one_line(path)}: {error.strerror or error}.") from None
    if len(data) > MAX_BYTES:
        raise BadTable(f"{one_line(path)}: larger than {MAX_BYTES // 2**20} MiB; is it a table of learners?")
    if data[:2] == b"PK":
        raise BadTable(f"{one_line(path)}: an Excel file, or another zip. Save it as CSV.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data[:200]:
        encodings = ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    raise BadTable(f"{one_line(path)}: neither UTF-8 nor UTF-16 nor Windows' letters. Save it as CSV in UTF-8.")


def _table(text, delimiter):
    """The kinds of the columns and the other lines, where cells part at the delimiter; Excel's `sep=;` is no line."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells and not (len(cells) <= 2 and cells[0].lower().startswith("sep="))]
    except csv.Error:
        return [], []
    kinds = [KINDS.get(_heading(cell), "") for cell in lines[0][1]] if lines else []
    return kinds, lines[1:]


def _heading(cell):
    return re.sub(r"[\W\d_]", "", unicodedata.normalize("NFC", cell)).lower()


def read(path: Path) -> list[Learner]:
    """Everybody on the roster. Raises BadTable."""
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
        raise BadTable(f"{one_line(path)}: nobody is on it.")
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
        self._ids = _table_of(people, lambda one: {_same(each) for each in one.ids})
        self._logins = _table_of(people, lambda one: {_same(each) for each in (one.login, one.email, one.email.partition("@")[0]) if each})
        self._names = _table_of(people, lambda one: names(one.name))

    def find(self, learner: Learner) -> tuple[Learner | None, str]:
        """The person, or None and why, in a clause. Where there is a name only, as of a folder, it may be an id or a login."""
        other = {_same(learner.name)} - {""} if not learner.ids and not learner.login else set()
        by_id = _all(self._ids, map(_same, learner.ids))
        fitting = [person for person in by_id if may_be_called(learner.name, person.name)]  # platforms and offices count learners in their own ways
        if by_id and not fitting:
            return None, f"on the roster its id is that of {by_id[0].shown}"
        logins = {_same(each) for each in (learner.login, learner.email) if each}
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


def _same(text):
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _words(name):
    return re.findall(r"\w+", _same(name))


def names(name: str) -> set[str]:
    """What a name may look like elsewhere: "Last, First" or "First Last", with or without spaces. Which words are the last name is not known."""
    words = _words(name)
    return {"".join(words[at:] + words[:at]) for at in range(len(words))}


def plain_letters(text: str, umlauts: bool = True) -> str:
    """The text in letters that have no marks; an umlaut becomes two letters, or loses its dots."""
    for mark, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue")) if umlauts else ():
        text = text.replace(mark, plain)
    for letter, plain in (("ß", "ss"), ("ø", "o"), ("Ø", "O"), ("æ", "ae"), ("Æ", "Ae"), ("ł", "l"), ("Ł", "L"), ("đ", "d"), ("Đ", "D"), ("ı", "i")):
        text = text.replace(letter, plain)
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def may_be_called(one: str, other: str) -> bool:
    """Whether two names may be one person's: they share a word, or one stands in the other's letters (Canvas writes names without spaces)."""
    for umlauts in (True, False):
        some, more = (_words(plain_letters(unicodedata.normalize("NFC", name), umlauts)) for name in (one, other))
        if not some or not more or set(some) & set(more):
            return True
        if any(len(word) > 2 and word in "".join(long) for short, long in ((some, more), (more, some)) for word in short):
            return True
    return False
