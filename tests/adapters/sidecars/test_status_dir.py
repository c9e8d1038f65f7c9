from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.adapters.host.tree_files import OutsideTreeError
from controller.adapters.sidecars.status_dir import StatusDirLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from controller.ports import LedgerError

(KIND,) = KINDS.values()
KEY = JobKey(KIND.name, "support-bot")
ENTRY = {"kind": KIND.name, "phase": "Pending", "conditions": [], "history": []}


def source(path: Path) -> Source:
    """Return the place of a manifest in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Source(str(path), 1, 1)


def test_sidecars_stand_by_the_same_paths_elsewhere(tmp_path: Path) -> None:
    """What is written for a manifest stands under the other folder, and is read from there."""
    tree, folder = tmp_path / "jobs", tmp_path / "statuses"
    place = source(tree / "team" / "bot.yaml")
    ledger = StatusDirLedger([tree], folder, KINDS)

    assert ledger.write(place, KEY, ENTRY)
    assert not ledger.write(place, KEY, ENTRY)

    assert json.loads((folder / "team" / "bot.status.json").read_text())["jobs"][KEY.name] == ENTRY
    assert ledger.read({KEY: place})[KEY].phase == "Pending"
    assert [path.name for path in tree.rglob("*")] == ["team", "bot.yaml"]


def test_several_roots_keep_apart(tmp_path: Path) -> None:
    """Files of one name under two roots have a sidecar each."""
    roots = [tmp_path / "one", tmp_path / "two"]
    places = [source(root / "bot.yaml") for root in roots]
    ledger = StatusDirLedger(roots, tmp_path / "statuses", KINDS)

    for place in places:
        ledger.write(place, KEY, ENTRY)

    found = sorted((tmp_path / "statuses").rglob("*.json"))
    assert [path.parent.name for path in found] == ["one", "two"]


def test_a_link_that_leads_elsewhere_tomorrow_keeps_its_sidecars(tmp_path: Path) -> None:
    """The path as it was given counts, not the worktree that it leads to today."""
    for name in ("first", "second"):
        source(tmp_path / name / "bot.yaml")
    link = tmp_path / "current"
    link.symlink_to("first")
    place = Source(str(link / "bot.yaml"))
    ledger = StatusDirLedger([link], tmp_path / "statuses", KINDS)
    ledger.write(place, KEY, ENTRY)

    link.unlink()
    link.symlink_to("second")

    assert KEY in ledger.read({KEY: place})
    assert not ledger.write(place, KEY, ENTRY)


def test_a_strayed_entry_lies_where_its_manifest_would(tmp_path: Path) -> None:
    """An entry without a manifest is told by its place in the tree, and removed from its own."""
    tree, folder = tmp_path / "jobs", tmp_path / "statuses"
    ledger = StatusDirLedger([tree], folder, KINDS)
    ledger.write(source(tree / "bot.yaml"), KEY, ENTRY)
    (tree / "bot.yaml").unlink()

    ledger.read({})
    (standing,) = ledger.list_stray_entries()

    assert standing.real_path == str((tree / "bot.status.json").resolve())
    assert ledger.remove(standing, ENTRY)
    assert list(folder.rglob("*.json")) == []


def test_a_folder_that_leads_out_of_its_tree_is_refused(tmp_path: Path) -> None:
    """A repository's own link cannot have statuses written elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "statuses").symlink_to("../elsewhere")

    with pytest.raises(OutsideTreeError):
        StatusDirLedger([tmp_path / "jobs"], tmp_path / "tree" / "statuses", KINDS)

    ledger = StatusDirLedger([tmp_path / "jobs"], tmp_path / "statuses", KINDS)
    (tmp_path / "statuses" / "team").symlink_to("../elsewhere")
    with pytest.raises(LedgerError, match="leads out of the tree"):
        ledger.write(source(tmp_path / "jobs" / "team" / "new" / "bot.yaml"), KEY, ENTRY)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where a folder has to be is a ledger's error, and ends no pass."""
    ledger = StatusDirLedger([tmp_path / "jobs"], tmp_path / "statuses", KINDS)
    (tmp_path / "statuses" / "team").touch()

    with pytest.raises(LedgerError, match="team: the folder cannot be made"):
        ledger.write(source(tmp_path / "jobs" / "team" / "bot.yaml"), KEY, ENTRY)
