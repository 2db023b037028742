"""What is said is as wide as in a pipe, whatever runs the tests: workers of xdist name 80 columns of their own."""

import os

import pytest

os.environ.pop("COLUMNS", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or "test_slice" not in item.nodeid)
