from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.git.clone import MARKER, ForeignFolderError, ManagedClone
from controller.adapters.git.command import Git, GitError
from controller.adapters.git.origin import Origin
from controller.core.sharding import Shard
from tests.checkout.support import STATUS, claimed, files, merged, push, write
from tests.git.support import Hub, git, make_hub, publish
from tests.sandbox.support import poll


@pytest.mark.parametrize(
    "breakage",
    [
        lambda repository: (repository / "HEAD").write_text("nonsense"),
        lambda repository: (repository / "index").write_bytes(b"DIRC nonsense"),
        lambda repository: [path.unlink() for path in (repository / "objects").rglob("*.pack")],
        lambda repository: (repository / "config").write_text("[nonsense"),
        lambda repository: repository.rename(repository.with_name("moved")),
    ],
    ids=["head", "index", "objects", "config", "gone"],
)
def test_a_broken_clone_is_made_anew(ours: ManagedClone, person: Path, breakage: object) -> None:
    """Whatever is broken in the clone, it is replaced, and keeps the statuses that it had."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    assert callable(breakage)
    breakage(ours.tree / ".git")
    push(person, {"jobs/b.yaml": "b"})

    assert ours.pull()

    assert files(ours.tree) == {**files(person), STATUS: "new"}
    assert sorted(path.name for path in ours.folder.iterdir()) == [MARKER, "tree"]


def test_statuses_are_flushed_in_the_new_tree_before_the_old_one_goes(
    ours: ManagedClone, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure that loses the new tree must not find the old one removed."""
    push(person, {STATUS: "same"})
    ours.pull()
    (ours.tree / ".git" / "index").write_bytes(b"DIRC nonsense")
    push(person, {"jobs/b.yaml": "b"})
    flush, flushed = os.fsync, list[Path]()

    def fsync(descriptor: int) -> None:
        if (ours.folder / "tree").exists() and (ours.folder / "tree.old").exists():
            flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    assert ours.pull()

    status = ours.tree / STATUS
    assert {status, status.parent, ours.tree, ours.folder} <= {*flushed}
    assert not (ours.folder / "tree.old").exists()


def test_a_replacement_that_was_not_flushed_is_when_a_daemon_begins(
    hub: Hub, ours: ManagedClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that was killed before it removed the old tree may not have flushed the new one."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    write(ours.folder, {f"tree.old/{STATUS}": "new"})
    flushed = list[Path]()

    def fsync(descriptor: int) -> None:
        if (ours.folder / "tree.old").exists():
            flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)

    claimed(hub, ours.folder)

    assert {ours.tree / STATUS, ours.tree, ours.folder} <= {*flushed}
    assert not (ours.folder / "tree.old").exists()


def test_an_outer_repository_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    """A clone that lost its .git, in a folder of somebody's repository, is no part of that one."""
    outer = tmp_path / "outer"
    write(outer, {"letter.txt": "dear"})
    git(outer, "init", "-q")
    git(outer, "commit", "-q", "--allow-empty", "-m", "Begin")
    inner = claimed(hub, outer / "work")
    inner.pull()
    (inner.tree / ".git").rename(tmp_path / "gone")

    assert inner.pull()
    assert (outer / "letter.txt").read_text() == "dear"


def test_a_tree_that_vanished_is_cloned_again(ours: ManagedClone, person: Path) -> None:
    """Somebody's rm is mended with the next pull."""
    ours.pull()
    ours.tree.rename(ours.folder / "tree.old")
    assert ours.pull()
    assert files(ours.tree) == files(person)


@pytest.mark.parametrize("state", ["old", "new", "both"])
def test_a_replacement_that_was_broken_off_loses_nothing(
    hub: Hub, ours: ManagedClone, person: Path, state: str
) -> None:
    """Killed between the two renames or before, the tree with the statuses is there again."""
    ours.pull()
    write(ours.tree, {STATUS: "new"})
    if state != "new":
        ours.tree.rename(ours.folder / "tree.old")
    if state != "old":
        write(ours.folder, {"tree.new/half": "x"})

    again = claimed(hub, ours.folder)

    assert files(again.tree) == {**files(person), STATUS: "new"}
    again.pull()
    assert files(again.tree) == {**files(person), STATUS: "new"}


@pytest.mark.parametrize("url", ["file:///nowhere/fleet.git", "https://user:pw@127.0.0.1:1/x.git"])
def test_a_remote_that_is_not_there_is_told(ours: ManagedClone, tmp_path: Path, url: str) -> None:
    """The error is one line without a password, and the tree stays as it was."""
    ours.pull()
    before = files(ours.tree)
    for folder in (ours.folder, tmp_path / "empty"):
        lost = ManagedClone(folder, Origin(url, "main", (Path("jobs"),)), merged)
        lost.mark()
        lost.claim()
        with pytest.raises(GitError) as raised:
            lost.pull()
        assert "pw" not in str(raised.value)
        assert "\n" not in str(raised.value)
    assert files(ours.tree) == before
    assert not (tmp_path / "empty" / "tree").exists()


