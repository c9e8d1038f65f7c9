from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project, project


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Project]:
    """An empty project beside a sandbox whose clock stands still."""
    with project(tmp_path / "project") as made:
        yield made
