"""What all tests share: a cache of their own, and what to do where the machine has no sandbox."""

import os

import hypothesis
import pytest
import torch

from grader.kernels.sandbox import NoSandbox, require

from .reported import room  # noqa: F401  (a fixture: the class that several modules report on is graded once)

torch.set_num_threads(1)  # the tests run side by side; threads that wait for each other's cores take many times as long

hypothesis.settings.register_profile("long", max_examples=20_000, print_blob=True)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No result of an earlier run is found again, and none is left in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def sandbox():
    """For tests of the sandbox: skipped with the reason where there is none, but failed in CI."""
    try:
        require()
    except NoSandbox as missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))
