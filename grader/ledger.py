"""Which worker of a cluster has which notebooks, which are still to be graded, and which are tried no more. It knows no network."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from .workers import TRIES

MOST = 500  # notebooks that are with workers at a time: each is a connection, and Dask has 512


@dataclass(eq=False)
class Member:
    """A worker that takes part. calls: the notebooks that it has, each with who waits for it. alone: it has one that may take it down."""

    address: str
    slots: int
    calls: dict[tuple[Path, str], asyncio.Task] = field(default_factory=dict)
    alone: bool = False


class Ledger:
    """Which notebooks are to be graded, and by whom."""

    def __init__(self):
        self.members: dict[str, Member] = {}
        self._under_way = 0
        self._waiting: deque[tuple[Path, str]] = deque()
        self._suspects: list[tuple[Path, str]] = []  # were lost with a worker; each is graded by one that has nothing else
        self._lost: dict[tuple[Path, str], list[str]] = {}  # where a notebook was lost that had no company

    def add(self, notebooks):
        self._waiting.extend(notebooks)

    def is_done(self) -> bool:
        return not (self._waiting or self._suspects or self._under_way)

    def pick(self, member: Member) -> tuple[Path, str] | None:
        """The next notebook for a worker, if it is to have one now: a suspect that it has not been lost with, before all others."""
        here = [notebook for notebook in self._suspects if len(self.members) == 1 or member.address not in self._lost.get(notebook, [])]
        if self._under_way >= MOST or member.alone or len(member.calls) >= member.slots or (here and member.calls):
            return None
        if here:
            self._suspects.remove(here[0])
            member.alone = True
            return here[0]
        return self._waiting.popleft() if self._waiting else None

    def assign(self, member: Member, notebook, call: asyncio.Task):
        member.calls[notebook] = call
        self._under_way += 1

    def release(self, member: Member, notebook) -> bool:
        """Note that a worker has a notebook no longer; whether it had it until now."""
        if member.calls.pop(notebook, None) is None:
            return False
        self._under_way -= 1
        member.alone = False
        return True

    def lose(self, member: Member, blame: bool) -> list[tuple[Path, str]]:
        """Note that a worker is gone, and whether what it had may be why. The notebooks that are tried no more."""
        notebooks = list(member.calls)
        self.members.pop(member.address, None)
        member.calls.clear()
        self._under_way -= len(notebooks)
        if not blame:
            self._waiting.extendleft(notebooks)
            return []
        if len(notebooks) == 1:
            tries = self._lost.setdefault(notebooks[0], [])
            tries.append(member.address)
            if len(tries) == TRIES:
                return notebooks
        self._suspects += notebooks
        return []
