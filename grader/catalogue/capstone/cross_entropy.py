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


@CrossEntropy.impostor("Your loss is the sum over the rows, and so is its gradient: take the mean, and divide the gradient by B.")
class sums_the_loss:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).sum()

    def backward(self):
        return self.p


@CrossEntropy.impostor("Your loss is a mean, but the gradient is the sum's: divide it by the number of rows.")
class forgets_to_divide_the_gradient:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return self.p


@CrossEntropy.impostor("You divide the gradient by B · C, all its entries. The loss is a mean over the rows: divide by B.")
class divides_by_all_entries:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return self.p / self.p.numel()


@CrossEntropy.impostor("Your backward changes what forward kept, so a second one finds something else. Work on a new tensor.")
class changes_what_it_keeps:
    def forward(self, logits, target):
        self.p, self.rows, self.target = logits.softmax(1), torch.arange(len(target), device=logits.device), target
        return (logits.logsumexp(1) - logits[self.rows, target]).mean()

    def backward(self):
        self.p[self.rows, self.target] -= 1
        return self.p / len(self.p)


@CrossEntropy.impostor(
    "`[:, target]` picks a matrix: from each row the entries of all classes in the batch. Pick one from each row, its own class's."
)
class takes_whole_columns:
    def forward(self, logits, target):
        self.p = logits.softmax(1)
        self.p[:, target] -= 1
        return (logits.logsumexp(1) - logits[:, target]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor(
    "In forward `[:, target]` takes from each row the scores of all classes in the batch. Take its own class's only."
)
class takes_whole_columns_forward:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[:, target]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor(
    "You subtract 1 at `[:, target]`: in each row at all classes of the batch. Subtract it at its own class only."
)
class takes_whole_columns_backward:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[:, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor(
    "At the right class your gradient has the wrong sign, 1 - p. Softmax less onehot is p - 1 there: negative."
)
class turns_the_sign_at_the_target:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] = 1 - self.p[rows, target]
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor("Your gradient is the softmax alone. At the right class 1 must be subtracted.")
class forgets_the_onehot:
    def forward(self, logits, target):
        self.p = logits.softmax(1)
        return (logits.logsumexp(1) - logits[torch.arange(len(target), device=logits.device), target]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor("Your gradient points the wrong way, onehot less softmax: a step against it would make the loss larger.")
class points_the_other_way:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return -self.p / len(self.p)


@CrossEntropy.impostor(
    "You take the softmax over the batch. Each row's probabilities sum to one: take it, and the logsumexp, over the classes."
)
class takes_softmax_over_the_batch:
    def forward(self, logits, target):
        self.p, rows = logits.softmax(0), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(0) - logits[rows, target, None]).mean()

    def backward(self):
        return self.p / len(self.p)


@CrossEntropy.impostor("exp overflows for large logits; very negative ones end in 0/0. Take each row's largest logit out first.")
class overflows:
    def forward(self, logits, target):
        self.p, self.rows, self.target = logits.exp(), torch.arange(len(target), device=logits.device), target
        self.p = self.p / self.p.sum(1, keepdim=True)
        return -self.p[self.rows, target].log().mean()

    def backward(self):
        gradient = self.p / len(self.p)
        gradient[self.rows, self.target] -= 1 / len(self.p)
        return gradient


@CrossEntropy.impostor(
    "You take the logarithm of the softmax: where the right class's probability rounds to 0, that is -inf. Use logsumexp."
)
class takes_the_logarithm_of_the_softmax:
    def forward(self, logits, target):
        self.p, self.rows, self.target = logits.softmax(1), torch.arange(len(target), device=logits.device), target
        return -self.p[self.rows, target].log().mean()

    def backward(self):
        gradient = self.p / len(self.p)
        gradient[self.rows, self.target] -= 1 / len(self.p)
        return gradient


@CrossEntropy.impostor("You add a small number inside the logarithm. It caps the loss, however wrong they are. Use logsumexp.")
class adds_a_small_number_in_the_logarithm:
    def forward(self, logits, target):
        self.p, self.rows, self.target = logits.softmax(1), torch.arange(len(target), device=logits.device), target
        return -(self.p[self.rows, target] + 1e-9).log().mean()

    def backward(self):
        gradient = self.p / len(self.p)
        gradient[self.rows, self.target] -= 1 / len(self.p)
        return gradient


@CrossEntropy.impostor("You subtract the largest logit in place: `-=` changes the caller's tensor. Make a new one.")
class overwrites_the_logits:
    def forward(self, logits, target):
        logits -= logits.amax(1, keepdim=True)
        self.p, rows = logits.softmax(1), torch.arange(len(target), device=logits.device)
        self.p[rows, target] -= 1
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    def backward(self):
        return self.p / len(self.p)
