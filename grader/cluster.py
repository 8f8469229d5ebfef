"""Workers on many machines: a Dask cluster in the place of a Pool. The client's side; `rooms` is what it calls beside each of Dask's workers.

Dask knows the workers, reaches them and notices when they are gone. Which notebook is where, and how often it was tried, is counted by `ledger` and
not by Dask's tasks: no notebook beside one that takes a worker down is blamed, and a worker grades as many at a time as -j says, whatever its threads.
"""

import asyncio
import atexit
import json
import logging
import signal
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
import distributed
from dask.system import CPU_COUNT
from distributed.versions import VersionMismatchWarning

from . import rooms
from .files import read
from .kernels import clock, warm
from .kernels.scratch import Folder
from .ledger import Ledger, Member
from .notebooks import MAX_BYTES, unreadable
from .texts import one_line, path_text
from .verdicts import SubmissionResult, result_from_dict
from .workers import OVERTIME, Gone, failed, stoppable

LOCAL = "local"  # in the place of an address
AHEAD = 1  # notebooks that wait at a worker for its next free process
LOOK = 1.0  # seconds between looks at which workers there are
CONNECT = 5.0  # seconds in which a scheduler answers
FIRST = 30.0  # seconds for the first worker to come
PATIENCE = 120.0  # seconds for one to come where all are gone, or the scheduler is
INTRODUCTION = 60.0  # seconds for a worker to say what it is
LEAVE = 25.0  # seconds in which all have closed their rooms


