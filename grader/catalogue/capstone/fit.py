"""Task fit."""

import torch
from torch import nn

from ...digits import digits
from ...spec import Task
from .shared import READY_MADE


def fit_reference(x, y, seed):
    with torch.inference_mode(False), torch.enable_grad():
        torch.default_generator.manual_seed(seed)  # which an answer may, too
        x, mean = x.clone(), x.mean(0).clone()
        network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(x.device)
        optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
        for _ in range(300):
            rows = torch.randint(len(x), (128,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[rows] - mean), y[rows]).backward()
            optimizer.step()
        network.requires_grad_(False)
        return lambda images: network(images - mean)


fit = Task(
    "fit",
    reference=fit_reference,
    section="capstone-fit",
    forbids=(*READY_MADE, "sklearn"),
    hints=(
        "A fault in an earlier class shows here, too: mend what fails above first. Then start from 64 → 64 → 10 with a ReLU "
        "between, and images less their mean. A step takes a few images at random: forward, loss, backward, step. The chapter "
        "has numbers that work.",
        "generator = torch.Generator(x.device).manual_seed(seed) draws both layers, then the rows of every step: torch.randint("
        "len(x), (64,), generator=generator, device=x.device). 600 steps at lr 0.5 are enough. Return a lambda that subtracts "
        "x.mean(0) again and calls network.forward.",
    ),
)


@fit.probe(points=5, data=digits)
def reads_digits_it_never_saw(fit, bench):
    """At least 95 % of the held-out images. The grader keeps their labels, and numbers the classes at random: a 3 may be class 7."""
    x, y, held_out = bench.data
    new_name = bench.randn(10).argsort()
    with torch.inference_mode():
        logits = fit(x, new_name[y], bench.size(0, 2**31))(held_out)
    return bench.predictions(new_name.argsort()[logits.argmax(-1)], at_least=0.95)


@fit.probe(points=2, data=digits)
def gives_each_image_its_logits(fit, bench):
    """Trained on 100 images: what it returns for any number of others, what kind of function it is, what it leaves as it was."""
    x, y, held_out = bench.data
    x, y, images = x[:100].clone(), y[:100].clone(), held_out[:20]
    predict = fit(x, y, bench.size(0, 2**31))
    logits = predict(images)
    sums, mirrored = logits.sum(-1), predict((images + images.flip(0)) / 2)
    return {
        "shape for 20 images": list(logits.shape),
        "dtype": str(logits.dtype),
        "each row": bench.pair(sums, torch.ones_like(sums), "adds up to 1, as probabilities do", "logits", atol=1e-3),
        "one of the images alone": bench.pair(predict(images[2:3]), logits[2:3], "the same logits", "other logits", rtol=1e-3, atol=1e-3),
        "the function": bench.pair(mirrored, (logits + logits.flip(0)) / 2, "affine, as without a hidden layer", "not affine", rtol=1e-3, atol=1e-3),
        "x afterwards": x,
        "y afterwards": y,
        "the logits": "require grad" if logits.requires_grad else "plain tensors",
    }


@fit.probe(points=2, data=digits)
def repeats_itself_for_the_same_seed(fit, bench):
    """The seed decides every random number: the first weights, and which images a step takes. Trainings in random order of their seeds,
    each compared with the first; and the classes that the first gives to the images it was trained on."""
    x, y, held_out = bench.data
    seed, x, y = bench.size(0, 2**31), x[:100], y[:100]
    with torch.inference_mode():
        first, again, other = (fit(x, y, number) for number in (seed, seed, seed + 1))
        logits = first(held_out[:50])
        return {
            "the classes of the images it learned": bench.predictions(first(x).argmax(-1), 0.5, labels=y),
            **{
                f"the logits after {case}": bench.pair(predict(held_out[:50]), logits, "as at first", "other ones", rtol=1e-3, atol=1e-3)
                for case, predict in {"a second training with the same seed": again, "one with another seed": other}.items()
            },
        }


SHORT = {"600": "150", "lr=0.5": "lr=1"}  # learns as much in a quarter of the time

# fmt: off
fit.mistake("stops_too_early", {"600": "15"}, "You stop after a few steps, while the loss is still falling fast. Take a few hundred steps.")
fit.mistake("steps_too_small", {"lr=0.5": "lr=0.001"}, "Your steps are too small: the network has hardly left its start when you stop. Try a larger learning rate.")
fit.mistake("steps_too_large", {"600": "150", "lr=0.5": "lr=30"},
    "Your steps are too large: each one leaps over the valley, and the network lands anywhere. Try a smaller learning rate.")
fit.mistake("starts_from_zeros", {"600": "150",
    "loss, mean =": "for layer in network.layers[::2]:\n        layer.weight, layer.bias = 0 * layer.weight, 0 * layer.bias\n    loss, mean ="},
    "Your weights start at zero. Then every hidden unit is 0 and its gate closed for good: draw them at random.")
fit.mistake("takes_no_step", {"600": "1", "        network.step(lr=0.5)\n": ""},
    "You find the gradients, but never take a step: the network stays as it was drawn. End each round with network.step.")
fit.mistake("draws_images_and_labels_apart", {**SHORT, "rows = torch.randint(len(x), (64,)": "rows, others = torch.randint(len(x), (2, 64)", "y[rows]": "y[others]"},
    "You draw rows for the images and other rows for the labels, so labels fit by chance alone. One draw for both.")
fit.mistake("forgets_the_activation", {**SHORT, "ReLULayer(), ": ""}, "Nothing stands between your two linear layers, so they are one. Put a ReLU between them.")
fit.mistake("ignores_the_seed", {**SHORT, "manual_seed(seed)": "manual_seed(0)"},
    "You seed with a number of your own: every seed gives the same network. Use the one you are given.")
fit.mistake("draws_from_the_global_generator", {**SHORT, "(64,), generator=generator,": "(64,),"},
    "Somewhere you draw from torch's global generator (randperm, randint or rand without `generator=`): the same seed gives "
    "another network each time. Draw from one that you seed.")
fit.mistake("returns_probabilities", {**SHORT, "(images - mean)": "(images - mean).softmax(1)"},
    "You return softmax's probabilities. Return the logits: cross-entropy takes the softmax itself.")
fit.mistake("returns_classes", {**SHORT, "(images - mean)": "(images - mean).argmax(1)"},
    "You return each image's class. Return the ten logits: whoever asks can take the argmax.", raises=(IndexError, RuntimeError))
fit.mistake("centres_on_the_images_asked_about", {**SHORT, "images - mean": "images - images.mean(0)"},
    "You subtract the mean of the images you are asked about: an answer depends on its neighbours. Use the training images' mean.")
fit.mistake("divides_by_each_pixels_spread", {**SHORT, "x[rows] - mean": "(x[rows] - mean) / x.std(0)", "images - mean": "(images - mean) / x.std(0)"},
    "You divide each pixel by its own spread. Some are never inked, and 0 / 0 is nan: divide all by one number, or by none.")
fit.mistake("centres_the_images_in_place", {**SHORT, "x.mean(0)": "x.mean(0)\n    x -= mean", "x[rows] - mean": "x[rows]"},
    "`x -= ...` changes the caller's images. Write x = x - ..., or x[rows] - mean in each step.")
