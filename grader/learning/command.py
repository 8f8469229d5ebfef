"""The learner's commands start and status. Nothing heavy is imported before it is needed."""

import sys
from pathlib import Path

from .. import terminal, texts

DONE, BAD_USAGE = 0, 2


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
    from .exercises import FOLDER

    folder = arguments.folder or Path(FOLDER)
    try:
        lines = lay_out(folder)
    except (OSError, NotebookError) as error:
        reason = f"{texts.path_text(folder)}: {error.strerror}. Choose another folder." if isinstance(error, OSError) else str(error)
        print(texts.one_line(reason, texts.MOST), file=sys.stderr)
        return BAD_USAGE
    print(*lines, f"Next: cd {texts.path_text(folder)}, open 01_formula.ipynb in Jupyter, write an answer, and run its check.", sep="\n")
    print(f"`{terminal.program()} check 01`, there, grades the notebook.")
    return DONE


def _status(arguments):
    """A line for each exercise, and the next task."""
    from .exercises import NONE
    from .progress import standings

    found = standings()
    here = [standing for standing in found if standing.path]
    if not here:
        print(NONE.format(terminal.program()), file=sys.stderr)
        return BAD_USAGE
    for standing in found:
        print(f"{standing.name:16}{terminal.bar(*standing.points)}" if standing.path else f"{standing.name:16}not here")
    print(f"{'together':16}{terminal.bar(*map(sum, zip(*(standing.points for standing in found))))}")
    for standing in here:
        if standing.error:
            print(standing.error, file=sys.stderr)
    left = [(task, standing.path) for standing in here for task, (points, most) in standing.tasks.items() if points < most]
    print(f"Next: {left[0][0]}, in {texts.path_text(left[0][1])}" if left else "All exercises that are here are full.")
    return DONE
