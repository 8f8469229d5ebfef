"""Right answers to exercise 01, each by another road."""

import numpy as np
import torch


def sums_by_broadcasting(x, weight, bias):
    return (x[:, None, :] * weight[None, :, :]).sum(axis=-1) + bias


def sums_by_python_floats(x, weight, bias):
    rows = [
        [sum((float(p) * float(q) for p, q in zip(sample, row)), start=float(offset)) for row, offset in zip(weight, bias)]
        for sample in x
    ]
    return np.array(rows).reshape(x.shape[0], weight.shape[0])


def sums_feature_by_feature(x, weight, bias):
    y = np.tile(bias, (x.shape[0], 1))
    for i in range(x.shape[1]):
        y += np.outer(x[:, i], weight[:, i])
    return y


def linear_by_einsum(x, weight, bias=None):
    y = torch.einsum("...i,oi->...o", x, weight)
    return y if bias is None else y + bias


def linear_by_flattening(x, weight, bias=None):
    y = (x.reshape(x[..., 0].numel(), weight.shape[1]) @ weight.t()).reshape(*x.shape[:-1], weight.shape[0])
    return y if bias is None else y.add(bias)


def linear_by_broadcasting(x, weight, bias=None):
    products = x.unsqueeze(-2) * weight
    return products.sum(-1) + (0 if bias is None else bias)


def linear_output_by_output(x, weight, bias=None):
    columns = [(x * row).sum(dim=-1) for row in weight]
    y = torch.stack(columns, dim=-1)
    if bias is not None:
        y = y + bias
    return y


def shape_by_slices(input_shape, weight_shape):
    if input_shape[-1] != weight_shape[1]:
        raise ValueError("sizes %d and %d do not match" % (input_shape[-1], weight_shape[1]))
    return input_shape[:-1] + weight_shape[:1]


def shape_by_torch_size(input_shape, weight_shape):
    *lead, last = input_shape
    if last != weight_shape[1]:
        raise ValueError(f"expected {weight_shape[1]}, got {last}")
    return torch.Size([*lead, weight_shape[0]])


def shape_by_trying(input_shape, weight_shape):
    try:
        product = torch.empty(input_shape, device="meta") @ torch.empty(weight_shape, device="meta").T
    except RuntimeError as error:
        raise ValueError(f"{input_shape} ends in {input_shape[-1]} and does not fit {weight_shape[1]}") from error
    return tuple(product.shape)


def shape_by_an_error_of_its_own(input_shape, weight_shape):
    """Raises a subclass of ValueError, and returns a named tuple where it can."""
    from collections import namedtuple

    class Mismatch(ValueError):
        def __str__(self):
            return f"{input_shape[-1]} meets {weight_shape[1]}"

    if input_shape[-1] != weight_shape[1]:
        raise Mismatch
    shape = *input_shape[:-1], weight_shape[0]
    return namedtuple("OutputShape", "batch features")(*shape) if len(shape) == 2 else shape


def count_by_product(in_features, out_features, bias=True):
    return out_features * (in_features + bool(bias))


def count_by_tensors(in_features, out_features, bias=True):
    total = torch.empty(out_features, in_features, device="meta").numel()
    return total + out_features if bias else total


def count_by_numpy(in_features, out_features, bias=True):
    return np.prod([in_features, out_features]) + (out_features if bias else 0)


def fold_by_hstack(weight, bias):
    return torch.hstack((weight, bias.reshape(-1, 1)))


def fold_into_a_new_tensor(weight, bias):
    folded = weight.new_zeros(weight.shape[0], weight.shape[1] + 1)
    folded[:, :-1] = weight
    folded[:, -1] = bias
    return folded


def fold_row_by_row(weight, bias):
    return torch.stack([torch.cat([row, entry.reshape(1)]) for row, entry in zip(weight, bias)])


def compose_by_einsum(w1, b1, w2, b2):
    return torch.einsum("oh,hi->oi", w2, w1), torch.einsum("oh,h->o", w2, b1) + b2


def compose_by_folding(w1, b1, w2, b2):
    first = torch.cat([w1, b1[:, None]], dim=1)
    both = w2.matmul(first)
    return both[:, :-1], both[:, -1] + b2


def compose_by_transposes(w1, b1, w2, b2):
    return (w1.T @ w2.T).T, (b1[None] @ w2.T)[0] + b2


def compose_into_a_named_tuple(w1, b1, w2, b2):
    from collections import namedtuple

    return namedtuple("Layer", "weight bias")(w2 @ w1, w2 @ b1 + b2)


def compose_into_a_list(w1, b1, w2, b2):
    """Each column of the result is what the second layer makes of one of the first."""
    columns = [w2.mv(column) for column in (*w1.unbind(1), b1)]
    return [torch.stack(columns[:-1], dim=1), columns[-1].add(b2)]


RIGHT = {
    "linear_sums": (sums_by_broadcasting, sums_by_python_floats, sums_feature_by_feature),
    "linear": (linear_by_einsum, linear_by_flattening, linear_by_broadcasting, linear_output_by_output),
    "output_shape": (shape_by_slices, shape_by_torch_size, shape_by_trying, shape_by_an_error_of_its_own),
    "parameter_count": (count_by_product, count_by_tensors, count_by_numpy),
    "fold_bias": (fold_by_hstack, fold_into_a_new_tensor, fold_row_by_row),
    "compose": (compose_by_einsum, compose_by_folding, compose_by_transposes, compose_into_a_named_tuple, compose_into_a_list),
}
