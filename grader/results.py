"""Gather the probes' verdicts of a run, wherever they were reached, into one result a submission."""

from .diagnose import examiner_of, submission_result
from .verdicts import SubmissionResult, bounded, verdict_from_dict


class Results:
    """A pytest plugin that reads each probe's report as it comes and adds up submissions."""

    def __init__(self, seed: int, device: str):
        self.examiner = examiner_of(seed, device)
        self._verdicts: dict[str, dict] = {}
        self._errors: dict[str, str] = {}

    def pytest_runtest_logreport(self, report):
        data = getattr(report, "grade", None)
        if data:
            self._verdicts.setdefault(data["path"], {})[data["task"], data["verdict"]["probe"]] = data

    def pytest_collectreport(self, report):
        data = getattr(report, "grade_error", None)
        if data:
            self._errors[data["path"]] = data["error"]

    def submissions(self) -> list[SubmissionResult]:
        """One result a notebook, in the order of their paths."""
        from .catalogue import find_exercise

        results = [SubmissionResult(path, "", 0, 0, error=error) for path, error in self._errors.items()]
        for path, data in self._verdicts.items():
            first = next(iter(data.values()))
            exercise = find_exercise(first["exercise"])
            tasks = []
            for task in exercise.tasks:
                found = [data.get((task.name, probe.name)) for probe in task.probes]
                verdicts = [verdict_from_dict(item["verdict"]) for item in found if item]
                if verdicts:  # pytest -k may have left a task out
                    tasks.append(self.examiner.result(task, verdicts))
            notes, modules, flags = (max((item[what] for item in data.values()), key=len) for what in ("notes", "missing_modules", "flags"))
            results.append(bounded(submission_result(path, exercise, tasks, notes, modules, flags)))
        return sorted(results, key=lambda result: result.path)

    def take(self) -> list[SubmissionResult]:
        """The results so far, which are then forgotten."""
        results = self.submissions()
        self._verdicts.clear()
        self._errors.clear()
        return results

    def pytest_terminal_summary(self, terminalreporter):
        from .reports.console import scores_text

        if self._verdicts or self._errors:
            terminalreporter.section(f"grades (seed {self.examiner.seed}, {self.examiner.device})")
            terminalreporter.write_line(scores_text(self.submissions()))
