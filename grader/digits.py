"""Handwritten digits to learn from: scikit-learn's bundled set, with a little noise on the ink, of its own for each seed.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

from functools import cache

import torch

from .bench import Data

HELD_OUT = 517  # of 1,797; the 1,280 others make whole batches of any usual size: one image left over would spoil the last step
NOISE = 0.02  # standard deviation, where ink is 1 and paper 0


def digits(seed: int) -> Data:
    """Training images (1280, 64) float32 from 0 to 1, their labels (1280,) int64, and held-out images (517, 64), all in an order of
    the seed's. Which images are held out does not depend on the seed, so that no seed is harder than another.
    """
    images, labels = _bundled()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator, dtype=torch.float64).float()  # the same on every processor, as in bench
    images = (images + NOISE * noise * (images > 0)).clamp(0, 1)  # paper stays 0
    train = torch.randperm(len(images) - HELD_OUT, generator=generator)
    held_out = len(train) + torch.randperm(HELD_OUT, generator=generator)
    return Data((images[train], labels[train], images[held_out]), labels[held_out])


@cache
def _bundled():
    """All images and labels, mixed: in the set's own order, the last ones are other people's handwriting."""
    from sklearn.datasets import load_digits  # a second of imports

    bundle = load_digits()
    order = torch.randperm(len(bundle.target), generator=torch.Generator().manual_seed(0))
    return torch.tensor(bundle.data / 16, dtype=torch.float32)[order], torch.tensor(bundle.target)[order]
