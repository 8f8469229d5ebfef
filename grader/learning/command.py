"""The learner's commands start and status. Nothing heavy is imported before it is needed."""

import shlex
import sys
from pathlib import Path

from .. import terminal, texts

DONE, FAILED, BAD_USAGE = 0, 1, 2


def add_to(commands):
    """Add the commands to the parsers of the command line."""
    start = commands.add_parser("start", help="lay the exercises out in a folder, to work in")
    start.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where to (default: linear-exercises)")
    start.set_defaults(command=_start)

    status = commands.add_parser("status", help="say how far I have come, and what is next")
    status.set_defaults(command=_status)


def _start(arguments):
    """Lay the exercises out, and say what to do next."""
    from ..notebooks import NotebookError
    from ..release import lay_out
    from .exercises import FOLDER, are_here

    folder = arguments.folder or Path("" if are_here() else FOLDER)  # in the folder of the exercises, what is missing there
    try:
        lines = lay_out(folder)
    except (OSError, NotebookError) as error:
        reason = f"{texts.path_text(folder)}: {error.strerror}. Choose another folder." if isinstance(error, OSError) else str(error)
        print(texts.one_line(reason, texts.MOST), file=sys.stderr)
        return BAD_USAGE
    there = shlex.quote(texts.path_text(folder))
    go = "" if folder == Path() else f"cd {'./' * there.startswith('-')}{there}, "
    lines += [f"Next: {go}open 01_formula.ipynb in Jupyter, write an answer, and run its check.", f"`{terminal.program()} check 01`, there, grades the notebook."]
    return DONE if terminal.attempt(lambda: print(*lines, sep="\n"), "") else FAILED


def _status(arguments):
    """A line for each exercise, and the next task."""
    from .exercises import NONE
    from .progress import standings

    found = standings()
    here = [standing for standing in found if standing.path]
    if not here:
        print(NONE.format(terminal.program()), file=sys.stderr)
        return BAD_USAGE
    lines = [f"{standing.name:16}{terminal.bar(*standing.points)}" if standing.path else f"{standing.name:16}not here" for standing in found]
    lines.append(f"{'together':16}{terminal.bar(*map(sum, zip(*(standing.points for standing in found))))}")
    left = [(task, standing.path) for standing in here for task, (points, most) in standing.tasks.items() if points < most and not standing.error]
    broken = any(standing.error for standing in here)
    lines += [f"Next: {left[0][0]}, in {texts.path_text(left[0][1])}"] if left else [] if broken else ["All exercises that are here are full."]
    written = terminal.attempt(lambda: print(*lines, sep="\n"), "")
    for standing in here:
        if standing.error:
            print(standing.error, file=sys.stderr)
    return DONE if written and not broken else FAILED
