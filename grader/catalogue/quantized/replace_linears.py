"""Task replace_linears."""

import torch
from torch import nn

from ...spec import Task


def replace_linears_reference(model, make):
    if isinstance(model, nn.Linear):
        return make(model)
    made = {}
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if isinstance(child, nn.Linear):
                made[child] = made.get(child) or make(child)
                parent._modules[name] = made[child]
    return model


replace_linears = Task(
    "replace_linears",
    reference=replace_linears_reference,
    section="quantized-replace",
    hints=(
        "Who holds a layer: which module, and under which name? Make the list of all places before you change one, and think of a layer that stands in two.",
        "list(model.named_modules(remove_duplicate=False)) has every place. path.rpartition(\".\") splits off the name, model.get_submodule(parent) finds who holds it, setattr "
        "puts the new one there. A dict remembers what was made of which Linear.",
    ),
)


@replace_linears.probe(points=1)
def replaces_every_linear(replace_linears, bench, I=4, O=3):
    """A network of blocks in blocks, in a list and in a dict. make puts the Linear into a module of another class: the model's modules in their order, and its output."""

    class Twice(nn.Module):
        def __init__(self, linear):
            super().__init__()
            self.linear = linear

        def forward(self, x):
            return 2 * self.linear(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(I, O)
            self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(O, O), nn.Tanh(), nn.Sequential(nn.Linear(O, O, bias=False))), nn.Linear(O, O)])
            self.norm, self.heads = nn.LayerNorm(O), nn.ModuleDict({"a": nn.Linear(O, 2), "b": nn.Sequential(nn.Linear(O, 2))})

        def forward(self, x):
            x = self.norm(self.blocks[1](self.blocks[0](self.first(x))))
            return self.heads["a"](x) + self.heads["b"](x)

    model = Net().to(bench.device)
    for parameter in model.parameters():
        parameter.data.copy_(bench.randn(*parameter.shape))
    model = replace_linears(model, Twice)
    return {"modules": [f"{name}: {type(module).__name__}" for name, module in model.named_modules()], "output": model(bench.randn(2, I)).detach()}


@replace_linears.probe(points=1)
def changes_the_model_that_it_is_given(replace_linears, bench):
    """The model that comes back is the given one: what is written into its new layers stands there. Its other layers keep their numbers and their mode, and make is
    given the old layers, as they were. In float64."""
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Sequential(nn.ReLU(), nn.Linear(6, 3))).to(bench.device, torch.float64)
    model[1].eval()
    for tensor in model.state_dict().values():
        tensor.copy_(bench.randn(*tensor.shape).abs())
    seen = []

    def make(linear):
        seen.append((linear.weight.detach().clone(), linear.training))
        return nn.Linear(linear.in_features, linear.out_features, device=linear.weight.device, dtype=linear.weight.dtype)

    new = replace_linears(model, make)
    seen.sort(key=lambda it: len(it[0]))
    for parameter in new.parameters():
        parameter.data.copy_(bench.randn(*parameter.shape))
    modes = {name: module.training for name, module in model[1:2].named_modules()}
    return {"what make was given": seen, "what the given model then holds": dict(model.state_dict()), "modes": modes}


@replace_linears.probe(points=2)
def keeps_shared_layers_shared(replace_linears, bench):
    """One Linear twice in a row, and again in a block, which itself stands in two places: how often make is called, and what the places hold after one of them is changed."""
    shared, other, size = nn.Linear(3, 3), nn.Linear(3, 3), bench.size(2, 5)
    block = nn.Sequential(nn.Tanh(), shared, other)
    model = nn.Sequential(shared, nn.ReLU(), shared, block, *(nn.Sequential(nn.Linear(3, 3)) for _ in range(size)), block).to(bench.device)
    for parameter in model.parameters():
        parameter.data.copy_(bench.randn(*parameter.shape))
    made = []

    def make(linear):
        new = nn.Linear(3, 3, device=linear.weight.device)
        new.weight.data.copy_(2 * linear.weight.data)
        new.bias.data.copy_(-linear.bias.data)
        made.append(1)
        return new

    model = replace_linears(model, make)
    before = model(bench.randn(2, 3)).detach()
    model[0].weight.data.copy_(bench.randn(3, 3))
    model[3][2].weight.data.copy_(bench.randn(3, 3))
    places = [model[0], model[2], model[3][1], model[-1][1], model[3][2], model[-1][2]]
    return {"calls of make": len(made), "output": before, "weights after two are changed": [place.weight.detach() for place in places]}


