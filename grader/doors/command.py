"""The commands gradescope, github and release. Nothing heavy is imported before it is needed."""

import sys
from pathlib import Path

from .. import texts

MADE, NOT_MADE, BAD_USAGE = 0, 1, 2


def add_to(commands):
    """Add the commands to the parsers of the command line."""
    release = commands.add_parser("release", help="rebuild exercises/ from solutions/, or write them as a course for nbgrader")
    release.add_argument("--nbgrader", type=Path, metavar="FOLDER", help="write an nbgrader course: source/ and nbgrader_config.py")
    release.set_defaults(command=_release)

    gradescope = commands.add_parser("gradescope", help="make the autograder of an exercise for Gradescope")
    gradescope.add_argument("exercise", metavar="EXERCISE", help="an exercise's number or name (03, backward)")
    gradescope.add_argument("-o", "--output", type=Path, default=Path("autograder.zip"), metavar="FILE", help="the zip to upload (default: autograder.zip)")
    gradescope.set_defaults(command=_gradescope)

    github = commands.add_parser("github", help="write the workflow with which GitHub grades exercises/")
    github.add_argument(
        "-o", "--output", type=Path, default=Path(".github/workflows/grade.yml"), metavar="FILE", help="the workflow (default: .github/workflows/grade.yml)"
    )
    github.set_defaults(command=_github)

    for command in (release, gradescope, github):
        command.add_argument("--force", action="store_true", help="write over files that exist")


def _release(arguments):
    """Rebuild the exercises, or write a course for nbgrader."""
    if arguments.nbgrader is None:
        from ..release import release_all

        return _made(release_all)
    from .nbgrader import write_course

    return _made(lambda: write_course(arguments.nbgrader, arguments.force))


def _gradescope(arguments):
    from .gradescope import write_zip

    return _made(lambda: write_zip(arguments.exercise, arguments.output, arguments.force))


def _github(arguments):
    from .github import write_workflow

    return _made(lambda: write_workflow(arguments.output, arguments.force))


def _made(make):
    """Print the lines that `make()` returns, or the one that says why it could not; the exit code."""
    from ..notebooks import NotebookError
    from .shared import DoorError

    try:
        for line in make():
            print(line)
    except (DoorError, NotebookError) as refusal:
        print(texts.one_line(refusal, texts.MOST), file=sys.stderr)
        return BAD_USAGE if isinstance(refusal, DoorError) else NOT_MADE
    return MADE
