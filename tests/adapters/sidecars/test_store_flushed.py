"""What a Create relies on is on disk, also where another process wrote it and was killed."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.adapters.host.folder_writes import TEMPORARY_SUFFIX
from controller.adapters.sidecars.status_dir import StatusDirLedger
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.watch.ledger import SerializedLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey
from controller.ports import LedgerError
from tests.adapters.sidecars.test_store import ENTRY, key, ledger, sidecar, source

KEY = key()
Flushed = list[Path]


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Flushed:
    """The files and folders that are flushed from now on, in order."""
    flush, found = os.fsync, list[Path]()

    def fsync(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def left_by_another(folder: Path, *keys: JobKey) -> SidecarLedger:
    """Return a ledger that read entries which another process wrote."""
    another, mine = ledger(folder), ledger(folder)
    places = {one: source(folder, f"{one.name}.yaml") for one in keys}
    another.write_all([(place, one, ENTRY) for one, place in places.items()])
    mine.read(places)
    return mine


def test_entry_that_another_process_left_is_flushed(tmp_path: Path, flushed: Flushed) -> None:
    """A process that is killed before its flush leaves bytes that a power failure loses."""
    folder = tmp_path / "jobs" / "deep"
    folder.mkdir(parents=True)
    one = left_by_another(folder, KEY)
    flushed.clear()

    assert not one.write(source(folder), KEY, ENTRY)

    assert flushed[0] == sidecar(folder)
    assert {folder, folder.parent, tmp_path} <= {*flushed}


def test_entry_written_meanwhile_is_flushed(tmp_path: Path, flushed: Flushed) -> None:
    """So do equal bytes that another process wrote since they were read, each time it does."""
    one, place = ledger(tmp_path), source(tmp_path)
    one.read({KEY: place})
    for name in (KEY, key("another")):
        ledger(tmp_path).write(place, name, ENTRY)
        flushed.clear()

        assert not one.write(place, name, ENTRY)

        in_place = [path for path in flushed if path.suffix != TEMPORARY_SUFFIX]
        assert in_place[:2] == [sidecar(tmp_path), tmp_path]


def test_entry_in_a_new_folder_is_flushed_with_it(tmp_path: Path, flushed: Flushed) -> None:
    """A folder that somebody has just made takes with it what is flushed inside."""
    folder = tmp_path / "jobs" / "deep"
    folder.mkdir(parents=True)

    assert ledger(folder).write(source(folder), KEY, ENTRY)

    assert {folder, folder.parent, tmp_path} <= {*flushed}


def test_folders_of_a_status_dir_are_flushed(tmp_path: Path, flushed: Flushed) -> None:
    """So does a folder for statuses, and every one above it that was made with it."""
    folder = tmp_path / "var" / "lib" / "statuses"
    one = StatusDirLedger([tmp_path / "jobs"], folder, KINDS)

    assert one.write(source(tmp_path / "jobs"), KEY, ENTRY)

    assert {folder, folder.parent, tmp_path / "var", tmp_path} <= {*flushed}


def test_daemon_flushes_what_it_relies_on(tmp_path: Path, flushed: Flushed) -> None:
    """The ledger that a daemon's passes share does the same."""
    one = SerializedLedger(left_by_another(tmp_path, KEY), threading.Lock())
    flushed.clear()

    assert not one.write(source(tmp_path), KEY, ENTRY)

    assert sidecar(tmp_path) in flushed


@pytest.mark.parametrize("is_failing", [Path.is_file, Path.is_dir])
def test_entry_that_cannot_be_flushed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_failing: Callable[[Path], bool]
) -> None:
    """Nothing may rely on an entry that the disk does not take."""
    one = left_by_another(tmp_path, KEY)

    def fsync(descriptor: int) -> None:
        if is_failing(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)

    for _ in range(2):
        with pytest.raises(LedgerError, match="Input/output error"):
            one.write(source(tmp_path), KEY, ENTRY)


def test_settled_entries_are_not_flushed(tmp_path: Path, flushed: Flushed) -> None:
    """What nothing relies on is neither flushed nor written: a settled pass stays cheap."""
    one = left_by_another(tmp_path, KEY)
    flushed.clear()

    assert list(one.write_all([(source(tmp_path), KEY, ENTRY)])) == [False]

    assert flushed == []


def test_files_and_folders_are_flushed_once_in_a_pass(tmp_path: Path, flushed: Flushed) -> None:
    """A thousand entries of a file are as cheap as one, and each pass flushes anew."""
    keys = [key(f"job-{number}") for number in range(100)]
    one, places = ledger(tmp_path), dict.fromkeys(keys, source(tmp_path))
    ledger(tmp_path).write_all([(places[each], each, ENTRY) for each in keys])
    for _ in range(2):
        one.read(places)
        flushed.clear()

        written = [one.write(places[each], each, ENTRY) for each in keys]

        assert written == [False] * len(keys)
        assert flushed.count(sidecar(tmp_path)) == 1
        assert len(flushed) == len({*flushed}) + 1  # the file's folder, with its name and as such


def test_folders_above_many_are_flushed_once(tmp_path: Path, flushed: Flushed) -> None:
    """A thousand folders are not a thousand flushes of those above them."""
    folders = [tmp_path / "jobs" / str(number) for number in range(9)]
    one = ledger(tmp_path)
    for folder in folders:
        folder.mkdir(parents=True)
        assert one.write(source(folder), KEY, ENTRY)

    assert flushed.count(tmp_path / "jobs") == flushed.count(tmp_path) == 1
    assert {*folders} <= {*flushed}


def test_folder_that_may_not_be_opened_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flushed: Flushed
) -> None:
    """A folder above that only its owner can open keeps nobody from submitting."""
    folder, opened = tmp_path / "jobs", os.open
    folder.mkdir()

    def refusing(path: str, *given: int, **named: int) -> int:
        if path == str(tmp_path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, *given, **named)

    one = left_by_another(folder, KEY)
    monkeypatch.setattr(os, "open", refusing)

    assert not one.write(source(folder), KEY, ENTRY)

    assert tmp_path.parent in flushed
    assert tmp_path not in flushed


def test_new_place_of_an_entry_is_flushed_before_the_old_one_goes(
    tmp_path: Path, flushed: Flushed
) -> None:
    """An entry that a move left behind is all that is known until the new one lasts."""
    old, new = source(tmp_path, "old.yaml"), source(tmp_path, "new.yaml")
    ledger(tmp_path).write_all([(old, KEY, ENTRY), (new, KEY, ENTRY)])
    one = ledger(tmp_path)
    one.read({KEY: new})
    (stray,) = one.list_stray_entries()
    flushed.clear()

    assert one.remove(stray, stray.recorded.entry)

    assert sidecar(tmp_path, "new") in flushed
    assert not sidecar(tmp_path, "old").exists()
