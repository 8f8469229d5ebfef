"""Grading beside a Dask worker: a process of its own, the room, with a template, a sandbox and a Pool of workers. The worker's side of `cluster`.

Dask's worker has threads and may be a daemon: nothing should be forked from it. Notebooks go to the room through a socket, and their results
come back; the socket's end, whatever the reason, ends the room and all that it started.
"""

import asyncio
import importlib.metadata
import json
import os
import pickle
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import process
from .fingerprint import grader
from .kernels import environment, sandbox, warm
from .kernels.limits import Limits
from .kernels.scratch import Folder
from .verdicts import to_dict
from .workers import Pool

IDLE = 60.0  # seconds without a notebook after which a room is closed: whoever opened it may be gone
CLOSING = 20.0  # seconds in which a room has ended
SIZE = struct.Struct(">Q")  # what goes through a socket comes after its length


@dataclass(frozen=True)
class Run:
    """A run of `grade`. jobs: notebooks at a time for each Dask worker; 0: as many as it has threads."""

    seed: int
    setting: warm.Setting
    jobs: int
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


def facts(setting: warm.Setting) -> dict[str, str]:
    """What must be alike wherever notebooks of a run are graded, as it is here."""
    steered = " ".join(f"{name}={value}" for name, value in environment.arithmetic().items())
    return {**grader(), "distributed": importlib.metadata.version("distributed"), "arithmetic": steered or "as it comes", "sandbox": setting.sandbox}


async def introduce(run: Run, dask_worker) -> tuple[dict[str, str], int]:
    """A Dask worker's facts, and how many notebooks it grades at a time."""
    return await asyncio.to_thread(_tried_facts, run.setting), _jobs(run, dask_worker)


def _tried_facts(setting):
    missing = {"sandbox": "none (Windows has no rooms)"} if os.name == "nt" else {}
    if setting.sandbox == "bwrap":
        try:
            sandbox.require()
        except sandbox.NoSandbox as reason:
            missing = {"sandbox": f"none ({reason})"}
    return {**facts(setting), **missing}


def _jobs(run, dask_worker):
    return run.jobs or dask_worker.state.nthreads


_rooms: dict[str, asyncio.Task] = {}  # of this Dask worker, by the runs' names
_left: set[str] = set()  # runs that are over, though a notebook of theirs may still be on its way


async def grade(run: Run, name: str, shown: str, data: bytes, dask_worker) -> bytes:
    """Grade a notebook, given by its file's name, the path as shown, and its content: its result as JSON, or nothing where its room was lost."""
    if run.name in _left:
        return b""
    if run.name not in _rooms:
        _rooms[run.name] = asyncio.create_task(_Room.open(run, _jobs(run, dask_worker)))
    try:
        room = await asyncio.shield(_rooms[run.name])
    except OSError:
        _rooms.pop(run.name, None)
        raise
    return await room.grade(name, shown, data)


async def leave(run: Run):
    """Close a run's room, and wait until nothing is left of it."""
    _left.add(run.name)
    if run.name in _rooms:
        await (await asyncio.shield(_rooms[run.name])).close()


class _Room:
    """A room as its Dask worker sees it."""

    @classmethod
    async def open(cls, run, jobs):
        ours, theirs = socket.socketpair()
        path = filter(None, (str(sandbox.GRADER.parent), os.environ.get("PYTHONPATH")))
        words = [sys.executable, "-m", "grader.rooms", str(theirs.fileno()), json.dumps({"seed": run.seed, "jobs": jobs, "setting": asdict(run.setting)})]
        self = cls()
        with theirs:
            self._process = subprocess.Popen(
                words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "yes"},
            )  # fmt: skip
        self._name, self._waiting, self._end, self._clock = run.name, {}, None, None
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._listener = asyncio.create_task(self._listen(reader))
        return self

    async def grade(self, name, shown, data):
        if self._end:
            return b""
        if self._clock:
            self._clock.cancel()
        if shown not in self._waiting:  # else somebody asked, was cut off, and asks again
            self._waiting[shown] = asyncio.get_running_loop().create_future()
            message = pickle.dumps((name, shown, data))
            self._writer.write(SIZE.pack(len(message)) + message)
        return await asyncio.shield(self._waiting[shown])

    async def _listen(self, reader):
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                (size,) = SIZE.unpack(await reader.readexactly(SIZE.size))
                answer = await reader.readexactly(size)
                result = self._waiting.pop(json.loads(answer)["path"], None)
                if result:
                    result.set_result(answer)
                if not self._waiting:
                    self._clock = asyncio.get_running_loop().call_later(IDLE, self._shut)
        self._shut()

    async def close(self):
        """End the process; what it has not graded is lost. Safe to call twice."""
        self._shut()
        await asyncio.shield(self._end)

    def _shut(self):
        if self._end:
            return
        _rooms.pop(self._name, None)
        self._writer.close()
        while self._waiting:
            self._waiting.popitem()[1].set_result(b"")
        self._end = asyncio.create_task(asyncio.to_thread(self._await_end))

    def _await_end(self):
        try:
            self._process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Intake:
    """The room's end of the socket, as the Pool's source of notebooks."""

    def __init__(self, channel, folder):
        self._channel, self._folder, self._files = channel, folder, {}
        self.fileno, self.close = channel.fileno, channel.close

    def recv(self) -> tuple[Path, str]:
        """The next notebook, written to a file under its own name. Raises EOFError at the socket's end."""
        (size,) = SIZE.unpack(self._read(SIZE.size))
        name, shown, data = pickle.loads(self._read(size))
        path = Path(tempfile.mkdtemp(dir=self._folder)) / name
        path.write_bytes(data)
        self._files[shown] = path.parent
        return path, shown

    def forget(self, shown: str):
        """Remove the file of a notebook that has been graded."""
        shutil.rmtree(self._files.pop(shown))

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            part = self._channel.recv(min(size - len(data), 2**20))
            if not part:
                raise EOFError
            data += part
        return bytes(data)


def _serve(channel, seed, setting, jobs):
    """A room's life: grade what comes."""
    with Folder() as folder:
        try:
            warm.begin(setting)
            with Pool(jobs, seed, setting) as pool:
                intake = _Intake(channel, os.path.realpath(folder))
                for result in pool.grade([], intake):
                    intake.forget(result.path)
                    answer = json.dumps(to_dict(result)).encode()
                    channel.sendall(SIZE.pack(len(answer)) + answer)
        except (EOFError, ConnectionError, KeyboardInterrupt):
            pass  # nobody waits for more
        finally:
            warm.close_templates()


if __name__ == "__main__":
    process.compile_no_grammar()
    process.keep_all_bits()
    given = json.loads(sys.argv[2])
    limits = Limits(**given["setting"].pop("limits"))
    with socket.socket(fileno=int(sys.argv[1])) as its_end:
        _serve(its_end, given["seed"], warm.Setting(**given["setting"], limits=limits), given["jobs"])
