"""What could take statuses out of a clone that nobody else has, or lead out of the clone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.git.clone import ManagedClone
from controller.adapters.git.command import GitError
from controller.adapters.git.sync_thread import SyncResult, SyncTask
from tests.checkout.support import STATUS, cloned, files, push, write
from tests.git.entries import entry, record
from tests.git.support import GIT, Hub, git
from tests.sandbox.support import poll


def test_a_folder_that_becomes_a_link_leads_no_status_out(
    ours: ManagedClone, person: Path, tmp_path: Path
) -> None:
    """Who can push may neither change nor remove a file outside of the clone."""
    push(person, {"jobs/deep/b.status.json": "old"})
    ours.pull()
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, {"b.status.json": "another's"})
    push(person, {}, "jobs/deep/b.status.json")
    (person / "jobs" / "deep").rmdir()
    (person / "jobs" / "deep").symlink_to(elsewhere)
    push(person)

    ours.pull()

    assert files(elsewhere) == {"b.status.json": "another's"}


@pytest.mark.parametrize("taken", ["jobs/deep", "jobs/deep/b.status.json/x"])
def test_a_sidecar_whose_place_is_taken_holds_up_no_pull(
    ours: ManagedClone, person: Path, taken: str
) -> None:
    """Where a file or a folder stands now no status can, and the rest of the branch is followed."""
    push(person, {"jobs/deep/b.status.json": "old"})
    ours.pull()
    push(person, {}, "jobs/deep/b.status.json")
    (person / "jobs" / "deep").rmdir()
    push(person, {taken: "x", "jobs/a.yaml": "a: 1", "jobs/new/c.status.json": "theirs"})

    assert ours.pull()

    assert files(ours.tree) == files(person)


@pytest.mark.parametrize("refused", ["scandir", "rename"])
def test_a_replacement_that_fails_keeps_every_status(
    ours: ManagedClone, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """What the system refuses while a broken clone is replaced is told, and tried again."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    (ours.tree / ".git" / "HEAD").write_text("nonsense")
    scan, rename = os.scandir, Path.rename
    error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def scanned(folder: Any) -> object:
        if Path(str(folder)).parts[-2:] == ("tree", "jobs"):
            raise error
        return scan(folder)

    def renamed(path: Path, target: Path) -> Path:
        if path.name.startswith("tree.new"):
            raise error
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scanned) if refused == "scandir" else None
        patch.setattr(Path, "rename", renamed) if refused == "rename" else None
        with pytest.raises(GitError, match="Too many open files"):
            ours.pull()
    ours.pull()

    assert files(ours.tree)[STATUS] == "new"


def test_a_branch_that_is_not_there_gets_no_commit(
    hub: Hub, person: Path, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that stays in the clone would count as the remote's once the branch is back."""
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    writing = {"write_back": "commit", "git_timeout": 60.0, "sandbox": False, "skip_ci": True}
    repo = cloned({**given, **writing, "branch": "main"})
    assert repo.clone is not None
    record(repo.clone.tree / "jobs", "a", entry("a"))
    before = files(repo.clone.tree)
    git(hub.bare, "branch", "-m", "main", "elsewhere")
    told: list[tuple[SyncTask, SyncResult]] = []
    syncing = repo.create_sync_thread(lambda: None, lambda *one: told.append(one))
    assert syncing is not None
    syncing.start()
    poll(lambda: (SyncTask.WRITE_BACK, SyncResult.FAILED) in told or len(told) > 1)

    assert not syncing.close(10.0)
    git(hub.bare, "branch", "-m", "elsewhere", "main")
    push(person, {"jobs/b.yaml": "b"})
    repo.clone.pull()

    assert files(repo.clone.tree) == {**before, "jobs/b.yaml": "b"}
