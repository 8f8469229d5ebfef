"""The command line: python -m grader start | check | status | grade | collect | report | release | gradescope | github | doctor. Nothing heavy is imported before it is needed."""

from __future__ import annotations  # an older Python must get as far as to say what it is

import os
import sys

try:
    HERE = os.getcwd()
except OSError:
    sys.exit("The folder that you are in is gone. Change to one that is there.")
if sys.path[0] == HERE != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]  # `python -m` looks for modules first where it is started: among what was handed in, perhaps

import argparse
import secrets
from contextlib import closing, nullcontext
from pathlib import Path

from . import process, terminal, texts, versions
from .collecting import command as collecting
from .reports import command as reporting
from .doors import command as doors
from .learning import command as learning

GRADED, NOT_GRADED, BAD_USAGE = 0, 1, 2
DEVICE = "cpu"  # which notebooks are for


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code: 0 graded, 1 something could not be graded (or --require-full failed), 2 bad usage."""
    terminal.write_anything()
    os.environ["PYTHONSAFEPATH"] = "yes"  # for the processes that are started from here
    process.compile_no_grammar()
    process.keep_all_bits()
    try:
        arguments = _parser().parse_args(list(map(_file_or_option, sys.argv[1:] if argv is None else argv)))
    except _Refused as refusal:
        return _refuse(str(refusal), BAD_USAGE)
    problem = versions.python_problem() if getattr(arguments, "light", False) else versions.problem()
    if problem and arguments.command is not _doctor:
        return _refuse(problem, NOT_GRADED)
    try:
        code = arguments.command(arguments)
        return code if terminal.attempt(lambda: None, "") else NOT_GRADED
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.split(".")[0] == "grader":
            raise
        return _refuse(f"{missing.name} is not installed here. {versions.install(missing.name)}", NOT_GRADED)
    except KeyboardInterrupt:
        return _refuse("Stopped.", 130)


def _file_or_option(word):
    """A word of the command line; a notebook that is called like an option is a notebook all the same. Raises _Refused."""
    if word[:1] != "-" or not os.path.lexists(word):
        return word
    if word.lower().endswith(".ipynb"):
        return f"./{word}"
    raise _Refused(f"{word}: a file here has the name of this option. Give the folder, not its files, from somewhere else.")


class _Parser(argparse.ArgumentParser):
    """What it says of its arguments, which may be the names of files, is inert."""

    def exit(self, status=0, message=None):
        super().exit(status, message and texts.inert(message))


def _parser():
    parser = _Parser(prog=terminal.program(), description="Grade the notebooks of Linear, Inside Out.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="grade notebooks of mine, with full feedback")
    check.add_argument(
        "notebooks", nargs="*", metavar="NOTEBOOK", help="an exercise's number or name (03, backward), a task (linear), a notebook's path, or all"
    )
    check.add_argument("--watch", action="store_true", help="stay, and grade whatever I save; without NOTEBOOK, follow me from exercise to exercise")
    check.set_defaults(command=_check)

    grade = commands.add_parser("grade", help="grade notebooks and print a table of scores")
    grade.add_argument("paths", nargs="+", metavar="PATH", help="notebooks, folders of them, or quoted patterns such as 'a/*/01*.ipynb'")
    grade.add_argument("-j", "--jobs", type=int, metavar="N", help="notebooks graded at a time (default: one for each processor), or fewer on a GPU")
    grade.add_argument("--cluster", metavar="ADDRESS", help="grade on the workers of a Dask scheduler, -j on each; local: on two started here, to try it")
    grade.add_argument(
        "--update", type=Path, metavar="FILE",
        help="go on with this JSON report, in its seed, device and limits: grade what you name, and in folders what is new, has changed or failed",
    )  # fmt: skip
    grade.add_argument("--exercise", metavar="NN", help="grade the notebooks of this exercise alone, and name the others")
    grade.add_argument("--regrade", action="store_true", help="grade again what an earlier run with this seed has graded")
    grade.add_argument("--require-full", action="store_true", help="exit with 1 unless every notebook has full marks")
    grade.set_defaults(command=_grade)

    for command in (check, grade):
        command.add_argument("--seed", type=int, help="repeat the inputs of an earlier run (default: fresh ones)")
        command.add_argument("--device", choices=("cpu", "cuda", "auto"), help="where inputs live (default: cpu, which notebooks are for)")
        command.add_argument("--sandbox", choices=("auto", "bwrap", "none"), default="auto", help="what notebooks run in (default: auto)")
        command.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="set a limit, as in cell=10 or memory=512")
        command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
        command.add_argument("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")

    learning.add_to(commands)
    collecting.add_to(commands)
    reporting.add_to(commands)
    doors.add_to(commands)

    doctor = commands.add_parser("doctor", help="say what this machine can do, and how to mend what it cannot")
    doctor.set_defaults(command=_doctor)
    return parser


class _Refused(Exception):
    """What was asked for cannot be done. The message is one line."""


def _check(arguments):
    """Grade one's own notebooks, with everything there is to say; with --watch, again whenever they are saved."""
    from .files import shown_path
    from .kernels import warm
    from .learning.exercises import NoExercise, chosen
    from .learning.progress import next_first, remembered
    from .reports.outputs import NotBegun, Outputs

    try:
        if not arguments.notebooks and not arguments.watch:
            raise _Refused("Name what is to be graded: an exercise (01), a task (linear), a notebook, or all.")
        wanted = {shown_path(path): (path, tasks) for path, tasks in chosen(arguments.notebooks or ["all"]).items()}
        paths = [path for path, _ in wanted.values()] if arguments.notebooks else next_first()
        setting, seed = _setting(arguments, paths, required=False), _seed(arguments)
        warm.begin(setting)
        reports = Outputs(arguments, _facts(seed, setting))
    except (NoExercise, NotBegun, _Refused) as refusal:
        return _refuse(str(refusal), BAD_USAGE)

    from rich.console import Console

    from .catalogue import find_exercise
    from .kernels.limits import Limits
    from .learning.loop import Loop, single_keys
    from .reports.console import print_feedback
    from .running import grade_paths, watch

    out, loop, code = Console(highlight=False), Loop(), GRADED
    graded = watch(paths, seed, setting, loop.is_over) if arguments.watch else grade_paths(paths, seed, setting, jobs=1, regrade=set(wanted))
    usual = (setting.limits, setting.device) == (Limits(), DEVICE)  # as `status` would grade
    with closing(graded), single_keys() if arguments.watch else nullcontext():
        for result in remembered(paths, graded) if usual else graded:
            reports.add(result)
            if result.error:
                print(result.error, file=sys.stderr)
            elif not terminal.attempt(lambda: print_feedback(out, result, seed, setting.device, wanted[result.path][1]), f"Seed {seed}."):
                code = NOT_GRADED
                break
            elif result.points == result.max_points:
                out.print(f"\n  {find_exercise(result.exercise).milestone}")
            if arguments.watch:
                loop.show(result)
            code = _code([result]) if arguments.watch else max(code, _code([result]))
    return NOT_GRADED if reports.close() else code


