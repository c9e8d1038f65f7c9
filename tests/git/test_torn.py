"""What breaks off in the middle, and what cannot be seen: no status goes back or is lost by it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from controller.adapters import following
from tests.git.desks import Desk
from tests.git.entries import entry


def test_a_full_disk_while_following_takes_no_other_writers_status_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch is followed once the files are there: until then they are no older news."""
    desk.record("b", minute=1)
    desk.writer().write_back()
    other = desk.clone("other")
    other.record("b", "Completed", 9)
    other.writer().write_back()
    desk.record("a", minute=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(following, "replace", full)
        assert "No space left" in desk.writer().write_back().notes[0]
    again = desk.writer().write_back()

    assert not again.commit
    assert desk.hub.entry("b") == entry("b", "Completed", 9)
    assert desk.clean()
