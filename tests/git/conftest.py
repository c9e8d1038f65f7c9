"""Repositories for this room's tests; git knows nothing of this machine in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git.desks import Desk, copied, desk_in
from tests.git.support import GIT, Shared, shared

_OF_CI = ("GITHUB_", "GITLAB_", "CI_", "GIT_")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's git nor the CI that runs these tests has a say."""
    for name in [name for name in os.environ if name.startswith(_OF_CI)]:
        monkeypatch.delenv(name)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The desk that the others are copies of; nobody works at it."""
    return desk_in(tmp_path_factory.mktemp("pattern"))


@pytest.fixture
def desk(pattern: Desk, tmp_path: Path) -> Desk:
    """A clone with the manifests a and b, pushed; no service takes part."""
    return copied(pattern, tmp_path)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Shared]:
    """A project that is a clone, beside a sandbox whose clock stands still."""
    with shared(tmp_path) as made:
        yield made
