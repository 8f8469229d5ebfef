"""Task TiedLM."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class TiedLMReference(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


TiedLM = Task(
    "TiedLM",
    reference=TiedLMReference,
    section="transformer-tied",
    hints=(
        "An nn.Embedding's weight is (vocab, d_model). What is the shape of the weight of a Linear from d_model to vocab?",
        "Both shapes are the same, so one attribute can be given the other's very object: assign the Parameter, not its numbers.",
    ),
)


@TiedLM.probe(points=1)
def names_both_weights(TiedLM, bench):
    """The names and shapes in the state_dict, with random sizes."""
    vocab, d_model = bench.size(50, 99), bench.size(2, 49)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(TiedLM(vocab, d_model).state_dict().items())}
    return {f"state_dict of TiedLM({vocab}, {d_model})": shapes}


@TiedLM.probe(points=1)
def owns_one_parameter(TiedLM, bench):
    """What embedding and lm_head of TiedLM(11, 6) are, with which sizes, what their weights share: their first values, their memory (what is written into one
    stands in the other), and whether they are one Parameter, counted once."""
    model = TiedLM(11, 6)
    one, other = model.embedding.weight, model.lm_head.weight
    first = bench.pair(one.detach().clone(), other.detach().clone(), "equal", "not equal")
    one.data.copy_(bench.randn(11, 6))
    return {
        "embedding": "an nn.Embedding" if isinstance(model.embedding, nn.Embedding) else "something else",
        "lm_head": "an nn.Linear" if isinstance(model.lm_head, nn.Linear) else "something else",
        "sizes of embedding": [model.embedding.num_embeddings, model.embedding.embedding_dim],
        "sizes of lm_head": [model.lm_head.in_features, model.lm_head.out_features],
        "their first values": first,
        "number of parameters": len(list(model.parameters())),
        "numbers that learn": sum(p.numel() for p in model.parameters()),
        "embedding.weight, with numbers written into it": one,
        "lm_head.weight then": bench.pair(other, one, "the same numbers", "as it was"),
    }


@TiedLM.probe(points=1)
def scores_every_token_of_the_vocabulary(TiedLM, bench, B=2, T=5, vocab=7, d_model=6, dtype=torch.float32):
    """tokens (B, T) give logits (B, T, vocab), with given weights, in training mode; then other tokens in evaluation mode."""
    model, weight = TiedLM(vocab, d_model).to(bench.device, dtype), bench.randn(vocab, d_model, dtype=dtype)
    model.load_state_dict({"embedding.weight": weight, "lm_head.weight": weight})
    return {"training": model(bench.integers(0, vocab, B, T)), "evaluation": model.eval()(bench.integers(0, vocab, B, T))}


@TiedLM.probe(points=1)
def adds_both_gradients(TiedLM, bench):
    """The gradient of the shared weight for a cross-entropy of next tokens, by either name."""
    model, weight = TiedLM(11, 6).to(bench.device, torch.float64), bench.randn(11, 6, dtype=torch.float64)
    model.load_state_dict({"embedding.weight": weight, "lm_head.weight": weight})
    tokens = bench.integers(0, 11, 2, 6)
    F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
    return {"embedding.weight": model.embedding.weight.grad, "lm_head.weight": model.lm_head.weight.grad}


@TiedLM.probe(points=1)
def stays_tied(TiedLM, bench):
    """Two steps of SGD with lr=0.5 on cross-entropy: both weights afterwards."""
    model, weight = TiedLM(11, 6).to(bench.device, torch.float64), bench.randn(11, 6, dtype=torch.float64)
    model.load_state_dict({"embedding.weight": weight, "lm_head.weight": weight})
    tokens, optimizer = bench.integers(0, 11, 2, 6), torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimizer.step()
    return {"embedding.weight": model.embedding.weight, "lm_head.weight": model.lm_head.weight}


# fmt: off
TiedLM.mistake("copies_the_numbers", {"weight = self.embedding.weight": "weight.data.copy_(self.embedding.weight)"},
    "You copy the numbers (copy_, clone), or make a second Parameter of a copy. The two weights are equal at the start and part at the first step: they "
    "must be one Parameter.")
TiedLM.mistake("does_not_tie", {"        self.lm_head.weight = self.embedding.weight\n": ""},
    "Your two layers are not tied: each has a weight of its own. Give one of them the other's Parameter.")
TiedLM.mistake("shares_only_the_memory", {"weight = self.embedding.weight": "weight.data = self.embedding.weight.data"},
    "You share the memory, through `.data` or a second nn.Parameter around the same tensor, but there are two Parameters: their gradients do not add, both "
    "are counted, and a move to another dtype or device parts them. Assign the Parameter itself.")
TiedLM.mistake("leaves_lm_head_idle", {"        self.lm_head.weight = self.embedding.weight\n": "",
    "self.lm_head(self.embedding(tokens))": "F.linear(self.embedding(tokens), self.embedding.weight)"},
    "You project with embedding.weight, but lm_head keeps another weight, which nothing uses. lm_head.weight must be the same Parameter.")
TiedLM.mistake("ties_in_forward", {"        self.lm_head.weight = self.embedding.weight\n": "",
    "        return": "        self.lm_head.weight = self.embedding.weight\n        return"},
    "You tie the two in forward. Until its first call the model has two weights, and an optimizer made before holds both: tie them in __init__.")
TiedLM.mistake("copies_at_each_forward", {"        self.lm_head.weight = self.embedding.weight\n": "",
    "return": "self.lm_head.weight.data.copy_(self.embedding.weight.data)\n        return"},
    "You copy the embedding into lm_head at each forward pass. lm_head's gradient then never reaches the embedding.")
TiedLM.mistake("detaches_the_projection", {"self.lm_head(self.embedding(tokens))": "F.linear(self.embedding(tokens), self.lm_head.weight.detach())"},
    "You detach the weight for the projection, so it learns from its use as an embedding only. Both uses send gradients.")
TiedLM.mistake("detaches_the_embedding", {"(tokens)": "(tokens).detach()"},
    "You detach the embedded tokens, so the weight learns from its use as a projection only. Both uses send gradients.")
TiedLM.mistake("keeps_a_bias", {", bias=False": ""}, "Your lm_head has a bias. This one has none: all it owns is the shared weight.")
TiedLM.mistake("calls_it_decoder", {"self.lm_head =": "self.decoder =", "self.lm_head.weight": "self.decoder.weight", "self.lm_head(": "self.decoder("},
    "Your projection is called decoder. The name asked, and the one that weights load by, is lm_head.")
TiedLM.mistake("has_no_lm_head", {"        self.lm_head = nn.Linear(d_model, vocab, bias=False)\n        self.lm_head.weight = self.embedding.weight\n": "",
    "self.lm_head(self.embedding(tokens))": "F.linear(self.embedding(tokens), self.embedding.weight)"},
    "You have no lm_head. Make it an nn.Linear without bias whose weight is the embedding's.")
TiedLM.mistake("returns_probabilities", {"(tokens))": "(tokens)).softmax(-1)"}, "You apply softmax. The model returns logits: cross_entropy applies softmax itself.")
TiedLM.mistake("returns_log_probabilities", {"(tokens))": "(tokens)).log_softmax(-1)"},
    "You apply log-softmax. The model returns logits: cross_entropy applies log-softmax itself.")
TiedLM.mistake("scales_the_embedding", {"self.embedding(": "math.sqrt(self.embedding.embedding_dim) * self.embedding("},
    "You multiply the embedded tokens by √d_model, as the first Transformer did. Here they go to lm_head as they are.")
TiedLM.mistake("caches_the_transpose", {"= self.embedding.weight\n": "= self.embedding.weight\n        self.transposed = self.embedding.weight.T\n",
    "self.lm_head(self.embedding(tokens))": "self.embedding(tokens) @ self.transposed"},
    "You transpose the weight once, in __init__. Moved to another dtype or device the model has a new weight, and forward still takes the old one: call "
    "lm_head.", raises=RuntimeError)