def _grade(arguments):
    """Grade notebooks, and print a table of scores."""
    from rich.console import Console

    from .device import most_jobs, try_gpu
    from .files import shown_path
    from .kernels.environment import arithmetic
    from .reports.console import print_flags, print_missing_modules, print_scores, print_summary
    from .reports.outputs import NotBegun, Outputs
    from .reports.reading import ReportError
    from .running import NothingToGrade, cores, find, grade_paths, of_exercise
    from .verdicts import outline
    from .workers import Gone

    cluster, earlier, stopped = None, None, ""
    try:
        if arguments.jobs is not None and arguments.jobs < 1:
            raise _Refused(f"-j {arguments.jobs}: at least one notebook must be graded at a time.")
        found = find(arguments.paths)
        paths, others = of_exercise(found.notebooks, arguments.exercise) if arguments.exercise else (found.notebooks, [])
        earlier = _earlier(arguments)
        setting, seed = _setting(arguments, paths, required=True, earlier=earlier), _seed(arguments, earlier)
        facts, regrade, results = _facts(seed, setting), set(map(shown_path, paths)) if arguments.regrade else set(), []
        if earlier:
            regrade |= found.named
            earlier.must_fit(facts)
            results = earlier.standing(paths, regrade)
        if arguments.cluster:
            from .cluster import Cluster

            cluster = Cluster(arguments.cluster, arguments.jobs or 0, seed, setting)
        reports = Outputs(arguments, facts, earlier)
    except (NothingToGrade, Gone, NotBegun, ReportError, _Refused) as refusal:
        if cluster:
            cluster.close()
        return _refuse(str(refusal), BAD_USAGE)
    standing = {result.path for result in results}
    left = [path for path in paths if shown_path(path) not in standing]
    jobs = arguments.jobs or cores()
    if setting.device == "cuda" and most_jobs(setting) < min(jobs, len(left)):
        jobs = most_jobs(setting)
        print(f"The GPU has memory for {jobs} notebook{'s' * (jobs > 1)} at a time ({try_gpu(setting)}).", file=sys.stderr)
    own = [file.absolute() for file in (arguments.json, arguments.update, arguments.junit) if file]
    strangers = [shown_path(each) for each in found.strangers if each.absolute() not in own]
    known = f"; {len(standing)} of {len(paths)} stand in {texts.path_text(arguments.update)}" if earlier else ""
    begun = terminal.attempt(lambda: print(f"seed {seed}, {setting.device}{known}"), f"seed {seed}, {setting.device}.")
    try:
        for result in grade_paths(left, seed, setting, jobs, regrade, cluster):
            results.append(outline(result))
            reports.add(result)
    except KeyboardInterrupt:
        stopped = "Stopped."
    except Gone as gone:
        stopped = str(gone)
    lost = reports.close()
    results.sort(key=lambda result: result.path)
    graded = [result for result in results if not result.error]
    run = ", ".join([f"seed {seed}", setting.device, *(f"{name}={value}" for name, value in arithmetic().items())])

    def show():
        out = Console(highlight=False)
        if graded:
            print_scores(out, graded)
            print_missing_modules(out, graded)
            print_flags(out, graded)
        print_summary(out, results, others, strangers)
        out.print(run, markup=False)

    printed = terminal.attempt(show, f"{run}.") and begun
    for line in found.empty:
        print(line, file=sys.stderr)
    for result in results:
        if result.error:
            print(result.error, file=sys.stderr)
    if earlier and earlier.gone:
        print(f"{texts.path_text(arguments.update)}: {len(earlier.gone)} results of files that are gone, such as {earlier.gone[0]}, stay.", file=sys.stderr)
    if stopped:
        report = arguments.update or arguments.json
        cure = f"--update {texts.path_text(report)}" if report else f"The same command with --seed {seed}"
        told = f"{stopped} {len(results)} of {len(paths)} notebooks are graded, and stand in the reports. {cure} goes on from here."
        return _refuse(told, 130 if stopped == "Stopped." else NOT_GRADED)
    short = arguments.require_full and any(result.points < result.max_points for result in results)
    return NOT_GRADED if lost or short or not printed or found.empty else _code(results)


