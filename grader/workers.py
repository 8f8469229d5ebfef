"""Worker processes: each runs a pytest session that takes notebooks from a pipe, grades one at a time, and sends the results back.

What takes a worker down (the judge crashing, the system killing it) costs one notebook one more try, never the run.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager, redirect_stdout, suppress
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from .kernels import clock, warm
from .kernels.limits import MIB
from .kernels.scratch import Folder
from .texts import one_line, path_text
from .verdicts import SubmissionResult

TRIES = 2  # workers that a notebook may outlive before it is called a grader fault
OVERTIME = 240.0  # seconds that the grader itself may compute over a notebook, or wait, its kernels' start included
LOOK = 5.0  # seconds between looks at how long a worker has computed
ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # they stop a run as Ctrl-C does
MEMORY = 2048 * MIB  # that a worker may take over what it starts with: how much a kernel sends is the kernel's choice


class Gone(Exception):
    """There are no workers, or none any more, to grade what is left. The message is one line."""


class _Loop:
    """A pytest plugin that replaces collecting and running: notebooks come one by one, and so do the results."""

    def __init__(self, connection):
        self.connection = connection

    def pytest_collection(self, session):
        session.config.pluginmanager.unregister(name="terminalreporter")  # it keeps every report for a summary that nobody reads
        return True  # nothing to collect at the start

    def pytest_runtestloop(self, session):
        with suppress(EOFError, OSError):  # the parent is gone
            self._serve(session)
        return True

    def _serve(self, session):
        from .plugin import SubmissionFile

        kept = session.config.pluginmanager.get_plugin("grade-results")
        for path, shown in iter(self.connection.recv, None):
            file = SubmissionFile.from_parent(session, path=path)
            file.shown_path = lambda shown=shown: shown
            try:
                error = _grade(file).replace(path_text(path), shown)
            except Exception as fault:
                error = f"{shown}: the grader failed on it ({one_line(f'{type(fault).__name__}: {fault}')}). Please report this."
            found = kept.take()
            if session.config.option.grade_device == "cuda" and _has_lost_gpu():
                return  # and be replaced
            self.connection.send(SubmissionResult(shown, "", 0, 0, error=error) if error else found[0])


def _has_lost_gpu() -> bool:
    """Whether this process can use the GPU no longer: then its verdicts are nobody's fault but the machine's."""
    from .kernels.gpu import check

    try:
        check()
    except Exception:
        return True
    return False


def _grade(file) -> str:
    """Run a notebook's probes as pytest would; the line that says why it cannot be graded, if so."""
    from .notebooks import NotebookError

    try:
        items = list(file.collect())
    except NotebookError as error:
        return str(error)
    for item, following in zip(items, [*items[1:], None]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return ""


def _work(connection, seed: int, setting: warm.Setting, folder: str):
    """A worker's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    for number in ENDS:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    if sys.platform == "linux" and setting.device == "cpu":  # CUDA's driver reserves far more than it uses
        _bound_memory()
    tempfile.tempdir = folder
    os.environ["TMPDIR"] = folder
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # meant for the pytest of whoever set them
        os.environ.pop(name, None)
    limits = [f"--grade-limit={name}={value}" for name, value in vars(setting.limits).items()]
    plugins = "logging capture junitxml cacheprovider warnings faulthandler unraisableexception threadexception".split()
    arguments = [
        "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "grader.plugin", *(f"-pno:{name}" for name in plugins),
        "--tb=no", "--noconftest", f"--config-file={os.devnull}", f"--rootdir={folder}", "--grade", f"--grade-seed={seed}",
        f"--grade-device={setting.device}", f"--grade-sandbox={setting.sandbox}", *limits,
    ]  # fmt: skip
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            pytest.main(arguments, plugins=[_Loop(connection)])
    finally:
        warm.close_templates()


def _bound_memory():
    """Have this process refused more than MEMORY. Only the soft limit is set: a template that it starts has its own."""
    import resource

    with open("/proc/self/status", encoding="utf-8") as status:
        used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))


class Pool:
    """Some workers. Use as a context manager; leaving it ends them and all that they started."""

    def __init__(self, jobs: int, seed: int, setting: warm.Setting):
        self._jobs, self._seed, self._setting = jobs, seed, setting
        self._more = None
        self._folder = Folder()
        self._context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._workers = {}  # a connection to its process, the notebook in work, and when it was begun (see _now)

    def grade(self, notebooks: list[tuple[Path, str]], more=None):
        """Yield a SubmissionResult for each (path, the path as shown), in the order in which they are done.

        more: where further ones come from, like a Connection: it can be waited for, and its `recv` raises EOFError, which passes through here.
        """
        self._more = more
        if (notebooks or more) and sys.platform == "linux":
            _import_all()
        waiting = deque(notebooks)
        tries = Counter()
        while True:
            idle = sum(busy is None for _, busy, _ in self._workers.values())
            for _ in range(min(self._jobs - len(self._workers), len(waiting) - idle)):
                self._start()
            for connection, (process, busy, _) in list(self._workers.items()):
                if busy is None and waiting:
                    notebook = waiting.popleft()
                    self._workers[connection] = process, notebook, _now(process)
                    with suppress(OSError):  # it has been killed, as will be found when it is listened to
                        connection.send(notebook)
            at_work = [connection for connection, (_, busy, _) in self._workers.items() if busy]
            if not at_work and not more:
                return
            for connection in wait([*at_work, more] if more else at_work, LOOK):
                if connection is more:
                    waiting.append(more.recv())
                    continue
                process, notebook, _ = self._workers[connection]
                try:
                    result = connection.recv()
                except (EOFError, OSError):
                    self._bury(connection)
                    self._start()
                    tries[notebook] += 1
                    if tries[notebook] < TRIES:
                        waiting.append(notebook)
                    else:
                        yield failed(notebook[1])
                else:
                    self._workers[connection] = process, None, None
                    yield result
            for connection in at_work:
                if connection in self._workers and self._workers[connection][1] and self._is_overdue(connection):
                    yield self._give_up(connection)

    def _start(self):
        ours, theirs = self._context.Pipe()
        others = [*self._workers, *([self._more] if self._more else [])] if sys.platform == "linux" else []
        process = self._context.Process(target=_enter, args=(ours, theirs, others, self._seed, self._setting, self._folder.name))
        process.start()
        theirs.close()
        self._workers[ours] = process, None, None

    def _is_overdue(self, connection) -> bool:
        """Whether a worker computes too long over its notebook, or waits longer than the notebook's own limits let it."""
        process, _, (begun, computed) = self._workers[connection]
        now, computed_now = _now(process)
        return computed_now - computed > OVERTIME or now - begun > clock.BACKSTOP * self._setting.limits.total + OVERTIME

    def _give_up(self, connection) -> SubmissionResult:
        """End a worker that takes too long over its notebook, and start another."""
        _, (_, shown), _ = self._workers[connection]
        self._bury(connection)
        self._start()
        return SubmissionResult(shown, "", 0, 0, error=f"{shown}: the grader was not done with it in time. Please look into this notebook.")

    def _bury(self, connection):
        process, *_ = self._workers.pop(connection)
        process.kill()
        process.join()
        connection.close()

    def __enter__(self):
        self._stoppable = stoppable()
        self._stoppable.__enter__()
        return self

    def __exit__(self, *_):
        for connection in list(self._workers):
            self._bury(connection)
        self._folder.cleanup()
        self._stoppable.__exit__(None, None, None)


@contextmanager
def stoppable(stop=signal.default_int_handler):
    """What ENDS a process stops a run meanwhile, as Ctrl-C does."""
    handlers = {}
    for number in ENDS if threading.current_thread() is threading.main_thread() else ():
        if signal.getsignal(number) == signal.SIG_DFL:  # and not ignored, as by nohup
            handlers[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def failed(shown: str) -> SubmissionResult:
    """The result of a notebook that took TRIES workers down."""
    return SubmissionResult(shown, "", 0, 0, error=f"{shown}: the grader failed on it, twice. Please report this.")


def _now(process) -> tuple[float, float]:
    """The time, and the seconds of processor time that a worker has had, its kernels' aside; no time where the system does not tell."""
    return time.monotonic(), clock.computed([process.pid])


def _import_all():
    """Import what workers need, once for all that are forked from here. No thread may start: a fork would not be safe."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import nbval.plugin  # noqa: F401
    import torch.fx.experimental.symbolic_shapes  # noqa: F401  (the first backward pass imports it)

    from . import grading, plugin, results  # noqa: F401


def _enter(ours, theirs, others, seed, setting, folder):
    """A worker's first steps: let go of the parent's ends of the pipes, its own, its siblings' and that through which notebooks come."""
    for connection in (ours, *others):
        connection.close()
    _work(theirs, seed, setting, folder)
