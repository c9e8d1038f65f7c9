from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot
from controller.adapters.host.tree_writes import (
    create,
    lock_file,
    make_folder,
    open_in_place,
    remove,
    replace,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree beside a file and a folder that lie outside it."""
    (tmp_path / "secret").write_text("password")
    (tmp_path / "private").mkdir()
    top = tmp_path / "tree"
    (top / "jobs").mkdir(parents=True)
    return top


def names(folder: Path) -> list[str]:
    """Return what a folder holds."""
    return sorted(one.name for one in folder.iterdir())


def lock(root: TreeRoot, path: str) -> None:
    """Take and leave a lock."""
    with lock_file(root, path):
        pass


def touch(root: TreeRoot, path: str) -> None:
    """Open a file in place."""
    descriptor = open_in_place(root, path)
    os.write(descriptor, b"new")
    os.close(descriptor)


WRITERS: dict[str, Callable[[TreeRoot, str], object]] = {
    "replace": lambda root, path: replace(root, path, b"new"),
    "create": lambda root, path: create(root, path, b"new"),
    "remove": remove,
    "make_folder": make_folder,
    "locked": lock,
    "open_in_place": touch,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_is_written_through_a_folder_that_leads_out(
    tree: Path, write: Callable[[TreeRoot, str], object]
) -> None:
    """A folder's link out of the tree is refused, and what lies there stays as it is."""
    (tree / "jobs" / "out").symlink_to("../../private")
    (tree.parent / "private" / "key").write_text("password")

    for name in ("key", "new"):
        with pytest.raises(OutsideTreeError):
            write(TreeRoot.locate(tree), f"{tree}/jobs/out/{name}")

    assert [one.name for one in (tree.parent / "private").iterdir()] == ["key"]
    assert (tree.parent / "private" / "key").read_text() == "password"


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("target", ["../../secret", "../../none"])
def test_no_writer_follows_the_last_part(
    tree: Path, write: Callable[[TreeRoot, str], object], target: str
) -> None:
    """A link in the place of a file is refused, left, replaced or removed: never followed."""
    link = tree / "jobs" / "link"
    link.symlink_to(target)

    with contextlib.suppress(OutsideTreeError):
        write(TreeRoot.locate(tree), str(link))

    assert (tree.parent / "secret").read_text() == "password"
    assert sorted(one.name for one in tree.parent.iterdir()) == ["private", "secret", "tree"]


def test_a_file_in_place_is_no_link(tree: Path) -> None:
    """What is opened in place, such as a lock, is refused where a link has its name."""
    (tree / "jobs" / "link").symlink_to("inside")

    with pytest.raises(OutsideTreeError, match="symbolic link"):
        open_in_place(TreeRoot.locate(tree), f"{tree}/jobs/link")
    assert not (tree / "jobs" / "inside").exists()


def test_links_to_folders_inside_are_followed(tree: Path) -> None:
    """Writes go to the resolved folder."""
    (tree / "linked").symlink_to("jobs")
    replace(TreeRoot.locate(tree), f"{tree}/linked/a", b"1")
    make_folder(TreeRoot.locate(tree), f"{tree}/linked/x/y")

    assert (tree / "jobs" / "a").read_bytes() == b"1"
    assert (tree / "jobs" / "x" / "y").is_dir()


def test_a_folder_that_became_a_link_is_seen(tree: Path) -> None:
    """Where a folder leads is asked anew before each write."""
    root = TreeRoot.locate(tree)
    assert root.resolve_folder(f"{tree}/jobs")
    (tree / "jobs").rename(tree / "old")
    (tree / "jobs").symlink_to("../private")

    with pytest.raises(OutsideTreeError):
        replace(root, f"{tree}/jobs/a", b"1")


def test_files_are_replaced_whole(tree: Path) -> None:
    """The new bytes and permissions take the old one's place, and nothing else remains."""
    root, path = TreeRoot.locate(tree), tree / "jobs" / "a"
    replace(root, str(path), b"1", 0o600)
    replace(root, str(path), b"2", 0o640)

    assert path.read_bytes() == b"2"
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tree / "jobs") == ["a"]


def test_the_first_creates(tree: Path) -> None:
    """Of two the second changes nothing, nor where a link has the name."""
    root, path = TreeRoot.locate(tree), tree / "jobs" / "a"
    (tree / "jobs" / "link").symlink_to("none")

    assert create(root, str(path), b"1")
    assert not create(root, str(path), b"2")
    assert not create(root, f"{tree}/jobs/link", b"2")
    assert path.read_bytes() == b"1"
    assert names(tree / "jobs") == ["a", "link"]


def test_a_stranger_of_our_number_is_no_obstacle(tree: Path) -> None:
    """What a killed process of the same number left behind is removed, a link not followed."""
    left = tree / "jobs" / f".a.{os.getpid()}.{threading.get_ident()}.tmp"
    left.symlink_to("../../secret")
    replace(TreeRoot.locate(tree), f"{tree}/jobs/a", b"1")

    assert names(tree / "jobs") == ["a"]
    assert (tree.parent / "secret").read_text() == "password"


def test_a_failed_write_leaves_nothing(tree: Path) -> None:
    """A folder in the file's place is an error, and the temporary file goes."""
    (tree / "jobs" / "a").mkdir()

    with pytest.raises(IsADirectoryError):
        replace(TreeRoot.locate(tree), f"{tree}/jobs/a", b"1")
    assert names(tree / "jobs") == ["a"]


def test_a_file_that_cannot_be_opened_is_not_locked(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock fails instead of trying for ever, or of being another one's."""
    (tree / "jobs" / "a").write_bytes(b"1")
    real = os.open

    def fails(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a":
            raise OSError(errno.EACCES, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(PermissionError):
        lock(TreeRoot.locate(tree), f"{tree}/jobs/a")


def test_a_missing_root_is_made(tree: Path) -> None:
    """The root's own path is what an operator typed."""
    root = TreeRoot.locate(tree.parent / "status" / "dir")
    make_folder(root, f"{tree.parent}/status/dir/jobs")

    assert (tree.parent / "status" / "dir" / "jobs").is_dir()
