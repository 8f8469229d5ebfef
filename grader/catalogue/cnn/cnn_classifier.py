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


# fmt: off
CNNClassifier.mistake("forgets_relu", {"F.relu(self.conv(x))": "self.conv(x)"}, "You forget ReLU between the convolution and the pool.")
CNNClassifier.mistake("clips_the_mean", {"F.relu(self.conv(x))": "self.conv(x)", "self.pool(maps)": "F.relu(self.pool(maps))"},
    "Your ReLU comes after the pool. It goes before: a mean of clipped numbers is not the clipped mean.")
CNNClassifier.mistake("pools_the_maximum", {"AdaptiveAvgPool2d": "AdaptiveMaxPool2d"}, "You pool by the maximum. Asked is the mean: nn.AdaptiveAvgPool2d.")
CNNClassifier.mistake("does_not_pad", {", padding=1": ""},
    "Your convolution does not pad: its maps lose a row or column on each side, and a picture of one pixel fails. Pad by 1.")
CNNClassifier.mistake("ends_with_softmax", {"self.fc(features)": "self.fc(features).softmax(-1)"},
    "You end with softmax. A classifier returns logits; nn.CrossEntropyLoss takes the softmax itself.")
CNNClassifier.mistake("clips_the_scores", {"self.fc(features)": "F.relu(self.fc(features))"},
    "Your scores go through ReLU: every negative one is cut to zero. After the last Linear nothing follows.")
CNNClassifier.mistake("squeezes", {"flatten(1)": "squeeze()"}, "`squeeze()` drops every dimension of size 1, that of a batch of one included. Use flatten(1).")
CNNClassifier.mistake("flattens_the_batch", {"flatten(1)": "flatten()"}, "You flatten the batch too. Flatten from dimension 1 on: flatten(1).")
CNNClassifier.mistake("does_not_flatten", {".flatten(1)": ""},
    "You do not flatten: the Linear meets the last dimension, of size 1, instead of the 64 channels.", raises=RuntimeError)
CNNClassifier.mistake("flattens_without_the_pool", {"nn.AdaptiveAvgPool2d(1)": "nn.Identity()", "nn.Linear(64,": "nn.Linear(64 * 32 * 32,"},
    "Your head takes the flattened maps of a 32×32 picture, 65,536 numbers. Pool first: the Linear gets 64.")
CNNClassifier.mistake("pools_in_windows", {"AdaptiveAvgPool2d(1)": "AvgPool2d(2)"},
    "You pool over windows of 2×2, which leaves a quarter of the pixels. A global pool leaves one: nn.AdaptiveAvgPool2d(1).")
CNNClassifier.mistake("pools_one_size_only", {"AdaptiveAvgPool2d(1)": "AvgPool2d(32)"},
    "Your pool has a window of fixed size: right for pictures of that size, wrong for all others. "
    "nn.AdaptiveAvgPool2d is told the size of its output instead.", raises=RuntimeError)
CNNClassifier.mistake("always_has_ten_classes", {"64, num_classes": "64, 10"}, "Your class always has 10 outputs: pass num_classes on to the last Linear.")
CNNClassifier.mistake("forgets_super", {"super().__init__()\n        ": ""},
    "`super().__init__()` is missing: nn.Module must be set up before the first layer is assigned.", raises=AttributeError)
CNNClassifier.mistake("makes_the_head_in_forward", {"self.fc = nn.Linear(64, num_classes)": "self.num_classes = num_classes",
    "self.fc(features)": "nn.Linear(64, self.num_classes, device=x.device, dtype=x.dtype)(features)"},
    "You make the Linear in forward: every call draws new weights, and they are no parameters of the model. Make it in __init__.")
CNNClassifier.mistake("ends_with_log_softmax", {"self.fc(features)": "self.fc(features).log_softmax(-1)"},
    "You end with log_softmax. A classifier returns logits; nn.CrossEntropyLoss takes the log-softmax itself.")
CNNClassifier.mistake("has_another_default", {"num_classes=10": "num_classes=1000"},
    "Without an argument your class has 1000 classes. The default is 10: num_classes=10.")
CNNClassifier.mistake("keeps_the_convolution_on_the_class", {"self.conv = nn.Conv2d(3, 64, kernel_size=3, padding=1)\n        ": "",
    "    def __init__": "    conv = nn.Conv2d(3, 64, kernel_size=3, padding=1)\n\n    def __init__"},
    "You make the convolution in the body of the class: all models share it, and it is a parameter of none. Assign it to self in __init__.")


@CNNClassifier.impostor("Your layers are in an nn.Sequential, so their names are numbers. Make three attributes: conv, pool, fc.", raises=(AttributeError, RuntimeError))
class numbers_its_layers(nn.Sequential):
    def __init__(self, num_classes=10):
        super().__init__(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes))
