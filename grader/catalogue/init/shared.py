"""What several tasks of the exercise forbid."""

READY_MADE = ("torch.nn.Linear", "torch.nn.Bilinear", "torch.nn.init.kaiming_uniform_", "torch.nn.init.kaiming_normal_")
