"""Entries beside no manifest of theirs: met by the ledger, and taken out when asked."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.adapters.sidecars.store import SidecarLedger
from controller.core.model import JobKey
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import LedgerError
from tests.adapters.sidecars.test_store import ENTRY, key, ledger, sidecar, source


def written(folder: Path, *names: str, file: str = "bots.yaml") -> SidecarLedger:
    """Return a ledger that has read one sidecar with entries of these names, and no manifests."""
    folder.mkdir(exist_ok=True)
    for name in names:
        ledger(folder).write(source(folder, file), key(name), ENTRY)
    made = ledger(folder)
    made.read({})
    return made


def names(path: Path) -> set[str]:
    """Return the names of the entries that a sidecar holds."""
    return set(json.loads(path.read_bytes())["jobs"])


def test_entry_without_manifest_is_met(tmp_path: Path) -> None:
    """Of a job that nobody asked about the entry and its sidecar are told."""
    (one,) = written(tmp_path, "bot").list_stray_entries()

    assert (one.sidecar, one.key) == (str(tmp_path / "bots.status.json"), key("bot"))
    assert one.recorded.entry["phase"] == ENTRY["phase"]


def test_entry_beside_its_manifest_is_not_astray(tmp_path: Path) -> None:
    """A job's own sidecar is where its entry belongs, whatever way its path is written."""
    written(tmp_path / "jobs", "bot")
    (tmp_path / "link").symlink_to(tmp_path / "jobs")
    for folder in (tmp_path / "jobs", tmp_path / "link", tmp_path / "link" / ".." / "jobs"):
        made = ledger(tmp_path / "jobs", tmp_path / "link")
        made.read({key("bot"): source(folder, "bots.yaml")})
        assert made.list_stray_entries() == ()


def test_entry_left_behind_by_a_move_is_astray(tmp_path: Path) -> None:
    """Of two entries of one job the one beside no manifest is astray."""
    written(tmp_path, "bot")
    ledger(tmp_path).write(source(tmp_path, "moved.yaml"), key("bot"), ENTRY)
    made = ledger(tmp_path)
    made.read({key("bot"): source(tmp_path, "moved.yaml")})

    assert [one.sidecar for one in made.list_stray_entries()] == [
        str(tmp_path / "bots.status.json")
    ]


def test_sidecar_met_twice_holds_its_entries_once(tmp_path: Path) -> None:
    """Two ways to one folder do not make two entries of one."""
    written(tmp_path / "jobs", "bot")
    (tmp_path / "link").symlink_to(tmp_path / "jobs")
    made = ledger(tmp_path / "jobs", tmp_path / "link")
    made.read({})

    assert len(made.list_stray_entries()) == 1


def test_entry_is_removed_and_others_stay(tmp_path: Path) -> None:
    """Only the one entry goes, and the file only with its last."""
    made = written(tmp_path, "left", "right")
    path = tmp_path / "bots.status.json"
    left, right = sorted(made.list_stray_entries(), key=lambda one: one.key)
    before = json.loads(path.read_bytes())["jobs"]["right"]

    assert made.remove(left, left.recorded.entry)
    assert json.loads(path.read_bytes())["jobs"] == {"right": before}
    assert made.remove(right, right.recorded.entry)
    assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_entry_that_was_rewritten_stays(tmp_path: Path) -> None:
    """What somebody else wrote meanwhile is not removed for what it said before."""
    made = written(tmp_path, "bot")
    (one,) = made.list_stray_entries()
    ledger(tmp_path).write(source(tmp_path, "bots.yaml"), key("bot"), {**ENTRY, "phase": "Stopped"})
    before = (tmp_path / "bots.status.json").read_bytes()

    assert not made.remove(one, one.recorded.entry)
    assert (tmp_path / "bots.status.json").read_bytes() == before
    assert made.remove(one, {**ENTRY, "phase": "Stopped"})


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"jobs": {}}', b'{"jobs": []}'])
def test_entry_that_is_gone_already_is_no_error(tmp_path: Path, content: bytes | None) -> None:
    """Two controllers may collect at once; what is no sidecar is left as it is."""
    made = written(tmp_path, "bot")
    (one,) = made.list_stray_entries()
    path = tmp_path / "bots.status.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    assert not made.remove(one, one.recorded.entry)
    assert (path.read_bytes() if path.exists() else None) == content


def test_folder_in_a_sidecars_place_is_told(tmp_path: Path) -> None:
    """An entry that cannot be removed names its file and what to do."""
    made = written(tmp_path, "bot")
    (one,) = made.list_stray_entries()
    (tmp_path / "bots.status.json").unlink()
    (tmp_path / "bots.status.json").mkdir()

    with pytest.raises(LedgerError, match="move it away"):
        made.remove(one, one.recorded.entry)


def test_entries_of_one_file_are_removed_by_many_at_once(tmp_path: Path) -> None:
    """Removals and writes of one sidecar wait for each other, and none is lost."""
    count = 12
    made = written(tmp_path, *(f"gone-{number:02}" for number in range(count)))

    def one(number: int) -> bool:
        stray: StrayEntry = made.list_stray_entries()[number]
        name = f"new-{number:02}"
        ledger(tmp_path).write(source(tmp_path, "bots.yaml"), key(name), ENTRY)
        return made.remove(stray, stray.recorded.entry)

    with ThreadPoolExecutor(4) as executor:
        assert all(executor.map(one, range(count)))
    assert names(tmp_path / "bots.status.json") == {f"new-{number:02}" for number in range(count)}


def test_sidecar_is_its_own(tmp_path: Path) -> None:
    """An entry whose manifest is gone is written where it stands."""
    made = written(tmp_path, "support-bot", file="support-bot.yaml")
    (one,) = made.list_stray_entries()
    place = source(tmp_path, "support-bot.status.json")
    made.write(place, JobKey(one.key.kind, "support-bot"), {**ENTRY, "phase": "Stopped"})

    assert json.loads(sidecar(tmp_path).read_bytes())["jobs"]["support-bot"]["phase"] == "Stopped"
    assert len(list(tmp_path.iterdir())) == 1
