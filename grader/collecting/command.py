"""`collect` at the command line: its options, and what it prints."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from .. import terminal
from ..texts import MOST, one_line, path_text

DONE, NOT_ALL, BAD_USAGE = 0, 1, 2
SHOWN = 20  # learners or files that are named in one list


def add_to(commands):
    """Add the command to a parser's."""
    collect = commands.add_parser("collect", help="from a learning platform's download to a folder of submissions")
    collect.add_argument("download", type=Path, metavar="DOWNLOAD", help="a .zip or folder: of Moodle, Canvas, ILIAS, Google or GitHub Classroom, nbgrader")
    collect.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="the folder to make, with learners.csv in it")
    collect.add_argument("--roster", type=Path, metavar="FILE", help="a CSV of all learners, as the platform exports it")
    collect.add_argument("--exercise", metavar="NN", help="take this exercise alone, by number or name; others are named")
    collect.add_argument("--due", metavar="WHEN", help="when work was due, as in '2026-10-01 23:59'; late work is marked, and taken")
    collect.add_argument("--extensions", type=Path, metavar="FILE", help="a CSV with the columns learner and due, for those who have longer")
    collect.add_argument("--pattern", metavar="REGEX", help="whose a file is, by its path: groups learner, and perhaps id and try")
    collect.add_argument("--force", action="store_true", help="replace a folder that collect has made")
    collect.set_defaults(command=run)


class Refused(Exception):
    """What was asked for cannot be done. The message is one line."""


def run(arguments) -> int:
    """Collect, and say what came of it; the exit code: 0 all is taken, 1 something is not, 2 bad usage."""
    from ..reports.sheets import SheetError
    from . import roster
    from .archives import Unreadable
    from .layouts import NoLayout

    shown = path_text(arguments.download)
    try:
        download, output = _places(arguments)
        people = roster.Roster(roster.read(arguments.roster)) if arguments.roster else None
        due_of = _deadlines(arguments)
        exercise = _exercise(arguments.exercise)
    except (Refused, SheetError) as refusal:
        return _say(str(refusal), BAD_USAGE)
    from .choosing import collect

    try:
        collection = collect(download, output, people, exercise, arguments.pattern, due_of, arguments.force, _with_a_bar)
    except Unreadable as error:
        return _say(f"{shown}: {error}. Download it again, or unpack it and give the folder.", BAD_USAGE)
    except NoLayout as error:
        return _say(f"{shown}: {error}", BAD_USAGE)
    except OSError as error:
        return _say(f"{path_text(arguments.output)}: cannot be written ({error.strerror or error}). Nothing was collected.", NOT_ALL)
    bad = troubles(collection)
    taken = sum(bool(record.file) for record in collection.records)
    printed = terminal.attempt(lambda: _show(collection, bad, path_text(arguments.output)), f"{taken} notebooks were taken.")
    return NOT_ALL if bad or not printed else DONE


def _places(arguments):
    """The download and the folder to make, as whole paths. Raises Refused where either must not be used."""
    from . import records

    shown = path_text(arguments.output)
    if not arguments.download.exists():
        raise Refused(f"{path_text(arguments.download)}: no such file or folder.")
    download = arguments.download.resolve()
    if not download.is_dir() and not download.is_file():
        raise Refused(f"{path_text(arguments.download)}: neither a zip nor a folder.")
    output = arguments.output.parent.resolve() / arguments.output.name if arguments.output.name not in ("", "..") else arguments.output.resolve()
    if not output.parent.is_dir():
        raise Refused(f"{shown}: the folder around it does not exist. Make it first.")
    if output.is_symlink() or output.exists() and not output.is_dir():
        raise Refused(f"{shown}: a {'link' if output.is_symlink() else 'file'} has this name. Give another with -o.")
    if output == download or output.is_relative_to(download) or download.is_relative_to(output):
        raise Refused(f"{shown}: the download and its submissions must not lie in each other. Give another folder with -o.")
    if output.is_dir() and any(output.iterdir()):
        if not arguments.force:
            raise Refused(f"{shown}: already holds something. Give a new folder with -o, or --force to replace one that collect has made.")
        try:
            ours = {record.file for record in records.read(output / records.TABLE)} | {records.TABLE}
        except (OSError, UnicodeError, csv.Error, KeyError):
            raise Refused(f"{shown}: was not made by collect (it has no {records.TABLE}), and is not replaced. Give another folder with -o.") from None
        inside = (path for path in output.rglob("*") if (path.is_symlink() or not path.is_dir()) and ".ipynb_checkpoints" not in path.parts)
        other = next((path for path in inside if path.relative_to(output).as_posix() not in ours), None)
        if other:
            raise Refused(f"{shown}: also holds {path_text(other.relative_to(output))}, which collect has not made. Move it away first.")
    return download, output


