"""Task Linear: what is asked. Its known mistakes stand in linear_wrong."""

import torch
from torch import nn

from ...spec import Task
from .shared import TORCH_LINEAR

Linear = Task(
    "Linear",
    reference=nn.Linear,
    section="source-module",
    forbids=TORCH_LINEAR,
    hints=(
        "Read nn.Linear.__init__ and reset_parameters in the chapter: what is made, with which device and dtype, what is drawn "
        "first, and what stands in the bias's place when there is none?",
        "Make each parameter with torch.empty(..., device=device, dtype=dtype) in nn.Parameter; register None for a missing "
        "bias; call reset_parameters, which draws the weight (kaiming_uniform_, a=√5), then the bias (from ±1/√in_features, "
        "±0 for 0 inputs). forward looks self.weight and self.bias up each time and can call your flat_linear.",
    ),
)


@Linear.probe(points=1)
def is_built_alike(Linear, bench):
    """The constructor, by position and by keyword, with random sizes: attributes, parameters in their order, repr."""
    I, O = bench.size(2, 99), bench.size(100, 199)
    layers = {
        f"Linear({I}, {O})": Linear(I, O),
        f"Linear({O}, {I}, False)": Linear(O, I, False),
        f"Linear(in_features={I}, out_features={I}, bias=True)": Linear(in_features=I, out_features=I, bias=True),
        f"Linear(out_features=1, in_features={O}, bias=False)": Linear(out_features=1, in_features=O, bias=False),
    }
    answers = {}
    for call, layer in layers.items():
        answers[call] = {
            "an nn.Module": "yes" if isinstance(layer, nn.Module) else "no",
            "inherits from nn.Linear": "yes" if nn.Linear in type(layer).__mro__[1:] else "no",
            "in_features": layer.in_features,
            "out_features": layer.out_features,
            "shapes of the parameters": {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()},
            "they learn": [parameter.requires_grad for parameter in layer.parameters()],
            "they are leaves": [parameter.is_leaf for parameter in layer.parameters()],
            "buffers": [name for name, _ in layer.named_buffers()],
            "layer.bias": "None" if layer.bias is None else "a tensor",
            "repr": repr(layer).replace(type(layer).__name__, "Linear"),
        }
    return answers


@Linear.probe(points=1)
def makes_its_parameters_where_asked(Linear, bench):
    """device and dtype as given, and torch's own defaults where none is given; random sizes."""
    I, O = bench.size(2, 99), bench.size(2, 99)

    def kinds(layer):
        return {name: f"{tuple(parameter.shape)} {parameter.dtype} on {parameter.device.type}" for name, parameter in layer.named_parameters()}

    answers = {f"Linear({I}, {O})": kinds(Linear(I, O))}
    for dtype in bench.several([torch.float64, torch.bfloat16, torch.complex64]):
        answers[f"dtype={dtype}"] = kinds(Linear(I, O, device=bench.device, dtype=dtype))
    answers[f'Linear({I}, {O}, True, "meta", torch.float64)'] = kinds(Linear(I, O, True, "meta", torch.float64))
    with torch.device("meta"):
        answers['with torch.device("meta")'] = kinds(Linear(I, O))
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        answers["after torch.set_default_dtype(torch.float64)"] = kinds(Linear(I, O))
    finally:
        torch.set_default_dtype(usual)
    return answers


@Linear.probe(points=1)
def draws_the_same_numbers(Linear, bench):
    """After the same torch.manual_seed: weight, bias, the stream's next numbers; then once more by reset_parameters(), which fills the same
    parameters."""
    answers = {}
    for I, O, bias in [(4, 3, True), (4, 3, False), (6, 6, True), (1, 5, True), (bench.size(100, 500), bench.size(2, 9), True)]:
        torch.manual_seed(bench.size(0, 10**9))
        layer = Linear(I, O, bias=bias, device=bench.device)
        first = [parameter.detach().clone() for parameter in layer.parameters()]
        following, held = torch.rand(3, device=bench.device), list(layer.parameters())
        layer.reset_parameters()
        answers[f"Linear({I}, {O}, bias={bias})"] = {
            "weight, bias": first,
            "the stream's next numbers": following,
            "after reset_parameters()": [parameter.detach().clone() for parameter in layer.parameters()],
            "the parameters from before it": held,
        }
    return answers


