"""Task vocab_parallel_cross_entropy."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


class _Sharded(torch.autograd.Function):
    """The loss of each row and its gradient, shard by shard, with torch's own loss of what the shards come down to: two logits a row."""

    @staticmethod
    def forward(ctx, target, all_reduce, all_max, *logits):
        largest = all_max([part.amax(1) for part in logits])
        powers = [(part - most[:, None]).exp() for part, most in zip(logits, largest)]
        sums = all_reduce([part.sum(1) for part in powers])
        right, first = [], 0
        for part in logits:
            place = target - first
            mine = (place >= 0) & (place < part.shape[1])
            right.append((part * F.one_hot(place.where(mine, 0), part.shape[1]) * mine[:, None]).sum(1))
            first += part.shape[1]
        ctx.save_for_backward(target, *[power / total[:, None] for power, total in zip(powers, sums)])
        return (sums[0].log() + largest[0] - all_reduce(right)[0]).mean()

    @staticmethod
    def backward(ctx, grad_output):
        target, *shares = ctx.saved_tensors
        whole = torch.cat(shares, 1)
        gradient = (whole - F.one_hot(target, whole.shape[1])) * grad_output / len(target)
        return None, None, None, *gradient.split([part.shape[1] for part in shares], 1)


def vocab_parallel_cross_entropy_reference(logits, target, all_reduce, all_max):
    return _Sharded.apply(target, all_reduce, all_max, *logits)


vocab_parallel_cross_entropy = Task(
    "vocab_parallel_cross_entropy",
    reference=vocab_parallel_cross_entropy_reference,
    section="parallel-vocabulary",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a sum over shards has no order, and a softmax computed in float32 and cast back is usual",
    hints=(
        "The loss of a row is the logarithm of a sum over all classes, minus one logit. Which three numbers of a row must the devices agree on?",
        "all_max of each shard's largest logits, all_reduce of the sums of exp(logit - largest), all_reduce of the target's logit, for which a device that does not have "
        "it gives 0. Device k finds it at target minus the number of classes before its own.",
    ),
)


@vocab_parallel_cross_entropy.probe(points=2)
def gives_the_mean_loss(vocab_parallel_cross_entropy, bench, B=6, V=3, n=3, dtype=torch.float32):
    """B rows on n devices with V, V + 1, V + 2, ... classes, targets anywhere; then six rows with logits of thousands, in float64."""

    def all_reduce(parts):
        total = torch.stack(list(parts)).sum(0)
        return [total.clone() for _ in parts]

    def all_max(parts):
        largest = torch.stack(list(parts)).amax(0)
        return [largest.clone() for _ in parts]

    logits = [bench.randn(B, V + k, dtype=dtype) for k in range(n)]
    ordinary = vocab_parallel_cross_entropy(logits, bench.integers(0, sum(part.shape[1] for part in logits), B), all_reduce, all_max)
    large = [2000 * bench.randn(6, 4, dtype=torch.float64) for _ in range(3)]
    return {"ordinary logits": ordinary, "large ones": vocab_parallel_cross_entropy(large, bench.integers(0, 12, 6), all_reduce, all_max)}


@vocab_parallel_cross_entropy.probe(points=1)
def finds_every_target(vocab_parallel_cross_entropy, bench):
    """Three devices with unlike numbers of classes; a single row, in random order for each class that is the first or the last of a device."""

    def all_reduce(parts):
        total = torch.stack(list(parts)).sum(0)
        return [total.clone() for _ in parts]

    def all_max(parts):
        largest = torch.stack(list(parts)).amax(0)
        return [largest.clone() for _ in parts]

    sizes, answers = (5, 1, 3), {}
    for number, place in enumerate(bench.several([0, 4, 5, 6, 8], 8), 1):
        logits = [bench.randn(1, size, dtype=torch.float64) for size in sizes]
        answers[f"{number}. target {place} of 5 + 1 + 3 classes"] = vocab_parallel_cross_entropy(logits, bench.integers(place, place + 1, 1), all_reduce, all_max)
    return answers


@vocab_parallel_cross_entropy.probe(points=1)
def lets_gradients_through(vocab_parallel_cross_entropy, bench, B=5, V=3, n=3):
    """The gradient of each device's logits, for a random gradient of the loss."""

    def all_reduce(parts):
        total = torch.stack(list(parts)).sum(0)
        return [total.clone() for _ in parts]

    def all_max(parts):
        largest = torch.stack(list(parts)).amax(0)
        return [largest.clone() for _ in parts]

    logits = [bench.randn(B, V + k, dtype=torch.float64).requires_grad_() for k in range(n)]
    loss = vocab_parallel_cross_entropy(logits, bench.integers(0, sum(part.shape[1] for part in logits), B), all_reduce, all_max)
    return list(torch.autograd.grad(loss, logits, bench.randn(1, dtype=torch.float64)[0]))


