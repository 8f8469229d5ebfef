"""A kernel in a process of its own, where none can be forked (anything but Linux): ipykernel's, but what a notebook forgot does not end it.

As a program, this module is the kernel. Its arguments are ipykernel's.
"""

import torch._dynamo  # noqa: F401  (the first optimizer imports it, which changes functions of torch's)
import torch.fx.experimental.symbolic_shapes  # noqa: F401  (the first backward pass imports it)
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import default

from . import inside
from .kernel import Shell, end_from_main_thread_only, settings


class PlainKernel(IPythonKernel):
    """ipykernel's own, with the grader's shell."""

    @default("shell_class")
    def _shell_class(self):
        return Shell


if __name__ == "__main__":
    inside.rehearse()
    end_from_main_thread_only()
    IPKernelApp.launch_instance(kernel_class=PlainKernel, config=settings())
