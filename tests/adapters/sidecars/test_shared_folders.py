"""Threads that write into one folder share its lock and flushes; each gets its own answer."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot
from controller.adapters.sidecars.shared_folders import SharedFolder, SharedFolders

WRITERS = 8
PATIENCE = 30


class FolderFlushes:
    """Flushes of folders, the first of which waits in the kernel until it is let go."""

    def __init__(self, error: int = 0) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.count = 0
        self._error = error
        self._flush = os.fsync

    def fsync(self, descriptor: int) -> None:
        """Flush files at once, and the first folder late."""
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self.count += 1
            if self.count == 1:
                self.began.set()
                assert self.goes_on.wait(PATIENCE)
                if self._error:
                    raise OSError(self._error, os.strerror(self._error))
        self._flush(descriptor)


def renames_counted(monkeypatch: pytest.MonkeyPatch, wanted: int) -> threading.Event:
    """Return an event that is set once so many files were renamed."""
    rename, done, lock, names = os.rename, threading.Event(), threading.Lock(), list[str]()

    def counted(source: str, target: str, **folders: int) -> None:
        rename(source, target, **folders)
        with lock:
            names.append(target)
            if len(names) == wanted:
                done.set()

    monkeypatch.setattr(os, "rename", counted)
    return done


def written(folders: SharedFolders, folder: Path, name: str, write: str) -> OSError | None:
    """Write a file through the shared folder, and return what went wrong."""
    try:
        with folders.open(TreeRoot.locate(folder), str(folder)) as shared:
            getattr(shared, write)(name, b"content")
    except OSError as error:
        return error
    return None


@pytest.mark.parametrize("write", ["create", "replace"])
def test_rename_after_a_flush_began_is_flushed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """A flush that is under way may have passed by a name that is set meanwhile."""
    flushes, folders = FolderFlushes(), SharedFolders()
    monkeypatch.setattr(os, "fsync", flushes.fsync)
    with ThreadPoolExecutor(WRITERS) as pool:
        first = pool.submit(written, folders, tmp_path, "first", write)
        assert flushes.began.wait(PATIENCE)
        all_renamed = renames_counted(monkeypatch, WRITERS - 1)
        later = [
            pool.submit(written, folders, tmp_path, f"later-{number}", write)
            for number in range(WRITERS - 1)
        ]
        assert all_renamed.wait(PATIENCE)
        assert not any(one.done() for one in later)
        flushes.goes_on.set()

        assert first.result() is None
        assert [one.result() for one in later] == [None] * len(later)

    assert flushes.count >= 2
    assert len(list(tmp_path.iterdir())) == WRITERS


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_failed_flush_is_an_error_of_every_file_that_it_was_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The kernel reports the loss once: the flush after it succeeds without those names."""
    failing = FolderFlushes(number)
    failing.goes_on.set()
    folders = SharedFolders()
    with folders.open(TreeRoot.locate(tmp_path), str(tmp_path)) as shared:
        monkeypatch.setattr(os, "fsync", failing.fsync)
        both = flush_together(shared)

        assert [type(one) for one in both] == [OSError, OSError]
        assert failing.count == 1
        shared.replace("after", b"content")
        assert failing.count == 2


