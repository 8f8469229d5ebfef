"""The command `report`: from the reports of `grade` to everything that leaves the grader. It grades nothing, and needs neither torch nor a sandbox."""

import os
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from .. import terminal
from ..texts import MOST, one_line, path_text

OUTPUTS = ("gradebook.csv", "marks.csv", "unmatched.csv", "mistakes.csv", "class.html", "feedback.zip", "feedback")
WRITTEN, NOT_WRITTEN, BAD_USAGE = 0, 1, 2
LISTED = 20  # of those whose marks found no place, on the terminal


class Refused(Exception):
    """What was asked for cannot be done. The message is one line."""


def add_to(commands):
    """Add the command to the parser's."""
    report = commands.add_parser("report", help="make gradebook, marks, feedback and the class's mistakes of reports")
    report.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="what `grade --json` wrote; several of one seed and one version count as one")
    report.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where to write it all")
    report.add_argument("--lms", metavar="KIND=EXPORT.csv", help="moodle=... or canvas=...: the LMS's own export, whose marks are filled in in marks.csv")
    report.add_argument("--column", default="", metavar="NAME", help="the heading of the export's mark column, where there are several")
    report.add_argument("--learners", type=Path, metavar="FILE", help="names, ids and lateness (default: learners.csv in the folder that holds all notebooks, or above)")
    report.add_argument("--scale", metavar="N", help="full marks (default: what the export says, else the sum of the points)")
    report.add_argument("--overrides", type=Path, metavar="FILE", help="points that a person gives: learner,exercise,task,points,comment")
    report.add_argument("--penalties", type=Path, metavar="FILE", help="what late work loses: hours,share, the hours being `later` in the last row")
    report.add_argument("--anonymous", action="store_true", help="pseudonyms instead of names, and nobody's own words")
    report.add_argument("--force", action="store_true", help="replace what an earlier run wrote to the folder")
    report.set_defaults(command=run, light=True)


def run(arguments) -> int:
    """Write the outputs; the exit code."""
    from .reading import ReportError
    from .sheets import SheetError

    try:
        say = _write(arguments)
    except (Refused, ReportError, SheetError) as refusal:
        print(one_line(refusal, MOST), file=sys.stderr)
        return BAD_USAGE
    except OSError as error:
        where = path_text(error.filename or arguments.output)
        print(f"{where}: {one_line(error.strerror or error)}. Nothing was written to {path_text(arguments.output)}.", file=sys.stderr)
        return NOT_WRITTEN
    except UnicodeEncodeError as error:  # in Moodle's names for feedback's folders
        letters = f"names hold letters that a file's name cannot have here ({one_line(error.encoding)})"
        print(f"{path_text(arguments.output)}: {letters}. Set PYTHONUTF8=1 in the environment. Nothing was written.", file=sys.stderr)
        return NOT_WRITTEN
    return WRITTEN if terminal.attempt(say, f"{path_text(arguments.output)} is written.") else NOT_WRITTEN


