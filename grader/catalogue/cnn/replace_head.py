"""Task replace_head."""

import math

import torch
from torch import nn

from ...spec import Task


def replace_head_reference(model, num_classes):
    old = model.fc
    model.requires_grad_(False)
    model.fc = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
    return model


replace_head = Task(
    "replace_head",
    reference=replace_head_reference,
    section="cnn-replace",
    hints=(
        "Freeze, then replace: a new layer learns, as every new layer does. In the other order you would freeze it, too.",
        "model.requires_grad_(False) freezes all parameters. Then model.fc = nn.Linear(in_features of the old one, num_classes, "
        "device=, dtype= of the old weight), and return the model.",
    ),
)


@replace_head.probe(points=1)
def puts_a_new_linear_in_place(replace_head, bench, I=4, num_classes=5):
    """The model that was given comes back; its fc is a new nn.Linear of the right sizes, with a bias even where the old head
    has none. What is put into the returned model stands in the one that was given, and not in the old head."""
    answers = {}
    for case, bias in {"old head with a bias": True, "old head without a bias": False}.items():
        model = nn.Sequential()
        model.conv, model.act, model.flat, model.fc = nn.Conv2d(2, I, 4), nn.ReLU(), nn.Flatten(), nn.Linear(I, 10, bias=bias)
        old = model.to(bench.device).fc
        old.weight.data.copy_(bench.randn(10, I))
        new = replace_head(model, num_classes)
        answers[case] = {
            "its fc": "an nn.Linear" if isinstance(new.fc, nn.Linear) else f"a {type(new.fc).__name__}",
            "its sizes": f"{getattr(new.fc, 'in_features', '?')} → {getattr(new.fc, 'out_features', '?')}",
            "parameters": {name: list(value.shape) for name, value in sorted(new.state_dict().items())},
            "scores": list(new(bench.randn(3, 2, 4, 4)).shape),
        }
        new.fc.weight.data[:1] = bench.randn(1, new.fc.weight.shape[1])
        new.register_buffer("mark", bench.randn(3))
        answers[case] |= {"what the given model then holds": [list(model.buffers()), model.fc.weight[:1]], "the old head's weight": old.weight}
    return answers


@replace_head.probe(points=2)
def only_the_new_head_learns(replace_head, bench):
    """Which parameters require gradients: of a small network, of one with a batch norm and a layer named fc_in, of one
    frozen before; each of random sizes."""
    plain, named, frozen = nn.Sequential(), nn.Sequential(), nn.Sequential()
    hidden, classes = bench.size(2, 99), bench.size(2, 99)
    plain.conv, plain.act, plain.flat, plain.fc = nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 10)
    named.conv, named.bn, named.flat = nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.Flatten()
    named.fc_in, named.fc = nn.Linear(24, hidden), nn.Linear(hidden, 10)
    frozen.features, frozen.fc = nn.Linear(4, hidden), nn.Linear(hidden, 10)
    frozen.requires_grad_(False)
    models = {"a small network": plain, "with fc_in": named, "frozen before": frozen}
    return {
        case: {
            name: f"{tuple(value.shape)} {'learns' if value.requires_grad else 'frozen'}"
            for name, value in sorted(replace_head(model.to(bench.device), classes).named_parameters())
        }
        for case, model in models.items()
    }


@replace_head.probe(points=1)
def leaves_the_rest_as_it_was(replace_head, bench):
    """The model and its other layers stay in training mode or in evaluation mode, each as it was (the new head's own mode does
    not matter); the other parameters and buffers keep their values, and the features are the same."""
    answers = {}
    for case in ("all in training mode", "all in evaluation mode", "only the batch norm in evaluation mode"):
        model = nn.Sequential()
        model.conv, model.bn, model.flat, model.fc = nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(24, 10)
        state = {name: bench.randn(*value.shape).abs() for name, value in model.state_dict().items()}
        model.to(bench.device, torch.float64).load_state_dict(state)
        model.train(case != "all in evaluation mode").bn.train(case == "all in training mode")
        model = replace_head(model, 7)
        modes = {name or "the model itself": part.training for name, part in model.named_modules() if not name.startswith("fc")}
        answers[case] = {
            **{name: "in training mode" if training else "in evaluation mode" for name, training in modes.items()},
            "values": {name: value.clone() for name, value in model.state_dict().items() if not name.startswith("fc.")},
            "features": model[:-1](bench.randn(3, 2, 4, 4, dtype=torch.float64)),
        }
    return answers


