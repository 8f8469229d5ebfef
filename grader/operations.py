"""What a probe sees of the operations that run, at torch's dispatcher: the tensors that they make, and whether tensors of several devices meet. What is
forbidden is seen in `watch`."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def _tensors(values) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


class Made(TorchDispatchMode):
    """largest: how many numbers the largest tensor has that an operation has made in the block, forward or backward."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.largest = max([self.largest, *(tensor.numel() for tensor in _tensors(out))])
        return out


class Devices(Made):
    """Devices that are played by lists: entry k of each, a tensor or None, lies on device k, and so does what is computed of it in the block.

    all_reduce (the sum) and all_max (the largest entries) take a list with a tensor for each device, and return one with their result; what they make
    does not count. meetings: how often an operation took tensors of two devices.
    """

    def __init__(self, *lists):
        super().__init__()
        self.meetings, self._exchanging, self._owners, self._held = 0, False, {}, []
        # functions and no methods: an answer is given them, and should not be given the count
        self.all_reduce = lambda parts: self._exchange(parts, lambda together: together.sum(0))
        self.all_max = lambda parts: self._exchange(parts, lambda together: together.amax(0))
        for each in lists:
            self._lie_apart(each)

    def _exchange(self, parts, reduced):
        self._exchanging = True
        whole = reduced(torch.stack(list(parts)))
        copies = [whole.clone() for _ in parts]
        self._exchanging = False
        self._lie_apart(copies)
        return copies

    def _lie_apart(self, tensors):
        for device, tensor in enumerate(tensors):
            if tensor is not None:
                self._own(tensor, device)

    def _own(self, tensor, device):  # by the memory, which is kept, so that no other comes to its place
        self._held.append(tensor.untyped_storage())
        self._owners[self._held[-1]._cdata] = device

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if self._exchanging:
            return func(*args, **(kwargs or {}))
        given = [tensor.untyped_storage()._cdata for tensor in _tensors((args, kwargs))]
        out = super().__torch_dispatch__(func, types, args, kwargs)
        devices = sorted({self._owners[memory] for memory in given if memory in self._owners})
        self.meetings += len(devices[1:])
        for tensor in _tensors(out) if devices else []:
            self._own(tensor, devices[0])
        return out
