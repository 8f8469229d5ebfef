"""Whose a file is, by its path: the ways in which learning platforms lay out what they let a teacher download."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from ..identity import MOODLE_FOLDER
from .archives import Entry

COPY = re.compile(r"^(?:copy of|kopie von|copie de) +(?=.)", re.IGNORECASE)
NUMBERED = re.compile(r" ?\((\d{1,4})\)(?=\.\w+(\.\w+)?$)")
CANVAS = re.compile(r"(?:(?=(?:LATE_)?anon_)|(?P<name>[^\s.]+?)_(?=(?:LATE_)?\d))(?P<late>LATE_)?(?P<id>\d+|anon_\w{5})_(?P<file>\d+(?=_)|(?:text|link)\.html$)")
AGAIN = re.compile(r"-(\d{1,3})(?=\.\w+$)")  # how Canvas tells files of one name apart
ILIAS = re.compile(r"(?P<last>[^_]+)_(?P<first>.+)_(?P<login>[^_]+)_(?P<id>\d+)$", re.DOTALL)
STAMP = re.compile(r"(\d{14})_")
ILIAS_LATE = ("late submission - ", "verspätete abgabe - ", "verspatete abgabe - ", "verspaetete abgabe - ")
CLASSROOM = re.compile(r"(?P<name>[^/]+?) - .+", re.DOTALL)
PACKING = 600  # seconds in which a platform packs a zip: times that all lie within say only when that was


class NoLayout(Exception):
    """The pattern is none, or nothing tells whose the files are. The message is one line."""


@dataclass(frozen=True)
class Claim:
    """What a path says of a file: whose it is, when it was handed in, whether late, and its number among those of the same series: a higher one is newer."""

    name: str = ""
    id: str = ""
    login: str = ""
    series: str = ""
    number: tuple[int, ...] = ()
    time: datetime | None = None
    late: bool = False


@dataclass(frozen=True)
class Layout:
    name: str
    claim: Callable[[Entry], Claim | None]


def recognised(listing: list[Entry], root: str, stamps: dict[str, str], pattern: str | None = None) -> Layout:
    """The layout of a download that is called `root`. stamps: the text of each timestamp.txt, by its folder. Raises NoLayout."""
    if pattern is not None:
        return Layout("the given pattern", _by_pattern(pattern))
    work = [entry for entry in listing if not entry.own]
    if not work:
        raise NoLayout("holds no files that anybody could have handed in.")
    known = [
        Layout("Moodle", _moodle), Layout("Canvas", _canvas), Layout("ILIAS", _ilias(listing)), Layout("nbgrader", _nbgrader(root, stamps)),
        Layout("GitHub Classroom", _github(listing, root)), Layout("Google Classroom", _classroom),
    ]  # fmt: skip
    votes = [Entry("/".join(path)) for path in dict.fromkeys(entry.outer for entry in work)]  # what one learner's zip holds does not outvote the others
    counted = [(sum(layout.claim(vote) is not None for vote in votes), layout) for layout in known]
    most, layout = max(counted, key=lambda each: each[0])
    if most and most * 2 >= len(votes):
        return layout
    plain = Layout("a folder for each learner", _plain(work))
    if not any(map(plain.claim, work)):
        raise NoLayout("nothing here tells whose the files are. Say how, with --pattern and a group (?P<learner>...), or give a folder for each learner.")
    return plain


def _by_pattern(pattern):
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise NoLayout(f"--pattern: not a regular expression ({error}).") from None
    if "learner" not in regex.groupindex:
        raise NoLayout("--pattern: it needs a group for the learner, as in '(?P<learner>[^/]+)/'.")

    def claim(entry):
        found = regex.search(entry.source)
        groups = found.groupdict() if found else {}
        if not (groups.get("learner") or "").strip():
            return None
        number = re.findall(r"\d{1,18}", groups.get("try") or "")
        tries = {"number": tuple(map(int, number))} if number else _copies(entry)
        return Claim(groups["learner"].strip(), id=(groups.get("id") or "").strip(), **tries)

    return claim


def _copies(entry):
    """A file's place among its copies, as browsers and Drive mark them: "Copy of x.ipynb" and "x (1).ipynb" came after "x.ipynb"."""
    name, copies = entry.parts[-1], 0
    while COPY.match(name):
        name, copies = COPY.sub("", name, count=1), copies + 1
    numbered = NUMBERED.search(name)
    return {"series": NUMBERED.sub("", name).lower(), "number": (copies, int(numbered[1]) if numbered else 0)}


def _moodle(entry):
    found = next(filter(None, map(MOODLE_FOLDER.match, entry.parts)), None)
    return found and Claim(found["name"].strip(), id=found["id"], **_copies(entry))


