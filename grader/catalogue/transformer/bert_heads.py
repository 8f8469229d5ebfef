"""Task BertHeads."""

import torch
from torch import nn

from ...spec import Task


class BertHeadsReference(nn.Module):
    def __init__(self, hidden, vocab):
        super().__init__()
        self.mlm, self.nsp = nn.Linear(hidden, vocab), nn.Linear(hidden, 2)

    def forward(self, hidden_states):
        return self.mlm(hidden_states), self.nsp(hidden_states[:, 0])


BertHeads = Task(
    "BertHeads",
    reference=BertHeadsReference,
    section="transformer-bert",
    hints=(
        "One head guesses words, the other answers a yes-or-no question about the whole input. How many classes has each?",
        "mlm is a Linear to vocab, applied to every token; nsp a Linear to 2, applied to hidden_states[:, 0].",
    ),
)


@BertHeads.probe(points=1)
def has_two_heads(BertHeads, bench):
    """The names and shapes in the state_dict, with random sizes."""
    hidden, vocab = bench.size(3, 49), bench.size(50, 99)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(BertHeads(hidden, vocab).state_dict().items())}
    return {f"state_dict of BertHeads({hidden}, {vocab})": shapes}


@BertHeads.probe(points=2)
def answers_both_questions(BertHeads, bench, B=3, T=5, hidden=6, vocab=7, dtype=torch.float32):
    """With given weights: hidden states (B, T, hidden) give mlm logits (B, T, vocab) and nsp logits (B, 2), in training mode;
    then others in evaluation mode."""
    heads = BertHeads(hidden, vocab).to(bench.device, dtype)
    shapes = {"mlm.weight": (vocab, hidden), "mlm.bias": (vocab,), "nsp.weight": (2, hidden), "nsp.bias": (2,)}
    heads.load_state_dict({name: bench.randn(*shape, dtype=dtype) for name, shape in shapes.items()})
    mlm, nsp = heads(bench.randn(B, T, hidden, dtype=dtype))
    later = heads.eval()(bench.randn(B, T, hidden, dtype=dtype))
    return {"mlm": mlm, "nsp": nsp, "in evaluation mode": list(later)}


@BertHeads.probe(points=1)
def sends_gradients_to_the_tokens(BertHeads, bench):
    """The gradient of the hidden states (3, 5, 6) from each head alone."""
    heads = BertHeads(6, 11).to(bench.device, torch.float64)
    shapes = {"mlm.weight": (11, 6), "mlm.bias": (11,), "nsp.weight": (2, 6), "nsp.bias": (2,)}
    heads.load_state_dict({name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    states = bench.randn(3, 5, 6, dtype=torch.float64).requires_grad_()
    mlm, nsp = heads(states)
    upstream = {"mlm": bench.randn(3, 5, 11, dtype=torch.float64), "nsp": bench.randn(3, 2, dtype=torch.float64)}
    pairs = zip((mlm, nsp), upstream.items())
    return {f"from {name}": torch.autograd.grad(y, states, gradient, retain_graph=True)[0] for y, (name, gradient) in pairs}


# fmt: off
BertHeads.mistake("calls_them_heads", {"self.mlm =": "self.mlm_head =", "self.nsp =": "self.nsp_head =", "self.mlm(": "self.mlm_head(", "self.nsp(": "self.nsp_head("},
    "Your heads are called mlm_head and nsp_head. Weights load by name, and the names asked are mlm and nsp.")
BertHeads.mistake("gives_nsp_the_vocabulary", {"(hidden, 2)": "(hidden, vocab)"}, "Your nsp head has vocab classes. It answers one question, does B follow A: 2 classes.")
BertHeads.mistake("gives_nsp_one_output", {"(hidden, 2)": "(hidden, 1)"}, "Your nsp head has one output. BERT's has two, one logit a class, for a softmax.")
BertHeads.mistake("asks_nsp_of_every_token", {"[:, 0]": ""}, "You ask nsp of every token. It is asked once a text, of the first token, [CLS].")
BertHeads.mistake("asks_nsp_of_the_mean", {"[:, 0]": ".mean(1)"},
    "You ask nsp of the mean of all tokens. BERT asks the first one, [CLS], which has attended to all others.")
BertHeads.mistake("asks_nsp_of_the_last_token", {"[:, 0]": "[:, -1]"}, "You ask nsp of the last token. BERT's [CLS] is the first.")
BertHeads.mistake("takes_the_first_text", {"[:, 0]": "[0]"},
    "hidden_states[0] is the first text with all its tokens. The first token of every text is hidden_states[:, 0].")
BertHeads.mistake("keeps_the_dimension_of_the_token", {"[:, 0]": "[:, 0:1]"}, "Your nsp logits are (B, 1, 2). The token is a single one: index it with 0, not with 0:1.")
BertHeads.mistake("asks_mlm_of_the_first_token", {"self.mlm(hidden_states)": "self.mlm(hidden_states[:, 0])"},
    "You ask mlm of the first token only. Any token may be the masked one: it gives logits for each.")
BertHeads.mistake("returns_nsp_first", {"self.mlm(hidden_states), ": "", "[:, 0])": "[:, 0]), self.mlm(hidden_states)"},
    "You return nsp first. The order is: mlm logits, nsp logits.")
BertHeads.mistake("returns_probabilities", {"self.mlm(hidden_states)": "self.mlm(hidden_states).softmax(-1)", "[:, 0])": "[:, 0]).softmax(-1)"},
    "You apply softmax. Both heads return logits: cross_entropy applies softmax itself.")
BertHeads.mistake("returns_log_probabilities", {"self.mlm(hidden_states)": "self.mlm(hidden_states).log_softmax(-1)", "[:, 0])": "[:, 0]).log_softmax(-1)"},
    "You apply log-softmax. Both heads return logits: cross_entropy applies log-softmax itself.")
BertHeads.mistake("detaches_the_first_token", {"[:, 0]": "[:, 0].detach()"},
    "You detach the first token before nsp, so this head sends no gradient to the model below. Leave it in the graph.", raises=RuntimeError)
