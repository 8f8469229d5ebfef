"""Task chunked_linear_cross_entropy."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


class _Chunked(torch.autograd.Function):
    """Gradients of the loss of each chunk with the loss itself, so that no logits need be kept."""

    @staticmethod
    def forward(ctx, x, weight, target, chunk):
        counted, total = target.ne(-100).sum(), x.new_zeros(())
        for_x, for_weight = torch.zeros_like(x), torch.zeros_like(weight)
        for start in range(0, len(x), chunk):
            rows = slice(start, start + chunk)
            logits = x[rows] @ weight.T
            total += F.cross_entropy(logits, target[rows], reduction="sum")
            gradient = logits.softmax(-1)
            gradient -= torch.nn.functional.one_hot(target[rows].clamp(min=0), len(weight))
            gradient *= target[rows].ne(-100)[:, None]
            for_x[rows] = gradient @ weight
            for_weight += gradient.T @ x[rows]
        ctx.save_for_backward(for_x / counted, for_weight / counted)
        return total / counted

    @staticmethod
    def backward(ctx, grad_loss):
        for_x, for_weight = ctx.saved_tensors
        return grad_loss * for_x, grad_loss * for_weight, None, None


def chunked_linear_cross_entropy_reference(x, weight, target, chunk):
    return _Chunked.apply(x, weight, target, chunk)


chunked_linear_cross_entropy = Task(
    "chunked_linear_cross_entropy",
    reference=chunked_linear_cross_entropy_reference,
    section="cost-loss",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a sum of losses has no order, and a softmax computed in float32 and cast back is usual",
    hints=(
        "The mean is one sum over all counted rows, divided once. What does autograd keep of each chunk for the backward pass, and what could it compute again instead?",
        "For each chunk: checkpoint(loss_of, rows, targets, use_reentrant=False), where loss_of gives F.cross_entropy(rows @ weight.T, targets, reduction=\"sum\"). Add them up, "
        "and divide by the number of targets that are not -100.",
    ),
)


@chunked_linear_cross_entropy.probe(points=1)
def gives_the_mean_loss(chunked_linear_cross_entropy, bench, N=7, D=4, V=9, chunk=3, dtype=torch.float32):
    """x (N, D), weight (V, D) and target (N,), all counted; then seven rows with logits of thousands, in float64."""
    ordinary = chunked_linear_cross_entropy(bench.randn(N, D, dtype=dtype), bench.randn(V, D, dtype=dtype), bench.integers(0, V, N), chunk)
    large = bench.randn(7, 4, dtype=torch.float64), 2000 * bench.randn(9, 4, dtype=torch.float64)
    return {"ordinary logits": ordinary, "large ones": chunked_linear_cross_entropy(*large, bench.integers(0, 9, 7), 3)}


@chunked_linear_cross_entropy.probe(points=1)
def leaves_out_what_does_not_count(chunked_linear_cross_entropy, bench):
    """Targets of -100: some of the rows, a whole chunk, all but one; chunks of 2, 3, 4 and 50 of 11 rows."""
    answers = {}
    for chunk in (2, 3, 4, 50):
        for case in ("some", "the first chunk", "all but one"):
            target = bench.integers(0, 8, 11)
            one = bench.size(4, 10)
            uncounted = {"some": range(0, 11, 3), "the first chunk": range(4), "all but one": [row for row in range(11) if row not in (one,)]}[case]
            target[list(uncounted)] = -100
            answers[f"chunk={chunk}, {case} at -100"] = chunked_linear_cross_entropy(bench.randn(11, 4), bench.randn(8, 4), target, chunk)
    return answers


@chunked_linear_cross_entropy.probe(points=2)
def lets_gradients_through(chunked_linear_cross_entropy, bench, N=7, D=4, V=9, chunk=3, dtype=torch.float64):
    """The gradients of x and weight, for a random grad_output; with the first of the N + 1 targets at -100; then where only one of the two wants one."""
    answers = {}
    for case in ("both", "only x", "only weight"):
        x, weight = bench.randn(N + 1, D, dtype=dtype).requires_grad_(case != "only weight"), bench.randn(V, D, dtype=dtype).requires_grad_(case != "only x")
        target = bench.integers(0, V, N + 1)
        target[0] = -100
        wanted = [each for each in (x, weight) if each.requires_grad]
        answers[case] = list(torch.autograd.grad(chunked_linear_cross_entropy(x, weight, target, chunk), wanted, bench.randn(1, dtype=dtype)[0]))
    return answers


@chunked_linear_cross_entropy.probe(points=2)
def never_holds_all_logits(chunked_linear_cross_entropy, bench):
    """Sizes drawn at random: the largest tensor that is made, forward or backward, and how much is kept in between beside x, weight and target."""
    import gc

    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode

    class Made(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for each in out if isinstance(out, (tuple, list)) else [out]:
                if isinstance(each, torch.Tensor):
                    storage = each.untyped_storage()
                    made.append(each.numel())
                    storages[StorageWeakRef(storage)] = storage.nbytes(), each.element_size()
            return out

    def save(tensor):
        saved.add(StorageWeakRef(tensor.untyped_storage()))
        return tensor

    made, storages, saved, chunk, D, V = [], {}, set(), bench.size(4, 6), bench.size(2, 3), bench.size(50, 60)
    N = 6 * chunk + 1
    x, weight, target = bench.randn(N, D).requires_grad_(), bench.randn(V, D).requires_grad_(), bench.integers(0, V, N)
    known = [t.untyped_storage().nbytes() for t in (x, weight, target)]
    with Made():
        gc.disable()  # nothing that the answer makes grows old meanwhile: the youngest are all that need be looked through
        try:
            with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
                loss = chunked_linear_cross_entropy(x, weight, target, chunk)
            gc.collect(0)
        finally:
            gc.enable()
        # whoever keeps a tensor, be it autograd, a ctx or a list, keeps its storage
        kept = {storage: nbytes / element for storage, (nbytes, element) in storages.items() if nbytes not in known and not storage.expired()}
        by_autograd = sum(numbers for storage, numbers in kept.items() if storage in saved)
        gradients = torch.autograd.grad(loss, (x, weight))
    case = f"N={N}, D={D}, V={V}, chunk={chunk}"
    return {
        f"loss and gradients, {case}": [loss.detach(), *gradients],
        "the largest tensor made": bench.band(max(made, default=0), {"at most chunk rows of logits": chunk * V + 1, "more than chunk rows of logits": math.inf}),
        "kept beside x, weight and target": bench.band(sum(kept.values()), {"less than chunk rows of logits": chunk * V, "chunk rows of logits or more": math.inf}),
        "of that, by autograd": bench.band(by_autograd, {"less than chunk rows of logits": chunk * V, "chunk rows of logits or more": math.inf}),
    }


# fmt: off
chunked_linear_cross_entropy.mistake("keeps_every_chunk", {"checkpoint(loss_of, rows, targets, use_reentrant=False)": "loss_of(rows, targets)"},
    "You make the logits chunk by chunk, but autograd keeps those of every chunk for the backward pass: together they are all of them. Have them computed again (checkpoint), "
    "or compute the gradients along with the loss.")
chunked_linear_cross_entropy.mistake("makes_all_logits_at_once", {"x.split(chunk)": "x.split(len(x))", "target.split(chunk)": "target.split(len(x))",
    "checkpoint(loss_of, rows, targets, use_reentrant=False)": "loss_of(rows, targets)"},
    "You make the logits of all rows at once, and keep them. At most chunk rows of them may exist at a time.")
chunked_linear_cross_entropy.mistake("checkpoints_all_logits_at_once", {"x.split(chunk)": "x.split(len(x))", "target.split(chunk)": "target.split(len(x))"},
    "You keep no logits, but make those of all rows at once, twice. Walk over the chunks.")
chunked_linear_cross_entropy.mistake("averages_the_averages", {'reduction="sum"': 'reduction="mean"', "target.ne(-100).sum()": "len(x.split(chunk))"},
    "You take the mean of the chunks' means. Chunks count different numbers of rows: add the sums up, and divide once.")
chunked_linear_cross_entropy.mistake("divides_by_all_rows", {"target.ne(-100).sum()": "len(target)"},
    "You divide by all rows. Those whose target is -100 do not count.")
chunked_linear_cross_entropy.mistake("returns_the_sum", {" / target.ne(-100).sum()": ""}, "You return the sum over the rows. Asked is the mean.")
chunked_linear_cross_entropy.mistake("counts_the_padding", {"rows @ weight.T, target,": "rows @ weight.T, target.clamp(min=0),"},
    "Rows whose target is -100 add to your loss, as if their target were class 0. They do not count.")
chunked_linear_cross_entropy.mistake("drops_the_last_chunk", {"x.split(chunk), target.split(chunk)": "x[: len(x) // chunk * chunk].split(chunk), target.split(chunk)"},
    "You leave out the last rows where chunk does not divide their number. The last chunk is smaller.")
chunked_linear_cross_entropy.mistake("overflows", {'return F.cross_entropy(rows @ weight.T, target, reduction="sum")':
    "logits = rows @ weight.T\n        right = logits.gather(1, target.clamp(min=0)[:, None])[:, 0]\n        return ((logits.exp().sum(-1).log() - right) * target.ne(-100)).sum()"},
    "You take the exponential of the logits as they are: of large ones it is infinite. Subtract each row's maximum first, or use logsumexp.")
chunked_linear_cross_entropy.mistake("applies_softmax_first", {"rows @ weight.T, target": "(rows @ weight.T).softmax(-1), target"},
    "You give F.cross_entropy probabilities. It takes logits, and does the softmax itself.")
chunked_linear_cross_entropy.mistake("normalises_over_the_rows", {"rows @ weight.T, target": "(rows @ weight.T).log_softmax(0), target"},
    "You normalise over the rows (dim=0). Each row has a softmax of its own, over the V columns.")
chunked_linear_cross_entropy.mistake("cuts_the_graph", {"total = total + checkpoint(loss_of, rows, targets, use_reentrant=False)":
    "total = total + checkpoint(loss_of, rows, targets, use_reentrant=False).detach()"},
    "Your result is cut off from autograd (`detach`, `item` or `no_grad`): no gradient reaches x and weight.", raises=RuntimeError)
chunked_linear_cross_entropy.mistake("freezes_the_weight", {"rows @ weight.T, target": "rows @ weight.detach().T, target"},
    "No gradient reaches weight.", raises=RuntimeError)


@chunked_linear_cross_entropy.impostor("Your backward ignores the gradient that comes in. The loss may be scaled, or one of several: multiply by grad_output.")
def ignores_the_incoming_gradient(x, weight, target, chunk):
    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            total, x, weight = 0, x.detach().requires_grad_(), weight.detach().requires_grad_()
            gradients = [torch.zeros_like(x), torch.zeros_like(weight)]
            for start in range(0, len(x), chunk):
                with torch.enable_grad():
                    loss = F.cross_entropy(x[start : start + chunk] @ weight.T, target[start : start + chunk], reduction="sum") / target.ne(-100).sum()
                total = total + loss.detach()
                for mine, its in zip(gradients, torch.autograd.grad(loss, (x, weight))):
                    mine += its
            ctx.save_for_backward(*gradients)
            return total

        @staticmethod
        def backward(ctx, grad_output):
            return ctx.saved_tensors

    return Loss.apply(x, weight)


@chunked_linear_cross_entropy.impostor(
    "Your Function keeps the logits in an attribute of ctx, or in a list, where autograd does not see them. They lie in memory all the same until backward has run: compute them "
    "again there, or keep the gradients of x and weight in their place."
)
def keeps_the_logits_on_ctx(x, weight, target, chunk):
    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            ctx.chunks = [part @ weight.T for part in x.split(chunk)]
            losses = [F.cross_entropy(logits, part, reduction="sum") for logits, part in zip(ctx.chunks, target.split(chunk))]
            return sum(losses) / target.ne(-100).sum()

        @staticmethod
        def backward(ctx, grad_output):
            (x, weight), for_x, for_weight = ctx.saved_tensors, [], 0
            for logits, part, rows in zip(ctx.chunks, target.split(chunk), x.split(chunk)):
                gradient = logits.softmax(-1)
                gradient -= F.one_hot(part.clamp(min=0), len(weight))
                gradient *= part.ne(-100)[:, None] * grad_output / target.ne(-100).sum()
                for_x.append(gradient @ weight)
                for_weight = for_weight + gradient.T @ rows
            return torch.cat(for_x), for_weight

    return Loss.apply(x, weight)
