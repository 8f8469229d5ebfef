"""The pytest plugin: `pytest --grade PATH` collects notebooks as files of probes, on nbval's classes.

A probe is an nbval cell whose source asks the learner's kernel; torch's answer, computed here, stands in for its saved output.
What each probe found travels as an attribute of its report, so that results add up the same with xdist.

Every pytest in this environment loads this module, so it imports the rest of the grader only when --grade is given.
"""

from __future__ import annotations  # an older Python must get as far as to say what it is

import os
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

SETTING = pytest.StashKey()  # how kernels are to run: a warm.Setting
NO_ANSWER = "No valid answer came out of the notebook's kernel. Does the notebook change how its cells are run?"


def pytest_addoption(parser):
    group = parser.getgroup("grade", "Grading of the course's notebooks")
    group.addoption("--grade", action="store_true", help="Grade the notebooks found: run them and ask each task's probes.")
    group.addoption("--grade-seed", type=int, default=None, help="Seed of the probes' inputs (default: a fresh one).")
    group.addoption("--grade-device", default="cpu", choices=("cpu", "cuda", "auto"), help="Where the probes' inputs live (default: cpu).")
    group.addoption("--grade-sandbox", default="auto", choices=("auto", "bwrap", "none"), help="What the notebooks run in.")
    group.addoption("--grade-limit", action="append", default=[], metavar="NAME=VALUE", help="Set a limit, as in cell=10.")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config):
    """With --grade, what lies beside notebooks is neither code nor configuration: no `conftest.py` is loaded, and pytest's settings are the
    course's own or those named with -c, before a folder of theirs is searched for modules."""
    options = early_config.known_args_namespace
    if getattr(options, "grade", False):
        options.noconftest = True
        found = early_config.inipath
        if found and not options.inifilename and found.resolve().parent != Path(__file__).resolve().parents[1]:
            raise pytest.UsageError(f"--grade reads no settings that were found on the way ({found}). Name them, or none: -c {os.devnull}")
    yield


def pytest_configure(config):
    if not config.option.grade:
        return
    from .process import keep_all_bits
    from .versions import problem

    found = problem()
    if found:
        raise pytest.UsageError(found)
    keep_all_bits()
    import torch

    from .device import DeviceError, pick_device
    from .kernels.environment import of_device
    from .kernels.limits import LimitError, Limits
    from .kernels.sandbox import NoSandbox, pick_sandbox
    from .kernels.warm import Setting, close_templates
    from .results import Results

    option = config.option
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        option.grade_seed, option.grade_device = workerinput["grade_seed"], workerinput["grade_device"]
    elif option.grade_seed is None:
        option.grade_seed = secrets.randbelow(2**31)
    try:
        limits = Limits().with_settings(option.grade_limit)
        sandbox = pick_sandbox(option.grade_sandbox, [Path(argument.split("::")[0]) for argument in config.args])
        if workerinput is None:
            option.grade_device = pick_device(option.grade_device, sandbox, limits)
    except (DeviceError, LimitError, NoSandbox) as refusal:
        raise pytest.UsageError(str(refusal)) from None
    if option.grade_device == "cuda":
        os.environ.update(of_device("cuda"))
    torch.set_num_threads(1)  # as in the kernels; and workers share the cores
    config.stash[SETTING] = Setting(sandbox, option.grade_device, limits)
    config.add_cleanup(close_templates)
    config.pluginmanager.register(Results(option.grade_seed, option.grade_device), "grade-results")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Give every xdist worker the controller's seed and device."""
    option = node.config.option
    if option.grade:
        node.workerinput |= {"grade_seed": option.grade_seed, "grade_device": option.grade_device}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A notebook's probes share a kernel: with --grade, whole files go to one worker."""
    if config.option.grade:
        from xdist.scheduler import LoadFileScheduling

        return LoadFileScheduling(config, log)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent):
    """With --grade, a folder is a folder: an `__init__.py` that somebody handed in is never imported."""
    return pytest.Dir.from_parent(parent, path=path) if parent.config.option.grade else None


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config):
    """With --grade, Python files beside the notebooks are never imported either."""
    return True if config.option.grade and collection_path.suffix == ".py" else None


