"""What a kernel says is listened to here, and every wait ends: by the reply, by the kernel's death, by the time limit, or by the output limit. Each of the
last three is an exception of its own.
"""

import select
import socket
import time

import psutil
import zmq
from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel
from zmq.utils.monitor import recv_monitor_message

from .. import verdicts
from . import warm
from .clock import Clock
from .limits import MIB
from .messages import CellEnded, KernelUnavailable, nonce_of, receive

SLACK = 0.02  # seconds of an answer's time that may be the one's before: asking the template costs more than most answers
LIVENESS = 0.2  # seconds between looks at whether a plain kernel is alive; a warm one tells
GRACE = 2.0  # seconds a kernel gets to end after an interrupt
FAREWELL = 10.0  # seconds from a kernel's last connection to its end
ANSWER_BYTES = 32 * MIB  # of all messages of one probe: a full answer in base64, and some room
MESSAGE_BYTES = 48 * MIB  # of one message; a kernel that sends a longer one is not listened to any more


class Listener(RunningKernel):
    """A kernel that has been started, by who inherits: `km`, its manager, `kc`, its client, and `_monitor`, the socket that tells of its connection."""

    def __init__(self, setting: warm.Setting):
        self.setting = setting
        self.seconds, self.output_limit = setting.limits.cell, ANSWER_BYTES  # until a cell of the notebook's runs, nothing that is said is its output
        self.whole = Clock(float("inf"))
        self._pending: list[dict] = []  # what the running cell has published
        self._awaited: list[str] = []  # nonces of the answers it has yet to publish, a probe's once for each of its rounds
        self._answering = ""  # that of the last one
        self._marked = 0.0  # when the template was last told to count from anew

    def await_reply(self, msg_id: str, timeout: float | None = None, interrupt: bool = True):
        """Wait for the end of a cell, keeping what it publishes.

        Raises CellEnded if the cell does not end by itself within the limits; it is interrupted first, unless told otherwise.
        """
        self._pending, self._size, self._reply = [], 0, None
        self._start_clock()
        try:
            self._read_until_idle(msg_id)
        except CellEnded as ended:
            ended.alive = ended.alive and (not interrupt or self._recover(msg_id))
            raise

    def _start_clock(self):
        self._clock = Clock(self.seconds)
        if time.monotonic() - self._marked < SLACK:
            return
        self._marked = time.monotonic()
        if warm.AVAILABLE:
            self.km.provisioner.mark()
        else:
            self._mark = plain_seconds(self.km)

    def _look_at_the_clocks(self):
        """Raises CellEnded where the cell's time, or the notebook's, is up: its own time, not what the machine made it wait."""
        times = self._times()
        if not times:
            self._check_alive(disconnected=False)
            times = [0, 0, 0, 0]  # nobody tells: the wall's clock is left
        if not self.whole.look(*times[2:]):
            raise CellEnded(verdicts.TIMED_OUT, f"The notebook used up its {self.setting.limits.total:g} s in all.", alive=True)
        if not self._clock.look(*times[:2]):
            raise CellEnded(verdicts.TIMED_OUT, f"It did not end within {self.seconds:g} s.", alive=True)

    def _times(self) -> list[float]:
        """As warm.WarmProvisioner.times; a plain kernel's waiting is unknown."""
        if warm.AVAILABLE:
            return self.km.provisioner.times()
        computed = plain_seconds(self.km)
        return [computed - self._mark, time.monotonic(), computed, time.monotonic()]

    def _read_until_idle(self, msg_id):
        """Read both channels until the cell's reply and its `idle` are in."""
        poller = zmq.Poller()
        shell, iopub = self.kc.shell_channel.socket, self.kc.iopub_channel.socket
        for source in (shell, iopub, self._monitor, *self._lifeline()):
            poller.register(source, zmq.POLLIN)
        idle = replied = False
        while not (idle and replied):
            left = min(self._clock.left(), self.whole.left())
            if left <= 0:
                self._look_at_the_clocks()
                continue
            ready = dict(poller.poll(1000 * (left if warm.AVAILABLE else min(left, LIVENESS))))
            try:
                if shell in ready and self._belongs(reply := receive(self.kc.session, shell)[0], msg_id):
                    replied, self._reply = True, reply["content"]
                if iopub in ready:
                    idle |= self._keep_own(*receive(self.kc.session, iopub), msg_id)
            except CellEnded:
                raise
            except Exception:  # a message that jupyter_client cannot read: forged, or broken by patches to the kernel
                raise CellEnded(verdicts.KERNEL_DIED, "The kernel sent messages that make no sense.", alive=False) from None
            if not ready.keys() & {shell, iopub}:
                self._check_alive(disconnected=zmq.EVENT_DISCONNECTED in self._events())

    def _lifeline(self):
        """The socket that tells of a warm kernel's end."""
        return [self.km.provisioner.lifeline] if warm.AVAILABLE and self.km.provisioner.lifeline else []

    def _events(self) -> list[int]:
        """What has happened to the connection."""
        events = []
        while self._monitor.poll(0):
            events.append(recv_monitor_message(self._monitor)["event"])
        return events

    def _check_alive(self, disconnected):
        """Raises CellEnded where the kernel has ended, or has broken off its connection."""
        deadline, back = time.monotonic() + FAREWELL, False
        while disconnected and self.is_alive() and not back and time.monotonic() < deadline:  # a kernel that ends disconnects first
            select.select([self._monitor.fd, *self._lifeline()], [], [], LIVENESS)
            back = zmq.EVENT_CONNECTED in self._events() or self._is_served()
        if not self.is_alive():
            ended = self.km.provisioner.ended if warm.AVAILABLE else "gone"
            if ended == "memory":
                limit = self.setting.limits.memory
                raise CellEnded(verdicts.OUT_OF_MEMORY, f"It used more than {limit:g} MiB of memory.", alive=False)
            if ended != "gone":
                raise KernelUnavailable(ended or self.km.template.last_words())
            raise CellEnded(verdicts.KERNEL_DIED, "The Python process ended while it ran.", alive=False)
        if back:  # a message that was too long: our side cut the connection
            raise CellEnded(verdicts.FLOODED, f"It wrote more than {MESSAGE_BYTES // MIB} MiB at once.", alive=False)
        if disconnected:
            raise CellEnded(verdicts.KERNEL_DIED, "The kernel broke off the connection.", alive=False)

    def _is_served(self) -> bool:
        """Whether a warm kernel still greets who connects, as nothing does that is about to end, or has become another program."""
        if not warm.AVAILABLE:
            return False
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(LIVENESS)
            try:
                visitor.connect(f"{self.km.ip}-{self.km.iopub_port}")
                return bool(visitor.recv(1))
            except OSError:
                return False

    @staticmethod
    def _belongs(message, msg_id):
        return message["parent_header"].get("msg_id") == msg_id

    def _keep_own(self, message, size, msg_id) -> bool:
        """Keep a message of the running cell, as long as it is under its output limit; whether it says that the cell is done."""
        if not self._belongs(message, msg_id):
            return False
        content = message["content"]
        if message["msg_type"] == "display_data":
            content = {"data": content["data"], "metadata": content.get("metadata", {})}
            message["content"] = content
        nonce = nonce_of(message)
        if nonce in self._awaited:
            del self._awaited[: self._awaited.index(nonce) + 1]
            self._start_clock()
            if nonce != self._answering:
                self._answering, self._size = nonce, 0
        self._size += size
        if self._size > self.output_limit:
            raise CellEnded(verdicts.FLOODED, f"It wrote more than {self.output_limit / MIB:g} MiB of output.", alive=True)
        self._pending.append(message)
        return message["msg_type"] == "status" and content["execution_state"] == "idle"

    def _recover(self, msg_id) -> bool:
        """Interrupt the running cell; whether the kernel is idle again within GRACE."""
        self.interrupt()
        self.output_limit, limit, kept = float("inf"), self.output_limit, self._pending
        deadline = time.monotonic() + GRACE
        try:
            while time.monotonic() < deadline:
                if self.kc.iopub_channel.socket.poll(1000 * LIVENESS):
                    message, _ = receive(self.kc.session, self.kc.iopub_channel.socket)
                    status = message["content"].get("execution_state")
                    if self._belongs(message, msg_id) and status == "idle":
                        return self._answers()
                elif not self.is_alive():
                    return False
            return False
        except Exception:  # what it sends makes no sense: it cannot be used further
            return False
        finally:
            self.output_limit, self._pending = limit, kept

    def _answers(self):
        """Whether the kernel runs an empty cell promptly: it may have swallowed the interrupt."""
        try:
            self._clock = Clock(GRACE)
            self._read_until_idle(self.execute_cell_input("", allow_stdin=False))
        except CellEnded:
            return False
        return True


def plain_seconds(manager: KernelManager) -> float:
    """Seconds of processor time that a kernel which is no fork has had."""
    try:
        return sum(psutil.Process(manager.provisioner.process.pid).cpu_times()[:4])  # its own and its children's, user and system
    except psutil.Error:  # it has ended
        return 0.0
