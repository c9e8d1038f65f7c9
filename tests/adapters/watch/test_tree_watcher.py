"""Changes under a tree are noticed by events, once each, and what is not a change is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.adapters.manifests.incremental_loader import IncrementalLoader
from controller.adapters.sidecars.store import SidecarLedger
from controller.adapters.watch.snapshots import find_differences, take_snapshot
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from tests.adapters.watches import SAVES, descriptors, eventually, heard, tree, woken
from tests.git.support import GIT
from tests.support.manifests import as_yaml, manifest, spec, write

CHANGED = as_yaml(manifest("job-1", spec(hyperParameters={"epochCount": "9"})))


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_save_is_one_wake(tmp_path: Path, save: Callable[[Path, str], None]) -> None:
    """However an editor saves, there is one wake, and the file is whole by then."""
    jobs = tree(tmp_path)
    found: list[str] = []

    with woken(jobs, reading=lambda: found.append((jobs / "m1.yaml").read_text())) as (wakes, _):
        save(jobs / "m1.yaml", CHANGED)
        wakes.reach(1)
        save(jobs / "m2.yaml", CHANGED)
        wakes.reach(2)

    assert found == [CHANGED, CHANGED]


UNCHANGED: dict[str, Callable[[Path], object]] = {
    "a hidden file": lambda jobs: (jobs / ".hidden.yaml").write_text("a"),
    "a hidden folder": lambda jobs: write(jobs / ".git" / "x.yaml", manifest("x")),
    "vim's probe": lambda jobs: (jobs / "4913").write_text("a"),
    "a backup": lambda jobs: (jobs / "m1.yaml~").write_text("a"),
    "vim's swap": lambda jobs: (jobs / ".m1.yaml.swp").write_text("a"),
    "an autosave": lambda jobs: (jobs / "#m1.yaml#").write_text("a"),
    "a lock of Emacs": lambda jobs: (jobs / ".#m1.yaml").symlink_to("nobody@nowhere.1"),
    "a note": lambda jobs: (jobs / "README.md").write_text("a"),
    "a file kept for ourselves": lambda jobs: (jobs / "_note.yaml").write_text("a"),
    "a neighbour": lambda jobs: write(jobs.parent / "other.yaml", manifest("other")),
    "reading": lambda jobs: IncrementalLoader().read([jobs]),
    "a sidecar": lambda jobs: SidecarLedger([jobs], KINDS).write(
        Source(str(jobs / "m1.yaml")), JobKey(next(iter(KINDS)), "job-1"), {"kind": "none"}
    ),
}


@pytest.mark.parametrize("harmless", UNCHANGED.values(), ids=UNCHANGED)
def test_what_is_no_change_wakes_nobody(tmp_path: Path, harmless: Callable[[Path], object]) -> None:
    """Sidecars, hidden files, backups and whatever else lies about are neither heard nor seen."""
    jobs = tree(tmp_path)
    before = take_snapshot([jobs])
    with heard(jobs) as log:
        harmless(jobs)
        assert list(find_differences(before, take_snapshot([jobs]))) == []
        write(jobs / "last.yaml", manifest("last"))

        assert log.until(jobs / "last.yaml") - {".git"} == set()


NEAR: dict[str, Callable[[Path], object]] = {
    "the fleet's file": lambda top: (top / "bedrock-jobs.yaml").write_text("owner: other\n"),
    "defaults above": lambda top: (top / "_defaults.yaml").write_text("policy: {priority: 2}\n"),
    "defaults inside": lambda top: (top / "jobs" / "_defaults.yml").write_text("policy: {}\n"),
    "a file of JSON": lambda top: (top / "jobs" / "n.json").write_text("{}"),
    "an ending in capitals": lambda top: (top / "jobs" / "n.YAML").write_text("a"),
    "a file gone": lambda top: (top / "jobs" / "m1.yaml").unlink(),
    "a file renamed": lambda top: (top / "jobs" / "m1.yaml").rename(top / "jobs" / "n.yaml"),
    "a file put aside": lambda top: (top / "jobs" / "m1.yaml").rename(top / "jobs" / "m1.old"),
    "a link": lambda top: (top / "jobs" / "n.yaml").symlink_to("m1.yaml"),
    "a file moved in": lambda top: write(top / "other" / "n.yaml", manifest("n")).rename(
        top / "jobs" / "n.yaml"
    ),
    "a folder made": lambda top: write(top / "jobs" / "a" / "b" / "n.yaml", manifest("n")),
    "a folder moved in": lambda top: write(top / "other" / "n.yaml", manifest("n")).parent.rename(
        top / "jobs" / "other"
    ),
    "a folder moved out": lambda top: (top / "jobs" / "deep").rename(top / "aside"),
    "the root gone": lambda top: (top / "jobs").rename(top / "aside"),
}


@pytest.mark.parametrize("files", [True, False], ids=["heard", "looked at"])
@pytest.mark.parametrize("change", NEAR.values(), ids=NEAR)
def test_change_wakes(tmp_path: Path, change: Callable[[Path], object], *, files: bool) -> None:
    """Everything that can change what the tree says is noticed, by events or by a look."""
    (tmp_path / "bedrock-jobs.yaml").write_text("owner: acme\n")
    jobs = tree(tmp_path)
    write(jobs / "deep" / "d.yaml", manifest("deep"))
    with woken(jobs, files=files) as (wakes, watch):
        change(tmp_path)
        if not files:
            watch.request_poll()

        wakes.reach(1)


def test_folder_moved_in_is_listened_to(tmp_path: Path) -> None:
    """A folder that came with all that is in it is watched like one that was always there."""
    jobs = tree(tmp_path)
    write(tmp_path / "other" / "deep" / "n.yaml", manifest("n"))
    with woken(jobs) as (wakes, _):
        (tmp_path / "other").rename(jobs / "other")
        wakes.reach(1)

        write(jobs / "other" / "deep" / "n.yaml", manifest("n2"))
        wakes.reach(2)


def test_folders_that_take_each_others_names_deafen_nobody(tmp_path: Path) -> None:
    """After folders were moved out, made anew and removed at once, changes are still heard."""
    jobs = tree(tmp_path)
    (tmp_path / "out").mkdir()
    write(jobs / "a" / "b" / "n.yaml", manifest("n"))
    with woken(jobs) as (wakes, _):
        held = descriptors()
        for turn in range(5):
            (jobs / "a").rename(tmp_path / "out" / "a")
            (jobs / "a" / "b").mkdir(parents=True)
            shutil.rmtree(jobs / "a")
            shutil.rmtree(tmp_path / "out" / "a")
            write(jobs / "a" / "b" / "n.yaml", manifest(f"n-{turn}"))
            wakes.reach(wakes.count + 1)
        before = wakes.count
        (jobs / "a" / "b" / "n.yaml").unlink()
        wakes.reach(before + 1)

        eventually(lambda: descriptors() == held)


@pytest.mark.parametrize("gone", ["removed", "replaced", "never there"])
def test_root_made_anew_is_listened_to(tmp_path: Path, gone: str) -> None:
    """A root that went and came back, or comes late, is noticed, and so is what happens in it."""
    top = tmp_path / "checkout"
    jobs = top / "jobs" if gone == "never there" else tree(top)
    with woken(jobs) as (wakes, _):
        if gone == "removed":
            shutil.rmtree(jobs)
            wakes.reach(1)
        elif gone == "replaced":
            jobs.rename(tmp_path / "aside")
            wakes.reach(1)
        before = wakes.count
        tree(top)
        wakes.reach(before + 1)
        before = wakes.count

        write(jobs / "m1.yaml", manifest("job-9"))
        wakes.reach(before + 1)


def test_folder_above_replaced_is_seen(tmp_path: Path) -> None:
    """A checkout that is put in another one's place is noticed by a look, and then listened to."""
    jobs = tree(tmp_path / "near" / "checkout")
    tree(tmp_path / "aside" / "checkout", 5)
    with woken(jobs) as (wakes, watch):
        (tmp_path / "near").rename(tmp_path / "old")
        (tmp_path / "aside").rename(tmp_path / "near")
        watch.request_poll()
        wakes.reach(1)

        write(jobs / "m1.yaml", manifest("job-9"))
        wakes.reach(2)


