"""What runs inside the learner's kernel to ask a probe. It emits one piece of data for each question and decides nothing.

The question comes with its source: neither the catalogue nor torch's answers are needed in here.
"""

import json

from IPython.display import publish_display_data

from .. import asking, wire


def question(task_name: str, probe_name: str, source: str, forbids: tuple[str, ...], seed: int, device: str, nonce: str) -> str:
    """The code of a cell that asks one probe of the kernel's object `task_name`."""
    fields = {
        "task_name": task_name, "probe_name": probe_name, "source": source, "forbids": forbids,
        "seed": seed, "device": device, "nonce": nonce,
    }
    return f"__import__('grader.kernels.inside', fromlist=['x']).answer({json.dumps(fields)!r}, globals())"


def answer(fields: str, namespace: dict):
    """Ask the question in `fields` (JSON) of the notebook's own object and publish its answer."""
    question = json.loads(fields)
    candidate = namespace.get(question["task_name"], asking.MISSING)
    probe = asking.compile_probe(question["source"], question["probe_name"])
    data = asking.ask(probe, candidate, question["seed"], question["device"], tuple(question["forbids"]))
    publish_display_data({wire.MIME: {"nonce": question["nonce"], **data}})
