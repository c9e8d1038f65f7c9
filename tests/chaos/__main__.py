"""All of it, on two workers: ``make chaos`` prints one table and fails on any violation."""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.chaos.others import OTHERS, other
from tests.chaos.parts import PARTS, WAYS, Done, Part, parts, settle_in, work
from tests.chaos.table import Row, lines, rows, violated

WORKERS = 2


def asked() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make chaos")
    some = [*WAYS, *OTHERS]
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the race")
    parser.add_argument("--ways", nargs="+", default=some, choices=some, help="only these rows")
    parser.add_argument("--without", nargs="+", default=[], choices=some, help="not these rows")
    parser.add_argument(
        "--share", type=int, default=PARTS, help=f"how many of {PARTS} parts of the points"
    )
    parser.add_argument(
        "--brief", action="store_true", help=f"a little of {', '.join(OTHERS)} alone"
    )
    parser.add_argument("--workers", type=int, default=WORKERS)
    return parser.parse_args()


def swept(todo: Sequence[Part], workers: int) -> list[Done]:
    """Do all the work of the sweep, and tell on stderr how far it is."""
    done: list[Done] = []
    broken = 0
    with _pool(workers) as pool:
        # Not map: it cancels what is left when it is left early, over which a broken pool stumbles.
        for future in [pool.submit(work, part) for part in todo]:
            one = future.result()
            done.append(one)
            broken += sum(bool(run.violations) for run in one.runs)
            row = f"{one.part.way}: {one.part.row}: {len(one.runs)} runs, {one.seconds:.0f} s"
            sys.stderr.write(f"[{len(done)}/{len(todo)}, {broken} broken] {row}\n")
    return done


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """While the context lasts there are workers; nothing that they started outlives it."""
    spawn = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        ProcessPoolExecutor(workers, spawn, settle_in, (folder,)) as pool,
    ):
        try:
            yield pool
        finally:
            _end_workers()


def _end_workers() -> None:
    """Each worker leads a session: sandboxes, forges and held commands end with it."""
    for worker in multiprocessing.active_children():
        if worker.pid is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        # One that was only just started leads no session yet, and has started nothing.
        worker.kill()


def main() -> int:
    """Do all the work, and return how the process is to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = asked()
    ways = [way for way in given.ways if way not in given.without]
    began = time.monotonic()
    todo = list(parts(ways, given.share, given.rounds))
    done = swept(todo, given.workers) if todo else []
    found: list[Row] = [
        *rows(done),
        *(other(name, briefly=given.brief) for name in OTHERS if name in ways),
    ]
    told = [*lines(found), *violated(done)]
    told.append(f"{time.monotonic() - began:.0f} seconds on {given.workers} workers")
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if any(row.violations for row in found) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
