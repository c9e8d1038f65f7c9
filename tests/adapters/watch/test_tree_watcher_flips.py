"""Links that are swapped under a watch: git-sync's worktrees, and a volume's data folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.adapters.manifests.incremental_loader import IncrementalLoader
from tests.adapters.watches import tree, woken
from tests.support.manifests import manifest, write


def flip(link: Path, target: str) -> None:
    """Put a link in another one's place in one step."""
    new = link.with_name(f".{link.name}.tmp")
    new.symlink_to(target)
    new.replace(link)


def names(path: Path) -> set[str]:
    """Return the names of the jobs that a fresh read finds."""
    return {one.key.name for one in IncrementalLoader().read([path]).manifests}


@pytest.mark.parametrize("inside", [".", "jobs"], ids=["the link itself", "below the link"])
@pytest.mark.parametrize("files", [True, False], ids=["heard", "looked at"])
def test_worktree_flip_wakes(tmp_path: Path, inside: str, *, files: bool) -> None:
    """A link that leads to another worktree is noticed each time, and that one is listened to."""
    for number in range(3):
        tree(tmp_path / ".worktrees" / f"sha{number}", number + 1)
    current = tmp_path / "current"
    current.symlink_to(".worktrees/sha0")
    path = current / inside
    with woken(path, files=files) as (wakes, watch):
        for turn in (1, 2):
            before = wakes.count
            flip(current, f".worktrees/sha{turn}")
            if not files:
                watch.request_poll()
            wakes.reach(before + 1)
            assert len(names(path)) == turn + 1

            before = wakes.count
            write(current / "jobs" / "new.yaml", manifest("new"))
            if not files:
                watch.request_poll()
            wakes.reach(before + 1)


@pytest.mark.parametrize("files", [True, False], ids=["heard", "looked at"])
def test_link_to_a_link_wakes(tmp_path: Path, *, files: bool) -> None:
    """Each link on the way to the tree counts, also the one that another one leads to."""
    for name in ("one", "two"):
        write(tmp_path / "data" / name / f"{name}.yaml", manifest(name))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "now").symlink_to("../data/one")
    (tmp_path / "jobs").symlink_to("inner/now")
    with woken(tmp_path / "jobs", files=files) as (wakes, watch):
        flip(tmp_path / "inner" / "now", "../data/two")
        if not files:
            watch.request_poll()

        wakes.reach(1)

    assert names(tmp_path / "jobs") == {"two"}


@pytest.mark.parametrize("files", [True, False], ids=["heard", "looked at"])
def test_volume_update_wakes(tmp_path: Path, *, files: bool) -> None:
    """A mounted volume swaps a hidden folder behind the links that are its files."""
    for stamp in ("one", "two"):
        write(tmp_path / "jobs" / f"..{stamp}" / "a.yaml", manifest(stamp))
    jobs = tmp_path / "jobs"
    (jobs / "..data").symlink_to("..one")
    (jobs / "a.yaml").symlink_to("..data/a.yaml")
    with woken(jobs, files=files) as (wakes, watch):
        new = jobs / "..data_tmp"
        new.symlink_to("..two")
        new.replace(jobs / "..data")
        if not files:
            watch.request_poll()

        wakes.reach(1)

    assert names(jobs) == {"two"}


def test_relative_path_is_watched_where_it_led(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path given from the present folder, and one to a single file, are watched alike."""
    tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    with woken(Path("jobs"), Path("jobs/m1.yaml"), Path("bedrock-jobs.yaml")) as (wakes, _):
        write(Path("jobs/m1.yaml"), manifest("job-7"))
        wakes.reach(1)
        Path("bedrock-jobs.yaml").write_text("owner: acme\n")
        wakes.reach(2)


def test_links_in_a_ring_are_no_harm(tmp_path: Path) -> None:
    """A path that leads to itself is watched until it leads somewhere."""
    jobs = tmp_path / "jobs"
    jobs.symlink_to("ring")
    (tmp_path / "ring").symlink_to("jobs")
    with woken(jobs) as (wakes, _):
        tree(tmp_path / "other")
        flip(jobs, "other/jobs")
        wakes.reach(1)

        write(tmp_path / "other" / "jobs" / "n.yaml", manifest("n"))
        wakes.reach(2)
    assert os.path.lexists(tmp_path / "ring")
