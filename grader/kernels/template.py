"""The process that kernels are forked from, and that watches them. It has imported everything, started no thread, and run nobody's code.

It reads requests from the socket whose number is its first argument: a JSON datagram, with the kernel's listening sockets, the two files of its
memory cgroup, if there is one (see cgroup), and its lifeline as file descriptors. When that socket closes, it ends, and all kernels with it.

A lifeline is a socket between one kernel's session and the template. From the session: b"interrupt"; b"mark" when a cell begins, and b"time".
To it: b"born" at once, b"memory" when the kernel used too much, b"failed: ..." where none could be started; b"time" with the seconds that it
computed and that it waited for a processor, since the mark and since its birth; b"gone" when the kernel is, with all that it started. Then the
template closes it: where it ends without that word, the template was lost. When the session closes it, the template ends the kernel.
"""

import gc
import importlib
import json
import math
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import matplotlib.pyplot  # noqa: F401  (what learners import, so that no kernel need)
import matplotlib_inline.backend_inline  # noqa: F401
import numpy  # noqa: F401
import torch
import torch._dynamo  # noqa: F401  (the first optimizer imports it, and a second with it)
import torch.fx.experimental.symbolic_shapes  # noqa: F401  (the first backward pass imports it, and half a second with it)
from ipykernel import debugger  # noqa: F401  (imported late, it costs every kernel a quarter of a second)

from . import cgroup, clock, confine, inside, memory
from .kernel import CHANNELS, prepare, serve
from .limits import MIB, Limits

MAX_REQUEST = 65536
WATCH = 0.1  # seconds between looks at the memory in use
FEW = 2  # threads that a kernel may have at work at once, as a kernel has by itself, before it must share what one would get


@dataclass
class Kernel:
    """A running kernel: its first process, its lifeline, how much memory it may use, in bytes, whether it is confined, the descriptor that tells of
    its cgroup, if any, its times at the last mark, and the most threads that were at work in it at once."""

    pid: int
    lifeline: socket.socket
    bound: float
    confined: bool
    events: int | None
    mark: tuple[float, float] = (0.0, 0.0)
    busy: int = FEW

    def processes(self) -> list[int]:
        """Itself, first, and all that it started."""
        others = memory.members(self.pid) if self.confined else memory.descendants(self.pid)
        return [self.pid, *(pid for pid in others if pid != self.pid)]

    def times(self) -> tuple[float, float]:
        """Seconds that it has computed, with all that it started, and that it waited for a processor."""
        pids = self.processes()
        return clock.computed(pids), clock.waited(pids)

    def has_overflowed(self) -> bool:
        return self.events is not None and cgroup.has_overflowed(self.events)

    def exceeds(self, pids: list[int]) -> bool:
        sockets = memory.sockets(self.pid) if self.confined else 0
        return self.has_overflowed() or memory.exceeds(pids, self.bound - sockets)

    def share(self, pids: list[int]):
        """See that it gets no more of the processors for having many things to do at once: each is given the less weight, the more there are."""
        busy = clock.running(pids)
        if len(busy) > self.busy:
            self.busy = len(busy)
            clock.yield_to_others(pids, min(19, math.ceil(math.log(self.busy, 1.25))))  # a step of nice is a quarter more or less

    def close(self):
        self.lifeline.close()
        if self.events is not None:
            os.close(self.events)


