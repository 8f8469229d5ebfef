"""What runs inside the learner's kernel to ask a task's probes. It emits one piece of data for each round of each and decides nothing.

The questions come with their source: neither the catalogue nor torch's answers are needed in here.
"""

import signal

import torch
from IPython import get_ipython
from IPython.display import publish_display_data

from .. import asking, flags, wire
from ..bench import Data
from ..rounds import Round
from ..state import defaults
from . import gpu

flags.remember()  # imported before any cell has run


ANSWER = "__import__('grader.kernels.inside', fromlist=['x']).answer(globals())"  # a cell that asks what came along with it


def question(task_name: str, forbids: tuple[str, ...], device: str, probes: list[dict]) -> dict:
    """What comes along with the cell, to ask probes of the kernel's object `task_name`. probes: name, source, seed, nonce, rounds (as dicts) and data (encoded)
    of each. It may be megabytes, which as code would be hashed, dedented and parsed."""
    return {"task_name": task_name, "forbids": forbids, "device": device, "probes": probes}


def answer(namespace: dict):
    """Ask the questions that the running cell came with of the notebook's own object, and publish the answer to each round as it comes."""
    questions = get_ipython().kernel.get_parent()["content"]["question"]
    candidate = namespace.get(questions["task_name"], asking.MISSING)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm that a cell has set would go off in some probe
    replaced = [*flags.replaced(), *flags.hooks(get_ipython())]
    with flags.hearing() as done:
        for question in questions["probes"]:
            probe = asking.compile_probe(question["source"], question["name"])
            with defaults():
                data = Data(tuple(placed.tensor for placed in wire.decode(question["data"])))
            rounds = tuple(Round(**each) for each in question["rounds"])
            answers = asking.ask(probe, candidate, question["seed"], questions["device"], tuple(questions["forbids"]), data=data, rounds=rounds)
            for found in gpu.guarded(answers) if questions["device"] == "cuda" else answers:
                publish_display_data({wire.MIME: {"nonce": question["nonce"], **found, "replaced": replaced, "done": done()}})
                if "lost" in found or "fault" in found:
                    return


def rehearse():
    """Ask something once, for what that imports: where a notebook holds all files that may be open, nothing can be imported any more."""

    def probe(candidate, bench):
        return candidate(bench.randn(2, 3), bench.array(2))

    with torch.no_grad():  # a backward pass may start threads
        list(asking.ask(probe, lambda x, y: (x @ x.T, y + y), 0, "cpu", ("torch.nn.functional.linear",)))
