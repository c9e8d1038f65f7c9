"""Manifests that no pass reads: while nothing is known of a folder, nothing in it is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.manifests.unread_files import find_unread
from controller.core.fleet import Fleet
from tests.support.manifests import manifest, write
from tests.support.unreadable import failing


@pytest.mark.parametrize("number", ["EIO", "EACCES", "ESTALE"])
@pytest.mark.parametrize("name", ["folder", ".hidden"])
def test_folder_that_cannot_be_listed_leaves_everything_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: str
) -> None:
    """A manifest may have been moved there, whatever its name is."""
    jobs = tmp_path / "jobs"
    write(jobs / "one.yaml", manifest("one"))
    (jobs / name).mkdir()

    assert find_unread([jobs], Fleet()).unknown == set()
    with failing("scandir", jobs / name, number, monkeypatch):
        found = find_unread([jobs], Fleet())

    assert found.unknown == {str(jobs)}