def test_a_branch_that_vanished_leaves_the_tree_alone(
    hub: Hub, ours: ManagedClone, person: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing counts as removed because a branch was deleted; when it is back, so are its news."""
    ours.pull()
    before = files(ours.tree)
    git(hub.bare, "branch", "-m", "main", "elsewhere")
    for _ in range(2):
        with pytest.raises(GitError, match="main"):
            ours.pull()
    assert files(ours.tree) == before
    assert caplog.records == []
    push(person, {"jobs/b.yaml": "b"})
    assert ours.pull()


def test_a_remote_without_a_commit_is_told(tmp_path: Path, ours: ManagedClone) -> None:
    """An empty repository is waited for."""
    empty = make_hub(tmp_path / "empty.git")
    mine = claimed(empty, tmp_path / "mine", "")
    with pytest.raises(GitError, match="no commit yet"):
        mine.pull()
    write(tmp_path / "first", {"jobs/a.yaml": "a"})
    publish(empty, tmp_path / "first")
    assert mine.pull()


def test_a_folder_of_somebody_else_is_refused(hub: Hub, tmp_path: Path) -> None:
    """What is not empty and not marked is never touched, a user's clone least of all."""
    for name, content in (("clone", {".git/HEAD": "x"}), ("full", {"letter.txt": "dear"})):
        write(tmp_path / name, content)
        with pytest.raises(ForeignFolderError, match="name another one"):
            claimed(hub, tmp_path / name)
        assert files(tmp_path / "full") in ({}, {"letter.txt": "dear"})
    (tmp_path / "file").touch()
    with pytest.raises(ForeignFolderError, match="cannot be used"):
        claimed(hub, tmp_path / "file")


def test_a_fresh_volume_is_empty_enough(hub: Hub, tmp_path: Path) -> None:
    """A file system of its own begins with a folder lost+found."""
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)
    assert claimed(hub, tmp_path / "volume").folder.joinpath(MARKER).exists()


def test_a_link_in_the_clones_place_is_not_followed(hub: Hub, ours: ManagedClone) -> None:
    """What is wiped is ours: a link is taken away, and what it leads to stays."""
    precious = ours.folder.parent / "precious"
    write(precious, {"letter.txt": "dear"})
    for name in ("tree.new", "tree.old"):
        (ours.folder / name).symlink_to(precious)
    (ours.folder / "tree").mkdir()
    again = claimed(hub, ours.folder)
    again.pull()
    assert files(precious) == {"letter.txt": "dear"}


def test_a_clone_has_a_name_without_credentials() -> None:
    """Its folder is the same whoever clones, and another for another branch, path or shard."""
    one = Origin("https://token:x@y@git.example.com/acme/fleet.git", "main", (Path("jobs"),))
    other = Origin("https://git.example.com/acme/fleet.git", "main", (Path("jobs"),))
    names = {
        origin.make_folder_name(shard)
        for origin in (one, other, Origin(other.url, "dev", other.paths))
        for shard in (Shard(0, 1), Shard(0, 2))
    }

    assert one.make_folder_name(Shard(0, 1)) == other.make_folder_name(Shard(0, 1))
    assert len(names) == 4
    assert all(name.startswith("fleet-") and "token" not in name for name in names)


def test_git_can_be_ended(
    ours: ManagedClone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote that hangs is left at once when the daemon leaves."""
    script, called = tmp_path / "ssh", tmp_path / "called"
    script.write_text(f"#!/bin/sh\ntouch {called}\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    hung = ManagedClone(tmp_path / "hung", Origin("ssh://host/fleet", "main", ()), merged)
    hung.mark()
    with ThreadPoolExecutor(1) as executor:
        pulling = executor.submit(hung.pull)
        poll(called.exists)
        hung.stop()
        with pytest.raises(GitError):
            pulling.result(20)


def test_a_daemon_that_leaves_replaces_no_clone(
    ours: ManagedClone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Git that was ended while it looked for what is broken has found nothing."""
    ours.pull()
    lost = ManagedClone(ours.folder, Origin("file:///nowhere", "main", ()), merged)

    def killed(*_: object) -> bool:
        lost.stop()
        return False

    monkeypatch.setattr(Git, "is_success", killed)

    with pytest.raises(GitError, match="nowhere"):
        lost.pull()
    assert caplog.records == []