@replace_head.probe(points=1)
def starts_from_fresh_weights(replace_head, bench):
    """The new head's weights are drawn, whatever their distribution: they are not all alike, nor as large as the old head's, and another
    new head has other ones."""
    model, classes, spreads = nn.Sequential(), bench.size(100, 290), {"all alike": 1e-6, "freshly drawn": 3, "as large as in the old head": math.inf}
    model.features, model.fc = nn.Linear(4, 64), nn.Linear(64, 300)
    model.to(bench.device).load_state_dict({name: 9 * bench.randn(*value.shape) for name, value in model.state_dict().items()})
    first = replace_head(model, classes).fc.weight.detach().clone()
    second = replace_head(model, classes).fc.weight
    return {
        "shape": list(first.shape), "the spread of its weights": bench.band(first.std(), spreads),
        "the next new head's weights": bench.pair(second, first, "the same", "others"), "the weight before it": model.features.weight,
    }  # fmt: skip


@replace_head.probe(points=1)
def keeps_dtype_and_device(replace_head, bench):
    """Models in float64 and bfloat16, and one on the device "meta", which has shapes and no numbers: the new head is of
    the same kind, and of the right size."""
    kinds = {"float64": {"dtype": torch.float64}, "bfloat16": {"dtype": torch.bfloat16}, "on meta": {"device": "meta"}}
    answers = {}
    for case, kind in kinds.items():
        model, classes = nn.Sequential(), bench.size(2, 99)
        model.features, model.fc = nn.Linear(4, 8), nn.Linear(8, 10)
        fc = replace_head(model.to(bench.device).to(**kind), classes).fc
        answers[case] = {
            "weight": [str(fc.weight.dtype), fc.weight.device.type], "bias": [str(fc.bias.dtype), fc.bias.device.type, list(fc.bias.shape)],
        }
    return answers


@replace_head.probe(points=1)
def one_step_of_sgd_moves_nothing_but_the_head(replace_head, bench):
    """After a backward pass: who has a gradient. After one step of SGD on all parameters: how far each has moved, in float64."""
    model = nn.Sequential()
    model.conv, model.act, model.flat, model.fc = nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 10)
    model.to(bench.device, torch.float64).load_state_dict(
        {name: bench.randn(*value.shape, dtype=torch.float64) for name, value in model.state_dict().items()}
    )
    model = replace_head(model, 7)
    model.fc.load_state_dict({"weight": bench.randn(7, 24), "bias": bench.randn(7)})
    before = {name: value.detach().clone() for name, value in sorted(model.named_parameters())}
    model(bench.randn(5, 2, 4, 4, dtype=torch.float64)).backward(bench.randn(5, 7, dtype=torch.float64))
    learned = [value for value in model.parameters() if value.grad is not None]
    torch.optim.SGD(learned, lr=1.0).step()
    after = dict(model.named_parameters())
    return {
        name: {"gradient": "none" if after[name].grad is None else "computed", "step": after[name] - before[name]}
        for name in before
    }


# fmt: off
replace_head.mistake("freezes_nothing", {"model.requires_grad_(False)\n    ": ""},
    "You replace the head and freeze nothing. Note that `module.requires_grad = False` only sets an attribute that nobody reads: "
    "a module is frozen by module.requires_grad_(False), or parameter by parameter.")
replace_head.mistake("freezes_the_new_head", {"model.requires_grad_(False)\n    ": "", "return model": "return model.requires_grad_(False)"},
    "You freeze everything after replacing the head, so the new head is frozen, too. Freeze first.")
replace_head.mistake("takes_eval_for_freezing", {"requires_grad_(False)": "eval()"},
    "eval() freezes nothing: it changes how dropout and batch norm behave. Gradients are switched off by requires_grad_(False).")
