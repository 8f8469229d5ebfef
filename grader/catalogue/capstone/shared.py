"""What every task of the exercise forbids: torch's layers, optimizers and autograd. What is left are tensors."""

READY_MADE = ("torch.nn", "torch.optim", "torch.autograd", "torch.autograd.backward", "torch.func")
