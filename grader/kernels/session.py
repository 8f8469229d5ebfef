"""One kernel, driven from outside: nbval's RunningKernel with limits that hold.

Every wait ends: by the reply, by the kernel's death (noticed within LIVENESS seconds), by the time limit, or by the output
limit. Each of the last three is an exception of its own.
"""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import zmq
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel

from .. import verdicts

LIVENESS = 0.2  # seconds between looks at whether the kernel is alive
GRACE = 2.0  # seconds a kernel gets to end after an interrupt
STARTUP = 60.0
CELL_SECONDS = 30.0
PROBE_SECONDS = 15.0
OUTPUT_BYTES = 4 * 2**20  # of printed and displayed output in one cell
ANSWER_BYTES = 32 * 2**20  # of all messages of one probe: a full answer in base64, and some room


class CellEnded(Exception):
    """A cell did not run to its end. `status` is the verdict, `alive` whether the kernel can be used further."""

    def __init__(self, status: str, message: str, alive: bool):
        super().__init__(message)
        self.status = status
        self.alive = alive


class KernelUnavailable(Exception):
    """No kernel could be started: the machine's fault, not the learner's."""


@dataclass
class Run:
    """What came of a cell that ended by itself: the messages it published, and its error as (name, value), if any."""

    messages: list[dict] = field(default_factory=list)
    error: tuple[str, str] | None = None


class Session(RunningKernel):
    """A running Python kernel of this environment in a scratch folder of its own. Use as a context manager."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True)
        self.seconds, self.output_limit = CELL_SECONDS, OUTPUT_BYTES
        self._pending: list[dict] = []
        self.km = KernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME,
            kernel_spec_manager=NbvalKernelspecManager(),
            transport="ipc" if os.name == "posix" else "tcp",
            connection_file=os.path.join(self._folder.name, "kernel.json"),
        )
        work = os.path.join(self._folder.name, "work")
        os.mkdir(work)
        try:
            self.km.start_kernel(cwd=work, env=_environment(work), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.kc = self.km.client()
            self.kc.start_channels()
            self.kc.wait_for_ready(timeout=STARTUP)
        except Exception as error:
            self.stop()
            raise KernelUnavailable(f"No Python kernel could be started ({error}). Try: python -m grader doctor") from error

    def set_limits(self, seconds: float, output_bytes: float):
        """Limits of the cells from here on."""
        self.seconds, self.output_limit = seconds, output_bytes

    def await_reply(self, msg_id: str, timeout: float | None = None):
        """Wait for the end of a cell, keeping what it publishes for get_message.

        Called by nbval for each cell, with its own far longer timeout. Raises CellEnded if the cell does not end by
        itself within the limits.
        """
        self._pending = []
        self._size = 0
        deadline = time.monotonic() + self.seconds
        try:
            self._read_until_idle(msg_id, deadline)
        except CellEnded as ended:
            ended.alive = ended.alive and self._recover(msg_id)
            raise

    def _read_until_idle(self, msg_id, deadline):
        """Read both channels until the cell's reply and its `idle` are in; the reply itself says nothing we trust."""
        poller = zmq.Poller()
        for channel in (self.kc.iopub_channel, self.kc.shell_channel):
            poller.register(channel.socket, zmq.POLLIN)
        idle = replied = False
        while not (idle and replied):
            left = deadline - time.monotonic()
            if left <= 0:
                raise CellEnded(verdicts.TIMED_OUT, f"It did not end within {self.seconds:.0f} s.", alive=True)
            ready = dict(poller.poll(1000 * min(left, LIVENESS)))
            if not ready and not self.is_alive():
                raise CellEnded(verdicts.KERNEL_DIED, "The Python process ended while it ran.", alive=False)
            try:
                if self.kc.shell_channel.socket in ready:
                    replied |= self._belongs(self.kc.get_shell_msg(timeout=0), msg_id)
                if self.kc.iopub_channel.socket in ready:
                    idle |= self._keep_own(self.kc.get_iopub_msg(timeout=0), msg_id)
            except CellEnded:
                raise
            except Exception:  # a message that jupyter_client cannot read: forged, or broken by patches to the kernel
                raise CellEnded(verdicts.KERNEL_DIED, "The kernel sent messages that make no sense.", alive=False) from None

    @staticmethod
    def _belongs(message, msg_id):
        return message["parent_header"].get("msg_id") == msg_id

    def _keep_own(self, message, msg_id) -> bool:
        """Keep a message of the running cell, as long as it is under its output limit; whether it says that the cell is done."""
        if not self._belongs(message, msg_id):
            return False
        content = message["content"]
        if message["msg_type"] == "display_data":
            content = {"data": content["data"], "metadata": content.get("metadata", {})}
            message["content"] = content
        self._size += len(str(content.get("text", ""))) + sum(len(str(part)) for part in content.get("data", {}).values())
        if self._size > self.output_limit:
            self._pending = []
            limit = self.output_limit / 2**20
            raise CellEnded(verdicts.FLOODED, f"It wrote more than {limit:.0f} MiB of output.", alive=True)
        self._pending.append(message)
        return message["msg_type"] == "status" and content["execution_state"] == "idle"

    def _recover(self, msg_id) -> bool:
        """Interrupt the running cell; whether the kernel is idle again within GRACE."""
        self.interrupt()
        self.output_limit, limit = float("inf"), self.output_limit
        deadline = time.monotonic() + GRACE
        try:
            while time.monotonic() < deadline:
                if self.kc.iopub_channel.socket.poll(1000 * LIVENESS):
                    message = self.kc.get_iopub_msg(timeout=0)
                    status = message["content"].get("execution_state")
                    if self._belongs(message, msg_id) and status == "idle":
                        return self._answers()
                elif not self.is_alive():
                    return False
            return False
        except Exception:  # what it sends makes no sense: it cannot be used further
            return False
        finally:
            self.output_limit = limit
            self._pending = []

    def _answers(self):
        """Whether the kernel runs an empty cell promptly: it may have swallowed the interrupt."""
        try:
            self._read_until_idle(self.execute_cell_input("", allow_stdin=False), time.monotonic() + GRACE)
        except CellEnded:
            return False
        return True

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """The next message that the last cell published. Called by nbval after await_reply, which has them all."""
        return self._pending.pop(0)

    def run(self, code: str) -> Run:
        """Run a cell of the learner's. Raises CellEnded."""
        self.await_reply(self.execute_cell_input(code, allow_stdin=False))
        run = Run(self._pending)
        for message in self._pending:
            if message["msg_type"] == "error":
                run.error = (str(message["content"].get("ename")), str(message["content"].get("evalue")))
        return run

    def stop(self):
        """End the kernel and remove its folder. Safe to call twice."""
        if hasattr(self, "kc"):
            self.kc.stop_channels()
        if hasattr(self, "km"):
            if self.km.has_kernel:
                self.km.shutdown_kernel(now=True)
            self.km.cleanup_resources()
            del self.km
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def _environment(home: str) -> dict:
    """The kernel's environment: enough to import torch, no secrets, and the mark that grading is going on."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "SYSTEMROOT", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PYTHONPATH")
    own = {"HOME": home, "IPYTHONDIR": home, "MPLBACKEND": "module://matplotlib_inline.backend_inline", "LINEAR_GRADER": "1"}
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **own}
