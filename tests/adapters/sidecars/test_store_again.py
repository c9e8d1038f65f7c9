"""One ledger that lives long: it opens what has changed, and never tells what is not there."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.host.file_stamp import FileStamp, make_stamp
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, JobRecord, Source
from controller.ports import LedgerError
from tests.adapters.tree_edits import pass_a_tick

(KIND,) = KINDS.values()
HOUR = 3_600_000_000_000
ENTRY: dict[str, Any] = {
    "kind": KIND.name,
    "phase": "Failed",
    "digest": "0123",
    "attempt": 0,
    "conditions": [],
    "history": [],
}


def later() -> int:
    """Return the time an hour from now: every file was written long ago."""
    return time.time_ns() + HOUR


def source(folder: Path, name: str) -> Source:
    """Return the place of a manifest."""
    return Source(str(folder / f"{name}.yaml"), 1, 1)


def put(folder: Path, name: str, phase: str) -> bool:
    """Write an entry as another process would."""
    key = JobKey(KIND.name, name)
    return SidecarLedger([folder], KINDS).write(
        source(folder, name), key, {**ENTRY, "phase": phase}
    )


def phases(recorded: Mapping[JobKey, JobRecord]) -> dict[str, str]:
    """Return each job's phase."""
    return {key.name: one.phase for key, one in recorded.items()}


def test_unchanged_sidecars_are_not_opened(tmp_path: Path) -> None:
    """A second read opens nothing and tells the same, and the first one's answer stays whole."""
    for name in ("a", "b"):
        put(tmp_path, name, "Completed")
    ledger = SidecarLedger([tmp_path], KINDS, later)
    first = ledger.read({})
    as_told = copy.deepcopy(dict(first))
    assert ledger.opened == 2

    assert ledger.read({}) == first == as_told
    assert ledger.opened == 0


def test_own_write_is_read_again(tmp_path: Path) -> None:
    """What the ledger wrote itself is what its next read tells."""
    put(tmp_path, "a", "Stopped")
    put(tmp_path, "b", "Stopped")
    ledger = SidecarLedger([tmp_path], KINDS, later)
    ledger.read({})

    ledger.write(source(tmp_path, "a"), JobKey(KIND.name, "a"), {**ENTRY, "phase": "Completed"})

    assert phases(ledger.read({})) == {"a": "Completed", "b": "Stopped"}
    assert ledger.opened == 1


