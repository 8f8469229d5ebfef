"""Values across the kernel boundary: a nest of tensors and plain values as bounded JSON, and back.

Nothing is ever unpickled or evaluated. What comes from a kernel is untrusted: `decode` checks every part of it and raises
`WireError` on anything that `encode` would not have written.
"""

import base64
import binascii
import math
from dataclasses import dataclass

import numpy as np
import torch

from .bench import Band, Caught, Pair, Predictions, Sample
from .texts import one_line

MIME = "application/vnd.linear-grader.answer+json"
MAX_BYTES = 16 * 2**20  # of tensor data in one answer
MAX_ITEMS = 10_000  # of values in one answer
MAX_DEPTH = 12  # of nesting
MAX_TEXT = 20_000  # characters in one string
MAX_NAME = 200  # characters of a dict's key and of a type's name
MAX_DIMENSIONS = 16
MAX_DIGITS = 300
EXACT = 2**53  # whole numbers below it mean the same to all readers of JSON

TORCH_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
        torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
    )
}
NUMPY_DTYPES = {
    np.dtype(name).name: np.dtype(name)
    for name in "float16 float32 float64 complex64 complex128 uint8 uint16 uint32 uint64 int8 int16 int32 int64 bool".split()
}


class WireError(ValueError):
    """The data is not something `encode` writes, or it is over a limit."""


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that is neither a tensor nor plain data: only its type's name crosses."""

    kind: str


@dataclass(frozen=True)
class Placed:
    """A tensor's values on the CPU, with the class of device they came from ("cpu", "cuda")."""

    tensor: torch.Tensor
    device: str


class _Budget:
    """Counts what an answer may still hold."""

    def __init__(self):
        self.items = MAX_ITEMS
        self.bytes = MAX_BYTES

    def take(self, depth: int, size: int = 0):
        self.items -= 1
        self.bytes -= size
        if self.items < 0 or depth > MAX_DEPTH:
            raise WireError("the answer is nested too deeply or has too many parts")
        if self.bytes < 0:
            raise WireError(f"the answer holds more than {MAX_BYTES // 2**20} MiB of numbers")


def encode(value):
    """A nest of tensors, arrays, Samples and plain values as JSON-able data. Raises WireError over a limit."""
    return _encode(value, _Budget(), 0)


def _encode(value, budget, depth):
    budget.take(depth)
    if value is None or type(value) is bool:
        return value
    if isinstance(value, torch.Tensor):
        return {"t": "tensor", **_encode_tensor(value, budget, depth)}
    if isinstance(value, Sample):
        return {"t": "sample", **_encode_tensor(value.values, budget, depth)}
    if isinstance(value, Predictions) and not isinstance(value.values, torch.Tensor):  # what it is will be said
        return _encode(value.values, budget, depth)
    if type(value) in _MARKS:
        parts = {name: _encode(part, budget, depth + 1) for name, part in vars(value).items()}
        return {"t": _MARKS[type(value)], **parts}
    if isinstance(value, np.ndarray) and value.dtype.name in NUMPY_DTYPES:
        array = np.ascontiguousarray(value)
        budget.take(depth, array.nbytes)
        return {"t": "array", "dtype": array.dtype.name, "shape": list(value.shape), "data": _base64(array.tobytes())}
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        if abs(value) < EXACT:
            return int(value)
        if abs(value) > 10**MAX_DIGITS:
            raise WireError(f"the answer holds a whole number of more than {MAX_DIGITS} digits")
        return {"t": "int", "v": str(int(value))}
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else {"t": "float", "v": str(float(value))}
    if isinstance(value, str):
        return clean(value[:MAX_TEXT])
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {"t": kind, "v": [_encode(item, budget, depth + 1) for item in value]}
    if isinstance(value, dict):
        pairs = [[clean(str(key)[:MAX_NAME]), _encode(item, budget, depth + 1)] for key, item in value.items()]
        return {"t": "dict", "v": pairs}
    return {"t": "opaque", "v": clean(type(value).__name__[:MAX_NAME])}


def _encode_tensor(tensor, budget, depth):
    with torch._C.DisableTorchFunction():  # a subclass has no say in what its numbers are, and no mode need see how they are read
        plain = tensor.detach().as_subclass(torch.Tensor)
        device = plain.device.type
        name = str(plain.dtype).removeprefix("torch.")
        if name not in TORCH_DTYPES or plain.layout is not torch.strided:
            raise WireError(f"the answer holds a tensor of kind {name}, {plain.layout}, which cannot be compared")
        if device == "meta":
            raise WireError("the answer holds a tensor on the meta device, which has no numbers")
        budget.take(depth, plain.numel() * plain.element_size())
        return {"dtype": name, "shape": list(plain.shape), "device": device, "data": _base64(raw_bytes(plain))}


def raw_bytes(tensor: torch.Tensor) -> bytes:
    """A tensor's numbers in row-major order."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    flat = plain.flatten().as_strided((plain.numel(),), (1,))  # torch calls a size of 1 contiguous, whatever its stride
    return flat.view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def clean(text: str) -> str:
    """A text that can be sent: half characters (lone surrogates) become question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode(data):
    """What `encode` wrote, back as values: tensors as Placed, unknown objects as Opaque. Raises WireError."""
    return _decode(data, _Budget(), 0)