def _write(arguments):
    """Write the outputs; what tells of them."""
    from . import lms, tables
    from .sheets import number

    folder = _free(arguments.output, arguments.force)
    scale = number(arguments.scale) if arguments.scale else None
    if arguments.scale and not scale:
        raise Refused(f"--scale {arguments.scale}: a number above 0 is needed, such as 10.")
    export = _export(arguments)
    book, learners, unknown = _book(arguments)
    if export and not scale:
        scale = export.most
    rows = lms.match(export, book.sorted()) if export else {}
    filled = lms.fill(export, book, rows, scale) if export else None

    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        tables.write(new, book, scale, filled)
        _write_pages(new, book, scale, _feedback_names(book, export, rows), bool(arguments.penalties))
        _put(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return partial(_say, folder, book, export, filled, scale, learners, unknown)


def _export(arguments):
    """The LMS's file, if one was given."""
    from . import lms

    kind, _, path = (arguments.lms or "").partition("=")
    if arguments.lms and (kind not in lms.KINDS or not path):
        raise Refused(f"--lms {arguments.lms}: give moodle=EXPORT.csv or canvas=EXPORT.csv.")
    if arguments.column and not arguments.lms:
        raise Refused("--column names a column of an export: give that with --lms.")
    if arguments.lms and arguments.anonymous:
        raise Refused("--anonymous with --lms: an export holds names. Run the command once for each.")
    return lms.load(kind, Path(path), arguments.column) if arguments.lms else None


def _book(arguments):
    """The gradebook with all that was asked for, the learners.csv that was read, and who is late nobody knows how much."""
    from . import changes, roster
    from .anonymous import anonymise
    from .gradebook import Gradebook

    book = Gradebook(arguments.reports)
    learners = arguments.learners or roster.beside(book.folders, arguments.reports)
    if learners:
        book.introduce(roster.read(learners))
    if not book.learners:
        raise Refused(f"{path_text(arguments.reports[0])}: nobody's notebook is in it.")
    if arguments.overrides:
        changes.override(book, arguments.overrides)
    unknown = changes.penalise(book, arguments.penalties) if arguments.penalties else []
    if arguments.anonymous:
        anonymise(book)
    return book, learners, [] if arguments.anonymous else unknown


def _free(output, force) -> Path:
    """Where the folder is to be. Raises Refused where something is there already that may not be replaced."""
    folder = Path(os.path.abspath(output))
    if not os.path.lexists(folder):
        return folder
    if not folder.is_dir() or folder.is_symlink():
        raise Refused(f"{path_text(output)}: not a folder. Give another.")
    there = sorted(each.name for each in folder.iterdir())
    strange = [name for name in there if name not in OUTPUTS]
    if strange:
        raise Refused(f"{path_text(output)}: holds other things ({one_line(strange[0])}). Give a folder that is the report's own.")
    if there and not force:
        raise Refused(f"{path_text(output)}: there is a report already. Give another folder, or --force to replace it.")
    return folder


def _put(new, folder):
    """Put the new folder in its place; what was there goes when that is done."""
    old = new.with_name(f"{new.name}-old")
    had = folder.exists()
    if had:
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if had:
            old.rename(folder)
        raise
    if had:
        shutil.rmtree(old, ignore_errors=True)


def _feedback_names(book, export, rows) -> dict[str, str]:
    """The path of each learner's feedback below feedback/: in Moodle's own folder for them where that is known, else called after the key."""
    from ..identity import moodle_folder
    from .roster import person_of

    names, taken = {}, set()
    for learner in book.sorted():
        if not learner.works:
            continue
        own = person_of(learner.key)  # where the key is such a folder's name
        if export and export.kind == "moodle" and learner.key in rows:
            folder = moodle_folder(**export.rows[rows[learner.key]].ids)
        else:
            folder = moodle_folder(own.name, own.id)
        stem = folder or _file_name(learner.key)
        number, name = 1, stem
        while name.casefold() in taken:  # for systems that do not tell a from A
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[learner.key] = f"{name}/feedback.html" if folder else f"{name}.html"
    return names


def _file_name(key):
    """A key as the name of a file on any system."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", key).strip(". ")[:100] or "_"
    return f"{name}_" if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name) else name


def _write_pages(new, book, scale, names, penalties):
    import zipfile

    from .pages import class_html, feedback_html

    (new / "feedback").mkdir()
    with zipfile.ZipFile(new / "feedback.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for learner in book.sorted():
            if learner.key not in names:
                continue
            page, path = feedback_html(book, learner, scale), new / "feedback" / names[learner.key]
            path.parent.mkdir(exist_ok=True)
            path.write_text(page, encoding="utf-8", newline="\n")
            entry = zipfile.ZipInfo(names[learner.key])  # without a time: the same reports, the same file
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, page, zipfile.ZIP_DEFLATED)
    (new / "class.html").write_text(class_html(book, scale, penalties), encoding="utf-8", newline="\n")


def _say(folder, book, export, filled, scale, learners, unknown):
    """What was written, and what a person has to look at."""
    from .sheets import shown
    from .tables import mean_of

    graded = book.graded()
    print(f"{len(book.learners)} learners, {len(graded)} with points{mean_of(book, graded)}. {', '.join(book.tasks)}.")
    if learners:
        print(f"Names and times: {path_text(learners)}.")
    for learner in [each for each in book.sorted() if each.is_open][:LISTED]:
        print(f"  no mark: {one_line(learner.key)}: {one_line('; '.join(learner.problems))}")
    waiting = sum(learner.is_open for learner in book.learners.values())
    if waiting > LISTED:
        print(f"  and {waiting - LISTED} more; class.html lists all")
    if unknown:
        print(f"Late nobody knows how much, and nothing taken: {one_line(', '.join(unknown))}.")
    if filled:
        print(f"marks.csv: {filled.count} marks on a scale of {shown(scale or book.max_points)}; {filled.replaced} of them replace another.")
        if export.most and export.most != (scale or book.max_points):
            print(f"  Mind the scale: the export counts out of {shown(export.most)}.")
        for where, who, _, why in filled.unmatched[:LISTED]:
            print(f"  {'in the export' if where == 'export' else 'in the reports'}: {one_line(who)}: {one_line(why)}")
        if len(filled.unmatched) > LISTED:
            print(f"  and {len(filled.unmatched) - LISTED} more; unmatched.csv lists all")
    if book.anonymous:
        print("No names, ids or paths; what learners' code says, notes and comments are left out, for they may hold a name.")
    else:
        print("Names and marks: keep the folder where only you can read it.")
    print(path_text(folder))
