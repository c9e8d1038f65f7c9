"""Without file events, by choice or by need: changes are found by looking."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.manifests.loader import load
from controller.adapters.watch.snapshots import (
    Snapshot,
    find_differences,
    take_snapshot,
    update_snapshot,
)
from tests.adapters.tree_edits import Edit, edits, make, pass_a_tick
from tests.adapters.watches import DEADLINE, SAVES, eventually, tree, woken
from tests.support.manifests import manifest, write
from tests.support.unreadable import failing

LIMITED = """
import json, logging, os, resource, sys, threading
from pathlib import Path
from controller.adapters.watch.tree_watcher import watch_tree

class Lines(logging.Handler):
    def emit(self, record):
        lines.append([record.levelname, record.getMessage(), record.cause])

lines, wakes = [], threading.Semaphore(0)
logging.getLogger("controller").addHandler(Lines())
jobs, room = Path(sys.argv[1]), int(sys.argv[2])
held = len(os.listdir("/proc/self/fd"))
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (held + room, most))
with watch_tree([jobs], wakes.release, poll=0.05) as watch:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    (jobs / "new.yaml").write_text("kind: none")
    told = wakes.acquire(timeout=20)
    # A look that is under way holds a folder open: what stays open through many looks is lost.
    more = min(len(os.listdir("/proc/self/fd")) - held for _ in range(5_000))
    print(json.dumps({"told": told, "by": watch.by_events, "lines": lines, "more": more}))
"""


@pytest.mark.parametrize("room", [1, 2, 4])
def test_limit_is_met_with_polling(tmp_path: Path, room: int) -> None:
    """Where the system has no more room for file events, one line says so and looking goes on."""
    jobs = tree(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(jobs), str(room)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE * 2,
    )

    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["told"]
    assert not found["by"]
    assert found["more"] == 0
    ((level, message, cause),) = found["lines"]
    assert level == "WARNING"
    assert "noticed by looking" in message
    assert cause


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_look_finds_every_save(tmp_path: Path, save: object) -> None:
    """However an editor saves, a look finds it and tells once."""
    jobs = tree(tmp_path)
    assert callable(save)
    with woken(jobs, files=False) as (wakes, watch):
        assert not watch.by_events
        save(jobs / "m1.yaml", "kind: none")
        watch.request_poll()
        wakes.reach(1)


def test_looks_come_by_themselves(tmp_path: Path) -> None:
    """Without events a change is found within the time between two looks."""
    jobs = tree(tmp_path)
    with woken(jobs, files=False, poll=0.02) as (wakes, _):
        for turn in (1, 2, 3):
            write(jobs / "m1.yaml", manifest(f"job-{turn}9"))
            wakes.reach(turn)


def test_events_leave_nothing_to_find(tmp_path: Path) -> None:
    """What events have told is not found, and told, again by the next look."""
    jobs = tree(tmp_path)
    with woken(jobs) as (wakes, watch):
        write(jobs / "m1.yaml", manifest("job-8"))
        wakes.reach(1)
        watch.request_poll()

        eventually(lambda: watch.polls == 1)
        assert watch.unheard == 0


def listeners(others: set[threading.Thread]) -> set[threading.Thread]:
    """Return the threads that listen for a watch, which began after some others."""
    found = {one for one in threading.enumerate() if one.name != "watching"} - others
    assert found
    return found


def test_unheard_change_puts_the_watch_up_anew(tmp_path: Path) -> None:
    """A change that a look alone has found is told of, and others listen from then on."""
    jobs = tree(tmp_path)
    (tmp_path / "out").mkdir()
    other = tmp_path / "out" / "same"
    other.hardlink_to(jobs / "m1.yaml")
    others = set(threading.enumerate())
    with woken(jobs) as (wakes, watch):
        listening = listeners(others)
        other.write_text("kind: none")
        watch.request_poll()
        wakes.reach(1)

        eventually(lambda: watch.unheard == 1)
        eventually(lambda: listening.isdisjoint(threading.enumerate()))
        write(jobs / "m1.yaml", manifest("job-8"))
        wakes.reach(2)


def test_much_heard_puts_the_watch_up_anew(tmp_path: Path) -> None:
    """Thousands of written sidecars are no change, and nothing remembers them for ever."""
    jobs = tree(tmp_path)
    others = set(threading.enumerate())
    with woken(jobs) as (wakes, watch):
        listening = listeners(others)
        for _ in range(2500):
            new = jobs / ".m1.status.json.1.2.tmp"
            new.write_bytes(b"{}")
            new.replace(jobs / "m1.status.json")

        def looked() -> bool:
            watch.request_poll()
            return listening.isdisjoint(threading.enumerate())

        eventually(looked)
        assert wakes.count == 0


def test_failing_listener_ends_no_watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A wake that fails is logged, and the next change wakes again."""
    jobs = tree(tmp_path)
    turns: list[int] = []

    def reading() -> None:
        turns.append(1)
        if len(turns) == 1:
            raise RuntimeError("not today")

    logging.getLogger("controller").propagate = True
    with woken(jobs, files=False, poll=0.02, reading=reading) as (wakes, _):
        (jobs / "m1.yaml").unlink()
        (jobs / "m2.yaml").unlink()
        eventually(lambda: bool(turns))
        write(jobs / "m1.yaml", manifest("job-8"))
        wakes.reach(1)

    assert "not today" in caplog.text