def git(folder: Path, *arguments: str) -> None:
    """Run git with nobody's settings."""
    env = {**os.environ, **GIT}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=env)


def test_checkout_is_few_wakes(tmp_path: Path) -> None:
    """A checkout that changes a thousand files wakes a few times at most, not a thousand."""
    jobs = tree(tmp_path, 1000)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "checkout", "-qb", "other")
    for number in range(1000):
        (jobs / f"m{number}.yaml").rename(jobs / f"n{number}.yaml")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")
    with woken(jobs) as (wakes, watch):
        began = time.monotonic()
        git(tmp_path, "checkout", "-q", "-")
        wakes.reach(1)
        write(jobs / "last.yaml", manifest("last"))
        # On a busy machine the kernel may have dropped events by now, this one too.
        watch.request_poll()
        wakes.reach(2)

        # A machine that keeps git waiting for a quarter of a second has ended a burst.
        assert wakes.count <= 9 + (time.monotonic() - began) / 0.25


def test_thousand_changes_leak_nothing(tmp_path: Path) -> None:
    """After a thousand changes, folders come and gone among them, nothing more is held."""
    jobs = tree(tmp_path)
    with woken(jobs, debounce=0.0005) as (wakes, watch):
        write(jobs / "m1.yaml", manifest("first"))
        wakes.reach(1)
        held, alive = descriptors(), threading.active_count()
        for number in range(1000):
            before = wakes.count
            if number % 50 == 0:
                write(jobs / f"folder-{number}" / "n.yaml", manifest(f"n-{number}"))
            write(jobs / "m1.yaml", manifest(f"job-{number}"))
            wakes.reach(before + 1)
        watch.request_poll()

        eventually(lambda: watch.polls == 1)
        eventually(lambda: threading.active_count() == alive)
        eventually(lambda: descriptors() == held)
    assert not any(one.name == "watching" for one in threading.enumerate())