@vocab_parallel_cross_entropy.probe(points=2)
def keeps_the_devices_apart(vocab_parallel_cross_entropy, bench):
    """Sizes drawn at random: the loss, the largest tensor that is made, and how often tensors of two devices meet outside all_reduce and all_max."""
    B, sizes = bench.size(8, 10), [bench.size(10, 15) for _ in range(4)]
    logits, target = [bench.randn(B, size) for size in sizes], bench.integers(0, sum(sizes), B)
    with bench.devices(logits) as devices:
        loss = vocab_parallel_cross_entropy(logits, target, devices.all_reduce, devices.all_max)
    case = f"B={B}, {' + '.join(map(str, sizes))} classes"
    return {
        f"loss, {case}": loss,
        "the largest tensor made": bench.band(devices.largest, {"at most one device's logits": B * max(sizes) + 1, "more than one device's logits": math.inf}),
        "tensors of two devices meet": bench.band(devices.meetings, {"in all_reduce and all_max alone": 1, "elsewhere": math.inf}),
    }


# fmt: off
vocab_parallel_cross_entropy.mistake("joins_the_logits", {"return (total[0].log() - all_reduce(right)[0]).mean()": "return F.cross_entropy(torch.cat(logits, 1), target)"},
    "You join the logits of all devices. No tensor with all V columns may be made: three numbers a row are all that has to be exchanged.")
vocab_parallel_cross_entropy.mistake("overflows", {"part - most[:, None]": "part"},
    "You take the exponential of the logits as they are: of large ones it is infinite. Subtract each row's largest one first, the same on every device.")
vocab_parallel_cross_entropy.mistake("subtracts_its_own_largest", {"all_max([part.amax(1) for part in logits])": "[part.amax(1) for part in logits]"},
    "Each device subtracts its own largest logit, so that the sums of exponentials do not fit together. all_max finds the largest of all.")
vocab_parallel_cross_entropy.mistake("normalises_on_the_first_device", {"all_reduce([part.exp().sum(1) for part in shifted])": "[part.exp().sum(1) for part in shifted]"},
    "You divide by the sum over one device's classes. A softmax goes over all V: all_reduce the sums.")
vocab_parallel_cross_entropy.mistake("takes_the_first_devices_target", {"all_reduce(right)[0]": "right[0]"},
    "You take the target's logit from the first device, which may not have it. all_reduce: those that do not have it give 0.")
vocab_parallel_cross_entropy.mistake("counts_classes_from_its_own_first", {"place = target - first": "place = target"},
    "Each device looks for the target as if its own first class were class 0. Subtract the number of classes on the devices before it.")
vocab_parallel_cross_entropy.mistake("expects_equal_shards", {"first += part.shape[1]": "first += logits[0].shape[1]"},
    "You count as if all devices had as many classes as the first. Add up the classes of each one before.")
vocab_parallel_cross_entropy.mistake("gives_a_logit_for_foreign_targets", {"torch.where(mine, picked, 0)": "picked"},
    "Devices that do not have the target give some other logit of theirs, and all_reduce adds it. They must give 0.")
vocab_parallel_cross_entropy.mistake("takes_the_next_devices_first_class_too", {"place < part.shape[1]": "place <= part.shape[1]", "place.where(mine, 0)": "place.clamp(0, part.shape[1] - 1)"},
    "A target that is the first class of the next device counts on two of them. Device k has the places 0 to V_k - 1.")
vocab_parallel_cross_entropy.mistake("misses_its_first_class", {"place >= 0": "place > 0"},
    "A target that is the first class of a device is found nowhere. Its place is 0.")
vocab_parallel_cross_entropy.mistake("subtracts_the_largest_from_one_side", {"picked = part.gather": "picked = (part + most[:, None]).gather", "for part in shifted:": "for part, most in zip(shifted, largest):"},
    "You subtract the largest logit inside the sum and not from the target's logit. What is taken from one has to be taken from both.")
vocab_parallel_cross_entropy.mistake("adds_the_sums_up_itself", {"all_reduce([part.exp().sum(1) for part in shifted])": "[sum(part.exp().sum(1) for part in shifted)]"},
    "Numbers of different devices meet outside of all_reduce and all_max: you add or compare them yourself, or use the copy of a result that another device got.")
vocab_parallel_cross_entropy.mistake("returns_the_losses", {".mean()": ""}, "You return one loss a row. Asked is their mean, a single number.")
vocab_parallel_cross_entropy.mistake("returns_the_sum", {".mean()": ".sum()"}, "You return the sum over the rows. Asked is the mean.")
vocab_parallel_cross_entropy.mistake("turns_the_sign", {"total[0].log() - all_reduce(right)[0]": "all_reduce(right)[0] - total[0].log()"},
    "Your loss has the wrong sign: it is the logarithm of the sum minus the target's logit.")
vocab_parallel_cross_entropy.mistake("forgets_the_logarithm", {"total[0].log()": "total[0]"}, "You leave the logarithm of the sum out.")
vocab_parallel_cross_entropy.mistake("cuts_the_graph", {"shifted = [part - ": "shifted = [part.detach() - "},
    "Your loss is cut off from autograd (`detach`, `data` or `no_grad`): no gradient reaches the logits.", raises=RuntimeError)
vocab_parallel_cross_entropy.mistake("cuts_the_sum_from_the_graph", {"part.exp().sum(1)": "part.exp().sum(1).detach()"},
    "You detach the sum of exponentials. It depends on every logit, and gradients reach them through it.")
