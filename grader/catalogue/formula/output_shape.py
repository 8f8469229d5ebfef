"""Task output_shape."""

import torch
import torch.nn.functional as F

from ...spec import Task


def output_shape_reference(input_shape, weight_shape):
    """What torch does on tensors without memory, with the sizes put into the error."""
    try:
        y = F.linear(torch.empty(input_shape, device="meta"), torch.empty(weight_shape, device="meta"))
    except RuntimeError:
        raise ValueError(f"the input ends in {input_shape[-1]}, the weight takes {weight_shape[1]}") from None
    return tuple(y.shape)


output_shape = Task(
    "output_shape",
    reference=output_shape_reference,
    section="formula-shapes",
    hints=(
        "Only the last size of the input shape changes. Into which of the weight's two sizes?",
        "Slice off the last size with input_shape[:-1], and raise ValueError with an f-string that holds both sizes.",
    ),
)


@output_shape.probe(points=1, zero="B I O")
def replaces_the_last_size(output_shape, bench, B=4, I=5, O=3):
    """(..., I) becomes (..., O), as a tuple, whatever the sizes."""
    lead = bench.size(2, 99)
    shapes = [(B, I), (lead, B, I), (lead, 6, B, I)]
    return {f"input {shape}, weight {(O, I)}": output_shape(shape, (O, I)) for shape in shapes}


@output_shape.probe(points=1)
def needs_no_leading_size(output_shape, bench):
    """No leading size at all, or an empty one."""
    I, O, B = bench.size(5, 99), bench.size(100, 199), bench.size(2, 9)
    return {f"input {shape}, weight {(O, I)}": output_shape(shape, (O, I)) for shape in [(I,), (0, I), (B, 0, I)]}


@output_shape.probe(points=2)
def names_both_sizes_in_its_error(output_shape, bench):
    """Where the last size is not the weight's I: a ValueError whose message names both sizes."""
    O, I, last = bench.size(3, 9), bench.size(10, 99), bench.size(100, 199)
    answers = {}
    for shape, weight_shape in [((4, last), (O, I)), ((O,), (O, I)), ((2, 3, last), (last, I)), ((4, 1), (O, I)), ((4, last), (O, 1))]:
        naming = shape[-1], weight_shape[1]
        answers[f"input {shape}, weight {weight_shape}"] = bench.catch(lambda: output_shape(shape, weight_shape), ValueError, naming=naming)
    return answers


# fmt: off
output_shape.mistake("ends_in_in_features", {"out_features)": "in_features)"},
    "You return the weight's second size, in_features. The output has out_features: the first.")
output_shape.mistake("keeps_the_first_size_only", {"*input_shape[:-1]": "input_shape[0]"},
    "You keep the first size only. All sizes before the last one stay, however many there are.")
output_shape.mistake("never_compares", {"input_shape[-1] != in_features": "False"}, "You never compare the input's last size with the weight's in_features.")
output_shape.mistake("compares_with_out_features", {"!= in_features": "!= out_features", "{in_features}": "{out_features}"},
    "You compare the input's last size with weight_shape[0], which is out_features. in_features is weight_shape[1].")
output_shape.mistake("asserts", {"if input_shape[-1] != in_features:\n        raise ValueError(": "assert input_shape[-1] == in_features, ("},
    "An `assert` raises AssertionError, and `python -O` removes it. Raise ValueError.")
output_shape.mistake("names_no_sizes", {"{input_shape[-1]}": "wrong", "{in_features}": "other"},
    "Your ValueError does not say which sizes clash: put both numbers into its message.")
output_shape.mistake("returns_a_list", {"(*input_shape[:-1], out_features)": "[*input_shape[:-1], out_features]"}, "You return a list; a shape is a tuple.")
