"""Task pack_int4."""

import torch

from ...spec import Task


def pack_int4_reference(q):
    if q.shape[1] % 2:
        raise ValueError
    return (q[:, ::2].long() % 16 + q[:, 1::2].long() % 16 * 16).to(torch.uint8)


pack_int4 = Task(
    "pack_int4",
    reference=pack_int4_reference,
    section="quantized-int4",
    hints=(
        "Write -1 and 5 as eight bits each. Which four of them tell all, and where do they go in the byte?",
        "bits = (q & 15).to(torch.uint8) has the low four bits of each. The byte is bits[:, ::2] | bits[:, 1::2] << 4.",
    ),
)


@pack_int4.probe(points=1, zero="O pairs")
def packs_two_in_a_byte(pack_int4, bench, O=3, pairs=4):
    """q (O, 2 · pairs) of numbers from -8 to 7."""
    return pack_int4(bench.integers(-8, 8, O, 2 * pairs).to(torch.int8))


@pack_int4.probe(points=1)
def packs_every_pair(pack_int4, bench):
    """All 256 pairs of two numbers from -8 to 7, in random order, in 16 rows; then as a matrix that is transposed in memory."""
    pairs = torch.tensor(bench.several([(low, high) for low in range(-8, 8) for high in range(-8, 8)]), dtype=torch.int8, device=bench.device)
    q = pairs.view(16, 32)
    return {"(16, 32)": pack_int4(q), "transposed": pack_int4(q.T.contiguous().T)}


@pack_int4.probe(points=1)
def refuses_odd_columns(pack_int4, bench):
    """Odd numbers of columns raise ValueError; even ones do not, and an odd number of rows does not matter: sizes drawn at random, in random order."""
    answers = {}
    for number, odd in enumerate(bench.several([True, False], 6), 1):
        O, I = bench.size(1, 9), 2 * bench.size(1, 9) - odd
        q = bench.integers(-8, 8, O, I).to(torch.int8)
        answers[f"{number}. q {(O, I)}"] = bench.catch(lambda: pack_int4(q), ValueError) if odd else pack_int4(q)
    return answers


# fmt: off
pack_int4.mistake("exchanges_the_halves", {"bits[:, ::2] | bits[:, 1::2] << 4": "bits[:, ::2] << 4 | bits[:, 1::2]"},
    "You put the even columns into the high four bits. They go into the low ones: column 0 of q is bits 0 to 3.")
pack_int4.mistake("lets_the_sign_spill", {"q & 15": "q"},
    "The sign of a negative number fills all eight bits: it spills from the low half over the high one. Keep four bits, & 15.")
pack_int4.mistake("adds_eight", {"q & 15": "q + 8"},
    "You add 8 to make the numbers positive. Asked is two's complement: the low four bits as they are, so that -1 is 15.")
pack_int4.mistake("puts_the_sign_by_itself", {"q & 15": "q.abs() & 7 | (q < 0).to(torch.int8) << 3"},
    "You keep the size and a sign bit. Asked is two's complement: the low four bits of q as they are, so that -1 is 15.")
pack_int4.mistake("loses_the_sign", {"q & 15": "q.abs()"}, "You pack the absolute values. The low four bits of q hold its sign, too: -1 is 15.")
pack_int4.mistake("keeps_three_bits", {"q & 15": "q & 7"}, "You keep three bits (& 7). Four make 0 to 15: & 15.")
pack_int4.mistake("packs_the_halves_of_a_row", {"bits[:, ::2] | bits[:, 1::2] << 4": "bits[:, : q.shape[1] // 2] | bits[:, q.shape[1] // 2 :] << 4"},
    "You pack the left half of a row with its right half. A byte holds neighbours: columns 0 and 1, then 2 and 3.")
pack_int4.mistake("packs_pairs_of_rows", {"q.shape[1] % 2": "q.shape[0] % 2", "bits[:, ::2] | bits[:, 1::2] << 4": "bits[::2] | bits[1::2] << 4"},
    "You pack pairs of rows. A byte holds two columns of one row.", raises=ValueError)
pack_int4.mistake("shifts_by_three", {"<< 4": "<< 3"}, "You shift by three bits, so that the halves overlap. A half has four.")
pack_int4.mistake("adds_without_shifting", {" << 4": ""}, "You lay both numbers over each other. The odd column moves up by four bits.")
pack_int4.mistake("keeps_int8", {"torch.uint8": "torch.int8"}, "Your bytes are int8. Asked is uint8.")
pack_int4.mistake("needs_a_wide_type", {"torch.uint8": "torch.int64"}, "Your bytes are int64, eight bytes each. Asked is uint8.")
pack_int4.mistake("drops_the_last_column", {"raise ValueError(f\"I is {q.shape[1]}, which is odd\")": "q = q[:, :-1]"},
    "You take an odd number of columns: the last is left out, or given a partner. Raise ValueError.")
pack_int4.mistake("raises_another_exception", {"raise ValueError": "raise AssertionError"},
    "You raise another exception, perhaps by `assert`, or leave it to torch. Asked is ValueError.")
pack_int4.mistake("refuses_odd_rows", {"q.shape[1] % 2": "q.shape[0] % 2 or q.shape[1] % 2"},
    "You refuse an odd number of rows, too. Only the columns are packed in pairs.", raises=ValueError)
