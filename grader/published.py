"""What a kernel published when it was asked: taken apart no further than is needed to tell whose answer it is, and what it lists by name."""

import re

from nbval.kernel import RunningKernel

from . import wire
from .kernels.messages import nonce_of

MAX_TOLD = 20  # names in one answer
NAME = re.compile(r"@|[\w.]{1,100}")


class Published(RunningKernel):
    """What a kernel published in answer to one probe's rounds, in the form of a kernel: nbval runs the probe's cell in it."""

    def __init__(self, messages: list[dict], nonce: str):
        self.messages = messages
        self.nonce = nonce

    def is_alive(self):
        return True

    def execute_cell_input(self, cell_input, allow_stdin=None):
        return self.nonce

    def await_reply(self, msg_id, timeout=None):
        """It has come already."""

    def get_message(self, stream, timeout=None):
        own = {"parent_header": {"msg_id": self.nonce}}
        if self.messages:
            return {**self.messages.pop(0), **own}
        return {"msg_type": "status", "content": {"execution_state": "idle"}, **own}


def answers_all(messages: list[dict], rounds: int) -> bool:
    """Whether a probe's rounds, so many, have come to an end: each is answered, or one with what ends them."""
    return len(messages) >= rounds or any(messages[-1]["content"]["data"][wire.MIME].keys() & {"raised", "missing"})


def told(published: Published) -> list[dict]:
    """The data of the answers among what was published."""
    data = [message["content"].get("data", {}).get(wire.MIME) for message in published.messages if nonce_of(message)]
    return [each for each in data if isinstance(each, dict)]


def names_told(answers: list[Published], field: str) -> dict[str, None]:
    """The names that a field of published answers lists, each once: of forbidden calls, in any round, of replaced functions or of deeds."""
    found = [data for published in answers for data in told(published)]
    names = [name for data in found if isinstance(data.get(field), list) for name in data[field][:MAX_TOLD]]
    return dict.fromkeys(name for name in names if type(name) is str and NAME.fullmatch(name))