def _canvas(entry):
    found = next(filter(None, map(CANVAS.match, entry.parts)), None)
    if not found:
        return None
    again = AGAIN.search(entry.parts[-1])
    number = int(found["file"]) if found["file"].isdigit() else 0
    return Claim(found["name"] or "", id=found["id"], number=(number, int(again[1]) if again else 0), late=bool(found["late"]))


def _ilias(listing):
    times = [entry.time for entry in listing if entry.time and not entry.own and any(map(ILIAS.match, entry.parts[:-1]))]
    kept = bool(times) and (max(times) - min(times)).total_seconds() > PACKING

    def claim(entry):
        folders = [(number, found) for number, part in enumerate(entry.parts[:-1]) if (found := ILIAS.match(part))]
        if not folders or "Feedback_files" in entry.parts:  # what learners wrote about each other
            return None
        number, found = folders[0]
        outer = entry.parts[number + 1]  # what was handed in, if the file lies in a zip
        late = next((mark for mark in ILIAS_LATE if outer.lower().startswith(mark)), "")
        stamp = STAMP.match(outer[len(late) :])
        time = _stamped(stamp[1]) if stamp else entry.time if kept and entry.parts[-1] == outer else None
        return Claim(f"{found['first']} {found['last']}".replace("_", " "), found["id"], found["login"], time=time, late=bool(late), **_copies(entry))

    return claim


def _stamped(digits):
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _nbgrader(root, stamps):
    def claim(entry):
        parts = entry.parts if root != "submitted" else ("submitted", *entry.parts)
        if "submitted" not in parts or len(parts) < parts.index("submitted") + 4:
            return None
        at = parts.index("submitted")
        folder = "/".join(entry.parts[: len(entry.parts) - len(parts) + at + 3])
        return Claim(login=parts[at + 1], time=_timestamp(stamps.get(folder, "")), **_copies(entry))

    return claim


def _timestamp(text):
    """The time in nbgrader's timestamp.txt: date, time, and the name of a zone, if any."""
    words = text.split()
    try:
        time = datetime.fromisoformat(" ".join(words[:2]))
        zone = words[2] if len(words) > 2 else ""
        return time if time.tzinfo or not zone else time.replace(tzinfo=timezone.utc if zone in ("UTC", "UCT", "Z") else ZoneInfo(zone))
    except (ValueError, LookupError, OSError):  # a zone that is not known here, too
        return None


def _github(listing, root):
    """A repository is a folder with .git in it, or one in a folder that is called after the assignment and "-submissions"."""
    repositories = {entry.parts[:-2] for entry in listing if entry.source.endswith("/.git/") or entry.source == ".git/"}
    for entry in listing:
        whole = (root, *entry.parts)
        at = next((number for number, part in enumerate(whole[:-2]) if part.endswith("-submissions")), None)
        if at is not None:
            repositories.add(entry.parts[: at + 1])
    repositories -= {inner for inner in repositories for end in range(len(inner)) if inner[:end] in repositories}  # what lies in another is that one's
    words = [folder[-1].split("-") for folder in repositories if folder]
    logins = {folder: _login(("", root, *folder), words) for folder in repositories}

    def claim(entry):
        folder = next((entry.parts[:end] for end in range(len(entry.parts)) if entry.parts[:end] in logins), None)
        return None if folder is None else Claim(login=logins[folder], **_copies(entry))

    return claim


def _login(path, words):
    """What comes in a repository's name after the assignment's, which is known by the folder around it, or is what all names (as words) share."""
    parent, name = path[-2:]
    assignment = parent.removesuffix("-submissions")
    if parent.endswith("-submissions") and name.startswith(f"{assignment}-"):
        return name[len(assignment) + 1 :]
    shared = 0
    while len(words) > 1 and all(len(each) > shared + 1 and each[: shared + 1] == words[0][: shared + 1] for each in words):
        shared += 1
    return "-".join(name.split("-")[shared:])


def _classroom(entry):
    found = CLASSROOM.match(COPY.sub("", entry.outer[-1]))
    return found and Claim(found["name"].strip(), **_copies(entry))


def _plain(work: Iterable[Entry]):
    """By the first folder, or, where one folder holds all the others, by the first within it."""
    paths, start = [entry.parts for entry in work], 0
    while True:
        here = {path[start] for path in paths if len(path) > start + 1}
        below = {path[start + 1] for path in paths if len(path) > start + 2}
        if len(here) != 1 or len(below) < 2:
            break
        start += 1

    def claim(entry):
        if len(entry.parts) < start + 2:
            return None
        return Claim(re.sub(r"\.zip$", "", entry.parts[start], flags=re.IGNORECASE), **_copies(entry))

    return claim
