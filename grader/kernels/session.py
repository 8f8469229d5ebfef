"""One kernel, driven from outside: nbval's RunningKernel with limits that hold (see listener)."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import zmq
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from .. import verdicts
from . import environment, warm
from .clock import Clock
from .inside import ANSWER
from .limits import MIB, Limits
from .listener import ANSWER_BYTES, MESSAGE_BYTES, Listener
from .messages import GPU_LOST, CellEnded, KernelUnavailable, in_short, without_gpu_trouble
from .scratch import Folder

LIBRARIES = ("sklearn.datasets",)  # that take long to import, and that only some notebooks do
STARTUP = 120.0  # seconds for importing torch, on a machine that is busy
HANDSHAKE = 0.25  # seconds until the first question is put again: the kernel may not have been listened to yet


@dataclass
class Run:
    """What came of a cell that ended by itself: the messages it published, and its error as (name, value), if any."""

    messages: list[dict] = field(default_factory=list)
    error: tuple[str, str] | None = None


class _Specs(NbvalKernelspecManager):
    """This environment's Python kernel: forked from a template, or plain."""

    def get_kernel_spec(self, kernel_name):
        spec = super().get_kernel_spec(kernel_name)
        if warm.AVAILABLE:
            spec.metadata = {"kernel_provisioner": {"provisioner_name": warm.PROVISIONER}}
        else:
            spec.argv = [sys.executable, "-P", "-m", "grader.kernels.plain", "-f", "{connection_file}"]
        return spec


class WarmKernelManager(KernelManager):
    """jupyter_client's manager of a forked kernel. work: the kernel's folder where there is no sandbox. libraries: what it has imported from the start.
    Its `ip` is where its sockets lie."""

    template: warm.Template
    limits: Limits
    work: str
    libraries: list[str]


class Session(Listener):
    """A running Python kernel in a scratch folder of its own. Use as a context manager. total: seconds that it may take in all. cells: what it
    is about to run, for the libraries that they import."""

    def __init__(self, setting: warm.Setting, total: float = float("inf"), cells: Iterable[str] = ()):
        super().__init__(setting)
        self._libraries = [name for name in LIBRARIES if any(name in cell for cell in cells)]
        self._folder = Folder()
        try:
            self._start(total)
        except Exception as error:
            self.stop()
            raise KernelUnavailable(f"No Python kernel could be started ({error}). Try: python -m grader doctor") from error

    def _start(self, total):
        name = {"kernel_name": CURRENT_ENV_KERNEL_NAME, "kernel_spec_manager": _Specs(), "transport": "ipc" if os.name == "posix" else "tcp"}
        work = os.path.join(self._folder.name, "work")
        os.mkdir(work)
        if warm.AVAILABLE:
            self.km = WarmKernelManager(**name)
            self._door = os.open(self._folder.name, os.O_RDONLY | os.O_DIRECTORY)
            self.km.template, self.km.limits, self.km.work, self.km.libraries = warm.template(self.setting), self.setting.limits, work, self._libraries
            self.km.ip = f"/proc/self/fd/{self._door}/kernel"  # sockets have room for a hundred letters, which a folder may exceed
            self.km.start_kernel()
            self.km.provisioner.await_birth(STARTUP)
        else:
            self.km = KernelManager(connection_file=os.path.join(self._folder.name, "kernel.json"), **name)
            found = environment.of_kernel(work) | environment.of_device(self.setting.device)
            self.km.start_kernel(cwd=work, env=found, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.kc = self.km.client(context=_context())
        self.kc.start_channels(hb=False)
        self._monitor = self.kc.iopub_channel.socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self._await_kernel()
        warm.await_endings()  # nothing of an earlier notebook runs beside this one
        if self.setting.device == "cuda":
            self._meet_gpu()
        self.whole = Clock(total)

    def _await_kernel(self):
        """Wait until the kernel answers on both channels."""
        deadline, seconds = time.monotonic() + STARTUP, self.seconds
        self.seconds = HANDSHAKE
        while True:
            try:
                self.await_reply(self.kc.kernel_info(), interrupt=False)
                break
            except CellEnded as ended:
                if not ended.alive or time.monotonic() > deadline:
                    raise
        self.seconds = seconds

    def _meet_gpu(self):
        """See that the kernel can use the GPU, before any of the notebook's code has run: if not, that is the machine's fault."""
        self.seconds = STARTUP
        error = self._gpu(f"meet({self.setting.limits.memory})")
        if error:
            raise KernelUnavailable(f"the GPU cannot be used in a notebook's kernel: {error}")

    def _gpu(self, call: str) -> str:
        """Call a function of the kernel's `gpu`; what it raised, if anything."""
        self.await_reply(self.execute_cell_input(f"__import__('grader.kernels.gpu', fromlist=['x']).{call}", allow_stdin=False))
        return next((in_short(message["content"].get("evalue")) for message in self._pending if message["msg_type"] == "error"), "")

    def run(self, code: str) -> Run:
        """Run a cell of the learner's. Raises CellEnded, also where the cell has ended all use of a GPU."""
        self.seconds, self.output_limit = self.setting.limits.cell, self.setting.limits.output * MIB
        self.await_reply(self.execute_cell_input(code, allow_stdin=False))
        run = Run(self._pending)
        for message in self._pending:
            if message["msg_type"] == "error":
                run.error = (str(message["content"].get("ename")), str(message["content"].get("evalue")))
        if run.error is None and isinstance(self._reply, dict) and self._reply.get("status") == "error":  # it could not be shown: no file was left to open
            run.error = (str(self._reply.get("ename")), str(self._reply.get("evalue")))
        if self.setting.device == "cuda" and (lost := self._gpu("check()")):
            raise CellEnded(verdicts.KERNEL_DIED, GPU_LOST + lost, alive=False)
        return run

    def ask(self, question: dict, nonces: list[str]) -> tuple[list[dict], CellEnded | None]:
        """Ask a question (see inside), to which there is an answer for each nonce, in this order, some perhaps left out; what was published, and why it ended early, if so.

        Each answer, to one round of a probe, has a probe's time to itself; the rounds of a probe share its output. Raises KernelUnavailable where a GPU failed.
        """
        self.seconds, self.output_limit, self._awaited = self.setting.limits.probe, ANSWER_BYTES, list(nonces)
        ended, published = None, []
        try:
            cell = self.kc.session.msg("execute_request", {"code": ANSWER, "silent": False, "allow_stdin": False, "stop_on_error": False, "question": question})
            self.kc.shell_channel.send(cell)
            self.await_reply(cell["header"]["msg_id"])
        except CellEnded as early:
            ended = early
        finally:
            published, self._pending, self._awaited = self._pending, [], []
        if self.setting.device == "cuda":
            return without_gpu_trouble(published, ended)
        return published, ended

    def stop(self):
        """End the kernel and remove its folder. Safe to call twice."""
        if hasattr(self, "_monitor"):
            self.kc.iopub_channel.socket.disable_monitor()
        if hasattr(self, "kc"):
            self.kc.stop_channels()
        if hasattr(self, "km"):
            if self.km.has_kernel:
                self.km.shutdown_kernel(now=True)
            self.km.cleanup_resources()
            del self.km
        self._folder.cleanup()
        if hasattr(self, "_door"):
            os.close(self._door)
            del self._door

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@functools.cache
def _context() -> zmq.Context:
    """All sessions' sockets: they refuse a message that is too long before it takes up memory."""
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)
    return context