def test_small_burst_needs_no_look(tmp_path: Path) -> None:
    """A snapshot is brought up to date for some files as a new one would be."""
    jobs = tree(tmp_path)
    seen = take_snapshot([jobs])
    write(jobs / "m1.yaml", manifest("job-8"))
    write(jobs / "new.yaml", manifest("new"))
    (jobs / "m2.yaml").unlink()

    assert sorted(find_differences(seen, take_snapshot([jobs]))) == [
        str(jobs / name) for name in ("m1.yaml", "m2.yaml", "new.yaml")
    ]
    assert update_snapshot(seen, {str(jobs / name) for name in ("m1.yaml", "m2.yaml", "new.yaml")})
    assert list(find_differences(seen, take_snapshot([jobs]))) == []


def _look_at_unknown(jobs: Path, path: Path, number: str, patches: pytest.MonkeyPatch) -> Snapshot:
    """Return a snapshot of a tree for which the disk gives no answer about one path."""
    with ExitStack() as stack:
        for call in ("stat", "lstat", "scandir", "listdir"):
            stack.enter_context(failing(call, path, number, patches))
        return take_snapshot([jobs])


@pytest.mark.parametrize("number", ["EIO", "EACCES", "ESTALE", "EMFILE", "ELOOP"])
@pytest.mark.parametrize(
    "name", ["jobs", "bedrock-jobs.yaml", ".git", "jobs/link.yaml", "jobs/folder"]
)
def test_unknown_is_neither_there_nor_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: str
) -> None:
    """What the disk gives no answer about is noticed when it is back, and when it is gone."""
    jobs, target = tree(tmp_path), tmp_path / "target.yaml"
    (tmp_path / "bedrock-jobs.yaml").write_text("{}")
    (tmp_path / ".git").mkdir()
    (jobs / "link.yaml").symlink_to(target)
    target.write_text("a")
    write(jobs / "folder" / "n.yaml", manifest("n"))
    path = target if name.endswith("link.yaml") else tmp_path / name
    present = take_snapshot([jobs])

    unknown = _look_at_unknown(jobs, path, number, monkeypatch)
    again = _look_at_unknown(jobs, path, number, monkeypatch)
    path.rename(tmp_path / "aside")
    gone = take_snapshot([jobs])

    assert list(find_differences(present, unknown))
    assert list(find_differences(unknown, again)) == []
    assert list(find_differences(unknown, gone))


def test_snapshot_refuses_what_it_cannot_follow(tmp_path: Path) -> None:
    """A link, a folder and a place outside need a whole look."""
    jobs = tree(tmp_path)
    seen = take_snapshot([jobs])
    (jobs / "link.yaml").symlink_to("m1.yaml")
    (jobs / "folder").mkdir()

    for path in (jobs / "link.yaml", jobs / "folder", tmp_path / "else" / "a.yaml"):
        assert not update_snapshot(seen, {str(path)})


def test_empty_folder_that_cannot_be_listed_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no manifest in either snapshot, but a pass reports a problem for one of them."""
    jobs = tree(tmp_path)
    (jobs / "folder").mkdir()
    before = take_snapshot([jobs])

    with failing("scandir", jobs / "folder", "EIO", monkeypatch):
        after = take_snapshot([jobs])

    assert list(find_differences(before, after))


def test_file_behind_a_linked_folder_is_seen(tmp_path: Path) -> None:
    """Passes read what a link leads to inside the tree, also where its own folder is hidden."""
    jobs = tree(tmp_path)
    write(jobs / ".shared" / "a.yaml", manifest("a"))
    (jobs / "shared").symlink_to(".shared")
    before = take_snapshot([jobs])
    write(jobs / ".shared" / "a.yaml", manifest("another"))

    assert list(find_differences(before, take_snapshot([jobs])))


@settings(max_examples=60, deadline=None)
@given(history=st.lists(st.lists(edits, max_size=2), min_size=2, max_size=7))
def test_look_sees_whatever_changes_the_tree(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[Edit]]
) -> None:
    """When the tree says something else than before, a look has found a difference."""
    folder = tmp_path_factory.mktemp("history")
    top = folder / "tree"
    write(top / "a.yaml", manifest("first"))
    said, seen = load([top]), take_snapshot([top])
    for step in history:
        pass_a_tick(folder)
        make(top, step)
        now, looked = load([top]), take_snapshot([top])

        assert now == said or list(find_differences(seen, looked))
        said, seen = now, looked
