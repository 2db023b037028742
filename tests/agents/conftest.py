"""One run that resolves, shared by every test that only reads it."""

import pytest

from tests.agents.incidents import Run, perform


@pytest.fixture(scope="session")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return perform(tmp_path_factory.mktemp("resolved"))
