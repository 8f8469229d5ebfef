"""A class without names: pseudonyms in a shuffled order, and nothing that a learner or a teacher wrote in words of their own."""

import random
import re
import secrets
from dataclasses import replace

from ..verdicts import PASSED, Difference, SubmissionResult
from .gradebook import Change, Gradebook
from .roster import Person

NUMBERS = re.compile(r"(?:[\s\d.,+()\[\]%:-]|e[+-]?\d|\bnan\b|\binf\b|\bTrue\b|\bFalse\b|\bNone\b|a tensor of shape|\bfrom\b|\bto\b|\bmean\b|standard deviation)*")
NAMES = re.compile(r"(?:float|bfloat|int|uint|complex)\d+|bool|cpu|cuda(?::\d+)?")  # of dtypes and devices
LEFT_OUT = "What was said is left out, for it may hold a name."


def anonymise(book: Gradebook):
    """Take out names, ids, addresses and paths, and what may hold them. The same learner is called the same in all outputs of a run, and otherwise in the next."""
    learners = list(book.learners.values())
    random.Random(secrets.randbits(256)).shuffle(learners)
    digits = max(3, len(str(len(learners))))
    names = {learner.key: f"learner-{number:0{digits}}" for number, learner in enumerate(learners, 1)}
    for mistake in book.mistakes.values():
        mistake.learners = sorted(names[key] for key in mistake.learners)
    for learner in learners:
        learner.person = Person(names[learner.key], said=["nothing graded"])
        works = {}
        for number, work in enumerate(learner.works.values(), 1):
            work.exercise = work.exercise if work.exercise in book.tasks else f"notebook {number}"
            work.path, work.error = "", work.error and f"{work.exercise}: could not be graded"
            work.flags = [f"{len(work.flags)} places, which the report names"] if work.flags else []
            work.change = work.change and Change(work.change.points)
            for task in work.tasks.values():
                task.change = task.change and Change(task.change.points)
            works[work.exercise] = work
        learner.works = works
    book.learners = {learner.key: learner for learner in learners}
    book.anonymous = True


def without_words(result: SubmissionResult) -> SubmissionResult:
    """A result without messages of the learner's code, and what it received only where that is numbers."""
    tasks = []
    for task in result.tasks:
        verdicts = [
            replace(each, message="" if each.status == PASSED else LEFT_OUT, differences=[_numbers_only(difference) for difference in each.differences])
            for each in task.verdicts
        ]
        tasks.append(replace(task, verdicts=verdicts))
    return replace(result, path="", notes=[], missing_modules=[], flags=[], error="", tasks=tasks)


def _numbers_only(difference: Difference) -> Difference:
    allowed = NAMES if difference.kind in ("dtype", "device") else NUMBERS
    if difference.kind != "keys" and allowed.fullmatch(difference.received):
        return difference
    return replace(difference, message=LEFT_OUT, received="…")
