"""Task shape_trace."""

import torch
from torch import nn

from ...spec import Task


def shape_trace_reference(model, x):
    rows, names = [], {module: name for name, module in model.named_modules()}

    def note(module, inputs, output):
        rows.append((names[module], inputs[0].shape, getattr(getattr(module, "weight", None), "shape", None), output.shape))

    leaves = [module for module in names if not list(module.children())]
    handles = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return rows


shape_trace = Task(
    "shape_trace",
    reference=shape_trace_reference,
    section="mlp-shapes",
    hints=(
        "Register one forward hook on every module that has no children, run the model once, and let the hooks write the rows.",
        "The hook gets (module, inputs, output): inputs is a tuple. getattr(module, 'weight', None) is None where there is none. "
        "Remove every handle in a `finally`.",
    ),
)


@shape_trace.probe(points=1, zero="B")
def lists_the_layers_of_a_sequential(shape_trace, bench, B=4, I=5, O=3):
    """Linear, ReLU, Linear, with a hidden size that changes from run to run."""
    H = bench.size(8, 99)
    return shape_trace(nn.Sequential(nn.Linear(I, H), nn.ReLU(), nn.Linear(H, O)).to(bench.device), bench.randn(B, I))


@shape_trace.probe(points=2)
def follows_the_order_of_running(shape_trace, bench):
    """A model of blocks within blocks, one of a single layer, which runs its layers in another order than it registered them: only leaves, with full names."""

    class Model(nn.Module):
        def __init__(self, I, H, J, O):
            super().__init__()
            self.head = nn.Linear(J, O)
            late, early = nn.Sequential(nn.Linear(H, J), nn.Tanh()), nn.Sequential(nn.Sequential(nn.Linear(I, H)), nn.ReLU())
            self.blocks = nn.ModuleDict({"late": late, "early": early})

        def forward(self, x):
            return self.head(self.blocks["late"](self.blocks["early"](x)))

    I, H, J, O = (bench.size(low, low + 8) for low in (2, 11, 20, 29))
    return shape_trace(Model(I, H, J, O).to(bench.device), bench.randn(4, I))


@shape_trace.probe(points=1)
def lists_what_runs_as_often_as_it_runs(shape_trace, bench):
    """One layer runs several times, one never; the model itself, forward's own steps, is no leaf."""

    class Model(nn.Module):
        def __init__(self, I, O, runs):
            super().__init__()
            self.spare = nn.Linear(I, I)
            self.again = nn.Linear(I, I)
            self.out = nn.Linear(2 * I, O)
            self.runs = runs

        def forward(self, x):
            y = x
            for _ in range(self.runs):
                y = self.again(y).relu()
            return self.out(torch.cat([x, y], dim=-1))

    I, O = bench.size(2, 50), bench.size(51, 99)
    return shape_trace(Model(I, O, bench.size(3, 6)).to(bench.device), bench.randn(4, I))


@shape_trace.probe(points=1)
def knows_other_layers(shape_trace, bench):
    """Weights of other shapes, a LayerNorm whose weight is None, a Flatten; x has four dimensions."""
    C, O, B = bench.size(3, 9), bench.size(10, 99), bench.size(2, 9)
    layers = nn.Conv2d(2, C, 3), nn.ReLU(), nn.Flatten(), nn.LayerNorm(4 * C, elementwise_affine=False), nn.Linear(4 * C, O, bias=False)
    return shape_trace(nn.Sequential(*layers).to(bench.device), bench.randn(B, 2, 4, 4))


@shape_trace.probe(points=1)
def takes_a_model_that_is_one_layer(shape_trace, bench, B=4):
    """An nn.Linear alone is a leaf, and its name is empty; x without a batch, and with two leading dimensions."""
    I, O = bench.size(2, 50), bench.size(51, 99)
    layer = nn.Linear(I, O).to(bench.device)
    return {f"x {(*lead, I)}": shape_trace(layer, bench.randn(*lead, I)) for lead in [(), (2, B)]}


@shape_trace.probe(points=1)
def leaves_the_model_as_it_was(shape_trace, bench):
    """Traced twice, in training mode but for its dropout, with somebody else's hook and a gradient on fc: both traces, and what is left."""

    class Model(nn.Module):
        def __init__(self, I, O):
            super().__init__()
            self.fc, self.drop, self.runs = nn.Linear(I, O), nn.Dropout(), 0

        def forward(self, x):
            self.runs += 1
            return self.drop(self.fc(x))

    I, O = bench.size(2, 50), bench.size(51, 99)
    model = Model(I, O).to(bench.device)
    model.drop.eval()
    model.fc.register_forward_hook(lambda *call: None)
    model.fc.bias.grad = bench.randn(O)
    first, second = shape_trace(model, bench.randn(4, I)), shape_trace(model, bench.randn(2, I))
    return {
        "first trace": first,
        "second trace": second,
        "runs of the model": model.runs,
        "the gradient on fc.bias": "gone" if model.fc.bias.grad is None else model.fc.bias.grad,
        "hooks on the model, where there was one": sum(
            len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()
        ),
        "mode of the model": "training" if model.training else "evaluation",
        "mode of its dropout": "training" if model.drop.training else "evaluation",
    }


