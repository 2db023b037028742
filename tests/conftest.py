"""What is said is as wide as in a pipe, whatever runs the tests: workers of xdist name 80 columns of their own."""

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.depth import examples

if TYPE_CHECKING:
    from tests.agents.incidents import Run

os.environ.pop("COLUMNS", None)
# modules are compiled once, not anew in every worker and in each of the processes that tests start
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # a thread per core in every worker waits by spinning
    os.environ.setdefault(_name, "1")

# how long an example takes says how busy the machine is
settings.register_profile("tests", deadline=None, max_examples=examples(50))
settings.load_profile("tests")

gc.disable()  # until everything is imported and collected, which stays: nothing of it is to be searched for garbage


def pytest_collection_finish() -> None:
    """Collect garbage again, of what the tests themselves make."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # runs make much and leave few circles: the search costs more than it finds
    gc.enable()


def pytest_unconfigure() -> None:
    """Search once for garbage at the end of the process, and not in all of it the ten times that pytest does."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or "test_slice" not in item.nodeid)


@pytest.fixture(scope="session")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """One run that resolves, shared by every test that only reads it."""
    from tests.agents.incidents import perform

    return perform(tmp_path_factory.mktemp("resolved"))
