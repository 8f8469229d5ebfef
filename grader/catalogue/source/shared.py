"""What several tasks of the exercise forbid."""

TORCH_LINEAR = ("torch.nn.functional.linear", "torch.nn.Linear")