@shape_trace.probe(points=1)
def cleans_up_when_the_model_fails(shape_trace, bench):
    """A layer does not fit the one before, in some of the models: the model's own error comes out, no hook is left, and the mode is the same."""
    answers = {}
    for number, inner in enumerate(bench.several([3, 4], 16), 1):
        model, trace = nn.Sequential(nn.Linear(5, 4), nn.Linear(inner, 2)).to(bench.device), []
        caught = bench.catch(lambda: trace.append(shape_trace(model, bench.randn(2, 5))), RuntimeError)
        left = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
        answers[f"{number}. 5 → 4, {inner} → 2"] = {
            "error": caught, "trace": trace, "hooks left": left, "mode": "training" if model.training else "evaluation",
        }
    return answers


# fmt: off
shape_trace.mistake("runs_the_children_in_a_row", {"        model(x)": "        for child in model.children(): x = child(x)"},
    "You feed x through the model's children in a row. That is right for a Sequential only: run the model, and let hooks watch.")
shape_trace.mistake("lists_containers", {"if not list(module.children())": "if True"},
    "You list containers, too: the model and its Sequentials. A leaf is a module without children.")
shape_trace.mistake("lists_only_linears", {"if not list(module.children())": "if isinstance(module, nn.Linear)"},
    "You list only nn.Linear. Every leaf has a row, with or without a weight.")
shape_trace.mistake("looks_at_direct_children_only", {"named_modules": "named_children"},
    "You look only at the model's direct children. Layers inside them are missing: go through named_modules().")
shape_trace.mistake("keeps_the_order_of_making", {"return rows": "return sorted(rows, key=lambda row: list(dict(model.named_modules())).index(row[0]))"},
    "Your rows stand in the order in which layers were registered. Hooks are called as layers run: keep that order.")
shape_trace.mistake("keeps_one_row_a_layer", {"return rows": "return list({row[0]: row for row in rows}.values())"},
    "You keep one row for a name, so a layer that runs three times appears once. Append one at every call.")
shape_trace.mistake("keeps_its_rows_in_a_default", {"(model, x)": "(model, x, rows=[])", "rows, handles = [], []": "handles = []"},
    "Your rows stand in a default argument, which is made once: the rows of earlier calls are still in it. Make a new list in each call.")
shape_trace.mistake("reads_the_loop_variable_late", {"watch(name, leaf)": "watch(leaf)", "watch(name, module)": "watch(module)"},
    "All your rows carry one name: the hook reads the loop's variable when it is called, after the loop has ended. Bind it "
    "early (name=name), or look the name up by module.")
shape_trace.mistake("names_layers_by_their_type", {"append((name": "append((type(leaf).__name__"},
    "You give a layer's type for its name. Its name is its path in the model, as in named_modules().")
shape_trace.mistake("turns_the_weights", {"weight.shape": "weight.transpose(0, 1).shape"},
    "You exchange the weight's sizes. Its shape is that of the stored tensor: (out, in) for nn.Linear.")
shape_trace.mistake("expects_a_weight_everywhere", {'getattr(leaf, "weight", None)': "leaf.weight"},
    "You read `.weight` of every layer, but ReLU has none: its row says None there.", raises=AttributeError)
shape_trace.mistake("trusts_hasattr", {"None if weight is None else tuple(weight.shape)": 'tuple(weight.shape) if hasattr(leaf, "weight") else None'},
    "You ask with hasattr. A LayerNorm without affine has a weight that is None: ask for None as well.", raises=AttributeError)
shape_trace.mistake("leaves_its_hooks", {"handle.remove()": "pass"},
    "Your hooks stay on the model and go on working at every later call. Keep the handles and remove them.")
shape_trace.mistake("leaves_its_hooks_on_failure", {"try:\n        model(x)\n    finally:\n        for": "model(x)\n    for"},
    "If the model fails, your hooks stay: the lines after model(x) never run. Remove them in a `finally`.")
shape_trace.mistake("removes_everybodys_hooks", {"for handle in handles": "for module in model.modules()", "handle.remove()": "module._forward_hooks.clear()"},
    "You empty `_forward_hooks`, and somebody else's hooks go with yours. Keep your handles, and remove those alone.")
shape_trace.mistake("calls_forward", {"model(x)": "model.forward(x)"},
    "A model that is itself a leaf has no row: you leave it out (its name is ''), or call model.forward(x), which skips its hooks.")
shape_trace.mistake("leaves_the_model_in_eval_mode", {"model(x)": "model.eval()(x)"},
    "You switch the model to eval() and leave it so: its dropout is off from then on. Shapes need no eval().")
shape_trace.mistake("gives_every_part_the_models_mode", {"try": "mode = model.training\n    try", "model(x)": "model.eval()(x)", "return": "model.train(mode)\n    return"},
    "You set the mode back for the whole model, but a part can have its own. Shapes need no eval(): leave modes alone.")
