"""Task classify_images."""

import torch
import torch.nn.functional as F

from ...spec import Task


def classify_images_reference(images, weight, bias):
    return F.linear(images.flatten(1), weight, bias)


classify_images = Task(
    "classify_images",
    reference=classify_images_reference,
    section="pitfalls-flatten",
    hints=(
        "Every picture is one row. Which of the two sizes in `view` can torch be trusted to find, and what must never change?",
        "`images.flatten(1)` keeps the first axis and merges the others in their order, copying where it must.",
    ),
)


@classify_images.probe(points=1)
def takes_pictures_in_any_memory_order(classify_images, bench, B=4, C=3, H=2, W=5, O=6, dtype=torch.float32):
    """Pictures as they come from `permute(0, 3, 1, 2)`, and the same numbers laid out in order, whatever the sizes."""
    pixels, weight, bias = (bench.randn(*shape, dtype=dtype) for shape in [(B, H, W, C), (O, C * H * W), (O,)])
    images = pixels.permute(0, 3, 1, 2)
    return {
        f"permuted {(B, C, H, W)}": classify_images(images, weight, bias),
        f"contiguous {(B, C, H, W)}": classify_images(images.contiguous(), weight, bias),
    }


@classify_images.probe(points=1)
def also_where_all_sizes_are_equal(classify_images, bench):
    """Permuted pictures (3, 3, 3, 3): no shape can tell the order of the pixels."""
    pixels, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(3, 3, 3, 3), (6, 27), (6,)])
    return classify_images(pixels.permute(0, 3, 1, 2), weight, bias)


@classify_images.probe(points=1)
def takes_one_picture_or_none(classify_images, bench):
    """A batch of one, and an empty one, permuted."""
    answers = {}
    for size in (1, 0):
        pixels, weight, bias = (bench.randn(*shape, dtype=torch.float64) for shape in [(size, 2, 5, 3), (6, 30), (6,)])
        answers[f"images {(size, 3, 2, 5)}"] = classify_images(pixels.permute(0, 3, 1, 2), weight, bias)
    return answers


@classify_images.probe(points=1)
def refuses_pictures_of_another_size(classify_images, bench):
    """Pictures that have twice, half or one and a half times the weight's in_features: any exception will do. In between, pictures of the
    right size get their scores."""
    answers = {}
    for number, shape in enumerate(bench.several([(4, 3, 4, 5), (4, 3, 1, 5), (4, 3, 3, 5), (4, 3, 2, 5)], 8), 1):
        images, weight, bias, scores = bench.randn(*shape), bench.randn(6, 30), bench.randn(6), []
        caught = bench.catch(lambda: scores.append(classify_images(images, weight, bias)), Exception)
        answers[f"{number}. images {shape}, weight (6, 30)"] = {"raises": caught, "scores": scores}
    return answers


@classify_images.starts_from(
    "`view(-1, in_features)` cuts the batch into rows of that length, whatever a picture's size: pictures of another size become "
    "more rows or fewer. And `view` copies nothing, so it fails on a permuted batch. Keep the batch axis: `flatten(1)`."
)
def cuts_the_batch_into_rows(images, weight, bias):
    x = images.view(-1, weight.shape[1])
    return F.linear(x, weight, bias)


# fmt: off
classify_images.mistake("flattens_nothing", {"images.flatten(1)": "images"},
    "The pictures go into the layer with four axes, so it takes their rows of pixels for inputs. Flatten each picture first.", raises=RuntimeError)
classify_images.mistake("views_each_picture", {"flatten(1)": "view(images.shape[0], -1)"},
    "`view` copies nothing, so it fails on a permuted batch. `flatten(1)` copies where it must.", raises=RuntimeError)
classify_images.mistake("reshapes_into_as_many_rows_as_fit", {"flatten(1)": "reshape(-1, weight.shape[1])"},
    "`reshape(-1, in_features)` lets torch choose the number of rows: "
    "pictures of another size become more rows or fewer, and nobody is told. It is the batch size that must be kept.")
classify_images.mistake("leaves_an_empty_batch_undetermined", {"flatten(1)": "reshape(images.shape[0], -1)"},
    "An empty batch leaves the -1 in `reshape(0, -1)` undetermined, and torch refuses. `flatten(1)` knows the size.", raises=RuntimeError)
classify_images.mistake("flattens_the_batch_too", {"flatten(1)": "flatten()"},
    "`flatten()` merges the batch, too: all pictures become one row. Start at the axis after the batch.", raises=RuntimeError)
classify_images.mistake("flattens_in_the_order_of_memory", {"flatten(1)": "permute(0, 2, 3, 1).flatten(1)"},
    "You undo the permutation before you flatten: that dodges the error, but almost every pixel then meets another pixel's weight. The order is channels, height, width.")
classify_images.mistake("keeps_the_channels", {"flatten(1)": "flatten(2)"},
    "You flatten from the third axis on. Channels belong to the row as well: flatten from axis 1.", raises=RuntimeError)
classify_images.mistake("lays_pictures_out_as_columns", {"flatten(1)": "reshape(weight.shape[1], images.shape[0]).T"},
    "You reshape to one picture a column and transpose. `reshape` deals the numbers out row by row, so the columns mix the pictures.")
classify_images.mistake("stacks_picture_by_picture", {"F.linear(images.flatten(1), weight, bias)": "torch.stack([F.linear(x.flatten(), weight, bias) for x in images])"},
    "torch.stack fails on no pictures at all. One product does all rows at once, and none as well.", raises=RuntimeError)
classify_images.mistake("forgets_the_bias", {"flatten(1), weight, bias": "flatten(1), weight"}, "You left out the bias.")
