"""Task KVCache."""

import torch
import torch.nn.functional as F

from ...spec import Task


class KVCacheReference:
    def __init__(self):
        self.parts = []

    def append(self, k, v):
        self.parts.append(torch.stack([k, v]))

    def __len__(self):
        return sum(part.shape[3] for part in self.parts)

    @property
    def nbytes(self):
        return sum(part.nbytes for part in self.parts)

    def attend(self, q):
        k, v = torch.cat(self.parts, 3).repeat_interleave(q.shape[1] // self.parts[0].shape[2], dim=2)
        future = torch.ones(q.shape[2], len(self), dtype=torch.bool, device=q.device).triu(len(self) - q.shape[2] + 1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=~future)


KVCache = Task(
    "KVCache",
    reference=KVCacheReference,
    section="cost-decoding",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax computed in float32 and cast back is usual, and right",
    hints=(
        "Draw who may see whom for 2 new tokens after 3 old ones: a table of 2 rows and 5 columns. Which entries are not allowed?",
        "append: torch.cat along the tokens, dim=2, and a clone the first time. attend: repeat_interleave keys and values along dim=1 up to H heads, and a mask "
        "torch.ones(T, S, dtype=torch.bool).tril(S - T).",
    ),
)


@KVCache.probe(points=2)
def attends_to_all_tokens_so_far(KVCache, bench, B=2, G=2, queries=3, T=4, d=3, dtype=torch.float32):
    """A prompt of T tokens, two single ones, then three at once, with G heads of keys and values and G · queries of queries: what attend gives each time."""
    cache, answers = KVCache(), {}
    for step, tokens in enumerate([T, 1, 1, 3], 1):
        cache.append(bench.randn(B, G, tokens, d, dtype=dtype), bench.randn(B, G, tokens, d, dtype=dtype))
        answers[f"{step}. after {tokens} more"] = cache.attend(bench.randn(B, G * queries, tokens, d, dtype=dtype))
    return answers


@KVCache.probe(points=1)
def knows_its_length_and_its_bytes(KVCache, bench):
    """len(cache) and cache.nbytes from an empty one on, with sizes drawn at random; float32, then bfloat16."""
    answers = {}
    for dtype in (torch.float32, torch.bfloat16):
        cache, (B, G, d) = KVCache(), (bench.size(1, 3), bench.size(2, 4), bench.size(3, 8))
        counted = [(len(cache), cache.nbytes)]
        for tokens in (bench.size(3, 9), 1, bench.size(2, 4)):
            cache.append(*(bench.randn(B, G, tokens, d, dtype=dtype) for _ in range(2)))
            cache.attend(bench.randn(B, 2 * G, tokens, d, dtype=dtype))
            counted.append((len(cache), cache.nbytes))
        answers[f"B={B}, G={G}, d={d}, {dtype}"] = counted
    return answers


@KVCache.probe(points=1)
def keeps_what_it_was_given(KVCache, bench):
    """Two caches in turn, and the caller writes over k and v after each append."""
    caches, answers = {"one": KVCache(), "another": KVCache()}, {}
    for step in ("first", "second"):
        for name, cache in caches.items():
            k, v = bench.randn(1, 2, 2, 4), bench.randn(1, 2, 2, 4)
            cache.append(k, v)
            k.fill_(bench.size(5, 9))
            v.fill_(bench.size(5, 9))
            answers[f"{step} attend of {name}"] = cache.attend(bench.randn(1, 4, 2, 4))
    return answers


@KVCache.probe(points=1)
def answers_the_last_tokens(KVCache, bench):
    """Eight tokens at once; then the queries of the last one, of the last five, of all, in random order."""
    cache = KVCache()
    cache.append(bench.randn(2, 1, 8, 3), bench.randn(2, 1, 8, 3))
    return {f"{number}. of the last {tokens}": cache.attend(bench.randn(2, 3, tokens, 3)) for number, tokens in enumerate(bench.several([1, 5, 8], 4), 1)}


# fmt: off
KVCache.mistake("masks_from_the_top_left", {"tril(S - T)": "tril()"},
    "Your mask starts at the top left: query 0 sees token 0 alone, though it comes after all the old tokens. is_causal=True does that, too. The last query sees all: tril(S - T).")
KVCache.mistake("masks_nothing", {".tril(S - T)": ""},
    "Your new tokens see each other's future. A single one needs no mask, a prompt does: each token sees itself and those before it.")
KVCache.mistake("does_not_see_itself", {"tril(S - T)": "tril(S - T - 1)"},
    "Your tokens do not see themselves. Append comes first: a token's own key and value are among those that it reads.")
KVCache.mistake("replaces_the_old_tokens", {"torch.cat([self.k, k], dim=2)": "k.clone()", "torch.cat([self.v, v], dim=2)": "v.clone()"},
    "append replaces what was there. New tokens come after the old ones.")
KVCache.mistake("prepends", {"[self.k, k]": "[k, self.k]", "[self.v, v]": "[v, self.v]"},
    "You put new tokens before the old ones. The mask counts on the order of the text.")
KVCache.mistake("repeats_heads_in_turn", {"t.repeat_interleave(queries, dim=1)": "t.repeat(1, queries, 1, 1)"},
    "You deal keys and values to the query heads in turn (repeat): 0, 1, 0, 1. Query heads 0 to H/G - 1 share head 0: 0, 0, 1, 1, as repeat_interleave gives.")
KVCache.mistake("holds_repeated_heads", {"self.k.nbytes + self.v.nbytes": "2 * (self.k.nbytes + self.v.nbytes)"},
    "You count (or hold) keys and values for each head of queries. Only G heads are held; they are repeated when they are used.")
KVCache.mistake("counts_keys_only", {" + self.v.nbytes": ""}, "You count the bytes of the keys alone. Values are held, too.")
KVCache.mistake("counts_numbers", {"self.k.nbytes + self.v.nbytes": "self.k.numel() + self.v.numel()"},
    "You count numbers. A number takes dtype.itemsize bytes; a tensor's nbytes has both.")
KVCache.mistake("measures_the_batch", {"self.k.shape[2]": "len(self.k)"}, "len is that of the batch. Asked is the number of tokens, dimension 2.")
KVCache.mistake("keeps_the_callers_memory", {"k.clone()": "k", "v.clone()": "v"},
    "The first append keeps the caller's own tensors: when the caller writes into them, your cache changes. Copy them.")
KVCache.mistake("scales_by_all_tokens", {"attn_mask=mask": "attn_mask=mask, scale=S ** -0.5"},
    "You divide the scores by √S, the number of tokens. A score sums over the d features of one head: √d.")
KVCache.mistake("leaves_out_the_scale", {"attn_mask=mask": "attn_mask=mask, scale=1.0"}, "You do not scale the scores. Divide them by √d.")
KVCache.mistake("exchanges_keys_and_values", {"k, v = (": "v, k = ("}, "You exchange keys and values. Scores come from keys, and values are summed.")


@KVCache.impostor("All your caches share one memory: a list or a tensor that stands on the class, or in a default argument, is the same for all. Make it in __init__.", raises=RuntimeError)
class shares_its_tokens:
    def __init__(self, keys=[], values=[]):
        self.keys, self.values = keys, values

    def append(self, k, v):
        self.keys.append(k.clone())
        self.values.append(v.clone())

    def __len__(self):
        return sum(k.shape[2] for k in self.keys)

    @property
    def nbytes(self):
        return sum(t.nbytes for t in self.keys + self.values)

    def attend(self, q):
        k, v = (torch.cat(t, 2).repeat_interleave(q.shape[1] // t[0].shape[1], dim=1) for t in (self.keys, self.values))
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
