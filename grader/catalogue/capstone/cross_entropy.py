"""Task CrossEntropy."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import READY_MADE


class CrossEntropyReference:
    def forward(self, logits, target):
        self.logits, self.target = logits, target
        return F.cross_entropy(logits, target)

    def backward(self):
        with torch.inference_mode(False), torch.enable_grad():
            logits = self.logits.clone().requires_grad_()
            return torch.autograd.grad(F.cross_entropy(logits, self.target.clone()), logits)[0]


CrossEntropy = Task(
    "CrossEntropy",
    reference=CrossEntropyReference,
    section="capstone-loss",
    forbids=READY_MADE,
    hints=(
        "The loss is a row's logsumexp less its right score, averaged over the rows; its gradient is softmax less onehot, "
        "divided by B.",
        "rows = torch.arange(len(target)); the right scores are logits[rows, target]. forward keeps logits and target and "
        "returns (logits.logsumexp(1) - right scores).mean(). backward: p = logits.softmax(1); "
        "subtract 1 at [rows, target], which is onehot; divide by B.",
    ),
)


@CrossEntropy.probe(points=1)
def is_the_mean_loss(CrossEntropy, bench, B=6, C=4, dtype=torch.float32):
    """A tensor of shape (), for logits (B, C)."""
    return CrossEntropy().forward(bench.randn(B, C, dtype=dtype), bench.integers(0, C, B))


@CrossEntropy.probe(points=2)
def gives_the_gradient_of_the_logits(CrossEntropy, bench, B=6, C=4, dtype=torch.float32):
    """(B, C), from what the last forward was given, in two losses side by side; then a second batch of the same size, and a third of another."""
    losses, answers = [CrossEntropy(), CrossEntropy()], {}
    for batch, rows in {"first batch": B, "second batch": B, "third batch": B + 2}.items():
        for loss in losses:
            loss.forward(bench.randn(rows, C, dtype=dtype), bench.integers(0, C, rows))
        answers[batch] = [loss.backward() for loss in losses]
    return answers


@CrossEntropy.probe(points=1)
def gives_the_same_gradient_twice(CrossEntropy, bench):
    """forward once, then backward() twice."""
    loss = CrossEntropy()
    loss.forward(bench.randn(6, 4, dtype=torch.float64), bench.integers(0, 4, 6))
    first = loss.backward().clone()
    return {"the first gradient": first, "the second gradient": loss.backward()}


@CrossEntropy.probe(points=2)
def stays_finite_for_large_logits(CrossEntropy, bench):
    """Logits near 1000, near -1000, and from one to the other."""
    answers, target = {}, torch.tensor([0, 1, 2, 3, 0, 2], device=bench.device)
    spread = torch.tensor([-1000.0, 0.0, 1000.0, 500.0], dtype=torch.float64, device=bench.device)
    for case, offset in {"near 1000": 1000, "near -1000": -1000, "from -1000 to 1000": spread}.items():
        loss = CrossEntropy()
        value = loss.forward(bench.randn(6, 4, dtype=torch.float64) + offset, target)
        answers[f"logits {case}"] = {"loss": value, "gradient": loss.backward()}
    return answers


@CrossEntropy.probe(points=1)
def changes_nothing_and_asks_autograd_for_nothing(CrossEntropy, bench):
    """logits and target hold what they held before; it works in torch.inference_mode(), too; float32 stays float32."""
    logits, target = bench.randn(6, 4), bench.integers(0, 4, 6)
    before = {"logits": logits.clone(), "target": target.clone()}
    with torch.inference_mode():
        loss = CrossEntropy()
        answers = {"loss": loss.forward(logits, target), "gradient": loss.backward()}
    return answers | {name: bench.pair(now, before[name], "unchanged", "changed") for name, now in {"logits": logits, "target": target}.items()}


# fmt: off
CrossEntropy.mistake("sums_the_loss", {".mean()": ".sum()", " / len(self.target)": ""},
    "Your loss is the sum over the rows, and so is its gradient: take the mean, and divide the gradient by B.")
CrossEntropy.mistake("forgets_to_divide_the_gradient", {" / len(self.target)": ""},
    "Your loss is a mean, but the gradient is the sum's: divide it by the number of rows.")
CrossEntropy.mistake("divides_by_all_entries", {"len(self.target)": "self.logits.numel()"},
    "You divide the gradient by B · C, all its entries. The loss is a mean over the rows: divide by B.")
CrossEntropy.mistake("changes_what_it_keeps", {
    "right =": "self.p = logits.softmax(1)\n        right =", "return (self.logits.softmax(1) - onehot)": "self.p -= onehot\n        return self.p"},
    "Your backward changes what forward kept, so a second one finds something else. Work on a new tensor.")
CrossEntropy.mistake("takes_whole_columns", {
    "logits.gather(1, target[:, None]).squeeze(1)": "logits[:, target]", ".scatter(1, self.target[:, None], 1.0)": "\n        onehot[:, self.target] = 1"},
    "`[:, target]` picks a matrix: from each row the entries of all classes in the batch. Pick one from each row, its own class's.")
CrossEntropy.mistake("takes_whole_columns_forward", {"logits.gather(1, target[:, None]).squeeze(1)": "logits[:, target]"},
    "In forward `[:, target]` takes from each row the scores of all classes in the batch. Take its own class's only.")
CrossEntropy.mistake("takes_whole_columns_backward", {".scatter(1, self.target[:, None], 1.0)": "\n        onehot[:, self.target] = 1"},
    "You subtract 1 at `[:, target]`: in each row at all classes of the batch. Subtract it at its own class only.")
CrossEntropy.mistake("turns_the_sign_at_the_target", {"(self.logits.softmax(1) - onehot)": "(self.logits.softmax(1) - onehot).abs()"},
    "At the right class your gradient has the wrong sign, 1 - p. Softmax less onehot is p - 1 there: negative.")
CrossEntropy.mistake("forgets_the_onehot", {" - onehot": ""}, "Your gradient is the softmax alone. At the right class 1 must be subtracted.")
CrossEntropy.mistake("points_the_other_way", {"self.logits.softmax(1) - onehot": "onehot - self.logits.softmax(1)"},
    "Your gradient points the wrong way, onehot less softmax: a step against it would make the loss larger.")
CrossEntropy.mistake("takes_softmax_over_the_batch", {"softmax(1)": "softmax(0)", "logsumexp(1) - right": "logsumexp(0) - right[:, None]"},
    "You take the softmax over the batch. Each row's probabilities sum to one: take it, and the logsumexp, over the classes.")
CrossEntropy.mistake("takes_the_softmax_twice", {"self.logits, self.target =": "logits = logits.softmax(1)\n        self.logits, self.target ="},
    "You take the softmax of the logits first. Cross-entropy takes it itself, so it is taken twice: use the logits as they come.")
CrossEntropy.mistake("overflows", {
    "right = logits": "right = (logits.exp() / logits.exp().sum(1, keepdim=True))", "(logits.logsumexp(1) - right)": "-right.log()",
    "self.logits.softmax(1)": "self.logits.exp() / self.logits.exp().sum(1, keepdim=True)"},
    "exp overflows for large logits; very negative ones end in 0/0. Take each row's largest logit out first.")
CrossEntropy.mistake("takes_the_logarithm_of_the_softmax", {"right = logits": "right = logits.softmax(1)", "(logits.logsumexp(1) - right)": "-right.log()"},
    "You take the logarithm of the softmax: where the right class's probability rounds to 0, that is -inf. Use logsumexp.")
CrossEntropy.mistake("adds_a_small_number_in_the_logarithm", {"right = logits": "right = logits.softmax(1)", "(logits.logsumexp(1) - right)": "-(right + 1e-9).log()"},
    "You add a small number inside the logarithm. It caps the loss, however wrong they are. Use logsumexp.")
CrossEntropy.mistake("overwrites_the_logits", {"self.logits, self.target =": "logits -= logits.amax(1, keepdim=True)\n        self.logits, self.target ="},
    "You subtract the largest logit in place: `-=` changes the caller's tensor. Make a new one.")
CrossEntropy.mistake("keeps_the_batch_on_the_class", {"self.logits, self.target =": "CrossEntropy.logits, CrossEntropy.target ="},
    "You keep the batch on the class, which all losses share: backward finds the batch of whichever came last. Keep it on self.")
