from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from controller.adapters.host.daemon_lock import get_lock_path, hold_lock
from controller.adapters.host.tree_files import OutsideTreeError
from controller.core.sharding import Shard


def never() -> bool:
    """Nobody asks to leave."""
    return False


def test_who_has_it_is_told_in_it(tmp_path: Path) -> None:
    """The lock names its holder, in a folder that git ignores by itself."""
    path = get_lock_path(tmp_path, Shard())
    with hold_lock(path, never, lambda _: None) as got:
        assert got
        assert path.read_text().startswith(f"{os.getpid()} on ")

    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True, capture_output=True)
    shown = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
    assert shown.stdout == b""


def test_a_second_waits_until_the_first_ends(tmp_path: Path) -> None:
    """It is tried again after each pause, and got once it is free."""
    path = get_lock_path(tmp_path, Shard())
    pauses: list[float] = []
    with hold_lock(path, never, lambda _: None) as first:
        assert first

        def leaves() -> bool:
            return len(pauses) == 3

        with hold_lock(path, leaves, pauses.append) as second:
            assert not second
    with hold_lock(path, never, pauses.append) as third:
        assert third

    assert len(pauses) == 3


def test_shards_have_locks_of_their_own(tmp_path: Path) -> None:
    """Shards of one tree run side by side, and so do counts while they change."""
    shards = [Shard(0, 2), Shard(1, 2), Shard(0, 3)]

    assert len({get_lock_path(tmp_path, shard) for shard in shards}) == 3


def test_a_link_is_locked_where_it_lies(tmp_path: Path) -> None:
    """What it leads to is another folder after each commit."""
    (tmp_path / "one").mkdir()
    link = tmp_path / "current"
    link.symlink_to("one")
    before = get_lock_path(link, Shard())
    link.unlink()
    (tmp_path / "two").mkdir()
    link.symlink_to("two")

    assert get_lock_path(link, Shard()) == before
    assert before.is_relative_to(tmp_path / ".bedrock-jobs")


@pytest.mark.parametrize("name", ["watch-0-of-1.lock", ".gitignore"])
@pytest.mark.parametrize("content", [None, "precious"])
def test_a_link_is_no_lock(tmp_path: Path, name: str, content: str | None) -> None:
    """What a link leads to is neither created nor truncated, inside the tree or outside."""
    target = tmp_path / "target"
    if content is not None:
        target.write_text(content)
    folder = tmp_path / "tree" / ".bedrock-jobs"
    folder.mkdir(parents=True)
    (folder / name).symlink_to(target)
    path = get_lock_path(tmp_path / "tree", Shard())
    assert path.parent == folder

    with pytest.raises(OutsideTreeError, match=name), hold_lock(path, never, lambda _: None):
        pass
    assert (target.read_text() if target.exists() else None) == content


def test_a_lock_stays_in_its_tree(tmp_path: Path) -> None:
    """Its folder may be no link to a folder elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".bedrock-jobs").symlink_to("../elsewhere")
    path = get_lock_path(tmp_path / "tree", Shard())

    with pytest.raises(OutsideTreeError), hold_lock(path, never, lambda _: None):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_where_no_lock_can_be_had_it_goes_on(tmp_path: Path) -> None:
    """A folder that cannot be written keeps nobody from watching it."""
    (tmp_path / ".bedrock-jobs").touch()

    with hold_lock(get_lock_path(tmp_path, Shard()), never, lambda _: None) as got:
        assert got


def test_a_full_disk_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is had though nothing can be written into its file."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    path = get_lock_path(tmp_path, Shard())

    with hold_lock(path, never, lambda _: None) as got:
        assert got
