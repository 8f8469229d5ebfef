"""Kernels in a tenth of a second: forks of a template process that has torch imported. The grader's side of it.

`WarmProvisioner` is how jupyter_client starts them. Where processes cannot be forked (anything but Linux), plain kernels serve.
"""

import atexit
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from jupyter_client.provisioning import KernelProvisionerBase

from . import cgroup, environment, sandbox
from .limits import Limits
from .scratch import Folder

PORTS = {"shell": 1, "iopub": 2, "stdin": 3}  # as the kernel module's, which would import all of ipykernel
AVAILABLE = sys.platform == "linux"
END_SECONDS = 20.0
LOOK = 0.5  # seconds between looks at whether a template has ended before it answers
PATIENCE = 10.0  # seconds for the template to say how long a kernel has computed
PROVISIONER = "linear-grader-warm"


class TemplateError(Exception):
    """The template could not be started, or is gone: the machine's fault, not the learner's."""


@dataclass(frozen=True)
class Setting:
    """How kernels are to run. sandbox: "bwrap" or "none"."""

    sandbox: str = "none"
    device: str = "cpu"
    limits: Limits = Limits()


class Template:
    """A running template. It takes seconds to start; kernels asked for meanwhile come when it is there.

    Processes forked from the one that started it may use it too: each request is a datagram of its own.
    """

    def __init__(self, confined: bool, cuda: bool):
        compile_what_templates_import()
        self.confined, self.cuda = confined, cuda
        self.folder = Folder()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [sandbox.PYTHON, "-m", "grader.kernels.template", str(theirs.fileno())]
        if confined:
            words = [*sandbox.command(cuda), *words]
        with theirs, open(os.path.join(self.folder.name, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                cwd=None if confined else sandbox.GRADER.parent,
                env=environment.of_kernel(sandbox.PRIVATE if confined else self.folder.name) | environment.of_device("cuda" if cuda else "cpu"),
                process_group=0 if confined else None,
            )  # fmt: skip
        self._owner = os.getpid()
        self.is_lost = False  # a kernel of its has ended without its word

    def is_alive(self) -> bool:
        """Whether it still listens."""
        return not self.is_lost and not select.select([self.control], [], [], 0)[0]  # it never says anything: that would be the connection's end

    def has_ended(self) -> bool:
        """Whether the process that was started has ended. Where bubblewrap is killed before its child is tied to it, that child would wait for ever, and
        keep the connection open: it is ended here."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as stat:
                if stat.read().rpartition(")")[2].split()[0] != "Z":
                    return False
            self._kill()  # its number is nobody else's before the process that started it has taken leave of it
        except OSError:
            pass
        return True

    def _kill(self):
        """End what was started, and in a sandbox what is not tied to it yet."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL) if self.confined else self.process.kill()

    def last_words(self) -> str:
        """What it wrote last before it ended."""
        with open(os.path.join(self.folder.name, "log"), encoding="utf-8", errors="replace") as log:
            lines = log.read().strip().splitlines()
        return f"the process that kernels are forked from has ended; its last words: {lines[-1] if lines else 'none'}"

    def fork(self, key: str, folder: str, limits: Limits, listening: list[socket.socket], group: cgroup.Group | None, libraries: list[str]) -> socket.socket:
        """Have a kernel forked that serves on these sockets, in this group, and has imported these libraries; its lifeline (see template). Raises TemplateError."""
        request = {
            "key": key, "folder": sandbox.WORK if self.confined else folder, "limits": asdict(limits), "libraries": libraries,
            "confined": self.confined, "cuda": self.cuda, "groups": sandbox.gpu_groups() if self.cuda else [],
        }  # fmt: skip
        lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                groups = [group.procs, group.events] if group else []
                descriptors = [*(each.fileno() for each in listening), *groups, theirs.fileno()]
                socket.send_fds(self.control, [json.dumps(request).encode()], descriptors)
        except OSError:
            lifeline.close()
            raise TemplateError(self.last_words()) from None
        return lifeline

    def close(self):
        """End it and its kernels, if this process started it. Safe to call twice."""
        self.control.close()
        if os.getpid() == self._owner:
            self._kill()
            self.process.wait()
            self.folder.cleanup()


@cache
def compile_what_templates_import():
    """Have the modules of a template compiled, once in the life of an environment, where its installer has not (pip does, uv does not): a
    template can keep nothing, and each would compile them again, which takes longer than all else that it does."""
    torch = Path(importlib.util.find_spec("torch").origin).parent
    compiled = Path(importlib.util.cache_from_source(torch / "_dynamo" / "__init__.py"))
    folder = next(folder for folder in compiled.parents if folder.exists())
    if not compiled.exists() and os.access(folder, os.W_OK):
        writing = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": sys.pycache_prefix or ""}
        with Folder() as home, suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [sandbox.PYTHON, "-c", "from grader.kernels import template; template.prepare(); template.rehearse()"],
                cwd=home, env=environment.of_kernel(home) | environment.of_device("cpu") | writing, check=False, timeout=300,  # ten times what it takes
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip


_templates: dict[tuple[bool, bool], Template] = {}  # by whether it is confined, and whether its kernels use a GPU


def template(setting: Setting) -> Template:
    """This process's template for a setting, whatever its limits: started when first asked for, and anew when it has died."""
    place = setting.sandbox == "bwrap", setting.device == "cuda"
    known = _templates.get(place)
    if known is None or not known.is_alive():
        if known:
            known.close()
        _templates[place] = Template(*place)
    return _templates[place]


def begin(setting: Setting):
    """Have the template start, where there is one: it imports torch while this process does."""
    if AVAILABLE:
        template(setting)


@atexit.register
def close_templates():
    confined = any(each.confined for each in _templates.values())
    while _templates:
        _templates.popitem()[1].close()
    if confined:
        cgroup.sweep()


_ending: list[tuple[socket.socket, cgroup.Group | None]] = []  # lifelines and groups of kernels that have been told to end


def await_endings():
    """Wait until nothing is left of the kernels that were told to end. Raises TemplateError where one does not."""
    while _ending:
        lifeline, group = _ending.pop()
        with lifeline:
            lifeline.settimeout(END_SECONDS)
            try:
                while lifeline.recv(4096):
                    pass
            except ConnectionError:
                pass
            except TimeoutError:
                raise TemplateError(f"an earlier kernel did not end within {END_SECONDS:.0f} s") from None
            finally:
                if group:
                    group.close()


class WarmProvisioner(KernelProvisionerBase):
    """jupyter_client's way to a forked kernel. Its manager (session.WarmKernelManager) says which template to use, and where."""

    lifeline: socket.socket | None = None
    group: cgroup.Group | None = None
    ended: str = ""  # how the kernel ended, in the template's words; none where the template was lost

    @property
    def has_process(self) -> bool:
        return self.lifeline is not None

    def is_gone(self) -> bool:
        """Whether the kernel has ended, and nothing that it started is left."""
        while self.lifeline is not None and select.select([self.lifeline], [], [], 0)[0]:
            self._note(self._hear())
        return self.lifeline is None

    def await_birth(self, seconds: float):
        """Wait until the kernel is being started. Raises TemplateError."""
        template, deadline = self.parent.template, time.monotonic() + seconds
        while not select.select([self.lifeline], [], [], LOOK)[0]:
            if template.has_ended():
                template.is_lost = True
                raise TemplateError(template.last_words())
            if time.monotonic() > deadline:
                raise TemplateError(f"the process that kernels are forked from did not answer within {seconds:.0f} s")
        said = self._hear()
        if said != "born":
            self._note(said)
            raise TemplateError(said or template.last_words())

    def mark(self):
        """From now on, `times` counts anew."""
        self._say(b"mark")

    def times(self) -> list[float]:
        """Seconds that the kernel computed and that it waited for a processor since the mark, and the same since its birth. Nothing where it
        has ended, or no answer came within PATIENCE."""
        self._say(b"time")
        while self.lifeline is not None and select.select([self.lifeline], [], [], PATIENCE)[0]:
            said = self._hear()
            if said.startswith("time "):
                return list(map(float, said.split()[1:]))
            self._note(said)
        return []

    def _say(self, word):
        try:
            if self.lifeline is not None:
                self.lifeline.send(word)
        except OSError:  # it has ended
            pass

    def _note(self, said):
        """Keep what the template said first of its own accord; nothing said means that the kernel is gone, or the template."""
        if said:
            self.ended = self.ended or said
        else:
            self.parent.template.is_lost |= not self.ended
            self._let_go()

    def _hear(self):
        for _ in range(2):
            try:
                return self.lifeline.recv(4096).decode(errors="replace")
            except ConnectionResetError:  # the template closed with a question of ours unread; Linux says so once, before its last word
                continue
            except OSError:
                break
        return ""

    def _let_go(self):
        self.lifeline.close()
        self.lifeline = None
        if self.group:
            self.group.close()
            self.group = None

    async def poll(self):
        return 1 if self.is_gone() else None

    async def wait(self):
        """Until the kernel has ended, but not for ever: without a sandbox, a notebook can stop the template itself."""
        deadline = time.monotonic() + END_SECONDS
        while not self.is_gone():
            if not select.select([self.lifeline], [], [], max(0, deadline - time.monotonic()))[0]:
                self.parent.template.process.kill()
                self._let_go()
        return 1

    async def send_signal(self, signum: int):
        if signum == signal.SIGINT:
            self._say(b"interrupt")
        else:
            await self.kill()

    async def kill(self, restart: bool = False):
        """Have the kernel ended with all that it started. A confined one takes its leave alone (see await_endings)."""
        if self.lifeline is None:
            return
        self.lifeline.shutdown(socket.SHUT_WR)
        if self.parent.template.confined:
            _ending.append((self.lifeline, self.group))
            self.lifeline = self.group = None
        else:
            await self.wait()

    async def terminate(self, restart: bool = False):
        await self.kill(restart)

    async def cleanup(self, restart: bool = False):
        """Nothing is left to clean up."""

    async def pre_launch(self, **kwargs):
        manager = self.parent
        for channel, port in {**PORTS, "control": 8, "hb": 9}.items():  # nobody serves the last two
            setattr(manager, f"{channel}_port", port)
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd, **kwargs):
        """Open the kernel's sockets and have it forked. Raises TemplateError."""
        manager = self.parent
        template, listening = manager.template, []
        if template.confined and not template.cuda and cgroup.place():  # CUDA's driver takes memory of the machine's, too
            with suppress(OSError):  # the template counts in any case
                self.group = cgroup.Group(manager.limits)
        try:
            for number in PORTS.values():
                listening.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                listening[-1].bind(f"{manager.ip}-{number}")
                listening[-1].listen()
            self.lifeline = template.fork(manager.session.key.decode(), manager.work, manager.limits, listening, self.group, manager.libraries)
        except Exception:
            if self.group:
                self.group.close()
            raise
        finally:
            for each in listening:
                each.close()
        return self.connection_info