@Linear.probe(points=1, zero="B")
def computes_the_layer(Linear, bench, B=4, I=5, O=3):
    """y = x Wᵀ + b for x without leading dimensions, with one, with several; whatever the sizes."""
    layer = Linear(I, O, device=bench.device)
    layer.weight.data.copy_(bench.randn(O, I))
    layer.bias.data.copy_(bench.randn(O))
    return {f"x {shape}": layer(bench.randn(*shape)) for shape in [(B, I), (I,), (2, B, I), (2, 1, B, I)]}


@Linear.probe(points=1)
def takes_x_in_any_layout_and_leaves_it_alone(Linear, bench):
    """x transposed, permuted, with gaps, repeated by expand: the right y."""
    layer = Linear(5, 3, device=bench.device)
    layer.weight.data.copy_(bench.randn(3, 5))
    layer.bias.data.copy_(bench.randn(3))
    inputs = {
        "x (5,)": bench.randn(5),
        "x (2, 4, 5)": bench.randn(2, 4, 5),
        "x (5, 4) transposed": bench.randn(5, 4).T,
        "images (2, 5, 3, 4) permuted to (2, 3, 4, 5)": bench.randn(2, 5, 3, 4).permute(0, 2, 3, 1),
        "every other feature of (2, 4, 10)": bench.randn(2, 4, 10)[..., ::2],
        "one row, expanded to (2, 4, 5)": bench.randn(5).expand(2, 4, 5),
    }
    return {name: layer(x) for name, x in inputs.items()}


@Linear.probe(points=1, zero="B I")
def works_without_a_bias(Linear, bench, B=4, I=5, O=3, dtype=torch.float32):
    """bias=False: None in the bias's place, no trace of it in state_dict, the output and the two gradients."""
    layer = Linear(I, O, bias=False, device=bench.device, dtype=dtype)
    layer.weight.data.copy_(bench.randn(O, I, dtype=dtype))
    answers = {"layer.bias": "None" if layer.bias is None else "a tensor", "state_dict": list(layer.state_dict())}
    for shape in [(B, I), (2, B, I), (I,)]:
        x = bench.randn(*shape, dtype=dtype).requires_grad_()
        y = layer(x)
        gradients = torch.autograd.grad(y, (x, layer.weight), bench.randn(*y.shape, dtype=dtype), materialize_grads=True)
        answers[f"x {shape}"] = {"y": y, "gradients": list(gradients)}
    return answers


@Linear.probe(points=1)
def works_with_zero_sizes(Linear, bench):
    """Layers of 0 inputs, of 0 outputs, of neither: the bias as drawn, and y."""
    answers = {}
    for I, O in [(0, 3), (3, 0), (0, 0)]:
        layer = Linear(I, O, device=bench.device)
        drawn = layer.bias.detach().clone() if I == 0 else None
        layer.bias.data.copy_(bench.randn(O))
        outputs = [layer(bench.randn(*lead, I)) for lead in [(2, 4), (4,), ()]]
        answers[f"Linear({I}, {O})"] = {"bias as drawn": drawn, "y": outputs}
    return answers


@Linear.probe(points=1)
def refuses_an_x_of_the_wrong_size(Linear, bench):
    """An x whose last size is not in_features, 1 included, raises an error; one of the right size, in between, gives y."""
    I, wrong = bench.size(2, 49), bench.size(50, 99)
    cases = [(I, (4, wrong)), (I, (wrong,)), (I, (2, 4, wrong)), (I, (I, wrong)), (I, (2, 4, 1)), (1, (4, I)), (I, (4, I)), (1, (4, 1))]
    answers = {}
    for number, (size, shape) in enumerate(bench.several(cases, 12), 1):
        layer, x = Linear(size, 3, device=bench.device), bench.randn(*shape)
        layer.weight.data.copy_(bench.randn(3, size))
        layer.bias.data.copy_(bench.randn(3))
        y = []
        caught = bench.catch(lambda: y.append(layer(x)), Exception)
        answers[f"{number}. Linear({size}, 3) and x {shape}"] = {"raises": caught, "y": y}
    return answers