@pytest.mark.parametrize("young", [True, False])
def test_edit_in_place_is_seen(tmp_path: Path, *, young: bool) -> None:
    """New bytes of the old size under the old time are read, by age or by the change's own time."""
    put(tmp_path, "a", "Stopped")
    path = tmp_path / "a.status.json"
    ledger = SidecarLedger([tmp_path], KINDS, time.time_ns if young else later)
    ledger.read({})
    before = path.stat()
    if not young:
        pass_a_tick(tmp_path)
    path.write_text(path.read_text().replace("Stopped", "Invalid"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert phases(ledger.read({})) == {"a": "Invalid"}


def test_edit_in_place_is_written_over(tmp_path: Path) -> None:
    """A write compares with what stands there now, not with what was once read."""
    put(tmp_path, "a", "Stopped")
    path = tmp_path / "a.status.json"
    wanted = path.read_bytes()
    ledger = SidecarLedger([tmp_path], KINDS, later)
    ledger.read({})
    ledger.read({})
    pass_a_tick(tmp_path)
    path.write_text(path.read_text().replace("Stopped", "Invalid"))

    assert ledger.write(
        source(tmp_path, "a"), JobKey(KIND.name, "a"), {**ENTRY, "phase": "Stopped"}
    )
    assert path.read_bytes() == wanted


def begun(token: str, phase: str = "Submitting") -> dict[str, Any]:
    """Return the entry of a Create that has no answer yet, or of what it came to."""
    return {**ENTRY, "phase": phase, "token": token}


@pytest.mark.parametrize("was_there", [True, False])
def test_intent_of_another_controller_is_not_written_over(
    tmp_path: Path, *, was_there: bool
) -> None:
    """What came since the read stays, where it tells of a Create that we know nothing of."""
    key = JobKey(KIND.name, "a")
    if was_there:
        put(tmp_path, "a", "Failed")
    ledger, other = SidecarLedger([tmp_path], KINDS), SidecarLedger([tmp_path], KINDS)
    ledger.read({})
    other.read({})
    theirs = begun("bj1-theirs")
    other.write(source(tmp_path, "a"), key, theirs)

    assert not ledger.write(source(tmp_path, "a"), key, begun("bj1-ours", "Failed"))
    assert ledger.read({})[key].entry == theirs


def test_own_intent_gives_way_to_what_it_came_to(tmp_path: Path) -> None:
    """One pass writes an intent and its outcome, whether there was a job or none."""
    key = JobKey(KIND.name, "a")
    ledger = SidecarLedger([tmp_path], KINDS)
    ledger.read({})

    assert ledger.write(source(tmp_path, "a"), key, begun("bj1-ours"))
    assert ledger.write(source(tmp_path, "a"), key, begun("bj1-ours", "Queued"))
    assert phases(ledger.read({})) == {"a": "Queued"}


def test_unreadable_is_named_every_time(tmp_path: Path) -> None:
    """A sidecar that cannot be understood is told at every read, also where it is not opened."""
    (tmp_path / "a.status.json").write_text("<<<<<<< HEAD")
    ledger = SidecarLedger([tmp_path], KINDS, later)

    for opened in (1, 0):
        assert ledger.read({}) == {}
        assert ledger.unreadable == [str(tmp_path / "a.status.json")]
        assert ledger.opened == opened


edits = st.tuples(
    st.sampled_from(["own", "other", "in place", "remove", "swap", "garbage"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["Stopped", "Invalid", "Completed"]),
)


def edited(ledger: SidecarLedger, folder: Path, verb: str, name: str, phase: str) -> None:
    """Make one change of a sidecar."""
    path = folder / f"{name}.status.json"
    match verb:
        case "own":
            key = JobKey(KIND.name, name)
            with suppress(LedgerError):
                ledger.write(source(folder, name), key, {**ENTRY, "phase": phase})
        case "other":
            with suppress(LedgerError):
                put(folder, name, phase)
        case "in place" if path.exists():
            path.write_text(path.read_text().replace("Stopped", "Invalid"))
        case "remove":
            path.unlink(missing_ok=True)
        case "swap" if path.exists():
            path.replace(folder / "d.status.json")
        case "garbage":
            path.write_text("{")


@settings(max_examples=50, deadline=None)
@given(history=st.lists(st.lists(edits, max_size=3), min_size=2, max_size=6), ahead=st.booleans())
def test_any_history_reads_as_a_new_ledger_does(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[str, str, str]]],
    ahead: bool,
) -> None:
    """Whatever happens to the sidecars, each read tells what a new process would read."""
    folder = tmp_path_factory.mktemp("history")
    ledger = SidecarLedger([folder], KINDS, later if ahead else time.time_ns)
    for step in history:
        if ahead:
            pass_a_tick(folder)
        for verb, name, phase in step:
            edited(ledger, folder, verb, name, phase)
        new = SidecarLedger([folder], KINDS)

        assert ledger.read({}) == new.read({})
        assert ledger.unreadable == new.unreadable
        assert ledger.list_stray_entries() == new.list_stray_entries()


@pytest.mark.parametrize("year", [33658, -29719])
def test_a_file_of_no_known_year_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    """A broken clock or archive costs the file's time, and not the daemon."""
    ledger = SidecarLedger([tmp_path], KINDS)
    key = JobKey(KIND.name, "a")
    ledger.write(source(tmp_path, "a"), key, ENTRY)
    seconds = (year - 1970) * 31_556_952

    def aged(found: os.stat_result) -> FileStamp:
        # Not every file system can keep it.
        return make_stamp(found)._replace(written=seconds * 1_000_000_000)

    monkeypatch.setattr("controller.adapters.sidecars.store.make_stamp", aged)

    assert SidecarLedger([tmp_path], KINDS).read({})[key].written_at is None
