"""Right answers to exercise 07, each by another road."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class ClassifierByMean(nn.Module):
    """The pool as a mean over the last two dimensions, the ReLU as a clamp."""

    class Mean(nn.Module):
        def forward(self, maps):
            return maps.mean(dim=(2, 3), keepdim=True)

    def __init__(self, num_classes=10):
        super().__init__()
        self.fc = nn.Linear(64, num_classes)
        self.conv = nn.Conv2d(3, 64, (3, 3), padding="same")
        self.pool = self.Mean()

    def forward(self, x):
        return self.fc(self.pool(self.conv(x).clamp(min=0))[:, :, 0, 0])


class ClassifierByScoreMaps(nn.Module):
    """The head at every pixel first, the mean of the scores after it: both are linear."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, 1, 1)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        maps = torch.relu(self.conv(x))
        scores = F.conv2d(maps, self.fc.weight[:, :, None, None], self.fc.bias)
        return self.pool(scores).view(len(x), -1)


class ClassifierByPatches(nn.Module):
    """The convolution as a Linear on patches, the pool as a mean over rows."""

    def __init__(self, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1)
        self.pool = lambda maps: maps.flatten(2).mean(-1)[..., None, None]
        self.fc = nn.Linear(in_features=64, out_features=num_classes)

    def forward(self, x):
        patches = F.unfold(x, 3, padding=1).mT
        hidden = F.linear(patches, self.conv.weight.flatten(1), self.conv.bias).relu()
        return hidden.mean(1) @ self.fc.weight.T + self.fc.bias


def head_by_layers(channels, height, width, classes, pooled):
    maps = torch.empty(1, channels, height, width, device="meta")
    features = maps.mean((2, 3)) if pooled else maps.flatten(1)
    return sum(p.numel() for p in nn.Linear(features.shape[-1], classes, device="meta").parameters())


def head_by_one_more_input(channels, height, width, classes, pooled):
    if pooled:
        height = width = 1
    return (math.prod([channels, height, width]) + 1) * classes


def head_class_by_class(channels, height, width, classes, pooled):
    a_class = 1
    a_class += channels if pooled else channels * height * width
    return sum(a_class for _ in range(classes))


def one_by_one_with_cloned_parameters(layer):
    conv = nn.Conv2d(layer.in_features, layer.out_features, kernel_size=(1, 1), bias=False)
    conv.weight = nn.Parameter(layer.weight.detach().clone().reshape(*layer.weight.shape, 1, 1))
    if layer.bias is not None:
        conv.bias = nn.Parameter(layer.bias.detach().clone())
    return conv


def one_by_one_by_state_dict(layer):
    import copy

    out_features, in_features = layer.weight.shape
    conv = nn.Conv2d(in_features, out_features, 1, bias=layer.bias is not None).to(layer.weight)
    state = copy.deepcopy(layer.state_dict())
    state["weight"] = state["weight"].unsqueeze(-1).unsqueeze(-1)
    conv.load_state_dict(state)
    return conv


def one_by_one_from_a_copy(layer):
    """A deep copy of the layer, thawed, gives its parameters away."""
    import copy

    own = copy.deepcopy(layer).requires_grad_()
    conv = nn.Conv2d(layer.in_features, layer.out_features, 1, bias=layer.bias is not None, device="meta")
    conv.weight = nn.Parameter(own.weight.data.view(own.out_features, own.in_features, 1, 1))
    conv.bias = own.bias
    return conv


def conv_by_unfold(x, weight, bias, padding=0):
    O, C, kh, kw = weight.shape
    height, width = x.shape[2] + 2 * padding - kh + 1, x.shape[3] + 2 * padding - kw + 1
    columns = weight.reshape(O, -1) @ F.unfold(x, (kh, kw), padding=padding)
    y = columns.unflatten(-1, (height, width))
    return y if bias is None else y + bias[:, None, None]


def conv_by_tensor_unfold(x, weight, bias, padding=0):
    """Windows as views: Tensor.unfold twice, no number copied before the product."""
    kh, kw = weight.shape[2:]
    windows = F.pad(x, (padding, padding, padding, padding)).unfold(2, kh, 1).unfold(3, kw, 1)
    patches = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
    return F.linear(patches, weight.flatten(1), bias).permute(0, 3, 1, 2)


def conv_shift_by_shift(x, weight, bias, padding=0):
    """One Linear over the channels for each entry of the kernel, added up."""
    kh, kw = weight.shape[2:]
    x = F.pad(x, (padding,) * 4).movedim(1, -1)
    height, width = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = sum(
        F.linear(x[:, i : i + height, j : j + width], weight[:, :, i, j]) for i in range(kh) for j in range(kw)
    )
    return (y if bias is None else y + bias).movedim(-1, 1)


def conv_place_by_place(x, weight, bias, padding=0):
    kh, kw = weight.shape[2:]
    x = F.pad(x, (padding,) * 4)
    y = [
        [torch.einsum("bcij,ocij->bo", x[:, :, i : i + kh, j : j + kw], weight) for j in range(x.shape[3] - kw + 1)]
        for i in range(x.shape[2] - kh + 1)
    ]
    y = torch.stack([torch.stack(row, -1) for row in y], -2)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def head_replaced_then_unfrozen(model, num_classes):
    for value in model.parameters():
        value.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, num_classes).to(model.fc.weight)
    for value in model.fc.parameters():
        value.requires_grad = True
    return model


def head_replaced_before_freezing(model, num_classes):
    old = model.fc.weight
    setattr(model, "fc", nn.Linear(old.shape[1], num_classes, dtype=old.dtype, device=old.device))
    mine = {id(value) for value in model.fc.parameters()}
    for value in model.parameters():
        value.requires_grad_(id(value) in mine)
    return model


def head_made_like_the_old_one(model, num_classes):
    """old.weight.new_empty has its dtype and device; the layer's own reset draws the numbers."""
    head, old = nn.Linear(model.fc.in_features, num_classes, device="meta"), model.fc
    head.weight = nn.Parameter(old.weight.new_empty(num_classes, old.in_features))
    head.bias = nn.Parameter(old.weight.new_empty(num_classes))
    head.reset_parameters()
    for child in model.children():
        child.requires_grad_(False)
    model.fc = head
    return model


def head_drawn_as_kaiming_does(model, num_classes):
    old = model.requires_grad_(False).fc
    model.fc = nn.Linear(old.in_features, num_classes).to(old.weight)
    nn.init.kaiming_normal_(model.fc.weight, nonlinearity="relu")
    nn.init.zeros_(model.fc.bias)
    return model


def head_drawn_small(model, num_classes):
    old = model.requires_grad_(False).fc
    model.fc = nn.Linear(old.in_features, num_classes).to(old.weight)
    nn.init.normal_(model.fc.weight, std=0.01)
    return model


RIGHT = {
    "CNNClassifier": (ClassifierByMean, ClassifierByScoreMaps, ClassifierByPatches),
    "head_parameters": (head_by_layers, head_by_one_more_input, head_class_by_class),
    "linear_as_conv1x1": (one_by_one_with_cloned_parameters, one_by_one_by_state_dict, one_by_one_from_a_copy),
    "conv2d_by_linear": (conv_by_unfold, conv_by_tensor_unfold, conv_shift_by_shift, conv_place_by_place),
    "replace_head": (
        head_replaced_then_unfrozen, head_replaced_before_freezing, head_made_like_the_old_one, head_drawn_as_kaiming_does, head_drawn_small,
    ),
}
