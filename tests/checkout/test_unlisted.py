"""A folder of a clone that cannot be listed is an error, never an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.adapters.git.clone import ForeignFolderError, ManagedClone
from controller.adapters.git.clone_files import clear_folder, find_stale_locks, find_statuses
from controller.adapters.git.command import GitError
from tests.checkout.support import files, push, write
from tests.git.support import git
from tests.support.unreadable import failing

NUMBERS = ("EIO", "EACCES", "ESTALE", "EMFILE")
WALKS: dict[str, Callable[[Path], object]] = {
    "clear": clear_folder,
    "stale_locks": lambda folder: list(find_stale_locks(folder)),
    "statuses_below": find_statuses,
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("inner", ["", "refs", "refs/heads"])
@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_folder_that_cannot_be_listed_is_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    walk: Callable[[Path], object],
    inner: str,
    number: str,
) -> None:
    """Nobody knows what is in it: a manifest of before, a lock, or a status."""
    folder = tmp_path / "folder"
    write(folder, {"refs/heads/main.lock": "", "refs/a.lock": ""})

    with (
        failing("scandir", folder / inner, number, monkeypatch),
        pytest.raises(OSError, match="folder"),
    ):
        walk(folder)


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_folder_that_is_not_there_is_empty(tmp_path: Path, walk: Callable[[Path], object]) -> None:
    """A folder that does not exist holds nothing."""
    assert not walk(tmp_path / "none")


def test_locks_are_found(tmp_path: Path) -> None:
    """Locks lie in the repository's folder itself, and anywhere below its references."""
    write(tmp_path, {"index.lock": "", "refs/heads/a/b.lock": "", "objects/x.lock": "", "HEAD": ""})

    found = {path.relative_to(tmp_path).as_posix() for path in find_stale_locks(tmp_path)}

    assert found == {"index.lock", "refs/heads/a/b.lock"}


@pytest.mark.parametrize("number", NUMBERS)
def test_submodules_folder_that_cannot_be_listed_keeps_no_manifest(
    ours: ManagedClone, person: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    """A pull whose old manifests cannot be found fails, and the next one removes them."""
    push(person, {"jobs/sub/a.yaml": "a: 1"})
    ours.pull()
    git(person, "rm", "-rq", "jobs/sub")
    head = git(person, "rev-parse", "HEAD")
    git(person, "update-index", "--add", "--cacheinfo", f"160000,{head},jobs/sub")
    git(person, "commit", "-q", "-m", "Submodule")
    git(person, "push", "-q", "origin", "HEAD:main")

    with (
        failing("scandir", ours.tree / "jobs" / "sub", number, monkeypatch),
        pytest.raises(GitError),
    ):
        ours.pull()
    ours.pull()

    assert "jobs/sub/a.yaml" not in files(ours.tree)


def test_work_folder_that_cannot_be_listed_is_not_claimed(
    ours: ManagedClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier daemon left half done may be in it."""
    with (
        failing("scandir", ours.folder, "EACCES", monkeypatch),
        failing("listdir", ours.folder, "EACCES", monkeypatch),
        pytest.raises(ForeignFolderError),
    ):
        ours.claim()
