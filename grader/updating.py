"""Go on with a report (`grade --update`): what it says of its run, which of its results stand, and how it is taken up. It grades nothing."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from fastjsonschema import JsonSchemaException

from .cache import adds_up, digest_of
from .files import InUse, shown_path, take
from .kernels.limits import LimitError, Limits
from .reports.machine import JsonReport, renewed
from .reports.reading import ReportError, facts_validator, submissions
from .texts import path_text
from .verdicts import SubmissionResult, outline, result_from_dict

OPTIONS = ("seed", "device", "limits")


class Earlier:
    """A report that is gone on with, and that no other process can write meanwhile.

    results: outlines by the notebooks' paths. Raises ReportError where it is none, or is another grader's, and InUse. It is as it was until it is
    taken up.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._file = take(path)
        except InUse:
            raise
        except FileNotFoundError:
            raise ReportError(path, "there is no such report. Begin one with --json.") from None
        except OSError as error:
            raise ReportError(path, f"cannot be written ({error.strerror}).") from None
        self.facts: dict = {}
        self.results, self._changed = {}, []
        for result in self._all(self.facts):
            self.results[result.path] = outline(result)
            if not result.error and not adds_up(result):
                self._changed.append(result.path)
        try:
            facts_validator()(self.facts)
        except JsonSchemaException:
            raise ReportError(path, "does not say what its run was like, or an earlier grader wrote it. Grade all notebooks again with --json.") from None
        try:
            Limits().with_settings([f"{name}={value}" for name, value in self.facts["limits"].items()])
        except LimitError as error:
            raise ReportError(path, f"its limits are none ({str(error).removeprefix('--limit ')})") from None

    @property
    def limits(self) -> Limits:
        return Limits(**self.facts["limits"])

    def must_fit(self, facts: dict):
        """Raise ReportError where this run would not give the results that the report's own would have given, or where somebody has changed points in it."""
        for name, here in facts.items():
            there = self.facts[name]
            if name == "limits":
                changed = [each for each in here if here[each] != there.get(each)]
                there, here = (", ".join(f"{each}={values.get(each)}" for each in changed) for values in (there, here))
            if there != here:
                cure = "Leave out the option that says otherwise." if name in OPTIONS else "Go on with that one, or grade all notebooks again with --json."
                raise ReportError(self.path, f"its {name}: {there}; here: {here}. {cure}")
        if self._changed:
            cure = "Points that a person gives stand in a table, for `report --overrides`; grade all notebooks again with --json."
            raise ReportError(self.path, f"the points of {self._changed[0]} are not those of its probes. {cure}")

    def standing(self, paths: list[Path], named: set[str]) -> list[SubmissionResult]:
        """Outlines of the results that stand, of these notebooks: those of files that have not changed since, unless the grader failed on them or they
        are named. Raises ReportError where the report knows a notebook by another path."""
        self._must_know_by_path(paths)
        known = [(path, self.results[shown]) for path in paths if (shown := shown_path(path)) in self.results and shown not in named]
        return [result for path, result in known if not result.error and not result.has_fault and result.digest == digest_of(path)]

    def _must_know_by_path(self, paths):
        """A report's paths are those seen from where the command was started. Seen from elsewhere, everybody would be in it twice."""
        elsewhere: dict[str, list[Path]] = {}
        for shown in map(Path, self.results):
            elsewhere.setdefault(shown.name, []).append(shown)
        for path in paths:
            if (shown := shown_path(path)) in self.results:
                continue
            for other in elsewhere.get(path.name, []):
                steps = [step for step in other.parts if step != ".."]
                if other.samefile(path) if other.exists() else list(path.absolute().parts[-len(steps) :]) == steps and not self._is_at_home:
                    raise ReportError(self.path, f"knows {shown} as {path_text(other)}. Start the command in the folder where the report's was started.")

    @cached_property
    def _is_at_home(self) -> bool:
        """Whether any notebook of the report is seen from here by its path."""
        return any(Path(shown).exists() for shown in self.results)

    @property
    def gone(self) -> list[str]:
        """The paths of results that stay though their files are gone."""
        return [shown for shown in self.results if not Path(shown).exists()]

    def take_up(self, facts: dict) -> JsonReport:
        """The report, with all its results, to be added to. Raises OSError."""
        return renewed(self.path, facts, self._all({}))

    def hand_over(self, each):
        """Call `each` with every result, and let go of the file, whose place another has taken."""
        with self._file:
            for result in self._all({}):
                each(result)

    def _all(self, facts) -> Iterator[SubmissionResult]:
        self._file.seek(0)
        return map(result_from_dict, submissions(self.path, facts, self._file.fileno()))