def _exercise(name):
    """The exercise's whole name, for its number or name. Raises Refused."""
    if name is None:
        return None
    from ..catalogue import exercise_called

    try:
        return exercise_called(name).name
    except LookupError as refusal:
        raise Refused(f"--exercise {one_line(name)}: {refusal.args[0]}") from None


def _deadlines(arguments):
    """A function from learners to a function from one to when the work was due. Raises Refused and SheetError."""
    from . import roster

    due = _time(arguments.due, "--due") if arguments.due else None
    if arguments.extensions and not due:
        raise Refused("--extensions needs --due: when was the others' work due?")
    longer = []
    for line, row in roster.rows(arguments.extensions, ({"name", "id", "email", "login"}, {"due"})) if arguments.extensions else ():
        who = next((cell.strip() for kind in ("id", "login", "email", "name") for cell in row.get(kind, []) if cell.strip()), "")
        longer.append((who, _time((row.get("due") or [""])[0].strip(), f"{path_text(arguments.extensions)}, line {line}")))

    def due_of(learners, notes):
        everybody, own = roster.Roster(learners), {}
        for who, time in longer:
            found = [everybody.find(one)[0] for one in (roster.Learner(ids=[who], login=who, email=who), roster.Learner(name=who))]
            learner = next(filter(None, found), None)
            if learner:
                own[learner.key] = max(time, own.get(learner.key, time))
            else:
                notes.append(f"{who}: has an extension, and is not one learner here")
        return lambda learner: own.get(learner.key, due)

    return due_of


def _time(text, where):
    """A time; a day alone lasts to its end, and a time without a zone is this machine's. Raises Refused."""
    from datetime import datetime

    try:
        time = datetime.fromisoformat(text)
        if len(text) <= len("2026-10-01"):
            time = time.replace(hour=23, minute=59, second=59)
        return time.astimezone()
    except (ValueError, OverflowError, OSError):
        raise Refused(f"{where}: {one_line(text) or 'nothing'} is not a time. Write it as in 2026-10-01 23:59, or 2026-10-01T23:59+02:00.") from None


def _with_a_bar(handed):
    from rich.console import Console
    from rich.progress import track

    return track(handed, "reading", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def troubles(collection) -> dict[str, list]:
    """The records of work that was not taken and should be looked at, by learner; those of nobody under ""."""
    from . import records

    has = {record.key for record in collection.records if record.status == records.TAKEN}
    found: dict[str, list] = {}
    for record in collection.records:
        lost = record.key and record.key not in has and record.status in (records.NOT_A_NOTEBOOK, records.OTHER, records.UNPACKED)
        if lost or record.status in (records.REFUSED, records.NOBODY):
            found.setdefault(record.key, []).append(record)
    return found


def _show(collection, bad, folder):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from . import records
    from .records import counted

    out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("What became of it")
    table.add_column("files", justify="right")
    table.add_column("learners", justify="right")
    for status in records.STATUSES:
        those = [record for record in collection.records if record.status == status]
        if those:
            count = "" if status == records.NOTHING else str(len(those))
            table.add_row(status, count, str(len({record.key for record in those if record.key})))
    files = sum(record.status != records.NOTHING for record in collection.records)
    out.print(f"By {collection.layout}: {counted(len(collection.learners), 'learner')}, {counted(files, 'file')}.")
    out.print(table)
    shown = {learner.key: learner.shown for learner in collection.learners}
    late = [record for record in collection.records if record.status == records.TAKEN and record.late not in ("", "no", "unknown")]
    _list(out, "Late", [f"{shown[record.key]}, {record.exercise}: {record.late}" for record in late])
    unknown = sum(record.status == records.TAKEN and record.late == "unknown" for record in collection.records)
    if unknown:
        out.print(f"Nothing says when {counted(unknown, 'notebook')} came.")
    _list(out, "Left open", collection.notes)
    idle = [record for record in collection.records if record.status == records.NOTHING]
    _list(out, "Handed in nothing", [f"{shown[record.key]}{f', {record.reason}' * bool(record.reason)}" for record in idle])
    lines = [f"{shown.get(key, 'Nobody')}: " + "; ".join(_why(record) for record in those[:3]) + "; ..." * (len(those) > 3) for key, those in bad.items()]
    _list(out, "Not taken", lines)
    taken = [record for record in collection.records if record.status == records.TAKEN]
    out.print(f"Taken: {counted(len(taken), 'notebook')} of {counted(len({record.key for record in taken}), 'learner')}. {folder}/{records.TABLE} tells of every file.")


def _why(record):
    return f"{record.source}, {record.status}" + f" ({record.reason})" * bool(record.reason)


def _list(out, title, lines):
    if not lines:
        return
    out.print(f"{title}:")
    for line in lines[:SHOWN]:
        out.print(f"  {one_line(line, 400)}")
    if len(lines) > SHOWN:
        out.print(f"  and {len(lines) - SHOWN} more")


def _say(message, code):
    print(one_line(message, MOST), file=sys.stderr)
    return code
