"""Fixtures that several rooms' conftest files offer."""

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


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Project]:
    """An empty project beside a sandbox in which a job's hour takes a tenth of a second."""
    with project(tmp_path / "project", speed=36_000) as made:
        yield made
