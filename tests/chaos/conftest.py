from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.world import Universe, universe

CONTROLLERS = 4


@pytest.fixture(scope="session")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Universe]:
    """One sandbox and a few forges for all tests of a worker; each run has a region of its own."""
    with universe(tmp_path_factory.mktemp("chaos"), CONTROLLERS) as made:
        yield made
