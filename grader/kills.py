"""The kill table: ask every impostor its task's probes and see that it is caught, and named by its own message."""

from dataclasses import dataclass

from . import verdicts
from .diagnose import Examiner
from .spec import Exercise


@dataclass(frozen=True)
class Kill:
    """caught: the probes that found the impostor out. named: the impostor that the learner would have been told of."""

    exercise: str
    task: str
    impostor: str
    message: str
    caught: list[str]
    named: str

    @property
    def killed(self) -> bool:
        return bool(self.caught) and self.named == self.impostor


def kill_table(exercises: tuple[Exercise, ...], seed: int, device: str = "cpu") -> list[Kill]:
    """One row for each impostor of each task."""
    examiner = Examiner(seed, device)
    rows = []
    for exercise, task in ((exercise, task) for exercise in exercises for task in exercise.tasks):
        for impostor in task.impostors:
            found = [
                examiner.verdict(task, probe, examiner.impostors(task, probe)[impostor.name]) for probe in task.probes
            ]
            caught = [verdict.probe for verdict in found if verdict.status != verdicts.PASSED]
            mistakes = examiner.result(task, found).mistakes
            named = mistakes[0].impostor if mistakes else ""
            rows.append(Kill(exercise.name, task.name, impostor.name, impostor.message, caught, named))
    return rows
