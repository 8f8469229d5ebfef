"""Task scaled_lazy."""

import torch
from torch import nn

from ...spec import Task


def scaled_lazy_reference(out_features, std):
    class ScaledLinear(nn.LazyLinear):
        def reset_parameters(self):
            if self.in_features:
                nn.init.normal_(self.weight, std=std)
                nn.init.zeros_(self.bias)

    return ScaledLinear(out_features)


scaled_lazy = Task(
    "scaled_lazy",
    reference=scaled_lazy_reference,
    section="pitfalls-lazy",
    hints=(
        "The weight is uninitialized before the first call. Who fills it then, and which method of the layer does that?",
        "Subclass nn.LazyLinear and write reset_parameters: torch calls it once the shapes are known. It also calls it while the "
        "layer is being made, when in_features is still 0: do nothing then.",
    ),
)


@scaled_lazy.probe(points=1)
def draws_with_its_std_at_the_first_call(scaled_lazy, bench, B=4):
    """After a call with x (B, 200): the weight, 100 × 200 normal numbers of the std asked for, and the bias, zeros."""
    std = bench.size(2, 99) / 100
    layer = scaled_lazy(100, std)
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")  # memory that is only allocated is filled with NaN, not left to chance
    try:
        y = layer(bench.randn(B, 200).cpu())
    finally:
        torch.set_deterministic_debug_mode(mode)
    return {"y": tuple(y.shape), "weight": bench.sample(layer.weight), "bias": layer.bias}


@scaled_lazy.probe(points=1)
def waits_for_its_input(scaled_lazy, bench):
    """Before the first call the weight is uninitialized; in_features comes from the input, 1 included, whatever its leading dimensions."""
    answers = {}
    for shape in [(bench.size(120, 199),), (2, bench.size(2, 99), bench.size(60, 119)), (bench.size(2, 99), 1)]:
        layer = scaled_lazy(1000, 0.5)
        answers[f"x {shape}"] = {
            "weight before the call": "uninitialized" if nn.parameter.is_lazy(layer.weight) else "initialized",
            "y": tuple(layer(bench.randn(*shape).cpu()).shape),
            "weight": bench.sample(layer.weight),
            "bias": layer.bias,
        }
    return answers


@scaled_lazy.probe(points=1)
def draws_only_once(scaled_lazy, bench):
    """A second call leaves weight and bias as the first one left them, and as training changed them."""
    layer = scaled_lazy(100, 0.5)
    layer(bench.randn(4, 120).cpu())
    trained = bench.randn(100).cpu()
    with torch.no_grad():
        layer.bias.add_(trained)
        layer.weight[0] = trained[0]
    weight = layer.weight.detach().clone()
    layer(bench.randn(4, 120).cpu())
    return {
        "weight, second call": bench.pair(layer.weight, weight, "unchanged", "changed"),
        "weight, a row trained after the first call": layer.weight[0],
        "the other rows": bench.sample(layer.weight[1:]),
        "bias, trained after the first call": layer.bias,
    }


@scaled_lazy.probe(points=1)
def keeps_what_was_loaded(scaled_lazy, bench):
    """A state that was loaded before the first call stays, and computes y; a layer without one draws."""
    saved = {"weight": bench.randn(100, 120).cpu(), "bias": bench.randn(100).cpu()}
    loaded, drawn = scaled_lazy(100, 0.5), scaled_lazy(100, 0.5)
    loaded.load_state_dict(saved)
    y, _ = (layer(bench.randn(4, 120).cpu()) for layer in (loaded, drawn))
    return {
        "weight, loaded": loaded.weight, "bias, loaded": loaded.bias, "y, with what was loaded": y,
        "weight, nothing loaded": bench.sample(drawn.weight), "bias, nothing loaded": drawn.bias,
    }


@scaled_lazy.starts_from(
    "You fill a weight that is uninitialized. Its `.data` is empty, so nothing is drawn, nothing complains, and the first call draws "
    "torch's default."
)
def fills_an_uninitialized_weight(out_features, std):
    layer = nn.LazyLinear(out_features)
    layer.weight.data.normal_(0, std)
    layer.bias.data.fill_(0)
    return layer


# fmt: off
scaled_lazy.mistake("asks_nn_init_too_early", {"return S": "layer = S", "(out_features)": "(out_features)\n    nn.init.normal_(layer.weight, std=std)\n    return layer"},
    "nn.init refuses an uninitialized parameter: it has no shape. Initialize when the first input has given it one.", raises=ValueError)
scaled_lazy.mistake("guesses_in_features", {"nn.LazyLinear": "nn.Linear", "ScaledLinear(out_features)": "ScaledLinear(out_features, out_features)"},
    "You guess in_features. A lazy layer reads it off its first input.", raises=RuntimeError)
scaled_lazy.mistake("calls_it_on_a_made_up_input", {"return S": "layer = S", "(out_features)": "(out_features)\n    layer(torch.zeros(1, 1))\n    return layer"},
    "You call the layer on an input of your own to bring its weight to life. That fixes in_features to your input's size.", raises=RuntimeError)
scaled_lazy.mistake("resets_while_it_is_being_made", {"\n            if self.in_features:  # 0 while the layer is being made": ""},
    "Your reset_parameters draws whenever it is called. "
    "torch also calls it while the layer is being made, when in_features is 0 and there is no bias: do nothing then.", raises=AttributeError)
scaled_lazy.mistake("draws_at_every_call", {"return S": "layer = S", "(out_features)": "(out_features)\n"
    "    layer.register_forward_pre_hook(lambda layer, x: ScaledLinear.reset_parameters(layer))\n    return layer"},
    "You draw anew at every call, so nothing the layer learns lasts. Draw once, when the shapes become known.")
scaled_lazy.mistake("overwrites_a_loaded_state", {"return S": "layer = S", "(out_features)": "(out_features)\n"
    "    hook = layer.register_forward_pre_hook(lambda layer, x: ScaledLinear.reset_parameters(layer) or hook.remove())\n    return layer"},
    "Your hook draws at the first call whatever the layer holds, and overwrites a state that was loaded before. "
    "reset_parameters is called only if there is something to draw.")
scaled_lazy.mistake("leaves_the_bias_random", {"if self": "super().reset_parameters()\n            if self", "\n                nn.init.zeros_(self.bias)": ""},
    "The bias has torch's default draws. It should be zero.")
scaled_lazy.mistake("leaves_the_bias_as_allocated", {"\n                nn.init.zeros_(self.bias)": ""}, "You leave the bias as it was allocated: set it to 0.")
scaled_lazy.mistake("takes_std_for_the_variance", {"std=std": "std=std**0.5"},
    "You take std for the variance: its square root is what you draw with. nn.init.normal_ takes the standard deviation.")
scaled_lazy.mistake("draws_uniform_numbers", {"normal_(self.weight, std=std)": "uniform_(self.weight, -std, std)"},
    "You draw evenly between -std and std. Asked are normal numbers; those have a standard deviation of std / √3.")
scaled_lazy.mistake("scales_the_default_draws", {"if self": "super().reset_parameters()\n            if self", "nn.init.normal_(self.weight, std=std)": "self.weight.mul_(std)"},
    "You multiply torch's default draws by std. They are uniform and have a spread of their own: draw normal numbers instead.")
scaled_lazy.mistake("draws_with_the_default_std", {"(self.weight, std=std)": "(self.weight)"},
    "You leave std out, and nn.init.normal_ draws with its default, a standard deviation of 1. Pass it on: std=std.")
