"""The command line: python -m grader check | grade | release | doctor. Nothing heavy is imported before it is needed."""

import argparse
import secrets
import sys
from pathlib import Path

GRADED, NOT_GRADED, BAD_USAGE = 0, 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code: 0 graded, 1 something could not be graded (or --require-full failed), 2 bad usage."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.split(".")[0] == "grader":
            raise
        return _refuse(f"{missing.name} is not installed here. Run `make`, or: pip install -r requirements.txt", NOT_GRADED)
    except KeyboardInterrupt:
        return _refuse("Stopped.", 130)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m grader", description="Grade the notebooks of Linear, Inside Out.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="grade one notebook of mine, with full feedback")
    check.add_argument("notebook", help="an exercise's number or name (03, backward), or the path of a notebook")
    check.set_defaults(command=_check)

    grade = commands.add_parser("grade", help="grade notebooks and print a table of scores")
    grade.add_argument("paths", nargs="+", metavar="PATH", help="notebooks, folders of them, or quoted patterns such as 'a/*/01*.ipynb'")
    grade.add_argument("-j", "--jobs", type=int, metavar="N", help="notebooks graded at a time (default: one for each processor)")
    grade.add_argument("--regrade", action="store_true", help="grade again what an earlier run with this seed has graded")
    grade.add_argument("--require-full", action="store_true", help="exit with 1 unless every notebook has full marks")
    grade.set_defaults(command=_grade)

    for command in (check, grade):
        command.add_argument("--seed", type=int, help="repeat the inputs of an earlier run (default: fresh ones)")
        command.add_argument("--device", choices=("cpu", "cuda", "auto"), default="auto", help="where inputs live (default: auto)")
        command.add_argument("--sandbox", choices=("auto", "bwrap", "none"), default="auto", help="what notebooks run in (default: auto)")
        command.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="set a limit, as in cell=10 or memory=512")
        command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
        command.add_argument("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")

    release = commands.add_parser("release", help="rebuild exercises/ from solutions/")
    release.set_defaults(command=_release)

    doctor = commands.add_parser("doctor", help="say what this machine can do, and how to mend what it cannot")
    doctor.set_defaults(command=_doctor)
    return parser


def _check(arguments):
    from . import notebooks

    try:
        path = notebooks.own(arguments.notebook)
    except notebooks.NotebookError as error:
        return _refuse(str(error), BAD_USAGE)
    return _run([path], arguments, feedback=True)


def _grade(arguments):
    from .running import NothingToGrade, find

    if arguments.jobs is not None and arguments.jobs < 1:
        return _refuse(f"-j {arguments.jobs}: at least one notebook must be graded at a time.", BAD_USAGE)
    try:
        paths = find(arguments.paths)
    except NothingToGrade as error:
        return _refuse(str(error), BAD_USAGE)
    return _run(paths, arguments, feedback=False)


def _run(paths, arguments, feedback):
    from rich.console import Console

    from .device import DeviceError, pick_device
    from .kernels.limits import LimitError, Limits
    from .kernels.sandbox import NoSandbox, pick_sandbox
    from .kernels.warm import Setting
    from .reports import console, machine
    from .running import cores, grade_paths

    try:
        limits = Limits().with_settings(arguments.limit)
        sandbox = pick_sandbox(arguments.sandbox, paths, required=not feedback)
        setting = Setting(sandbox, pick_device(arguments.device), limits)
    except (DeviceError, LimitError, NoSandbox) as error:
        return _refuse(str(error), BAD_USAGE)
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    reports = []
    for file, kind in ((arguments.json, machine.JsonReport), (arguments.junit, machine.JUnitReport)):
        try:
            if file:
                reports.append(kind(file, seed, setting.device))
        except OSError as error:
            return _refuse(f"{file}: cannot be written ({error.strerror}); give a file in a folder that exists.", BAD_USAGE)
    results, stopped, lost = [], False, ""
    try:
        jobs = 1 if feedback else arguments.jobs or cores()
        for result in grade_paths(paths, seed, setting, jobs, feedback or arguments.regrade, reports):
            results.append(result)
    except KeyboardInterrupt:
        stopped = True
    for report in reports:
        report.close()
    results.sort(key=lambda result: result.path)
    out = Console(highlight=False)
    graded = [result for result in results if not result.error]
    if feedback:
        for result in graded:
            console.print_feedback(out, result, seed, setting.device)
    elif graded:
        console.print_scores(out, graded)
        out.print(f"seed {seed}, {setting.device}")
    for result in results:
        if result.error:
            print(result.error, file=sys.stderr)
    if stopped:
        return _refuse(f"Stopped. {len(results)} of {len(paths)} notebooks are graded, and stand in the reports.", 130)
    faulty = any(result.error or result.has_fault for result in results)
    short = getattr(arguments, "require_full", False) and any(result.points < result.max_points for result in results)
    return NOT_GRADED if faulty or short else GRADED


def _release(arguments):
    from . import notebooks

    try:
        for line in notebooks.release_all():
            print(line)
    except notebooks.NotebookError as error:
        return _refuse(str(error), NOT_GRADED)
    return GRADED


def _doctor(arguments):
    from .doctor import examine

    return GRADED if examine() else NOT_GRADED


def _refuse(message, code):
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