def _earlier(arguments):
    """The report that --update goes on with, if any. Raises _Refused, NotBegun and ReportError."""
    if not arguments.update:
        return None
    from .reports.outputs import begun
    from .updating import Earlier

    if arguments.json:
        raise _Refused(f"--update writes {arguments.update}. Leave --json out.")
    with begun(arguments.update):
        return Earlier(arguments.update)


def _setting(arguments, paths, required, earlier=None):
    """How notebooks are to run: as the earlier report says, if there is one. Raises _Refused."""
    from .device import DeviceError, pick_device
    from .kernels.limits import LimitError, Limits
    from .kernels.sandbox import NoSandbox, pick_sandbox
    from .kernels.warm import Setting

    try:
        limits = (earlier.limits if earlier else Limits()).with_settings(arguments.limit)
        device = arguments.device or (earlier.facts["device"] if earlier else DEVICE)
        if getattr(arguments, "cluster", None):  # whose workers must have what is asked for; this machine need not
            if device == "cuda":
                raise _Refused("--cluster grades on the CPU, not on cuda. Leave out one of the two.")
            return Setting("none" if arguments.sandbox == "none" else "bwrap", "cpu", limits)
        sandbox = pick_sandbox(arguments.sandbox, paths, required)
        return Setting(sandbox, pick_device(device, sandbox, limits), limits)
    except (DeviceError, LimitError, NoSandbox) as refusal:
        raise _Refused(str(refusal)) from None


def _seed(arguments, earlier=None) -> int:
    drawn = earlier.facts["seed"] if earlier else secrets.randbelow(2**31)
    return drawn if arguments.seed is None else arguments.seed


def _facts(seed, setting) -> dict:
    from .reports.machine import facts_of

    return facts_of(seed, setting.device, setting.limits)


def _code(results) -> int:
    return NOT_GRADED if any(result.error or result.has_fault for result in results) else GRADED


def _doctor(arguments):
    from .doctor import examine

    return GRADED if examine() else NOT_GRADED


def _refuse(message, code):
    print(texts.one_line(message, texts.MOST), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
