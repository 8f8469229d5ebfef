"""What every task of the exercise forbids: torch's layers, optimizers and autograd, with the kernels that autograd calls."""

READY_MADE = (
    "torch.nn", "torch.optim", "torch.ops", "torch.func", "torch.autograd", "torch.autograd.backward",
    "torch.Tensor.requires_grad_", "torch.Tensor.grad_fn",
    "torch._make_dual",  # what forward-mode autograd calls, torch.func.jvp for one
    "torch.*_backward*", "torch.nll_loss*", "torch.cross_entropy_loss", "torch._C._nn", "torch._C._ImperativeEngine", "torch._functorch",
)
