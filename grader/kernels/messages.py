"""What came of a cell: the messages that a kernel published, read without trust in them, and the two ways in which it did not end by itself."""

import hmac

import zmq

from .. import verdicts, wire
from ..rounds import Round
from ..texts import one_line

GPU_LOST = "It left the GPU in a state in which nothing can be computed on it. "


class CellEnded(Exception):
    """A cell did not run to its end. `status` is the verdict, `alive` whether the kernel can be used further."""

    def __init__(self, status: str, message: str, alive: bool):
        super().__init__(message)
        self.status = status
        self.alive = alive

    def in_round(self, each: Round) -> "CellEnded":
        """The same, of one round of a probe."""
        return CellEnded(self.status, f"{str(self).removesuffix('.')}, {each.name}." if each.name else str(self), self.alive)


class KernelUnavailable(Exception):
    """No kernel could be started, or its template is gone: the machine's fault, not the learner's."""


def receive(session, socket: zmq.Socket) -> tuple[dict, int]:
    """The next message of a channel, as far as it is needed, and its size in bytes. session: jupyter_client's, which knows the kernel's key.
    Raises ValueError and others for nonsense."""
    frames = socket.recv_multipart(zmq.NOBLOCK)
    _, (signature, *parts) = session.feed_identities(frames)
    if not hmac.compare_digest(session.sign(parts[:4]), signature):
        raise ValueError("a message that is not the kernel's")
    header, parent, _, content = map(session.unpack, parts[:4])
    return {"msg_type": header["msg_type"], "parent_header": parent, "content": content}, sum(map(len, frames))


def nonce_of(message: dict):
    """The nonce of a published answer, or whatever stands in its place; None for a message that is no answer."""
    if message["msg_type"] != "display_data":
        return None
    answer = message["content"].get("data", {}).get(wire.MIME)
    if answer is None:
        return None
    return answer.get("nonce", "") if isinstance(answer, dict) else ""


def without_gpu_trouble(published: list[dict], ended: CellEnded | None) -> tuple[list[dict], CellEnded | None]:
    """What a kernel published, without its word that it can use the GPU no longer: then it ended. Raises KernelUnavailable where it says
    that this was not the answer's doing (see gpu.guarded)."""
    kept = []
    for message in published:
        answer = message["content"].get("data", {}).get(wire.MIME) if nonce_of(message) else None
        if isinstance(answer, dict) and "fault" in answer:
            raise KernelUnavailable(f"the GPU failed: {in_short(answer['fault'])}")
        if isinstance(answer, dict) and "lost" in answer:
            ended = ended or CellEnded(verdicts.KERNEL_DIED, GPU_LOST + in_short(answer["lost"]), alive=False)
        else:
            kept.append(message)
    return kept, ended


def in_short(text) -> str:
    """The first line of a kernel's text, inert."""
    return one_line((str(text).strip().splitlines() or [""])[0])
