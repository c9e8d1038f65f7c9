from __future__ import annotations

from pathlib import Path

import pytest

from controller.cli.watch.tree_reader import ManifestReader
from controller.core.model import JobKey
from controller.core.sharding import Shard
from tests.support.manifests import KIND, manifest, write

GIVEN = {"selector": None, "config": None, "max_submits": None}


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A repository's folder of two manifests."""
    (tmp_path / ".git").mkdir()
    for name in "ab":
        write(tmp_path / "jobs" / f"{name}.yaml", manifest(name, labels={"team": name}))
    return tmp_path / "jobs"


def test_only_what_was_edited_asks_for_something_else(jobs: Path) -> None:
    """A manifest that has not changed asks for the same as when it was last read."""
    reading = ManifestReader([jobs], GIVEN, Shard())
    before = reading.read().desired
    write(jobs / "b.yaml", manifest("b", policy={"state": "Suspended"}))

    after = reading.read().desired

    a, b = (JobKey(KIND, name) for name in "ab")
    assert after[a] == before[a]
    assert after[b] != before[b]


def test_another_owner_derives_everything_anew(jobs: Path) -> None:
    """The fleet's file is read each time, and an owner is part of every token."""
    reading = ManifestReader([jobs], GIVEN, Shard())
    before = reading.read().desired
    (jobs.parent / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")

    after = reading.read()

    assert after.fleet.owner == "acme-ml"
    assert all(after.desired[key] != before[key] for key in before)


def test_a_fleet_file_with_problems_leaves_nothing_known(jobs: Path) -> None:
    """Nobody knows the rules then; the answer names the file and the problem's code."""
    (jobs.parent / "bedrock-jobs.yaml").write_text("ownr: acme-ml\n")

    found = ManifestReader([jobs], GIVEN, Shard()).read()

    assert "bedrock-jobs.yaml:1:1: BJ" in found.broken
    assert not found.desired


def test_a_folder_that_is_gone_is_told(jobs: Path) -> None:
    """A tree that cannot be read is no empty tree."""
    assert "no such file" in ManifestReader([jobs / "gone"], GIVEN, Shard()).read().broken


def test_a_selector_and_a_shard_choose(jobs: Path) -> None:
    """What is not chosen is not kept, and jobs without a manifest are the first shard's."""
    chosen = ManifestReader([jobs], {**GIVEN, "selector": "team=a"}, Shard()).read()
    assert [key.name for key in chosen.desired] == ["a"]
    assert chosen.coverage() is None

    shards = [ManifestReader([jobs], GIVEN, Shard(index, 3)).read() for index in range(3)]
    assert sorted(key.name for shard in shards for key in shard.desired) == ["a", "b"]
    assert [shard.coverage() is not None for shard in shards] == [True, False, False]


def test_a_part_of_the_tree_is_narrow(jobs: Path) -> None:
    """A file, or a selector, is less than the folder that it lies in."""
    whole, file = (
        ManifestReader([jobs], GIVEN, Shard()),
        ManifestReader([jobs / "a.yaml"], GIVEN, Shard()),
    )
    chosen = ManifestReader([jobs], {**GIVEN, "selector": "team=a"}, Shard())
    for reading in (whole, file, chosen):
        reading.read()

    assert [one.is_narrow for one in (whole, file, chosen)] == [False, True, True]


def test_what_binds_the_manifests_is_watched_too(jobs: Path) -> None:
    """The fleet's file, also one that is still to come, and defaults above the folder."""
    top = jobs.parent
    (top / "_defaults.yaml").write_text("metadata: {labels: {team: x}}\n")

    watched = ManifestReader([jobs / "team"], GIVEN, Shard()).list_watched_paths()

    assert jobs / "team" in watched
    assert top / "bedrock-jobs.yaml" in watched
    assert top / "_defaults.yaml" in watched
