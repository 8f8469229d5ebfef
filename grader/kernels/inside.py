"""What runs inside the learner's kernel to ask the tasks' probes. It emits one piece of data for each and decides nothing.

The questions come with their source: neither the catalogue nor torch's answers are needed in here.
"""

import json

from IPython.display import publish_display_data

from .. import asking, wire


def question(device: str, tasks: list[dict]) -> str:
    """The code of a cell that asks probes of the kernel's objects.

    tasks: name, forbids and probes of each; a probe is a dict of its name, source, seed and nonce.
    """
    return f"__import__('grader.kernels.inside', fromlist=['x']).answer({json.dumps({'device': device, 'tasks': tasks})!r}, globals())"


def answer(fields: str, namespace: dict):
    """Ask the questions in `fields` (JSON) of the notebook's own objects, and publish each answer as it comes."""
    questions = json.loads(fields)
    for task in questions["tasks"]:
        candidate = namespace.get(task["name"], asking.MISSING)
        for each in task["probes"]:
            probe = asking.compile_probe(each["source"], each["name"])
            data = asking.ask(probe, candidate, each["seed"], questions["device"], tuple(task["forbids"]))
            publish_display_data({wire.MIME: {"nonce": each["nonce"], **data}})
