"""Task parameter_count."""

from torch import nn

from ...spec import Task


def parameter_count_reference(in_features, out_features, bias=True):
    layer = nn.Linear(in_features, out_features, bias, device="meta")
    return sum(parameter.numel() for parameter in layer.parameters())


parameter_count = Task(
    "parameter_count",
    reference=parameter_count_reference,
    section="formula-parameters",
    hints=(
        "How many weights does one output need, one for each of what? And what does each output add once?",
        "The weight is a table of out_features rows and in_features columns; the bias has one entry for each output.",
    ),
)


@parameter_count.probe(points=1)
def counts_weight_and_bias(parameter_count, bench, I=5, O=3):
    """The numbers in the weight and in the bias, whatever the sizes."""
    sizes = [(I, O), (784, 256), (bench.size(2, 500), bench.size(501, 999))]
    return {f"{inputs} → {outputs}": parameter_count(inputs, outputs) for inputs, outputs in sizes}


@parameter_count.probe(points=1)
def counts_no_bias_where_there_is_none(parameter_count, bench):
    """With bias=False there is only the weight."""
    I, O = bench.size(2, 500), bench.size(501, 999)
    return {"bias=False": parameter_count(I, O, bias=False), "bias=True": parameter_count(I, O, True)}


# fmt: off
parameter_count.mistake("leaves_the_bias_out", {" + (out_features if bias else 0)": ""}, "The bias is not counted: it adds out_features numbers.")
parameter_count.mistake("counts_a_bias_for_each_input", {"(out_features": "(in_features"}, "You count a bias for each input. It has one entry for each output.")
parameter_count.mistake("always_counts_the_bias", {"(out_features if bias else 0)": "out_features"}, "You count the bias even where bias=False.")
parameter_count.mistake("counts_one_number_for_the_bias", {"(out_features": "(1"}, "The bias is a vector of out_features numbers, not a single one.")
parameter_count.mistake("takes_false_for_the_default", {"bias=True": "bias=False"},
    "Where bias is left out you count none. nn.Linear has a bias unless it is told otherwise: the default is True.")
