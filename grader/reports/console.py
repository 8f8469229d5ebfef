"""Results in a terminal."""

import re

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..verdicts import MISSING, NOT_ATTEMPTED, PASSED, RAISED, Difference, SubmissionResult, TaskResult, Verdict, folded
from .places import address_of, place_of

MARKS = {PASSED: ("✓", "green"), NOT_ATTEMPTED: ("–", "dim")}
WRONG_MARK = ("✗", "red")
DETAILED = 2  # failed probes of a task that are shown in full; the others get a line each
MODULES = 20  # lacking ones that are named
NAMED = 10  # files or reasons in a line
SIDE_BY_SIDE = 60  # columns that two matrices may take together


def print_feedback(console: Console, result: SubmissionResult, seed: int, device: str, wanted: set[str] = frozenset()):
    """Everything there is to say about one notebook, for its author. wanted: the tasks to speak of, or none, where all are meant."""
    console.print(Text.assemble((result.exercise, "bold"), f"  {result.path}  (seed {seed}, {device})"))
    for note in result.notes:
        console.print(Text(f"  note: {note}", style="yellow"))
    console.print()
    for task in result.tasks:
        if not wanted or task.name in wanted:
            console.print(task_view(task), crop=False)
    console.print(Text(f"\n  {result.points} of {result.max_points} points", style="bold"))


def task_view(task: TaskResult) -> Group:
    """A task's line, and below it whatever helps: the mistake by name, each probe that failed, a hint."""
    line = Table.grid(padding=(0, 2))
    line.add_column(min_width=30, no_wrap=True)
    line.add_column(width=8, justify="right")
    mark, style = MARKS.get(task.status, WRONG_MARK)
    status = "" if task.status == PASSED else task.status
    line.add_row(Text(f"  {mark} {task.name}", style=style), f"{task.points} / {task.max_points}", Text(status, style=style))
    parts = [line]
    if task.mistakes or task.status not in (PASSED, NOT_ATTEMPTED):
        parts += [Padding(part, (0, 0, 0, 6)) for part in _explanation(task)]
        parts += [Text(" " * 12 + address_of(task.section), no_wrap=True, overflow="ignore")] if address_of(task.section) else []  # in one piece
        parts.append(Text(""))
    return Group(*parts)


def _explanation(task):
    whole = {verdict.probe for verdict in task.verdicts if verdict.status != PASSED}
    for mistake in task.mistakes:
        where = "" if set(mistake.probes) == whole else f" (seen in: {', '.join(map(_words, mistake.probes))})"
        yield Panel(Text(mistake.message + where), border_style="yellow", box=box.ROUNDED, title="this looks like", title_align="left")
    shown = 0
    for verdict, others in folded(task.verdicts):
        mark, style = MARKS.get(verdict.status, WRONG_MARK)
        yield Text(f"{mark} {_points(verdict)}", style=style)
        if verdict.status != PASSED and shown < DETAILED:
            yield Padding(verdict_view(verdict), (0, 0, 0 if others else 1, 2))
            shown += 1
        elif verdict.status != PASSED:
            yield Padding(Text(f"{verdict.title} {verdict.seen} {verdict.message}".replace("  ", " "), style="dim"), (0, 0, 0, 2))
        if others:
            yield Padding(Text(f"{mark} for the same reason: {', '.join(map(_points, others))}", style=style), (0, 0, 1, 2))
    if not whole <= {probe for mistake in task.mistakes for probe in mistake.probes}:  # else the mistake's message says more
        yield Text.assemble(("hint  ", "cyan"), task.hint)
    yield Text.assemble(("read  ", "cyan"), place_of(task.section))


def _points(verdict):
    return f"{_words(verdict.probe)}  {verdict.points} / {verdict.max_points}"


def verdict_view(verdict: Verdict) -> Group:
    """What was asked, what came out, and where it parts from what is expected."""
    parts = [Text(verdict.title, style="dim")]
    for number, call in enumerate(verdict.asked[:3]):
        parts.append(_hanging("asked  " if number == 0 else "       ", call))
    if len(verdict.asked) > 3:
        parts.append(Text(f"       ... {len(verdict.asked)} calls in all", style="dim"))
    if verdict.seen:
        parts.append(Text(verdict.seen, style="bold"))
    if not verdict.differences:
        parts.append(Text(verdict.message))
    for difference in verdict.differences[:1]:
        parts.append(_difference_view(difference))
    rest = [difference.at for difference in verdict.differences[1:]]
    if rest:
        parts.append(Text(f"Also: {'; '.join(rest)}", style="dim"))
    return Group(*parts)


def _hanging(label, text):
    row = Table.grid()
    row.add_column(no_wrap=True)
    row.add_column()
    row.add_row(Text(label), Text(text))
    return row


def _difference_view(difference: Difference):
    where = f"{difference.at}: " if difference.at else ""
    parts = [Text(where + difference.message)]
    if difference.total > 1:
        parts.append(_sides(difference.expected, difference.received))
    return Group(*parts)


