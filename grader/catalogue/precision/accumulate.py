"""Task accumulate."""

import torch

from ...spec import Task


def accumulate_reference(terms, chunk):
    total = torch.zeros(terms.shape[:-1], device=terms.device)
    for start in range(0, terms.shape[-1], chunk):
        running = torch.zeros(terms.shape[:-1], dtype=torch.bfloat16, device=terms.device)
        for term in terms[..., start : start + chunk].unbind(-1):
            running = running + term
        total = total + running.float()
    return total


accumulate = Task(
    "accumulate",
    reference=accumulate_reference,
    section="precision-accumulation",
    hints=(
        "Two loops: over the chunks, and over the terms of one. Which of the two sums is a bfloat16 tensor, and which a float32 one?",
        "terms.split(chunk, dim=-1) gives the chunks, the last one smaller; part.unbind(-1) the terms of one. A sum of two bfloat16 tensors is rounded to bfloat16 by torch itself.",
    ),
)


@accumulate.probe(points=2, zero="N")
def sums_in_chunks(accumulate, bench, B=3, N=37, chunk=5):
    """terms (B, N), drawn at random."""
    return accumulate(bench.randn(B, N, dtype=torch.bfloat16), chunk)


@accumulate.probe(points=1)
def stalls_where_bfloat16_stalls(accumulate, bench):
    """A row of several hundred equal terms of 1, 2 and 3, for chunks from 1 to more than there are."""
    N = bench.size(530, 600)
    terms = torch.tensor([[1.0], [2.0], [3.0]], device=bench.device).bfloat16().repeat(1, N)
    return {f"N={N}, chunk={chunk}": accumulate(terms, chunk) for chunk in (1, 100, 300, N, 2 * N)}


@accumulate.probe(points=1)
def takes_any_shape(accumulate, bench):
    """terms (N,), (2, 3, N), (0, N), (2, 0), (0,), transposed ones."""
    answers = {}
    for shape in [(bench.size(5, 9),), (2, 3, bench.size(5, 9)), (0, 4), (2, 0), (0,)]:
        answers[f"terms {shape}"] = accumulate(bench.randn(*shape, dtype=torch.bfloat16), 3)
    return {**answers, "terms (7, 4).T": accumulate(bench.randn(7, 4, dtype=torch.bfloat16).T, 3)}


# fmt: off
accumulate.mistake("adds_in_float32", {"running + term": "running + term.float()"},
    "Your running sum is float32: nothing is rounded between. Inside a chunk every addition is rounded to bfloat16.")
accumulate.mistake("rounds_once_a_chunk", {"running = running + term": "running = part.sum(-1)"},
    "You take torch's sum of each chunk, which adds in float32 and rounds at its end. Here every addition is rounded.")
accumulate.mistake("totals_in_bfloat16", {"total = total + running": "total = (total + running).bfloat16().float()"},
    "Your total is rounded to bfloat16 with every chunk. It is the sum that stays in float32.")
accumulate.mistake("rounds_the_total", {"return total": "return total.bfloat16().float()"},
    "Your total is rounded to bfloat16 at the end. Asked is the float32 that it is.")
accumulate.mistake("returns_bfloat16", {"return total": "return total.bfloat16()"}, "You return bfloat16. The total is float32.")
accumulate.mistake("never_starts_again", {"total = total + running": "total = running.float()",
    "    for part": "    running = torch.zeros_like(total, dtype=torch.bfloat16)\n    for part", "        running = torch.zeros_like(total, dtype=torch.bfloat16)\n": ""},
    "Your running sum never starts again at 0: it is one bfloat16 sum over all terms.")
accumulate.mistake("adds_running_sums_that_go_on", {
    "    for part": "    running = torch.zeros_like(total, dtype=torch.bfloat16)\n    for part", "        running = torch.zeros_like(total, dtype=torch.bfloat16)\n": ""},
    "You add the running sum to the total, but do not set it to 0: the terms of the first chunks count several times.")
accumulate.mistake("adds_after_every_term", {"\n        total = total": "\n            total = total"},
    "You add the running sum to the total after every term. It is added once a chunk.")
accumulate.mistake("drops_the_last_chunk", {"terms.split": "terms[..., : terms.shape[-1] // chunk * chunk].split"},
    "You leave out the terms after the last full chunk. They are a chunk, too, a smaller one.")
accumulate.mistake("makes_chunk_many_chunks", {"terms.split(chunk": "terms.chunk(chunk"},
    "You make `chunk` chunks. Asked are chunks of `chunk` terms: split, not torch.chunk.")
accumulate.mistake("deals_terms_out", {"terms.split(chunk, dim=-1)": "[terms[..., start :: -(-terms.shape[-1] // chunk)] for start in range(-(-terms.shape[-1] // chunk))]"},
    "You deal the terms out to the chunks in turn. A chunk is `chunk` terms that follow each other.")
accumulate.mistake("sums_the_first_dimension", {"terms.split(chunk, dim=-1)": "terms.split(chunk)", "part.unbind(-1)": "part.unbind(0)",
    "terms.shape[:-1]": "terms.shape[1:]"},
    "You sum over the first dimension. The terms lie along the last.")
accumulate.mistake("starts_from_the_end", {"part.unbind(-1)": "part.flip(-1).unbind(-1)"},
    "You add the terms of a chunk from its end. With rounding, the order matters: from the first to the last.")
accumulate.mistake("computes_in_float16", {"torch.zeros_like(total, dtype=torch.bfloat16)": "torch.zeros_like(total, dtype=torch.float16)", "running + term": "running + term.half()"},
    "You add in float16, whose fraction has 10 bits. bfloat16 has 7.")
