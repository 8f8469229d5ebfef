"""What several tasks of the exercise forbid."""

TORCH_LINEAR = ("torch.nn.functional.linear", "torch.nn.Linear", "torch.addmm", "torch.addmv", "torch.addbmm", "torch.baddbmm", "torch._addmm_activation")
