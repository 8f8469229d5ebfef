"""What crosses the kernel boundary: everything honest arrives as it left; everything else is refused, never run."""

import json
import pickle

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import wire
from grader.bench import Predictions, Sample
from grader.judge import differences

DTYPES = list(wire.TORCH_DTYPES.values())
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def tensors(draw):
    dtype, shape = draw(st.sampled_from(DTYPES)), draw(SHAPES)
    raw = torch.randint(0, 256, (*shape, dtype.itemsize), dtype=torch.uint8, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    if dtype is torch.bool:
        return raw[..., 0] > 127
    values = raw.view(dtype).reshape(shape) if raw.numel() else torch.empty(shape, dtype=dtype)
    return values.transpose(0, 1) if values.dim() > 1 and draw(st.booleans()) else values


numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
nests = st.recursive(
    numbers | tensors() | arrays.arrays(np.float64, SHAPES),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def arrive(value):
    """A value after its journey: through JSON text, as a kernel's message is."""
    return wire.decode(json.loads(json.dumps(wire.encode(value))))


@given(nests)
@settings(max_examples=200, deadline=None)
def test_what_is_sent_arrives_the_same(value):
    assert differences(arrive(value), arrive(value)) == []
    assert json.dumps(wire.encode(value)) == json.dumps(wire.encode(value))


@given(tensors())
@settings(max_examples=200, deadline=None)
def test_a_tensor_arrives_bit_for_bit(tensor):
    placed = arrive(tensor)
    assert placed.tensor.dtype == tensor.dtype and placed.tensor.shape == tensor.shape and placed.device == "cpu"
    assert placed.tensor.contiguous().flatten().view(torch.uint8).tolist() == tensor.contiguous().flatten().view(torch.uint8).tolist()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["t", "v", "dtype", "shape", "data", "device", "x"]), inner, max_size=5),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=500, deadline=None)
def test_arbitrary_json_is_decoded_or_refused(data):
    try:
        wire.decode(data)
    except wire.WireError:
        pass


GOOD = {"t": "tensor", "dtype": "float32", "shape": [1], "device": "cpu", "data": "AAAAAA=="}


@pytest.mark.parametrize(
    "broken",
    [
        {**GOOD, "dtype": "object"},
        {**GOOD, "dtype": ["float32"]},
        {**GOOD, "shape": [2]},
        {**GOOD, "shape": [-1]},
        {**GOOD, "shape": [True]},
        {**GOOD, "shape": [2**40]},
        {**GOOD, "shape": [1] * 99},
        {**GOOD, "data": "AAAA"},
        {**GOOD, "data": "not base64!"},
        {**GOOD, "data": None},
        {"t": "array", "dtype": "object", "shape": [1], "data": "AAAAAAAAAAA="},
        {"t": "pickle", "v": pickle.dumps(print).hex()},
        {"t": "int", "v": "1" * 10_000},
        {"t": "float", "v": "import os"},
        {"t": "list"},
        {"t": "dict", "v": [[1, 2]]},
        [1, 2],
        {"t": ["list"], "v": []},
        {"t": "predictions", "values": [1], "labels": None, "at_least": 0.5, "open": False},
        {"t": "predictions", "values": GOOD, "labels": 3, "at_least": 0.5, "open": False},
        {"t": "predictions", "values": GOOD, "labels": None, "open": False},
        {"t": "predictions", "values": GOOD, "labels": None, "at_least": 0.5, "open": 1},
    ],
)
def test_malformed_data_is_refused(broken):
    with pytest.raises(wire.WireError):
        wire.decode(broken)


def test_a_nest_that_is_too_deep_or_too_wide_or_too_big_is_refused():
    deep = [0]
    for _ in range(wire.MAX_DEPTH + 1):
        deep = [deep]
    for value in (deep, [0] * (wire.MAX_ITEMS + 1), torch.zeros(wire.MAX_BYTES // 4 + 1)):
        with pytest.raises(wire.WireError):
            wire.encode(value)
    data = 0
    for _ in range(100_000):
        data = {"t": "list", "v": [data]}
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_a_lying_tensor_subclass_is_sent_as_its_bytes():
    class Liar(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return True

        def __eq__(self, other):
            return True

    arrived = arrive(torch.zeros(3).as_subclass(Liar))
    assert differences(arrived, arrive(torch.ones(3)))


def test_an_object_crosses_as_the_name_of_its_type_alone():
    class Equal:
        def __eq__(self, other):
            return True

        def __reduce__(self):
            raise AssertionError("pickled")

    assert arrive(Equal()) == wire.Opaque("Equal")
    assert differences(arrive(Equal()), 3) and differences(arrive(Equal()), None)


def test_a_sample_stays_a_sample():
    assert isinstance(arrive(Sample(torch.zeros(3))), Sample)


@pytest.mark.parametrize("labels", [None, torch.tensor([1, 3])])
def test_predictions_arrive_with_their_labels_if_they_have_any(labels):
    arrived = arrive(Predictions(torch.tensor([1, 2]), labels, 0.95))
    assert arrived.values.tolist() == [1, 2] and arrived.at_least == 0.95
    assert arrived.labels is None if labels is None else arrived.labels.tolist() == [1, 3]


def test_predictions_that_are_no_tensor_cross_as_what_they_are():
    assert arrive(Predictions([1, 2], None, 0.95)) == [1, 2]
