"""The kill table: ask every impostor its task's probes and see that it is caught, and named by its own message."""

from dataclasses import dataclass

from . import verdicts
from .diagnose import Examiner
from .spec import Exercise


@dataclass(frozen=True)
class Kill:
    """caught: the probes that found the impostor out. named: the impostor that the learner would have been told of. accident: an exception that
    it did not announce, where nothing but exceptions found it out: what it should get wrong was perhaps never reached."""

    exercise: str
    task: str
    impostor: str
    message: str
    caught: list[str]
    named: str
    accident: str

    @property
    def killed(self) -> bool:
        return bool(self.caught) and self.named == self.impostor and not self.accident


def kill_table(exercises: tuple[Exercise, ...], seed: int, device: str = "cpu") -> list[Kill]:
    """One row for each impostor of each task."""
    examiner = Examiner(seed, device)
    rows = []
    for exercise, task in ((exercise, task) for exercise in exercises for task in exercise.tasks):
        for impostor in task.impostors:
            answers = examiner.charged_once(task, {probe: examiner.impostors(task, probe)[impostor.name] for probe in task.probes})
            found = [examiner.verdict(task, probe, answer) for probe, answer in answers.items()]
            caught = [verdict.probe for verdict in found if verdict.status != verdicts.PASSED]
            mistakes = examiner.result(task, found).mistakes
            named = mistakes[0].impostor if mistakes else ""
            raised = [(answer, *answer.later)[-1].raised for answer, verdict in zip(answers.values(), found) if verdict.status != verdicts.PASSED]
            rows.append(Kill(exercise.name, task.name, impostor.name, impostor.message, caught, named, _accident(impostor, raised)))
    return rows


def _accident(impostor, raised) -> str:
    """The first exception that an impostor did not announce, where every probe that found it out met an exception."""
    announced = [kind.__name__ for kind in impostor.raises]
    surprises = [f"{error.kind}: {error.message}" for error in raised if error and error.kind not in announced]
    return surprises[0] if surprises and all(raised) else ""
