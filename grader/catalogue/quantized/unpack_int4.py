"""Task unpack_int4."""

import torch

from ...spec import Task


def unpack_int4_reference(packed):
    q = packed.new_empty(packed.shape[0], 2 * packed.shape[1], dtype=torch.int8)
    for place, bits in enumerate([packed.long() % 16, packed.long() // 16]):
        q[:, place::2] = torch.where(bits < 8, bits, bits - 16)
    return q


unpack_int4 = Task(
    "unpack_int4",
    reference=unpack_int4_reference,
    section="quantized-int4",
    hints=(
        "Four bits say 0 to 15. Which of these are negative, and how far are they off? And how do two matrices of columns become one, in turns?",
        "packed & 15 and packed >> 4, side by side with torch.stack([...], dim=2).flatten(1). From 8 on, subtract 16, in int8.",
    ),
)


@unpack_int4.probe(points=1, zero="O pairs")
def gives_both_halves_in_turns(unpack_int4, bench, O=3, pairs=4):
    """packed (O, pairs) of any bytes."""
    return unpack_int4(bench.integers(0, 256, O, pairs).to(torch.uint8))


@unpack_int4.probe(points=1)
def unpacks_every_byte(unpack_int4, bench):
    """All 256 bytes, in random order, in 16 rows; then as a matrix that is transposed in memory."""
    packed = torch.tensor(bench.several(range(256)), dtype=torch.uint8, device=bench.device).view(16, 16)
    return {"(16, 16)": unpack_int4(packed), "transposed": unpack_int4(packed.T)}


# fmt: off
unpack_int4.mistake("exchanges_the_halves", {"[packed & 15, packed >> 4]": "[packed >> 4, packed & 15]"},
    "You take the high four bits first. The even columns are in the low ones.")
unpack_int4.mistake("leaves_numbers_without_a_sign", {"torch.where(bits > 7, bits - 16, bits)": "bits"},
    "Your numbers are 0 to 15. From 8 on they are negative: 15 is -1.")
unpack_int4.mistake("subtracts_eight", {"torch.where(bits > 7, bits - 16, bits)": "bits - 8"},
    "You subtract 8 from all. That undoes another code, 0 for -8. In two's complement 0 to 7 stay, and from 8 on 16 is subtracted.")
unpack_int4.mistake("subtracts_fifteen", {"bits - 16": "bits - 15"}, "You subtract 15 from the negative ones. Four bits have 16 values: 15 is -1.")
unpack_int4.mistake("takes_eight_for_positive", {"bits > 7": "bits > 8"}, "Your 8 stays 8. int4 ends at 7: 8 is -8.")
unpack_int4.mistake("takes_the_fourth_bit_for_a_sign_alone", {"torch.where(bits > 7, bits - 16, bits)": "torch.where(bits > 7, 8 - bits, bits)"},
    "You read the fourth bit as a sign, and the others as the size. In two's complement it counts -8: 15 is -8 + 7.")
unpack_int4.mistake("puts_the_halves_one_after_the_other", {"torch.stack([packed & 15, packed >> 4], dim=2).flatten(1)": "torch.cat([packed & 15, packed >> 4], dim=1)"},
    "You put all low halves before all high ones. They take turns: columns 0 and 1 are the first byte's.")
unpack_int4.mistake("puts_the_halves_below_each_other", {"dim=2).flatten(1)": "dim=1).flatten(0, 1)"},
    "You make two rows of each. A byte's halves are neighbours in one row.")
unpack_int4.mistake("leaves_the_high_half_in_place", {"packed >> 4": "packed & 240"}, "You leave the high half where it was, sixteen times too large. Shift it down: >> 4.")
unpack_int4.mistake("shifts_by_three", {">> 4": ">> 3"}, "You shift by three bits. A half has four.")
unpack_int4.mistake("keeps_three_bits", {"packed & 15": "packed & 7"}, "You keep three bits of the low half (& 7). It has four: & 15.")
unpack_int4.mistake("keeps_the_high_half_in_the_low_number", {"packed & 15": "packed"}, "Your even columns are whole bytes. Keep their low four bits: & 15.")
unpack_int4.mistake("stays_with_uint8", {".to(torch.int8)": ""}, "Your numbers are uint8, in which -1 is 255. Asked is int8.")
unpack_int4.mistake("returns_int32", {"torch.int8": "torch.int32"}, "Your numbers are int32. Asked is int8.")
