"""A GPU as a kernel uses it: tried before it is trusted, shared by a bound on its memory, and given up when it is lost.

An error in one computation on a GPU, such as an index out of range, ends all further ones in its process.
"""

import re
from collections.abc import Iterator

import torch

from .limits import MIB

_MAY_BE_FULL = re.compile("out of memory|_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)")


def meet(memory: float):
    """Compute something on the GPU, so that what ails it shows before anything depends on it. From here on torch takes no more than
    `memory` MiB of it in this process."""
    ones = torch.ones(64, 64).to("cuda")
    if float((ones @ ones).sum()) != 64**3:
        raise RuntimeError("it computes wrongly")
    torch.cuda.synchronize()
    torch.cuda.set_per_process_memory_fraction(min(1.0, memory * MIB / torch.cuda.mem_get_info()[1]))


def check():
    """Raises where this process can use the GPU no longer."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def guarded(answers: Iterator[dict]) -> Iterator[dict]:
    """What asking.ask yields; with what became of the GPU, if anything.

    "lost": this process can use it no longer, and the answer is why. "fault": it failed, and for no reason of the answer's.
    """
    while True:
        try:
            found = next(answers, None)
        except Exception as error:  # not of the answer's making: asking writes those down
            found = {"fault": words(error)}
        if found is None:
            return
        yield _with_fate(found)


def _with_fate(found):
    raised = found.get("raised") or {"kind": "", "message": "", "line": ""}
    try:
        check()
    except Exception as error:
        where = f" in `{raised['line']}`" if raised["line"] else ""
        meaning = ". Most often that is an index out of range" if "device-side assert" in str(error) else ""
        return {"lost": f"{raised['kind'] or type(error).__name__}{where}: {words(error)}{meaning}"}
    if _MAY_BE_FULL.search(raised["message"]) and _is_taken():
        return {"fault": f"others have taken the GPU's memory: {raised['message'].splitlines()[0]}"}
    return found


def _is_taken() -> bool:
    """Whether the GPU has less memory for this process than `meet` has granted."""
    free, total = torch.cuda.mem_get_info()
    return free + torch.cuda.memory_reserved() < torch.cuda.get_per_process_memory_fraction() * total


def words(error: Exception) -> str:
    """What the driver says, in short: torch adds advice for programmers."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first if len(first) <= 160 else f"{first[:160].rsplit(' ', 1)[0]} ..."
