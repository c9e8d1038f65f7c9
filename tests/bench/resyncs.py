"""Whether a daemon that looks at its settled jobs again and again holds more and more.

Run as a program it is that daemon: driven by a clock of its own, as in months, over real files and
HTTP. It prints one line of JSON for each time that it weighs itself.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from statistics import median

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.adapters.host.clock import SystemClock
from controller.adapters.metrics.metered_ports import MeteredCloud, MeteredLedger
from controller.adapters.metrics.prometheus import Metrics
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.watch.tree_reader import ManifestReader
from controller.core.kinds.registry import KINDS
from controller.core.scheduling import PollIntervals
from controller.core.sharding import Shard
from controller.daemon.loop import Daemon, DaemonContext
from controller.daemon.work_queue import WorkQueue
from controller.engine.apply import PassContext
from controller.engine.rate_limit import limit_rate
from tests.bench.passes import Say, settle, submitted
from tests.bench.results import Result
from tests.bench.timing import environment
from tests.daemon.world import Inline

COUNT, RESYNCS = 20, 1_000
SETTLING = 100
"""Caches, pools and the allocator are warm after so many resyncs."""
GROWTH = 2 << 20
ROOT = Path(__file__).parents[2]
GIVEN = {"selector": (), "config": None, "max_submits": None}


@dataclass(frozen=True, slots=True)
class Weight:
    """What a process holds after some resyncs: bytes resident, objects, threads, open files."""

    resyncs: int
    memory: int
    objects: int
    threads: int
    files: int


def rows(folder: Path, say: Say, count: int = COUNT, resyncs: int = RESYNCS) -> list[Result]:
    """Return the row of what a daemon holds after many simulated resyncs."""
    say(f"{resyncs:,} simulated resyncs of {count:,} settled manifests")
    with submitted(folder / "resyncs", count) as place:
        settle(place)
        # Each thread opens its connection now: later it is luck when the last of them does.
        place.service.delay(2 * count, 0.1)
        found = weights(place.folder, place.service.url, resyncs)
        calls = place.service.calls()["bedrock"]
    first, last = found[0], found[-1]
    grown = last.memory - first.memory
    more = _more([one.objects for one in found])
    others = _more([one.threads for one in found]), _more([one.files for one in found])
    what = f"{last.resyncs:,} resyncs of {count:,} settled manifests, from {first.resyncs:,} on"
    return [
        Result(
            f"{what}: memory, objects, threads and open files more",
            f"{last.memory / 2**20:.0f} MiB, {calls:,} calls",
            "none",
            f"{grown / 2**20:+.1f} MiB / {more:+d} / {others[0]:+d} / {others[1]:+d}",
            f"≤ {GROWTH >> 20} MiB / {count} / 0 / 0",
            grown <= GROWTH and more <= count and max(others) <= 0 and calls >= count * resyncs,
        )
    ]


def _more(counts: Sequence[int]) -> int:
    """Return how many more are kept in the end than in the beginning, as far as they grow evenly.

    A connection that comes and goes does not show in the middle of each half; one that is never
    closed does.
    """
    half = len(counts) // 2
    return ceil(2 * (median(counts[-half:]) - median(counts[:half])))


def weights(folder: Path, url: str, resyncs: int) -> list[Weight]:
    """Return what a daemon in a process of its own holds, ten times on its way."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.resyncs", str(folder / "jobs"), url, str(resyncs)],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2000:])
    return [Weight(**json.loads(line)) for line in ran.stdout.splitlines()]


@dataclass
class Driven:
    """A daemon whose time passes as soon as there is nothing to do."""

    jobs: Path
    url: str
    now: float = 1000.0
    calls: int = 0
    rhythm: PollIntervals = field(default_factory=lambda: PollIntervals(60.0, 1000.0))

    def __post_init__(self) -> None:
        meter = Metrics(KINDS, time.time, (0, 1))
        self.reading = ManifestReader([self.jobs], dict(GIVEN), Shard(0, 1))

        def told(operation: str, code: str, seconds: float) -> None:
            # A settled job is asked for by the resync alone, and once.
            self.calls += operation in asked
            meter.count_request(operation, code, seconds)

        asked = {kind.get_operation("Get") for kind in KINDS.values()}
        connection = Connection(endpoint_url=self.url, told=told)
        cloud = limit_rate(MeteredCloud(Bedrock(connection), meter), lambda: self.now, self.pause)
        ledger = MeteredLedger(SidecarLedger([self.jobs], KINDS), meter)
        outside = PassContext(KINDS, cloud, ledger, SystemClock())
        self.inline = Inline()
        world = DaemonContext(
            read_tree=self.reading.read,
            build_pass_context=lambda: outside,
            reload=self.reading.renew,
            forget_place=lambda _target: None,
            now=lambda: self.now,
            executor=self.inline,
            meter=meter,
        )
        self.daemon = Daemon(world, WorkQueue(KINDS, self.rhythm, lambda: 0.5))

    def pause(self, seconds: float) -> None:
        """Let time pass instead of waiting."""
        self.now += seconds

    def resync(self, times: int) -> None:
        """Let every job be looked at so many times."""
        enough = self.calls + times * len(self.reading.read().desired)
        while self.calls < enough:
            self.now = max(self.now, self.daemon.run_once())
            self.inline.sizes.clear()


def weight(resyncs: int) -> Weight:
    """Return what this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    threads, files = (len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd"))  # noqa: PTH208 - the folder's own descriptor counts each time
    return Weight(
        resyncs, pages * os.sysconf("SC_PAGE_SIZE"), len(gc.get_objects()), threads, files
    )


def main() -> None:
    """Be the daemon, and tell what it holds on its way."""
    jobs, url, resyncs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    driven = Driven(jobs, url)
    part = max(1, min(SETTLING, resyncs // 2))
    for done in range(part, resyncs + 1, part):
        driven.resync(part)
        sys.stdout.write(json.dumps(asdict(weight(done))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
