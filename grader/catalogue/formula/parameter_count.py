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
        "Count the arrows in the picture of the layer, then the outputs: each output has one number of its own.",
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


@parameter_count.impostor("The bias is not counted: it adds out_features numbers.")
def leaves_the_bias_out(in_features, out_features, bias=True):
    return in_features * out_features


@parameter_count.impostor("You count a bias for each input. It has one entry for each output.")
def counts_a_bias_for_each_input(in_features, out_features, bias=True):
    return in_features * out_features + (in_features if bias else 0)


@parameter_count.impostor("You count the bias even where bias=False.")
def always_counts_the_bias(in_features, out_features, bias=True):
    return in_features * out_features + out_features


@parameter_count.impostor("The bias is a vector of out_features numbers, not a single one.")
def counts_one_number_for_the_bias(in_features, out_features, bias=True):
    return in_features * out_features + (1 if bias else 0)