def _decode(data, budget, depth):
    budget.take(depth)
    if data is None or type(data) is bool:
        return data
    if type(data) is int:
        if abs(data) >= EXACT:
            raise WireError("a bare number that is too large")
        return data
    if type(data) is float:
        if not math.isfinite(data):
            raise WireError("a bare non-finite number")
        return data
    if type(data) is str:
        if len(data) > MAX_TEXT:
            raise WireError("a text that is too long")
        return data
    if not isinstance(data, dict):
        raise WireError(f"a bare {type(data).__name__}")
    decoder = _DECODERS.get(data.get("t")) if type(data.get("t")) is str else None
    if decoder is None:
        raise WireError("an unknown kind of value")
    return decoder(data, budget, depth)


def _decode_tensor(data, budget, depth):
    dtype = TORCH_DTYPES.get(_field(data, "dtype", str))
    if dtype is None:
        raise WireError("an unknown dtype")
    raw, shape = _raw(data, budget, depth, dtype.itemsize)
    flat = torch.frombuffer(bytearray(raw), dtype=dtype) if raw else torch.empty(0, dtype=dtype)
    return Placed(flat.reshape(shape), _field(data, "device", str)[:20])


def _decode_sample(data, budget, depth):
    return Sample(_decode_tensor(data, budget, depth).tensor)


def _decode_predictions(data, budget, depth):
    values, labels, at_least, is_open = (_decode(data.get(name), budget, depth + 1) for name in Predictions.__dataclass_fields__)
    if not isinstance(values, Placed) or not (labels is None or isinstance(labels, Placed)) or (type(at_least), type(is_open)) != (float, bool):
        raise WireError("predictions that are none")
    return Predictions(values.tensor, labels and labels.tensor, at_least, is_open)


def _decode_caught(data, budget, depth):
    kind, message, naming = (_decode(data.get(name), budget, depth + 1) for name in ("kind", "message", "naming"))
    if not isinstance(kind, (str, type(None))) or type(message) is not str or type(naming) is not tuple:
        raise WireError("a caught exception that is none")
    return Caught(kind and one_line(kind, MAX_NAME), message, naming)


def _decode_pair(data, budget, depth):
    parts = {name: _decode(data.get(name), budget, depth + 1) for name in Pair.__dataclass_fields__}
    if not all(type(parts[name]) is str for name in ("equal", "different")) or not all(type(parts[name]) is float for name in ("rtol", "atol")):
        raise WireError("a pair that is none")
    return Pair(**parts)


def _decode_band(data, budget, depth):
    value, bands = (_decode(data.get(name), budget, depth + 1) for name in ("value", "bands"))
    if type(value) is not float or type(bands) is not dict or not all(type(limit) in (int, float) for limit in bands.values()):
        raise WireError("a band that is none")
    return Band(value, bands)


def _decode_array(data, budget, depth):
    dtype = NUMPY_DTYPES.get(_field(data, "dtype", str))
    if dtype is None:
        raise WireError("an unknown dtype")
    raw, shape = _raw(data, budget, depth, dtype.itemsize)
    try:
        return np.frombuffer(raw, dtype=dtype).reshape(shape)
    except ValueError:  # an empty array may still be too big for NumPy
        raise WireError("a shape that is too big") from None


def _raw(data, budget, depth, item_size):
    """The bytes and shape of a tensor or array, checked against each other."""
    shape = _field(data, "shape", list)
    if len(shape) > MAX_DIMENSIONS or not all(type(size) is int and 0 <= size <= MAX_BYTES for size in shape):
        raise WireError("a shape that is not a short list of sizes")
    text = _field(data, "data", str)
    size = math.prod(shape) * item_size
    budget.take(depth, size)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("numbers that are not base64") from None
    if len(raw) != size:
        raise WireError("numbers that do not fit their shape")
    return raw, shape


def _decode_number(data, budget, depth):
    text = _field(data, "v", str)
    if len(text) > MAX_DIGITS + 2:
        raise WireError("a number that is too long")
    try:
        return int(text) if data["t"] == "int" else float(text)
    except ValueError:
        raise WireError("a number that is none") from None


def _decode_sequence(data, budget, depth):
    items = [_decode(item, budget, depth + 1) for item in _field(data, "v", list)]
    return items if data["t"] == "list" else tuple(items)


def _decode_dict(data, budget, depth):
    pairs = _field(data, "v", list)
    if not all(type(pair) is list and len(pair) == 2 and type(pair[0]) is str for pair in pairs):
        raise WireError("a dict that is not a list of pairs")
    if any(len(key) > MAX_NAME for key, _ in pairs):
        raise WireError("a key that is too long")
    return {key: _decode(item, budget, depth + 1) for key, item in pairs}


def _decode_opaque(data, budget, depth):
    return Opaque(one_line(_field(data, "v", str), MAX_NAME))


_MARKS = {Predictions: "predictions", Caught: "caught", Pair: "pair", Band: "band"}  # what the judge treats in a way of its own
_DECODERS = {
    "tensor": _decode_tensor,
    "sample": _decode_sample,
    "predictions": _decode_predictions,
    "caught": _decode_caught,
    "pair": _decode_pair,
    "band": _decode_band,
    "array": _decode_array,
    "int": _decode_number,
    "float": _decode_number,
    "list": _decode_sequence,
    "tuple": _decode_sequence,
    "dict": _decode_dict,
    "opaque": _decode_opaque,
}


def _field(data, name, kind):
    value = data.get(name)
    if type(value) is not kind:
        raise WireError(f"no {name}")
    return value
