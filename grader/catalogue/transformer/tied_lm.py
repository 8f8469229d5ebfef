"""Task TiedLM."""

import math

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


@TiedLM.impostor(
    "You copy the numbers (copy_, clone), or make a second Parameter of a copy. The two weights are equal at the start and "
    "part at the first step: they must be one Parameter."
)
class copies_the_numbers(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight.data.copy_(self.embedding.weight)

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor("Your two layers are not tied: each has a weight of its own. Give one of them the other's Parameter.")
class does_not_tie(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor(
    "You share the memory, through `.data` or a second nn.Parameter around the same tensor, but there are two Parameters: "
    "their gradients do not add, both are counted, and a move to another dtype or device parts them. Assign the Parameter itself."
)
class shares_only_the_memory(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight.data = self.embedding.weight.data

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor(
    "You project with embedding.weight, but lm_head keeps another weight, which nothing uses. lm_head.weight must be the same "
    "Parameter."
)
class leaves_lm_head_idle(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)

    def forward(self, tokens):
        return F.linear(self.embedding(tokens), self.embedding.weight)


@TiedLM.impostor(
    "You tie the two in forward. Until its first call the model has two weights, and an optimiser made before holds both: tie "
    "them in __init__."
)
class ties_in_forward(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)

    def forward(self, tokens):
        self.lm_head.weight = self.embedding.weight
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor("You copy the embedding into lm_head at each forward pass. lm_head's gradient then never reaches the embedding.")
class copies_at_each_forward(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)

    def forward(self, tokens):
        self.lm_head.weight.data.copy_(self.embedding.weight.data)
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor(
    "You detach the weight for the projection, so it learns from its use as an embedding only. Both uses send gradients."
)
class detaches_the_projection(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return F.linear(self.embedding(tokens), self.lm_head.weight.detach())


@TiedLM.impostor(
    "You detach the embedded tokens, so the weight learns from its use as a projection only. Both uses send gradients."
)
class detaches_the_embedding(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens).detach())


@TiedLM.impostor("Your lm_head has a bias. This one has none: all it owns is the shared weight.")
class keeps_a_bias(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


@TiedLM.impostor("Your projection is called decoder. The name asked, and the one that weights load by, is lm_head.")
class calls_it_decoder(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.decoder = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.decoder.weight = self.embedding.weight

    def forward(self, tokens):
        return self.decoder(self.embedding(tokens))


@TiedLM.impostor("You have no lm_head. Make it an nn.Linear without bias whose weight is the embedding's.")
class has_no_lm_head(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)

    def forward(self, tokens):
        return F.linear(self.embedding(tokens), self.embedding.weight)


@TiedLM.impostor("You apply softmax. The model returns logits: cross_entropy applies softmax itself.")
class returns_probabilities(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens)).softmax(-1)


@TiedLM.impostor(
    "You multiply the embedded tokens by √d_model, as the first Transformer did. Here they go to lm_head as they are."
)
class scales_the_embedding(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.lm_head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.lm_head(math.sqrt(self.embedding.embedding_dim) * self.embedding(tokens))