replace_head.mistake("also_calls_eval", {"requires_grad_(False)": "requires_grad_(False).eval()"},
    "You put the model in evaluation mode besides freezing it. That was not asked: the mode stays as it was.")
replace_head.mistake("also_calls_train", {"requires_grad_(False)": "requires_grad_(False).train()"},
    "You put the model in training mode. That was not asked: each part stays in the mode it was in.")
replace_head.mistake("freezes_only_conv", {"model.requires_grad_(False)": "for name, p in model.named_parameters():\n        p.requires_grad &= not name.startswith('conv')"},
    "You freeze the rest by the name `conv`. A model may call its layers anything: freeze all parameters, then put the head in.")
replace_head.mistake("spares_by_name", {"model.requires_grad_(False)": "for name, p in model.named_parameters():\n        p.requires_grad = 'fc' in name"},
    "You spare every parameter whose name contains `fc`, so a layer called fc_in goes on learning. Only model.fc may.")
replace_head.mistake("freezes_only_weights", {"model.requires_grad_(False)": "for name, p in model.named_parameters():\n        p.requires_grad &= not name.endswith('weight')"},
    "You freeze the weights and let the biases go on learning. Frozen is every parameter but the new head's.")
replace_head.mistake("changes_only_the_number", {"model.fc = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)":
    "old.requires_grad_().out_features = num_classes"},
    "You only write another number into out_features. It describes the weight and does not reshape it: make a new nn.Linear.")
replace_head.mistake("appends_a_layer", {"nn.Linear(old.in_features": "nn.Sequential(old, nn.Linear(old.out_features", "weight.dtype)": "weight.dtype))"},
    "You put a second Linear behind the old head. The new one takes its place, with the old one's in_features.")
replace_head.mistake("takes_the_old_outputs", {"in_features": "out_features"},
    "Your new head takes as many inputs as the old one had outputs. It takes what the old one took: in_features.")
replace_head.mistake("keeps_the_old_rows", {"return model": "model.fc.weight.data = old.weight.data[:num_classes].clone()\n    return model"},
    "You copy rows of the old head's weight into the new one. They stand for the old classes: leave the new weights as drawn.")
replace_head.mistake("copies_the_lack_of_a_bias", {"num_classes,": "num_classes, bias=old.bias is not None,"},
    "Your new head has a bias only where the old one has one. The new one always has a bias.")
replace_head.mistake("asks_the_bias_for_its_device", {"old.weight.device, dtype=old.weight.dtype": "old.bias.device, dtype=old.bias.dtype"},
    "You read device and dtype from the old head's bias, which is None where it has none. Read them from its weight.", raises=AttributeError)
replace_head.mistake("returns_nothing", {"\n    return model": ""}, "You return nothing. Return the model.", raises=AttributeError)
replace_head.mistake("returns_the_head", {"return model": "return model.fc"}, "You return the new head. Asked is the model with the head in it.")
replace_head.mistake("is_always_float32", {", dtype=old.weight.dtype": ""}, "Your new head is always float32. Make it with dtype=model.fc.weight.dtype.")
replace_head.mistake("is_always_on_the_cpu", {"device=old.weight.device, ": ""},
    "Your new head is made on the CPU wherever the model is. Make it with device=model.fc.weight.device.")
replace_head.mistake("ignores_dtype_and_device", {", device=old.weight.device, dtype=old.weight.dtype": ""},
    "Your new head is always float32 and on the CPU. Make it in the dtype and on the device of the old head's weight.")
replace_head.mistake("changes_a_copy", {"old = model.fc": "import copy\n    model = copy.deepcopy(model)\n    old = model.fc"},
    "You change a copy and return it. The model that was given is to get the new head.")
replace_head.mistake("ends_with_log_softmax", {"nn.Linear(old": "nn.Sequential(nn.Linear(old", "weight.dtype)": "weight.dtype), nn.LogSoftmax(-1))"},
    "You put a log-softmax behind the new head. A head is an nn.Linear and gives logits; nn.CrossEntropyLoss takes the log-softmax itself.")
