"""The pages: one for each learner, with all that `check` says, and one about the class. They have no script and ask no other file or host for anything."""

import statistics
from fractions import Fraction

from markupsafe import Markup

from .anonymous import without_words
from .gradebook import Gradebook, Learner, figures
from .html import render, task_html
from .sheets import shown

BARS = 12  # of a chart at most
WIDTH, HEIGHT, LEFT, GROUND = 620, 112, 10, 132  # of a chart


def feedback_html(book: Gradebook, learner: Learner, scale: Fraction | None) -> str:
    """A learner's page."""
    works, styled = [], True
    for name in sorted(learner.works):
        work = learner.works[name]
        result = book.result(work)
        result = without_words(result) if result and book.anonymous else result
        tasks = []
        for task in result.tasks if result else ():
            tasks.append((task.name, Markup(task_html(task, (task.hint,) if task.hint else (), book.facts["seed"], styled))))
            styled = False
        works.append((work, tasks, result))
    return render("feedback.html", book=book, learner=learner, works=works, mark=book.mark(learner, scale), scale=scale)


def class_html(book: Gradebook, scale: Fraction | None, penalties: bool) -> str:
    """The class's page."""
    graded, everybody = book.graded(), book.sorted()
    totals = [learner.points for learner in graded]
    charts = [("all exercises", _chart(totals, book.max_points))] if len(book.tasks) > 1 and totals else []
    for exercise in book.tasks:
        points = [learner.works[exercise].points for learner in graded if exercise in learner.works]
        charts += [(exercise, _chart(points, book.max_of(exercise)))] if points else []
    found = figures(book)
    return render(
        "class.html", book=book, graded=graded, statistics=_statistics(book, totals, scale), charts=charts, mistakes=book.commonest(), figures=found,
        shares={task: _shares(each) for task, each in found.items()}, scale=scale, penalties=penalties,
        problems=[(_who(learner), problem) for learner in everybody for problem in learner.problems if learner.is_open or not learner.works],
        flags=[(_who(learner), f"{work.exercise}: {'; '.join(work.flags)}") for learner in everybody for work in learner.works.values() if work.flags],
        changes=[(_who(learner), line) for learner in everybody for line in changes_of(learner)],
        late=[(_who(learner), line) for learner in everybody for line in lateness_of(learner)],
    )  # fmt: skip


def changes_of(learner: Learner) -> list[str]:
    """What a person changed of a learner's points, a line each."""
    lines = []
    for name, work in sorted(learner.works.items()):
        for task, mark in work.tasks.items():
            if mark.change:
                lines.append(f"{name}, {task}: {shown(mark.points)} instead of {mark.given}. {mark.change.comment}".strip())
        if work.change:
            lines.append(f"{name}: {shown(work.points)} for the whole exercise. {work.change.comment}".strip())
    return lines


def lateness_of(learner: Learner) -> list[str]:
    """How late a learner's works are, and what was taken for it, a line each."""
    lines = []
    for name, work in sorted(learner.works.items()):
        if work.late is None:
            lines.append(f"{name}: late, nobody knows how much; nothing taken")
        elif work.late:
            taken = f"{shown(100 * work.share)} % taken" if work.share and not work.change else "nothing taken"
            lines.append(f"{name}: {shown(work.late)} h, {taken}")
    return lines


def _who(learner):
    return f"{learner.person.name} ({learner.person.id or learner.key})" if learner.person.name else learner.key


def _statistics(book, totals, scale):
    if not totals:
        return None
    mean = statistics.mean(totals)
    deviation = f"{statistics.stdev(map(float, totals)):.2f}" if len(totals) > 1 else "–"
    return {"mean": shown(mean), "median": shown(statistics.median(totals)), "deviation": deviation, "mark": shown(mean / book.max_points * scale) if scale else ""}


def _chart(points, most):
    """Counts of points in equal steps as bars: each number of points one bar, where there are few."""
    step = -(-(most + 1) // BARS)
    counts = [0] * (most // step + 1)
    for each in points:
        counts[int(each) // step] += 1
    wide = WIDTH / len(counts)
    bars = []
    for number, count in enumerate(counts):
        first, last = number * step, min(number * step + step - 1, most)
        lines = [str(first)] + ([f"–{last}"] if last > first else [])  # one below the other: letters large enough for a phone
        height = round(HEIGHT * count / max(counts), 1)
        bars.append({
            "x": round(LEFT + number * wide + 1, 1), "y": round(GROUND - height, 1), "width": round(wide - 2, 1), "height": height,
            "middle": round(LEFT + (number + 0.5) * wide, 1), "count": count, "lines": lines,
        })  # fmt: skip
    return {"bars": bars, "words": "; ".join(f"{''.join(bar['lines'])}: {bar['count']}" for bar in bars if bar["count"])}


def _shares(figures):
    """The parts of a task's bar: kind, place and width."""
    counts = [("solved", figures.solved), ("partly", figures.partly), ("wrong", figures.wrong), ("idle", figures.not_tried)]
    total, parts, at = sum(count for _, count in counts), [], 0.5
    for kind, count in counts:
        if count:
            parts.append((kind, round(at, 1), round(159 * count / total, 1)))
            at += 159 * count / total
    return parts