class Template:
    """Serves requests until the grader is gone."""

    def __init__(self, control: socket.socket):
        self.control = control
        self.kernels: dict[int, Kernel] = {}  # by process

    def serve(self):
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        watched = time.monotonic()
        while True:
            lifelines = {kernel.lifeline: pid for pid, kernel in self.kernels.items()}
            ready, _, _ = select.select([self.control, wake_reader, *lifelines], [], [], WATCH if lifelines else None)
            for source in ready:
                if source is self.control:
                    if not self._answer_request():
                        return
                elif source is wake_reader:
                    os.read(wake_reader, 4096)
                else:
                    self._hear(lifelines[source])
            self._bury()
            if time.monotonic() - watched >= WATCH:
                self._watch()
                watched = time.monotonic()

    def _answer_request(self) -> bool:
        text, descriptors, _, _ = socket.recv_fds(self.control, MAX_REQUEST, len(CHANNELS) + 3)
        if not text:
            return False
        request, lifeline = json.loads(text), socket.socket(fileno=descriptors.pop())
        listening, (procs, events) = descriptors[: len(CHANNELS)], descriptors[len(CHANNELS) :] or (None, None)
        limits = Limits(**request["limits"])
        for name in request["libraries"] if not self.kernels else ():  # while something is imported, nobody is watched
            _import_for_all(name)
        if request["confined"]:
            confine.next_child_apart()
        pid = os.fork()
        if pid == 0:
            try:
                _be_kernel(request, limits, listening, procs, lifeline)
            except Exception as error:
                lifeline.send(f"failed: {type(error).__name__}: {error}".encode())
            finally:
                os._exit(1)
        if request["confined"]:
            confine.next_child_here()
        for descriptor in descriptors:
            if descriptor != events:
                os.close(descriptor)
        _tell(lifeline, b"born")
        bound = memory.resident([pid]) + limits.memory * MIB + (confine.GPU_MEMORY if request["cuda"] else 0)
        self.kernels[pid] = Kernel(pid, lifeline, bound, request["confined"], events)
        return True

    def _hear(self, pid):
        try:
            said = self.kernels[pid].lifeline.recv(64)
        except OSError:
            said = b""
        kernel = self.kernels[pid]
        if said == b"interrupt":
            os.kill(pid, signal.SIGINT)
        elif said == b"mark":
            kernel.mark = kernel.times()
        elif said == b"time":
            now = kernel.times()
            _tell(kernel.lifeline, " ".join(["time", *(f"{each - past:.3f}" for past in (kernel.mark, (0, 0)) for each, past in zip(now, past))]).encode())
        else:
            self._end(pid)

    def _end(self, pid):
        for each in (*memory.descendants(pid), pid):
            _kill(each)

    def _bury(self):
        """Reap the dead. A confined kernel is process 1 of its namespace: when it is dead, so is all that it started. Of others, what
        outlives its parent becomes the template's child, and is ended."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if kernel := self.kernels.pop(pid, None):
                _tell(kernel.lifeline, b"memory" if kernel.has_overflowed() else b"gone")
                kernel.close()
        for orphan in set(memory.children(os.getpid())) - self.kernels.keys():
            self._end(orphan)

    def _watch(self):
        for pid, kernel in self.kernels.items():
            pids = kernel.processes()
            if kernel.exceeds(pids):
                _tell(kernel.lifeline, b"memory")
                self._end(pid)
            else:
                kernel.share(pids)


def _import_for_all(name: str):
    """Import a library that a notebook will, so that no kernel from now on need. Raises nothing: where it cannot be imported, the notebook is told so itself."""
    if name not in _tried:
        _tried.add(name)
        with suppress(Exception):
            importlib.import_module(name)
        _share_memory()


_tried: set[str] = set()


def _share_memory():
    """The collector leaves what is here alone, and so shared with all kernels."""
    gc.collect()
    gc.freeze()


def _be_kernel(request, limits, sockets, procs, lifeline):
    """What the fork becomes. Of the template's open files it keeps only its own sockets. procs: how it joins its cgroup, if it has one."""
    if procs is not None:
        os.write(procs, b"0")
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, *sockets, lifeline.fileno()):
            try:
                os.close(int(name))
            except OSError:  # the one that listed them
                pass
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    confine.prctl(confine.PR_SET_PDEATHSIG, signal.SIGKILL)  # not without the template that watches
    if request["confined"]:
        confine.separate(limits, os.path.dirname(request["folder"]), tuple(request["groups"]))
    folder = request["folder"]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    os.environ.update(HOME=folder, IPYTHONDIR=f"{folder}/.ipython", TMPDIR=folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    confine.limit(limits, request["confined"], request["cuda"])
    if request["confined"]:
        confine.refuse_system_calls(request["cuda"])
    lifeline.close()
    serve(request["key"], sockets)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _tell(lifeline, word):
    try:
        lifeline.send(word)
    except OSError:  # the session is gone; the kernel will be, too
        pass


def rehearse():
    """Import what a kernel imports while it starts, and warm up what the asking of probes uses.

    A child starts as a kernel and tells which modules that took.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        before = set(sys.modules)
        sockets = [socket.socket(socket.AF_UNIX) for _ in CHANNELS]
        for number, listening in enumerate(sockets):
            listening.bind(f"\0{os.getpid()}-{number}")
            listening.listen()
        tell = lambda: (os.write(writer, " ".join(set(sys.modules) - before).encode()), os._exit(0))  # noqa: E731
        serve("rehearsal", [listening.fileno() for listening in sockets], started=tell)
    os.close(writer)
    with open(reader, encoding="utf-8") as names:
        for name in names.read().split():
            try:
                importlib.import_module(name)
            except ImportError:  # a module's alias, or one that only a running kernel can import
                pass
    os.waitpid(child, 0)
    inside.rehearse()


def main(control: socket.socket):
    prepare()
    rehearse()
    _share_memory()
    memory.use_huge_pages()
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        sys.exit(f"the template has {threads} threads; a fork of it would not be safe")
    confine.prctl(confine.PR_SET_CHILD_SUBREAPER, 1)
    Template(control).serve()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
