"""The whole sweep, on two workers: ``make chaos`` prints its table and fails on any violation."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor

from tests.chaos.parts import PARTS, RACE, WAYS, Done, parts, settle_in, work

WORKERS = 2


def table(done: list[Done]) -> list[str]:
    """Return the lines of a table with a row for each scenario, and the totals."""
    rows: dict[tuple[str, str], list[Done]] = defaultdict(list)
    for one in done:
        rows[one.part.way, one.part.scenario].append(one)
    lines = [
        "| way | scenario | points | runs | seconds | violations |",
        "|---|---|" + "--:|" * 4,
    ]
    for (way, scenario), group in rows.items():
        lines.append(_row(way, scenario, max(one.points for one in group), group))
    distinct = sum(max(one.points for one in group) for group in rows.values())
    return [*lines, _row("all", "", distinct, done)]


def _told(one: Done) -> Done:
    """Tell a part's end on stderr: the whole takes a while."""
    part, broken = one.part, sum(bool(run.violations) for run in one.runs)
    line = (
        f"{part.way}: {part.scenario}: {len(one.runs)} runs, {one.seconds:.0f} s, {broken} broken"
    )
    sys.stderr.write(f"{line}\n")
    return one


def _row(way: str, scenario: str, count: int, group: list[Done]) -> str:
    runs = [run for one in group for run in one.runs]
    seconds = sum(one.seconds for one in group)
    broken = sum(bool(run.violations) for run in runs)
    return f"| {way} | {scenario} | {count} | {len(runs)} | {seconds:.0f} | {broken} |"


def main() -> int:
    """Do all the work, and return how the process is to end."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the race")
    parser.add_argument("--ways", nargs="+", default=[*WAYS, RACE], choices=[*WAYS, RACE])
    parser.add_argument(
        "--share", type=int, default=PARTS, help=f"how many of {PARTS} parts of the points"
    )
    given = parser.parse_args()
    began = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(WORKERS, spawn, settle_in, (folder,)) as pool,
    ):
        done = [_told(one) for one in pool.map(work, parts(given.ways, given.share, given.rounds))]
    lines = table(done)
    broken = [(one.part, run) for one in done for run in one.runs if run.violations]
    lines += [
        f"{part.way}: {run.scenario}: {run.boundary}: {run.violations}" for part, run in broken
    ]
    lines.append(f"{time.monotonic() - began:.0f} seconds on {WORKERS} workers")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
