"""Task CNNClassifier."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class CNNClassifierReference(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, kernel_size=3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


CNNClassifier = Task(
    "CNNClassifier",
    reference=CNNClassifierReference,
    section="cnn-head",
    hints=(
        "Make the layers in __init__; in forward, print the shape after each step: (B, 64, H, W), then (B, 64, 1, 1), (B, 64).",
        "nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes). In forward: conv, relu, pool, "
        "flatten(1), fc, and nothing after fc.",
    ),
)


@CNNClassifier.probe(points=1)
def holds_conv_pool_and_fc(CNNClassifier, bench):
    """The state_dict's names and shapes with 10 classes, the default, and with 3; what `pool` makes of maps (2, 64, 3, 5)."""
    models = {"CNNClassifier()": CNNClassifier(), "CNNClassifier(num_classes=3)": CNNClassifier(num_classes=3)}
    answers = {
        call: {name: list(value.shape) for name, value in sorted(model.state_dict().items())} for call, model in models.items()
    }
    return {**answers, "pool": models["CNNClassifier()"].pool(bench.randn(2, 64, 3, 5))}


@CNNClassifier.probe(points=2)
def answers_like_torch_with_the_same_weights(CNNClassifier, bench, B=4, num_classes=5, H=6, W=7, dtype=torch.float32):
    """A strict load_state_dict, then pictures (B, 3, H, W): the scores in training mode, and those of other pictures in evaluation mode."""
    shapes = {"conv.weight": (64, 3, 3, 3), "conv.bias": (64,), "fc.weight": (num_classes, 64), "fc.bias": (num_classes,)}
    model = CNNClassifier(num_classes).to(bench.device, dtype)
    model.load_state_dict({name: bench.randn(*shape) / 5 for name, shape in shapes.items()})
    return {"training": model(bench.randn(B, 3, H, W, dtype=dtype)), "evaluation": model.eval()(bench.randn(B, 3, H, W, dtype=dtype))}


@CNNClassifier.probe(points=2)
def takes_pictures_of_any_size(CNNClassifier, bench):
    """Pictures higher than wide, wider than high, of a single pixel, and of 32×32."""
    shapes = {"conv.weight": (64, 3, 3, 3), "conv.bias": (64,), "fc.weight": (5, 64), "fc.bias": (5,)}
    model = CNNClassifier(num_classes=5).to(bench.device, torch.float64)
    model.load_state_dict({name: bench.randn(*shape) / 5 for name, shape in shapes.items()})
    return {f"x {(2, 3, *size)}": model(bench.randn(2, 3, *size, dtype=torch.float64)) for size in [(9, 4), (5, 12), (1, 1), (32, 32)]}


@CNNClassifier.probe(points=1)
def takes_a_batch_of_one(CNNClassifier, bench):
    """One picture (1, 3, 8, 8) in float32 gives (1, num_classes) in float32."""
    num_classes = bench.size(2, 199)
    scores = CNNClassifier(num_classes).to(bench.device)(bench.randn(1, 3, 8, 8))
    return {f"num_classes={num_classes}": [list(scores.shape), str(scores.dtype)]}


@CNNClassifier.probe(points=2)
def gives_the_gradients(CNNClassifier, bench):
    """In float64: the gradients of x and of the four parameters, for a random grad_output."""
    shapes = {"conv.weight": (64, 3, 3, 3), "conv.bias": (64,), "fc.weight": (10, 64), "fc.bias": (10,)}
    model = CNNClassifier().to(bench.device, torch.float64)
    model.load_state_dict({name: bench.randn(*shape) / 5 for name, shape in shapes.items()})
    x = bench.randn(3, 3, 6, 5, dtype=torch.float64).requires_grad_()
    model(x).backward(bench.randn(3, 10, dtype=torch.float64))
    return {"x": x.grad, **{name: value.grad for name, value in sorted(model.named_parameters())}}


@CNNClassifier.impostor("You forget ReLU between the convolution and the pool.")
class forgets_relu(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(self.conv(x)).flatten(1))


@CNNClassifier.impostor("Your ReLU comes after the pool. It goes before: a mean of clipped numbers is not the clipped mean.")
class clips_the_mean(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(F.relu(self.pool(self.conv(x))).flatten(1))


@CNNClassifier.impostor("You pool by the maximum. Asked is the mean: nn.AdaptiveAvgPool2d.")
class pools_the_maximum(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor(
    "Your convolution does not pad: its maps lose a row or column on each side, and a picture of one pixel fails. Pad by 1."
)
class does_not_pad(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor("You end with softmax. A classifier returns logits; nn.CrossEntropyLoss takes the softmax itself.")
class ends_with_softmax(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1)).softmax(-1)


@CNNClassifier.impostor("Your scores go through ReLU: every negative one is cut to zero. After the last Linear nothing follows.")
class clips_the_scores(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return F.relu(self.fc(self.pool(F.relu(self.conv(x))).flatten(1)))


@CNNClassifier.impostor("`squeeze()` drops every dimension of size 1, that of a batch of one included. Use flatten(1).")
class squeezes(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).squeeze())


@CNNClassifier.impostor("You flatten the batch too. Flatten from dimension 1 on: flatten(1).")
class flattens_the_batch(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(F.relu(self.conv(x)))))


@CNNClassifier.impostor("You do not flatten: the Linear meets the last dimension, of size 1, instead of the 64 channels.", raises=RuntimeError)
class does_not_flatten(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))))


@CNNClassifier.impostor("Your head takes the flattened maps of a 32×32 picture, 65,536 numbers. Pool first: the Linear gets 64.")
class flattens_without_the_pool(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.Identity(), nn.Linear(64 * 32 * 32, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor(
    "You pool over windows of 2×2, which leaves a quarter of the pixels. A global pool leaves one: nn.AdaptiveAvgPool2d(1)."
)
class pools_in_windows(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AvgPool2d(2), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor(
    "Your pool has a window of fixed size: right for pictures of that size, wrong for all others. nn.AdaptiveAvgPool2d is told "
    "the size of its output instead.",
    raises=RuntimeError,
)
class pools_one_size_only(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AvgPool2d(32), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor("Your class always has 10 outputs: pass num_classes on to the last Linear.")
class always_has_ten_classes(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor("`super().__init__()` is missing: nn.Module must be set up before the first layer is assigned.", raises=AttributeError)
class forgets_super(nn.Module):
    def __init__(self, num_classes=10):
        self.conv, self.pool, self.fc = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.fc(self.pool(F.relu(self.conv(x))).flatten(1))


@CNNClassifier.impostor(
    "You make the Linear in forward: every call draws new weights, and they are no parameters of the model. Make it in __init__."
)
class makes_the_head_in_forward(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv, self.pool, self.num_classes = nn.Conv2d(3, 64, 3, padding=1), nn.AdaptiveAvgPool2d(1), num_classes

    def forward(self, x):
        features = self.pool(F.relu(self.conv(x))).flatten(1)
        return nn.Linear(64, self.num_classes, device=x.device, dtype=x.dtype)(features)


@CNNClassifier.impostor(
    "Your layers are in an nn.Sequential, so their names are numbers. Make three attributes: conv, pool, fc.",
    raises=(AttributeError, RuntimeError),
)
class numbers_its_layers(nn.Sequential):
    def __init__(self, num_classes=10):
        conv, fc = nn.Conv2d(3, 64, 3, padding=1), nn.Linear(64, num_classes)
        super().__init__(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), fc)