@Linear.probe(points=1, zero="B")
def gives_all_gradients(Linear, bench, B=4, I=5, O=3):
    """The gradients of x, weight and bias for a random grad_output; of complex numbers, too; with a frozen weight and a bias of zeros; and a
    second derivative."""

    def made(dtype):
        layer = Linear(I, O, device=bench.device).to(dtype)
        layer.weight.data.copy_(bench.randn(O, I, dtype=dtype))
        layer.bias.data.copy_(bench.randn(O, dtype=dtype))
        return layer

    answers, real = {}, torch.float64
    for shape, dtype in [((B, I), real), ((I,), real), ((2, B, I), real), ((2, B, I), torch.complex128)]:
        layer, x = made(dtype), bench.randn(*shape, dtype=dtype).requires_grad_()
        y = layer(x)
        grad_output = bench.randn(*y.shape, dtype=dtype)
        gradients = torch.autograd.grad(y, (x, layer.weight, layer.bias), grad_output, materialize_grads=True)
        answers[f"x {shape} {dtype}"] = dict(zip(["of x", "of weight", "of bias"], gradients))
    layer = made(real)
    layer.weight.requires_grad_(False)
    layer.bias.data.zero_()
    x, grad_output = bench.randn(B, I, dtype=real).requires_grad_(), bench.randn(B, O, dtype=real)
    gradients = torch.autograd.grad(layer(x), (x, layer.bias), grad_output, materialize_grads=True)
    answers["with a frozen weight and a bias of zeros"] = {**dict(zip(["of x", "of bias"], gradients)), "the weight learns": layer.weight.requires_grad}
    layer = made(real)
    x, grad_output = (bench.randn(*shape, dtype=real).requires_grad_() for shape in [(B, I), (B, O)])
    first = torch.autograd.grad(layer(x), (x, layer.weight), grad_output, create_graph=True)
    penalty = sum(gradient.square().sum() / 2 for gradient in first)
    second = torch.autograd.grad(penalty, (x, layer.weight, grad_output), materialize_grads=True)
    answers["of ½ Σ (∂L/∂x)² + ½ Σ (∂L/∂W)² by x, weight, grad_output"] = list(second)
    return answers


@Linear.probe(points=1)
def works_in_every_dtype(Linear, bench):
    """float32, float64, bfloat16, complex64: made so, and moved so by .to(dtype); the same in train and eval mode."""
    answers = {}
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.complex64):
        weight, bias, x = (bench.randn(*shape).abs().to(dtype) for shape in [(3, 5), (3,), (2, 4, 5)])
        made, moved = Linear(5, 3, device=bench.device, dtype=dtype), Linear(5, 3, device=bench.device).to(dtype)
        for layer in (made, moved):
            layer.weight.data.copy_(weight)
            layer.bias.data.copy_(bias)
        answers[str(dtype)] = {"made so": made(x), "moved there": moved(x), "in eval mode": moved.eval()(x)}
    modes = {False: "in evaluation mode", True: "in training mode"}
    answers["after eval(), after train()"] = [modes[moved.training], modes[moved.train().training]]
    return answers


@Linear.probe(points=1)
def is_saved_copied_and_altered_alike(Linear, bench):
    """state_dict to and from nn.Linear (strict), deepcopy, pickling; then layer.weight = nn.Parameter(...) and layer.bias = None."""
    import copy
    import pickle

    answers = {}
    for bias in (True, False):
        layer, torchs = Linear(5, 3, bias=bias, device=bench.device), nn.Linear(5, 3, bias=bias, device=bench.device)
        state = {"weight": bench.randn(3, 5), "bias": bench.randn(3)}
        torchs.load_state_dict({name: state[name] for name in torchs.state_dict()})
        layer.load_state_dict(torchs.state_dict())
        x = bench.randn(4, 5)
        answers[f"bias={bias}: from nn.Linear"] = layer(x)
        layer.weight.data.copy_(bench.randn(3, 5))
        torchs.load_state_dict(layer.state_dict())
        answers[f"bias={bias}: to nn.Linear"] = list(torchs.parameters())
    layer = Linear(5, 3, device=bench.device)
    layer.load_state_dict(state)
    copied = copy.deepcopy(layer)
    make, arguments, held = layer.__reduce_ex__(4)[:3]  # what pickle writes down: how to make one, and what it holds
    pickles = bench.catch(lambda: pickle.dumps(held)).kind is None
    restored = make(*arguments)
    restored.__setstate__(pickle.loads(pickle.dumps(held)) if pickles else held)
    layer.weight.data.zero_()
    answers["a deep copy, after the original's weight is set to 0"] = copied(x)
    answers["pickled and restored"] = restored(x) if pickles else "pickle refuses what the layer holds"
    layer.weight = nn.Parameter(bench.randn(3, 5))
    answers["with another weight, layer.weight = nn.Parameter(...)"] = layer(x)
    layer.bias = None
    answers["with its bias taken away, layer.bias = None"] = layer(x)
    return answers
