"""Task train_digits."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...digits import digits
from ...spec import Task


def train_digits_reference(x, y, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(Standardise(x), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(x.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(12):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model


class Standardise(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.register_buffer("mean", images.mean(0))
        self.register_buffer("std", images.std())

    def forward(self, x):
        return (x - self.mean) / self.std


train_digits = Task(
    "train_digits",
    reference=train_digits_reference,
    section="mlp-digits",
    forbids=("sklearn.datasets",),
    hints=(
        "Seed first, then make the model, then loop: epochs, in each of them shuffled mini-batches, each a step. Watch the loss.",
        "torch.manual_seed(seed); a Sequential of Standardise(x), 64 → 32, ReLU, 32 → 10; 30 epochs, in each "
        "`for rows in torch.randperm(len(x)).split(64)` and train_step on x[rows], y[rows] with lr=0.2. Return the model.",
    ),
)


@train_digits.probe(points=1, once=True)
def returns_a_model_that_gives_logits(train_digits, bench):
    """Trained on 100 random images: what it returns, and the outputs for some of them and for one."""
    x, y = bench.randn(100, 64).sigmoid(), bench.integers(0, 10, 100)
    model = train_digits(x, y, 0)
    answers = {"what is returned": "an nn.Module" if isinstance(model, nn.Module) else "no nn.Module"}
    for images in (bench.size(2, 49), bench.size(50, 99), 1):
        outputs = model(x[:images])
        sums = outputs.sum(-1)
        answers[f"for {images} image{'s' * (images > 1)}"] = {
            "shape of the outputs": tuple(outputs.shape),
            "dtype of the outputs": str(outputs.dtype),
            "the outputs": bench.pair(sums, torch.ones_like(sums), "probabilities", "logits", atol=1e-3),
        }
    return answers


@train_digits.probe(points=1, once=True)
def leaves_x_and_y_alone_and_answers_the_same_twice(train_digits, bench):
    """x and y after the training; and whether the model, asked twice, says the same (no dropout any more)."""
    x, y = bench.randn(100, 64).sigmoid(), bench.integers(0, 10, 100)
    model = train_digits(x, y, 0)
    images = bench.randn(50, 64).sigmoid()
    return {"x": x, "y": y, "the model, asked twice": bench.pair(model(images), model(images), "the same logits", "other logits")}


@train_digits.probe(points=1, once=True)
def follows_the_seed_and_the_labels(train_digits, bench):
    """Four trainings on 100 random images: one seed twice, from other states of torch's generator; another seed; other labels. Each model is
    compared with the first, when all are trained, in random order."""
    x, y, images = bench.randn(100, 64).sigmoid(), bench.integers(0, 10, 100), bench.randn(20, 64).sigmoid()
    models, cases = [], ["the same seed again", "another seed", "the same seed, other labels"]
    for state, seed, labels in [(1, 5, y), (2, 5, y), (1, 6, y), (1, 5, (y + 1) % 10)]:
        torch.manual_seed(state)
        models.append(train_digits(x.clone(), labels.clone(), seed))
    outputs = [model(images).detach() for model in models]
    pairs = {case: bench.pair(output, outputs[0], "the same model", "another model", rtol=1e-2, atol=1e-2) for case, output in zip(cases, outputs[1:])}
    return {f"{number}. {case}": pairs[case] for number, case in enumerate([*cases, *bench.several(cases, 24)], 1)}


@train_digits.probe(points=1, data=digits)
def fits_the_training_images(train_digits, bench):
    """Trained on the digits: the mean cross-entropy on these same images, given as they are, is below 0.5."""
    x, y, _ = bench.data
    model = train_digits(x.clone(), y.clone(), bench.size(0, 10**6))
    loss = least = float(F.cross_entropy(model(x).float(), y))
    if not loss < 0.5:  # perhaps it is for images that were standardised outside of the model
        ways = [(x - shift) / scale for shift, scale in [(x.mean(0), x.std()), (x.mean(0), x.std(0)), (x.mean(), x.std())]]
        least = min([loss, *(float(F.cross_entropy(model(images).float(), y)) for images in ways)])
    bands = {"below 0.5": 0.5, "between 0.5 and 2": 2, "near log 10, that of guessing": 2.5, "worse than guessing": math.inf}
    return {
        "mean cross-entropy": bench.band(loss, bands),
        "the least for these images, as they are or standardised": bench.band(least, {"below 0.5": 0.5, "not below 0.5": math.inf}),
        "the classes of the images": bench.predictions(model(x).argmax(-1), 0.2, labels=y),  # twice what guessing gets
    }


@train_digits.probe(points=3, data=digits)
def reads_held_out_digits(train_digits, bench):
    """Trained on the digits with a seed of this run: at least 93 % of the held-out digits are read right."""
    x, y, held_out = bench.data
    model = train_digits(x, y, bench.size(0, 10**6))
    return bench.predictions(model(held_out).argmax(-1), at_least=0.93)


SHORT = {"range(30)": "range(8)"}  # enough to learn most

# fmt: off
train_digits.mistake("ignores_the_seed", {**SHORT, "    torch.manual_seed(seed)\n": ""}, "You never use the seed: two runs give two models. Begin with torch.manual_seed(seed).")
train_digits.mistake("seeds_too_late", {**SHORT, "    torch.manual_seed(seed)\n": "", "for epoch": "torch.manual_seed(seed)\n    for epoch"},
    "You seed after the model is made, or only the shuffles: its first weights are drawn already. Seed first.")
train_digits.mistake("takes_one_seed_for_all", {**SHORT, "(seed)": "(0)"},
    "You seed with a number of your own, so every seed gives the same model. Seed with the argument.")
# Not short: its first weights are drawn before anybody seeds, and so it must read the held-out digits whatever they are.
train_digits.mistake("trains_one_model_for_all",
    {"y, seed": "y, seed, model=nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))",
    "nn.Sequential(Standardise(x), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))": "model"},
    "Your model is made once, as a default argument: every call trains the same one further. Make a new model inside the function.")
train_digits.mistake("trains_nothing", {"range(30)": "range(0)"},
    "Your model is returned as it was made: no step was taken. Loop over batches and make a step on each.")
train_digits.mistake("returns_after_one_batch", {"    return model": "            return model"},
    "Your `return` stands inside the loop, so that training ends after one batch. Move it out of both loops.")
train_digits.mistake("never_clears_the_gradients",
    {"train_step(model, x[rows], y[rows], lr=0.2)": "F.cross_entropy(model(x[rows]), y[rows]).backward()\n            for p in model.parameters(): p.data -= 0.2 * p.grad"},
    "You never clear the gradients: each step follows the sum of all since the start. Clear them before backward().")
train_digits.mistake("takes_too_large_steps", {**SHORT, "lr=0.2": "lr=100"},
    "Your learning rate is far too large: the loss has become nan, and so has every weight. Try a hundredth of it.")
train_digits.mistake("takes_too_small_steps", {"lr=0.2": "lr=0.005"},
    "Your steps are too small, or too few: when you stop, the loss is still falling. Take more epochs, or a larger learning rate.")
train_digits.mistake("ends_in_softmax", {**SHORT, "nn.Linear(32, 10)": "nn.Linear(32, 10), nn.Softmax(-1)"},
    "Your model ends in a softmax, and cross-entropy takes another. Return a model that gives logits.")
train_digits.mistake("returns_a_model_of_classes", {**SHORT, "return": "model.register_forward_hook(lambda module, inputs, logits: logits.argmax(-1))\n    return"},
    "Your model returns class numbers. It is to return ten logits for each image; its user takes the argmax.")
train_digits.mistake("returns_the_losses_too", {**SHORT, "return model": "return model, []"},
    "You return something else beside the model. Return the model alone.", raises=TypeError)
train_digits.mistake("scales_x_in_place", {**SHORT, "Standardise(x), ": "", "for epoch": "x -= x.mean(0)\n    for epoch"},
    "You change the caller's x in place (`x -= ...`). Make a new tensor, and let the model itself do the scaling.")
train_digits.mistake("scales_only_for_training", {**SHORT, "Standardise(x), ": "", "for epoch": "x = (x - x.mean(0)) / x.std()\n    for epoch"},
    "You scale x before training, but the model that you return gets images as they are. Let it scale them itself.")
train_digits.mistake("divides_by_each_pixels_spread", {**SHORT, "for epoch": "model[0].std = x.std(0)\n    for epoch"},
    "You divide each pixel by its own spread. Some pixels are never inked: 0 / 0 is nan. Divide all by one number, images.std().")
train_digits.mistake("shuffles_x_and_y_apart", {"for epoch": "y = y[torch.randperm(len(y))]\n    for epoch"},
    "You shuffle images and labels each in an order of its own, so that no image has its label. Use one order for both.")
train_digits.mistake("leaves_dropout_on", {**SHORT, "nn.ReLU()": "nn.ReLU(), nn.Dropout(0.2)"},
    "Your model still drops units at random when it is used. Call model.eval() before you return it.")