@replace_linears.probe(points=1)
def knows_what_is_a_linear(replace_linears, bench):
    """A layer of a class that inherits from nn.Linear, in nn.MultiheadAttention and by itself; layers that only look like one;
    a model that is itself a Linear, in float32; one without any. The others in float64."""

    class Mine(nn.Linear):
        pass

    size = 2 * bench.size(1, 4)

    def make(linear):
        new = nn.Linear(linear.in_features, linear.out_features, device=linear.weight.device, dtype=linear.weight.dtype)
        new.weight.data.copy_(3 * linear.weight.data)
        new.bias.data.copy_(linear.bias.data)
        return new

    models = {
        "nn.TransformerEncoderLayer": nn.TransformerEncoderLayer(size, 2, 3),
        "a class of its own": nn.Sequential(Mine(size, 2), nn.Conv1d(2, 2, 1), nn.Embedding(3, 2), nn.Bilinear(2, 2, 2)),
        "nn.Linear alone": nn.Linear(size, 3),
        "one of a class of its own alone": Mine(size, 3),
        "no Linear": nn.Sequential(nn.Conv1d(size, 2, 1), nn.LayerNorm(2)),
    }
    answers = {}
    for case in bench.several(models):
        model = models[case].to(bench.device, torch.float32 if case == "nn.Linear alone" else torch.float64)
        for parameter in model.parameters():
            parameter.data.copy_(bench.randn(*parameter.shape))
        new = replace_linears(model, make)
        answers[case] = {"modules": [f"{name}: {type(module).__name__}" for name, module in new.named_modules()], "parameters": dict(new.state_dict())}
    return answers


@replace_linears.impostor(
    "named_children shows a layer that one module holds under two names once: the second keeps the old one. named_modules(remove_duplicate=False) shows every place."
)
def asks_modules_for_their_children(model, make):
    if isinstance(model, nn.Linear):
        return make(model)
    made = {}
    for holder, name, child in [(holder, name, child) for holder in model.modules() for name, child in holder.named_children()]:
        if isinstance(child, nn.Linear):
            made[child] = made.get(child) or make(child)
            setattr(holder, name, made[child])
    return model


# fmt: off
replace_linears.mistake("looks_at_its_own_children_only", {"model.named_modules(remove_duplicate=False)": "model.named_children()"},
    "You replace the model's own children only. Blocks have children, too: named_modules finds all.")
replace_linears.mistake("sees_each_layer_in_one_place", {"remove_duplicate=False": ""},
    "named_modules, named_children and modules show a layer that stands in several places once. The others keep the old one: remove_duplicate=False shows every place.")
replace_linears.mistake("makes_one_for_each_place", {"if module not in made:\n                made[module] = make(module)": "made[module] = make(module)"},
    "You make a new layer for each place. What was one layer in two places has to stay one: remember what was made of it.")
replace_linears.mistake("asks_for_the_exact_class", {"if isinstance(module, nn.Linear)": "if type(module) is nn.Linear"},
    "You take layers whose type is exactly nn.Linear. A class that inherits from it, as out_proj of nn.MultiheadAttention has, is one: isinstance.")
replace_linears.mistake("takes_everything_with_a_weight", {"if isinstance(module, nn.Linear)": 'if isinstance(getattr(module, "weight", None), nn.Parameter)'},
    "You replace whatever has a weight: convolutions, embeddings and norms, too. Asked is every nn.Linear.", raises=AttributeError)
replace_linears.mistake("forgets_the_model_itself", {"if isinstance(model, nn.Linear)": "if False"},
    "Where the model is itself a Linear, no module holds it. Return the new one.")
replace_linears.mistake("works_on_a_copy", {"made = {}": "import copy\n    model, made = copy.deepcopy(model), {}"},
    "You change a copy. The given model is changed in place, and returned.")
replace_linears.mistake("returns_nothing", {"return model": "return None"}, "You return nothing. Return the model.", raises=(AttributeError, TypeError))
replace_linears.mistake("puts_nothing_in", {"setattr(model.get_submodule(parent), name, made[module])": "module = made[module]"},
    "You assign the new layer to a variable. It has to be put where the old one stands: setattr(parent, name, new).")
replace_linears.mistake("puts_the_new_one_at_the_end", {"setattr(": "delattr(model.get_submodule(parent), name)\n            setattr("},
    "You take the old layer out before you put the new one in, which so comes last. Assign it under the old name: it takes the place.")
replace_linears.mistake("gives_make_a_new_layer", {"= make(module)": "= make(nn.Linear(module.in_features, module.out_features, device=module.weight.device))"},
    "You give make a new Linear, which has nothing of the old one but its sizes. Give it the old one.")
replace_linears.mistake("changes_the_old_layers_mode", {"= make(module)": "= make(module.eval())"}, "You put the old layer into evaluation mode. Give it to make as it is.")
replace_linears.mistake("changes_the_mode", {"return model": "return model.eval()"}, "You put the model into evaluation mode. Its other layers stay as they were.")


@replace_linears.impostor("You walk into what make has made, and replace the Linear in it, too. Make the list of all modules before you change one.", raises=RecursionError)
def walks_into_what_it_made(model, make):
    if isinstance(model, nn.Linear):
        return make(model)
    made = {}
    for parent in model.modules():
        for name, child in parent._modules.items():
            if isinstance(child, nn.Linear):
                if child not in made:
                    made[child] = make(child)
                parent._modules[name] = made[child]
    return model