def pytest_collect_file(file_path: Path, parent):
    if not parent.config.option.grade:
        return None
    from .files import is_notebook, shown_path
    from .texts import path_text

    odd = {} if path_text(file_path) == str(file_path) else {"nodeid": shown_path(file_path)}  # else its name would be printed as it is
    return SubmissionFile.from_parent(parent, path=file_path, **odd) if is_notebook(file_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if isinstance(item, ProbeItem) and call.when == "call":
        report.grade = item.grade
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if isinstance(collector, SubmissionFile) and report.failed:
        report.grade_error = {"path": collector.shown_path(), "error": str(report.longrepr)}
    return report


class SubmissionFile(IPyNbFile):
    """A submission: one item for each probe of its exercise."""

    def collect(self):
        from . import notebooks
        from .diagnose import examiner_of
        from .grading import Workplace

        self.submission = notebooks.read(self.path)
        self.workplace = Workplace(self.submission, self.config.stash[SETTING])
        options = self.config.option
        self.examiner = examiner_of(options.grade_seed, options.grade_device)
        items = [(task, probe) for task in self.submission.exercise.tasks for probe in task.probes]
        for number, (task, probe) in enumerate(items):
            yield ProbeItem.from_parent(self, task=task, probe=probe, number=number)

    def shown_path(self) -> str:
        """The path as a reader of the results wants it: relative where the run was started above it."""
        from .files import shown_path

        return shown_path(self.path)

    def setup(self):
        self.setup_sanitize_files()

    def teardown(self):
        self.workplace.close()

    def repr_failure(self, excinfo):
        from .notebooks import NotebookError

        return str(excinfo.value) if isinstance(excinfo.value, NotebookError) else super().repr_failure(excinfo)


class NotPassed(Exception):
    """Raised by a probe's item that did not pass; carries its Verdict."""


class ProbeItem(IPyNbCell):
    """One probe asked of one submission."""

    def __init__(self, *, task, probe, number, **kwargs):
        self.task, self.probe, self.grade = task, probe, None
        options = {"check": True, "skip": False, "check_exception": False}
        super().__init__(name=f"{task.name}.{probe.name}", cell_num=number, cell=None, options=options, **kwargs)

    def reportinfo(self):
        from .texts import path_text

        return self.path, None, f"{path_text(self.path.name)}::{self.name}"

    def setup(self):
        """Nothing of nbval's: a time-out elsewhere has no bearing on this probe."""

    def runtest(self):
        workplace = self.parent.workplace
        verdict = _with_story(self._verdict(), workplace.story(self.task))
        self.grade = _travel_form(self, verdict, workplace)
        if verdict.points < verdict.max_points:
            raise NotPassed(verdict)

    def _verdict(self):
        from .diagnose import no_answer
        from .kernels.messages import CellEnded
        from .texts import one_line
        from .verdicts import FORBIDDEN, GRADER_FAULT, WRONG

        workplace = self.parent.workplace
        forbidden = workplace.forbidden(self.task)
        if forbidden:
            return no_answer(self.probe, FORBIDDEN, forbidden)
        try:
            self.parent.kernel = workplace.answer(self.task, self.probe, self.parent.examiner)
            self.nonce = self.parent.kernel.nonce
            self.cell = NotebookNode(source=self.probe.source, outputs=[], execution_count=1)
            super().runtest()  # nbval collects what the kernel published and calls compare_outputs
        except NbCellError:
            return no_answer(self.probe, WRONG, NO_ANSWER)
        except CellEnded as ended:
            return no_answer(self.probe, ended.status, str(ended))
        except Exception as fault:  # whatever goes wrong out here is not the learner's
            return no_answer(self.probe, GRADER_FAULT, one_line(f"{type(fault).__name__}: {fault}"))
        return self.judged

    def compare_outputs(self, test, ref, skip_compare=None):
        """Judge what the kernel published, in place of nbval's comparison of texts."""
        from . import wire
        from .asking import read_answer
        from .diagnose import as_given, no_answer
        from .verdicts import WRONG

        rounds = self.task.rounds(self.probe)
        answers = [output["data"][wire.MIME] for output in test if wire.MIME in output.get("data", {})]
        own = [answer for answer in answers if isinstance(answer, dict) and answer.get("nonce") == self.nonce]
        try:
            answer = read_answer(own) if 0 < len(own) == len(answers) <= len(rounds) else None
        except wire.WireError as error:
            answer, reason = None, str(error)
        else:
            reason = f"{len(answers)} answers where {len(rounds)} were expected"
        if answer is None:
            self.judged = no_answer(self.probe, WRONG, f"{NO_ANSWER} ({reason})")
            return True
        if answer.missing:
            self.judged = no_answer(self.probe, *self.parent.workplace.fate_if_missing(self.task))
        else:
            if answer.raised:
                self.parent.workplace.note_missing_module((answer.raised.kind, answer.raised.message))
            answer = replace(answer, forbidden=self.parent.workplace.seen.get(self.task.name) or answer.forbidden)
            verdict = self.parent.examiner.verdict(self.task, self.probe, self.parent.workplace.charged(self.task, self.probe, answer))
            self.judged = as_given(verdict) if self.parent.workplace.is_unchanged(self.task) else verdict
        return True

    def repr_failure(self, excinfo):
        if not isinstance(excinfo.value, NotPassed):
            return super().repr_failure(excinfo)
        if self.config.option.tbstyle == "no":
            return ""
        from .reports.console import verdict_text

        return verdict_text(excinfo.value.args[0])


def _with_story(verdict, story):
    """A verdict that begins with what stands between the notebook's answer and its name, where it did not pass."""
    return verdict if verdict.points == verdict.max_points or not story else replace(verdict, message=f"{story} {verdict.message}".strip())


def _travel_form(item, verdict, workplace) -> dict:
    from .verdicts import MAX_NOTES, to_dict

    return {
        "path": item.parent.shown_path(), "exercise": item.parent.submission.exercise.name, "task": item.task.name,
        "verdict": to_dict(verdict), "notes": _at_most(MAX_NOTES, [*item.parent.submission.notes, *workplace.notes.values()]),
        "missing_modules": workplace.missing_modules[:MAX_NOTES], "flags": workplace.flags,
    }


def _at_most(most, notes):
    return notes if len(notes) <= most else [*notes[: most - 1], f"{len(notes) - most + 1} more cells failed"]
