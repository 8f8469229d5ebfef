"""What several tasks of the exercise forbid."""

AUTOGRAD = (
    "torch.autograd", "torch.func", "torch._functorch", "torch.Tensor.backward", "torch.Tensor.grad_fn", "torch.*_backward*", "torch._make_dual", "torch._C._EngineBase",
    "torch._C._ImperativeEngine",
)