class Cluster:
    """Workers of a Dask cluster. Use as a context manager; leaving it ends all that was started on them for this run.

    Raises Gone where no scheduler answers, or no worker is like this process.
    """

    def __init__(self, address: str, jobs: int, seed: int, setting: warm.Setting):
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        warnings.simplefilter("ignore", VersionMismatchWarning)  # what matters of it is looked at below
        self._address, self._run, self._facts = address, rooms.Run(seed, setting, jobs), rooms.facts(setting)
        self._folder = Folder()  # for what Dask writes, where all of it is started here
        self._ledger = Ledger()
        self._asked: set[str] = set()  # workers that were asked what they are
        self._outcomes = asyncio.Queue()  # results; Gone, to be raised; None, when workers have come or gone
        self._client = self._local = self._follower = self._scheduler = None
        self._limit = 2 * (clock.BACKSTOP * setting.limits.total + OVERTIME)  # seconds for a notebook and one before it
        self._runner = asyncio.Runner()
        self._stoppable = stoppable(_interrupt)
        self._stoppable.__enter__()
        atexit.register(self.close)
        try:
            self._runner.run(self._join())
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End what was started for this run. Safe to call twice."""
        if not self._runner:
            return
        runner, self._runner = self._runner, None
        atexit.unregister(self.close)
        try:
            runner.run(self._leave())
        finally:
            runner.close()
            self._folder.cleanup()
            self._stoppable.__exit__(None, None, None)

    def grade(self, notebooks: list[tuple[Path, str]]):
        """Yield a SubmissionResult for each (path, the path as shown), in the order in which they are done. Raises Gone."""
        self._ledger.add(notebooks)
        while result := self._runner.run(self._next()):
            yield result

    async def _join(self):
        """Find the scheduler, and workers that will do. Raises Gone."""
        shown = one_line(self._address)
        try:
            if self._address == LOCAL:
                with _deaf_children(), dask.config.set({"temporary-directory": self._folder.name}):
                    self._local = await distributed.LocalCluster(
                        n_workers=2, threads_per_worker=max(1, CPU_COUNT // 2), memory_limit=None, host="127.0.0.1",
                        dashboard_address=None, asynchronous=True, silence_logs=logging.CRITICAL,
                    )  # fmt: skip
                self._address = self._local.scheduler_address
            await self._connect()
        except Exception as error:
            cure = "Give the scheduler's own address, as in tcp://10.0.0.1:8786; with tls://, Dask's settings name the certificates."
            raise Gone(f"--cluster {shown}: no scheduler answers there ({one_line(error, 120)}). {cure}") from None
        deadline = time.monotonic() + FIRST
        while not self._ledger.members:
            if self._asked or time.monotonic() > deadline:
                what = "none of its workers will do" if self._asked else f"no worker has come within {FIRST:.0f} s"
                raise Gone(f"--cluster {shown}: {what}. Start them in this environment: dask worker {shown}")
            try:
                await asyncio.gather(*self._look(await self._scheduler_says()))
            except OSError as error:
                raise Gone(f"--cluster {shown}: the scheduler answers no more ({one_line(error, 120)}).") from None
            await asyncio.sleep(LOOK / 5)
        self._follower = asyncio.create_task(self._follow())

    async def _connect(self):
        self._client = distributed.Client(self._address, asynchronous=True, timeout=CONNECT, set_as_default=False)
        await self._client

    async def _scheduler_says(self) -> dict:
        return await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), CONNECT)

    async def _call(self, address, limit, function, *arguments):
        """What a function of `rooms` returns at a worker. An exception there, or on the way from the scheduler, is returned, as is TimeoutError after
        `limit` seconds; one on the way to the scheduler is raised."""
        try:
            async with asyncio.timeout(limit) as deadline:
                answers = await self._client.run(function, self._run, *arguments, workers=[address], on_error="return")
        except TimeoutError as error:
            if deadline.expired():
                return error
            raise
        return answers[address]

    async def _follow(self):
        """Take in workers that come, and see to the notebooks of those that are gone, as long as the run lasts."""
        seen, meetings = time.monotonic(), set()
        while time.monotonic() - seen < PATIENCE:
            await asyncio.sleep(LOOK)
            with suppress(OSError):  # where the scheduler is gone, what is asked of it fails, too
                if self._client.status == "closed":  # Dask has given it up
                    await self._connect()
                meetings |= {asyncio.create_task(meeting) for meeting in self._look(await self._scheduler_says())}
            meetings = {meeting for meeting in meetings if not meeting.done()}
            if self._ledger.members:
                seen = time.monotonic()
                self._outcomes.put_nowait(None)
        self._outcomes.put_nowait(Gone(f"The cluster at {one_line(self._address)} has had no worker for {PATIENCE:.0f} s."))

    def _look(self, about) -> list:
        """Compare the workers with what is known of them; coroutines that ask those that are new."""
        if self._scheduler != about["id"]:  # it was restarted: workers of the last one are gone, through no notebook's fault
            self._scheduler = about["id"]
            for member in list(self._ledger.members.values()):
                self._lose(member, blame=False)
            self._asked.clear()
        self._asked &= about["workers"].keys()
        for address in self._ledger.members.keys() - about["workers"].keys():
            self._lose(self._ledger.members[address])
        new = {address: str(about["workers"][address]["name"]) for address in sorted(about["workers"].keys() - self._asked)}
        self._asked |= new.keys()
        return [self._ask(address, name) for address, name in new.items()]

    async def _ask(self, address, name):
        """Ask a worker what it is, and have it take part or say why not."""
        who = f"Worker {one_line(name)} is not used" if name == address else f"Worker {one_line(name)} at {address} is not used"
        try:
            answer = await self._call(address, INTRODUCTION, rooms.introduce)
        except OSError as error:
            answer = error
        if isinstance(answer, OSError):  # it is gone, or will be asked again
            self._asked.discard(address)
        elif isinstance(answer, Exception):
            _say(f"{who}: it has no grader like this one ({one_line(answer, 120)}).")
        else:
            found, jobs = answer
            other = [f"{fact} {_brief(found.get(fact, 'none'))}, here {_brief(here)}" for fact, here in self._facts.items() if found.get(fact) != here]
            if address not in self._asked:  # it is gone meanwhile
                return
            if other:
                _say(f"{who}: {'; '.join(other)}.")
            else:
                self._ledger.members[address] = Member(address, jobs + AHEAD)

    async def _next(self) -> SubmissionResult | None:
        """The next result; None where there is none left. Raises Gone."""
        while True:
            for member in list(self._ledger.members.values()):
                while notebook := self._ledger.pick(member):
                    self._send(member, notebook)
            if self._ledger.is_done() and self._outcomes.empty():
                return None
            outcome = await self._outcomes.get()
            if isinstance(outcome, Gone):
                raise outcome
            if outcome:
                return outcome

    def _send(self, member, notebook):
        path, shown = notebook
        try:
            data = read(path, MAX_BYTES)
        except OSError as error:
            member.alone = False
            line = str(unreadable(path, error)).replace(path_text(path), shown)
            self._outcomes.put_nowait(SubmissionResult(shown, "", 0, 0, error=line))
        else:
            self._ledger.assign(member, notebook, asyncio.create_task(self._grade(member, notebook, data)))

    async def _grade(self, member, notebook, data):
        """Have a worker grade a notebook."""
        path, shown = notebook
        try:
            answer = await self._call(member.address, self._limit, rooms.grade, path.name, shown, data)
        except Exception:  # the scheduler is gone, or the way to it
            self._lose(member, blame=False)
            return
        if not isinstance(answer, bytes) or not answer:
            self._lose(member)
        elif self._ledger.release(member, notebook):
            self._outcomes.put_nowait(result_from_dict(json.loads(answer)))

    def _lose(self, member, blame=True):
        """See to what a worker had that is gone, or its room; if it is only that, it will be asked again."""
        if self._ledger.members.get(member.address) is not member:
            return
        self._asked.discard(member.address)
        for task in member.calls.values():
            if task is not asyncio.current_task():
                task.cancel()
        for _, shown in self._ledger.lose(member, blame):
            self._outcomes.put_nowait(failed(shown))
        self._outcomes.put_nowait(None)

    async def _leave(self):
        """Have all rooms closed, as far as they can be reached, and let go of the cluster."""
        if self._follower:
            self._follower.cancel()
        for member in self._ledger.members.values():
            for task in member.calls.values():
                task.cancel()
        if self._client and self._asked:
            with suppress(Exception):
                there = self._asked & (await self._scheduler_says())["workers"].keys()
                await asyncio.wait_for(self._client.run(rooms.leave, self._run, workers=list(there), on_error="ignore"), LEAVE)
        for each in filter(None, (self._client, self._local)):
            with suppress(Exception):
                await asyncio.wait_for(each.close(), LEAVE)


@contextmanager
def _deaf_children():
    """Processes that are started meanwhile hear no Ctrl-C: a terminal sends it to all, and they are ended in order."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _interrupt(*_):
    """Stop a run as Ctrl-C does, at a place where the event loop can be stopped."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as of a command that a shell runs in the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _brief(fact):
    return fact[:12] if len(fact) == 64 else one_line(fact, 160)  # a digest


def _say(line):
    print(one_line(line, 1000), file=sys.stderr)