def _sides(expected, received):
    """The expected numbers and the learner's beside each other, or below where that would not fit."""
    fits = _width(expected) + _width(received) <= SIDE_BY_SIDE
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=fits)
    if fits:
        table.add_column("expected", header_style="green", no_wrap=True)
        table.add_column("you", header_style="red", no_wrap=True)
        table.add_row(expected, received)
    else:
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_row(Text("expected", style="green"), expected)
        table.add_row(Text("you", style="red"), received)
    return Padding(table, (0, 0, 0, 2))


def _width(text):
    return max(map(len, text.splitlines()), default=0)


def verdict_text(verdict: Verdict) -> str:
    """A verdict as plain text, for pytest's own report."""
    return _plain(Group(Text(verdict.status), verdict_view(verdict)))


def task_text(task: TaskResult) -> str:
    """A task's result as plain text, for places that show no HTML."""
    return _plain(task_view(task))


def _plain(view) -> str:
    console = Console(width=100, no_color=True, force_terminal=False, force_jupyter=False)
    with console.capture() as capture:
        console.print(view)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def print_scores(console: Console, results: list[SubmissionResult]):
    """One line a notebook: its points, and how its tasks stand."""
    console.print(_scores_table(results))


def print_missing_modules(console: Console, results: list[SubmissionResult]):
    """Which modules notebooks import and this environment lacks, in how many notebooks, and the points that may hang on each."""
    stakes: dict[str, list[int]] = {}
    for result in results:
        verdicts = [verdict for task in result.tasks for verdict in task.verdicts if verdict.status in (RAISED, MISSING)]
        for module in result.missing_modules:
            stakes.setdefault(module, []).append(sum(verdict.max_points - verdict.points for verdict in verdicts))
    if stakes:
        console.print("Modules that notebooks import and this environment lacks; install them into it and grade again:")
    dearest = sorted(stakes.items(), key=lambda stake: (-sum(stake[1]), stake[0]))
    for module, points in dearest[:MODULES]:
        notebooks = f"{len(points)} notebook{'s' * (len(points) > 1)}"
        console.print(Text(f"  {module}: {notebooks}, {sum(points)} point{'s' * (sum(points) != 1)} at stake"))
    if len(dearest) > MODULES:
        console.print(f"  and {len(dearest) - MODULES} others")


def print_summary(console: Console, results: list[SubmissionResult], others: list[str], strangers: list[str]):
    """How many notebooks are graded, with which mean, and what is not graded and why. others: notebooks of other exercises; strangers: other files."""
    points: dict[tuple[str, int], list[int]] = {}
    reasons: dict[str, int] = {}
    for result in results:
        if result.error:
            reason = re.split(r"\. |\.$", result.error.removeprefix(f"{result.path}: "))[0]
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            points.setdefault((result.exercise, result.max_points), []).append(result.points)
    means = [(exercise, len(each), f"mean {sum(each) / len(each):.1f} of {most}") for (exercise, most), each in sorted(points.items())]
    if len(means) == 1:
        console.print(Text(f"{means[0][1]} graded, {means[0][2]}."))
    elif means:
        said = "; ".join(f"{exercise}: {count}, {mean}" for exercise, count, mean in means)
        console.print(Text(f"{sum(count for _, count, _ in means)} graded. {said}."), soft_wrap=True)
    for count, what, names in (
        (sum(reasons.values()), "not graded", [f"{reason} ({count})" for reason, count in sorted(reasons.items(), key=lambda item: -item[1])]),
        (len(others), "of other exercises, not graded", others), (len(strangers), "not notebooks", strangers),
    ):  # fmt: skip
        if count:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            console.print(Text(f"{count} {what}: {', '.join(names[:NAMED])}{more}."), soft_wrap=True)


def print_flags(console: Console, results: list[SubmissionResult]):
    """Which notebooks a person should look at, and where; no points were taken for it."""
    flagged = [result for result in results if result.flags]
    if flagged:
        console.print("Please look at these yourself; no point was taken for it:")
    for result in flagged:
        more = f" (and {len(result.flags) - 1} more in the report)" if len(result.flags) > 1 else ""
        console.print(Text(f"  {result.path}: {result.flags[0]}{more}"))


def _scores_table(results):
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    several = len({result.exercise for result in results if result.exercise}) > 1
    table.add_column("notebook", overflow="fold")
    if several:
        table.add_column("exercise", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("tasks")
    for result in results:
        first = [Text(result.path), Text(result.exercise)][: 1 + several]
        if result.error:
            table.add_row(*first, "–", Text(result.error, style="red"))
        else:
            points = f"{result.points} / {result.max_points}"
            table.add_row(*first, Text(points, style="green" if result.points == result.max_points else ""), _tally(result))
    return table


def scores_text(results: list[SubmissionResult]) -> str:
    """The table of scores as plain text, for pytest's own report."""
    return _plain(_scores_table(results))


def _tally(result):
    tally = {}
    for task in result.tasks:
        tally.setdefault(task.status, []).append(task.name)
    if list(tally) == [PASSED]:
        return f"all {len(result.tasks)} passed"
    return "; ".join(
        f"{len(names)} {status}" + ("" if status in (PASSED, NOT_ATTEMPTED) else f" ({', '.join(names)})")
        for status, names in tally.items()
    )


def _words(name):
    return name.replace("_", " ")
