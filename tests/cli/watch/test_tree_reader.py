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
    """Return a repository's folder with two manifests."""
    (tmp_path / ".git").mkdir()
    for name in "ab":
        write(tmp_path / "jobs" / f"{name}.yaml", manifest(name, labels={"team": name}))
    return tmp_path / "jobs"


def test_only_what_was_edited_asks_for_something_else(jobs: Path) -> None:
    """Unchanged manifests keep their desired jobs."""
    reading = ManifestReader([jobs], GIVEN, Shard())
    before = reading.read().desired
    write(jobs / "b.yaml", manifest("b", policy={"state": "Suspended"}))

    after = reading.read().desired

    a, b = (JobKey(KIND, name) for name in "ab")
    assert after[a] == before[a]
    assert after[b] != before[b]


def test_another_owner_derives_everything_anew(jobs: Path) -> None:
    """The fleet file is read each time, and the owner is part of every token."""
    reading = ManifestReader([jobs], GIVEN, Shard())
    before = reading.read().desired
    (jobs.parent / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")

    after = reading.read()

    assert after.fleet.owner == "acme-ml"
    assert all(after.desired[key] != before[key] for key in before)


def test_a_fleet_file_with_problems_leaves_nothing_known(jobs: Path) -> None:
    """With problems in the fleet file the result names the file and the code."""
    (jobs.parent / "bedrock-jobs.yaml").write_text("ownr: acme-ml\n")

    found = ManifestReader([jobs], GIVEN, Shard()).read()

    assert "bedrock-jobs.yaml:1:1: BJ" in found.broken
    assert not found.desired


def test_a_missing_folder_is_reported(jobs: Path) -> None:
    """A tree that cannot be read is not an empty tree."""
    assert "no such file" in ManifestReader([jobs / "gone"], GIVEN, Shard()).read().broken


def test_a_selector_and_a_shard_choose(jobs: Path) -> None:
    """Only selected jobs are kept; jobs without a manifest belong to the first shard."""
    chosen = ManifestReader([jobs], {**GIVEN, "selector": "team=a"}, Shard()).read()
    assert [key.name for key in chosen.desired] == ["a"]
    assert chosen.coverage() is None

    shards = [ManifestReader([jobs], GIVEN, Shard(index, 3)).read() for index in range(3)]
    assert sorted(key.name for shard in shards for key in shard.desired) == ["a", "b"]
    assert [shard.coverage() is not None for shard in shards] == [True, False, False]


def test_a_part_of_the_tree_is_narrow(jobs: Path) -> None:
    """A file or a selector covers less than its folder."""
    whole, file = (
        ManifestReader([jobs], GIVEN, Shard()),
        ManifestReader([jobs / "a.yaml"], GIVEN, Shard()),
    )
    chosen = ManifestReader([jobs], {**GIVEN, "selector": "team=a"}, Shard())
    for reading in (whole, file, chosen):
        reading.read()

    assert [one.is_narrow for one in (whole, file, chosen)] == [False, True, True]


def test_what_binds_the_manifests_is_watched_too(jobs: Path) -> None:
    """The fleet file, also a missing one, and defaults above the folder are watched."""
    top = jobs.parent
    (top / "_defaults.yaml").write_text("metadata: {labels: {team: x}}\n")

    watched = ManifestReader([jobs / "team"], GIVEN, Shard()).list_watched_paths()

    assert jobs / "team" in watched
    assert top / "bedrock-jobs.yaml" in watched
    assert top / "_defaults.yaml" in watched
