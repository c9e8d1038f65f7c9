"""Which states of a file can be trusted to show a change, by value."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from controller.adapters.host.file_stamp import FileStamp, is_settled, read_stamp

WRITTEN = 1_800_000_000_123_456_789
WHOLE_SECONDS = 1_800_000_000_000_000_000
TENTH, SECOND = 100_000_000, 1_000_000_000


@pytest.mark.parametrize(
    ("stamp", "age", "settled"),
    [
        (WRITTEN, 0, False),
        (WRITTEN, TENTH, False),
        (WRITTEN, TENTH + 1, True),
        (WHOLE_SECONDS, 2 * SECOND, False),
        (WHOLE_SECONDS, 3 * SECOND + 1, True),
        (WRITTEN, -60 * SECOND, False),
    ],
)
def test_state_is_trusted_once_the_clock_has_ticked(stamp: int, age: int, settled: bool) -> None:
    """Coarse stamps are waited for longer, and a stamp from the future is never trusted."""
    state = FileStamp(1, 2, 3, stamp, stamp)

    assert is_settled(state, stamp + age) is settled


def test_time_set_back_is_not_trusted() -> None:
    """A time of writing that somebody set hides no change: the other one cannot be set."""
    state = FileStamp(1, 2, 3, WRITTEN - 60 * SECOND, WRITTEN)

    assert not is_settled(state, WRITTEN + 1)


def test_link_has_the_state_of_what_it_leads_to(tmp_path: Path) -> None:
    """A link that leads nowhere has a state of its own, and nothing has none."""
    link, file = tmp_path / "link", tmp_path / "file"
    assert read_stamp(str(link)) is None

    link.symlink_to("file")
    alone = read_stamp(str(link))
    file.write_text("a")

    assert alone is not None
    assert read_stamp(str(link)) == read_stamp(str(file)) != alone


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE])
def test_an_unknown_state_is_not_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A state that cannot be found out never settles, so that what rests on it is read anew."""

    def fails(_path: str) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", fails)
        patch.setattr(os, "lstat", fails)
        found = read_stamp(str(tmp_path))

    assert found is not None
    assert not is_settled(found, time.time_ns() + 10**12)
