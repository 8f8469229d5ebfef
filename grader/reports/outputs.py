"""The files that a run writes while it grades: its reports, begun together and lost one by one."""

import sys
from contextlib import contextmanager
from pathlib import Path

from .. import texts
from ..files import InUse
from .machine import JsonReport, JUnitReport


class NotBegun(Exception):
    """A report cannot be begun. The message is one line."""


@contextmanager
def begun(file):
    """A block in which a report is begun; what keeps it from that is said in a line. Raises NotBegun."""
    try:
        yield
    except InUse:
        raise NotBegun(f"{file}: another command is writing this report. Wait until it has ended, or name another file.") from None
    except OSError as error:
        cure = "Give a file in a folder that exists." if isinstance(error, (FileNotFoundError, NotADirectoryError)) else "Give another file."
        raise NotBegun(f"{file}: cannot be written ({error.strerror}). {cure}") from None


class Outputs:
    """The files that --json, --update and --junit ask for; they grow with the results. Raises NotBegun where one cannot be begun."""

    def __init__(self, arguments, facts, earlier=None):
        self._open, self._lost = [], []
        report = earlier.path if earlier else arguments.json
        both = [report, arguments.junit] if report and arguments.junit else []
        if both and (len({each.resolve() for each in both}) == 1 or all(each.exists() for each in both) and report.samefile(arguments.junit)):
            raise NotBegun(f"--junit {arguments.junit}: that is the JSON report. Give another file.")
        for file, kind in ((arguments.json, JsonReport), (arguments.junit, JUnitReport)):
            if file:
                with begun(file):
                    self._open.append((file, kind(file, facts)))
        taken_up = []
        if earlier:
            with begun(earlier.path):
                taken_up.append((earlier.path, earlier.take_up(facts)))
        for file, report in self._open:  # now that all can be written
            with begun(file):
                report.begin()
        if earlier:
            earlier.hand_over(self.add)
        self._open += taken_up

    def add(self, result):
        self._each(lambda report: report.add(result))

    def close(self) -> list[Path]:
        """Put the files in order; those that could not be written are said and returned."""
        self._each(lambda report: report.close())
        return self._lost

    def _each(self, action):
        for file, report in list(self._open):
            try:
                action(report)
            except OSError as error:
                print(texts.one_line(f"{file}: {error.strerror}. The grades are not lost, but the file was not written.", texts.MOST), file=sys.stderr)
                self._open.remove((file, report))
                self._lost.append(file)
