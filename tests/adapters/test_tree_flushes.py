"""Flushes of folders: a write counts only once its name is on disk."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.host.tree_writes import create, make_folder, replace


def folders_fail_with(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Let each flush of a folder fail, and count them."""
    flush, failed = os.fsync, []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            failed.append(descriptor)
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return failed


@pytest.mark.parametrize("write", [replace, create])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_name_that_may_be_lost_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object, number: int
) -> None:
    """A folder that cannot be flushed may lose the file, so the caller must know."""
    folders_fail_with(monkeypatch, number)
    writer = replace if write is replace else create

    with pytest.raises(OSError, match=os.strerror(number)):
        writer(TreeRoot.locate(tmp_path), str(tmp_path / "a"), b"content")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_file_system_that_flushes_no_folder_is_borne(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where a folder cannot be flushed by its kind, the file is written all the same."""
    failed = folders_fail_with(monkeypatch, number)

    replace(TreeRoot.locate(tmp_path), str(tmp_path / "a"), b"content")

    assert (tmp_path / "a").read_bytes() == b"content"
    assert failed


def test_new_folder_is_flushed_in_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that a power failure can lose takes flushed files with it."""
    folders_fail_with(monkeypatch, errno.EIO)

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        make_folder(TreeRoot.locate(tmp_path), str(tmp_path / "statuses"))
