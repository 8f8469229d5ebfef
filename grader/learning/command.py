"""The learner's command start. Nothing heavy is imported before it is needed."""

import sys
from pathlib import Path

from .. import terminal, texts

DONE, BAD_USAGE = 0, 2


def add_to(commands):
    """Add the commands to the parsers of the command line."""
    start = commands.add_parser("start", help="lay the exercises out in a folder, to work in")
    start.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where to (default: linear-exercises)")
    start.set_defaults(command=_start)


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
