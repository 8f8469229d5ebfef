"""What all tests share: which begin first, a cache of their own, and what to do where the machine has no sandbox."""

import os

import hypothesis
import pytest
import torch

from grader.kernels.sandbox import NoSandbox, require

from .reported import room  # noqa: F401  (a fixture: the class that several modules report on is graded once)

torch.set_num_threads(1)  # the tests run side by side; threads that wait for each other's cores take many times as long

# What takes longest begins first, so that no process is left alone with it at the end; and of the modules IN_PARTS, the parts for each exercise and each
# machine, which share nothing, may go to several processes.
LONGEST = """attacks/test_attacks test_machines test_exercises test_many test_cluster test_device test_site test_doors test_accidents test_environments
    test_installed test_losses test_moving test_commands test_pictures test_laws test_layouts""".split()
IN_PARTS = "test_machines", "test_exercises"

hypothesis.settings.register_profile("long", max_examples=20_000, print_blob=True)


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(module_of(item.nodeid), len(order)))


def module_of(nodeid):
    """The module of a test, as above."""
    return nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        """Modules, or their parts, in the order in which they are collected, whatever `--dist` says."""

        def _split_scope(self, nodeid):
            function, _, case = nodeid.rstrip("]").partition("[")
            module = module_of(nodeid)
            return f"{module} {case.partition('-')[0] or function}" if module in IN_PARTS else module

    config.option.loadscopereorder = False
    return Scheduler(config, log)


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
