"""What several tasks of the exercise forbid."""

AUTOGRAD = ("torch.autograd", "torch.func", "torch.Tensor.backward")