@pytest.mark.parametrize("write", ["create", "replace"])
def test_failed_flush_is_an_error_of_a_rename_just_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """A flush of another thread takes with it each name that was set when it failed."""
    failing, folders, rename = FolderFlushes(errno.EIO), SharedFolders(), os.rename
    failing.goes_on.set()

    def flush_after_rename(source: str, target: str, **named: int) -> None:
        rename(source, target, **named)
        if target == "early":
            assert pool.submit(written, folders, tmp_path, "other", "replace").result(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(os, "fsync", failing.fsync)
        monkeypatch.setattr(os, "rename", flush_after_rename)
        failed = written(folders, tmp_path, "early", write)

    assert failed is not None
    assert failed.errno == errno.EIO


def test_interrupted_flush_is_an_error_of_every_file_that_it_was_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal may end the thread that flushes; whether the names are on disk is unknown."""
    flushes, folders = FolderFlushes(), SharedFolders()

    def interrupted(descriptor: int) -> None:
        flushes.fsync(descriptor)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) and flushes.count == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with ThreadPoolExecutor(2) as pool, folders.open(TreeRoot.locate(tmp_path), str(tmp_path)):
        first = pool.submit(written, folders, tmp_path, "first", "replace")
        assert flushes.began.wait(PATIENCE)
        renamed = renames_counted(monkeypatch, 1)
        second = pool.submit(written, folders, tmp_path, "second", "replace")
        assert renamed.wait(PATIENCE)
        flushes.goes_on.set()

        assert isinstance(first.exception(), KeyboardInterrupt)
        assert isinstance(second.result(), OSError)


def test_file_whose_folder_cannot_be_locked_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without free descriptors fails the write, and removes what it had prepared."""
    opened = os.open

    def refusing(path: str, *given: int, **named: int) -> int:
        if path == ".":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", refusing)
    failed = written(SharedFolders(), tmp_path, "name", "create")

    assert failed is not None
    assert failed.errno == errno.EMFILE
    assert list(tmp_path.iterdir()) == []


def flush_together(shared: SharedFolder) -> list[OSError | None]:
    """Let two threads ask for a flush before either is made, and return what each gets."""

    def flush() -> OSError | None:
        try:
            shared._flush(shared._failures)
        except OSError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        with shared._flushing:
            both = [pool.submit(flush), pool.submit(flush)]
            while shared._renames < 2:
                assert not any(future.done() for future in both)
        return [future.result() for future in both]


def test_folder_that_became_a_link_is_not_written_through(tmp_path: Path) -> None:
    """Threads that write into the folder before do not let others follow the link out."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    jobs = tree / "jobs"
    jobs.mkdir(parents=True)
    outside.mkdir()
    folders, root = SharedFolders(), TreeRoot.locate(tree)
    with folders.open(root, str(jobs)) as shared:
        jobs.rename(tree / "moved")
        jobs.symlink_to(outside)
        shared.replace("first", b"content")

        with pytest.raises(OutsideTreeError), folders.open(root, str(jobs)):
            pass

    assert (tree / "moved/first").read_bytes() == b"content"
    assert list(outside.iterdir()) == []


def test_new_folder_of_the_same_name_gets_the_next_files(tmp_path: Path) -> None:
    """A checkout may replace a folder while others write into the old one."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    folders, root = SharedFolders(), TreeRoot.locate(tmp_path)
    with folders.open(root, str(jobs)):
        jobs.rename(tmp_path / "moved")
        jobs.mkdir()
        assert written(folders, jobs, "next", "create") is None

    assert (jobs / "next").read_bytes() == b"content"
    assert list((tmp_path / "moved").iterdir()) == []


def test_one_of_many_writers_creates_a_file(tmp_path: Path) -> None:
    """Several threads that create the same file leave one whole file, and one of them made it."""
    folders, root = SharedFolders(), TreeRoot.locate(tmp_path)

    def create(number: int) -> bool:
        with folders.open(root, str(tmp_path)) as shared:
            return shared.create("same", str(number).encode())

    with ThreadPoolExecutor(WRITERS) as pool:
        made = list(pool.map(create, range(WRITERS)))

    assert made.count(True) == 1
    assert (tmp_path / "same").read_bytes() == str(made.index(True)).encode()
    assert [one.name for one in tmp_path.iterdir()] == ["same"]


def test_file_that_cannot_be_prepared_is_its_own_error(tmp_path: Path) -> None:
    """A name that is too long for the disk fails alone."""
    folders = SharedFolders()

    failed = written(folders, tmp_path, "n" * 250, "create")

    assert failed is not None
    assert written(folders, tmp_path, "short", "create") is None
    assert [one.name for one in tmp_path.iterdir()] == ["short"]


@pytest.mark.parametrize("name", ["short", "n" * 250])
def test_last_writer_closes_the_folder(tmp_path: Path, name: str) -> None:
    """Folders are closed also when a write failed, or a daemon would run out of descriptors."""
    folders = SharedFolders()
    with (
        contextlib.suppress(OSError),
        folders.open(TreeRoot.locate(tmp_path), str(tmp_path)) as shared,
    ):
        shared.create(name, b"content")

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(shared.folder.descriptor)
