"""File events that cannot be had: what was opened for them is closed, and nothing else is."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from controller.adapters.watch.file_events import FileEvents, WatchPaths


def refused(folder: Path) -> OSError:
    """Return the error of watching a folder that is missing, which the system refuses."""
    where = WatchPaths((str(folder),), (), frozenset(), ())
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)) as caught:
        FileEvents(where, lambda _: None)
    return caught.value


def test_refused_watch_closes_each_descriptor_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that was closed may be another thread's by then: a connection, or a sidecar."""
    close, closed = os.close, list[int]()

    def count(descriptor: int) -> None:
        closed.append(descriptor)
        close(descriptor)

    monkeypatch.setattr(os, "close", count)
    refused(tmp_path / "missing")

    assert len(closed) == 3
    assert len(set(closed)) == 3


def test_refused_watch_leaves_another_threads_files_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others open as soon as a number is free stays open."""
    close, others = os.close, list[int]()

    def close_and_reopen(descriptor: int) -> None:
        close(descriptor)
        others.append(os.open(tmp_path, os.O_RDONLY))

    monkeypatch.setattr(os, "close", close_and_reopen)
    refused(tmp_path / "missing")
    monkeypatch.undo()

    assert len({os.fstat(descriptor).st_ino for descriptor in others}) == 1
    assert len(others) == len(set(others))
    for descriptor in others:
        close(descriptor)


def test_watch_without_a_descriptor_left_closes_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit may be reached between the descriptors of one watch."""
    close, closed = os.close, list[int]()

    def fail() -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def count(descriptor: int) -> None:
        closed.append(descriptor)
        close(descriptor)

    monkeypatch.setattr(os, "pipe", fail)
    monkeypatch.setattr(os, "close", count)
    where = WatchPaths((str(tmp_path),), (), frozenset(), ())
    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
        FileEvents(where, lambda _: None)

    assert len(closed) == 1
