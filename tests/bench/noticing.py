"""What it costs to keep an eye on a large tree, and how soon a save is noticed."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from controller.adapters.host.file_stamp import read_stamp
from controller.adapters.manifests.discovery import discover_files
from controller.adapters.manifests.incremental_loader import IncrementalLoader
from controller.adapters.watch.snapshots import find_differences, take_snapshot
from controller.adapters.watch.tree_watcher import watch_tree
from controller.core.model import Tree
from tests.bench.results import Result, duration
from tests.bench.trees import grow

Say = Callable[[str], None]

SIZE = 10_000
SAVES = 200
POLL_SECONDS = 10.0
LOOK_BAR = 0.1
REREAD_BAR = 0.1
TOLD_BAR = 0.05
HOUR = 3_600_000_000_000


def rows(folder: Path, repeats: int, say: Say) -> list[Result]:
    """Return the rows of noticing: a look, a read after one change, and a save."""
    say(f"a tree of {SIZE:,}, and a sidecar for each")
    jobs = grow(folder, SIZE)
    for path in list(jobs.iterdir()):
        path.with_suffix(".status.json").write_text("{}", encoding="utf-8")
    return [_look(jobs, repeats), _reread(jobs, repeats), _told(jobs)]


def _look(jobs: Path, repeats: int) -> Result:
    """Measure the processor's time of one look around; the bar is a hundredth of a core."""
    seen, costs = take_snapshot([jobs]), []
    for _ in range(repeats):
        began = time.process_time()
        assert not list(find_differences(seen, take_snapshot([jobs])))
        costs.append(time.process_time() - began)
    cost = statistics.median(costs)
    return Result(
        f"one look around, {SIZE:,} settled manifests",
        f"{duration(cost)} of processor time",
        "none",
        f"{cost / POLL_SECONDS:.2%} of a core",
        f"≤ {LOOK_BAR / POLL_SECONDS:.0%}",
        cost <= LOOK_BAR,
    )


def _reread(jobs: Path, repeats: int) -> Result:
    """Measure reading the tree after one change, less finding its files and their states."""
    reader = IncrementalLoader(lambda: time.time_ns() + HOUR)
    reader.read([jobs])
    reads, scans = [], []
    for turn in range(repeats):
        path = jobs / f"m{turn:05d}.yaml"
        path.write_text(f"{path.read_text()}# edited\n", encoding="utf-8")
        scans.append(_timed(lambda: [read_stamp(one) for one in discover_files([jobs]).files]))
        reads.append(_timed(lambda: _one_changed(reader, jobs)))
    scan, read = statistics.median(scans), statistics.median(reads)
    return Result(
        f"reading again, 1 of {SIZE:,} manifests changed",
        duration(read),
        f"finding the files and their states: {duration(scan)}",
        f"{duration(read - scan)} on top",
        f"≤ {duration(REREAD_BAR)}",
        read - scan <= REREAD_BAR,
    )


def _one_changed(reader: IncrementalLoader, jobs: Path) -> Tree:
    tree = reader.read([jobs])
    assert reader.reread == 1
    return tree


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _told(jobs: Path) -> Result:
    """Measure from a save that is done to its being told of, the debounce included."""
    told = threading.Semaphore(0)
    waits = []
    with watch_tree([jobs], told.release):
        for turn in range(SAVES):
            path = jobs / f"m{turn:05d}.yaml"
            path.write_text(path.read_text(), encoding="utf-8")
            waits.append(_timed(lambda: told.acquire(timeout=POLL_SECONDS)))
    middle, slowest = statistics.median(waits), sorted(waits)[SAVES * 99 // 100]
    return Result(
        f"a save noticed, {SAVES} saves in {SIZE:,} manifests",
        f"{duration(middle)}, p99 {duration(slowest)}",
        "none",
        duration(middle),
        f"≤ {duration(TOLD_BAR)}",
        middle <= TOLD_BAR,
    )
