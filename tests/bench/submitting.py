"""A thousand jobs submitted: a whole pass against a bare loop that makes the same calls.

Both are whole processes, as a user would start them: ours also reads its manifests, and puts
intent and outcome of each job on disk. Each has a new sandbox, as names are spent for ever, which
answers every call 20 ms late; calls wait side by side.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from controller.adapters.aws.connection import Connection
from controller.adapters.manifests.loader import load
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.identity.tags import add_stamp_tags
from controller.core.kinds.registry import KINDS
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.faults import Fault, FaultKind
from tests.bench.passes import Field, Say
from tests.bench.results import Result, faster
from tests.bench.service import Service
from tests.bench.timing import Contender, run
from tests.bench.trees import KIND, grow

COUNT = 1_000
LATENCY = 0.020
BAR = 0.8
LOOP = Path(__file__).with_name("bare_loop.py")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its seconds from spawn to exit, and how often it called each operation."""

    seconds: float
    counts: Counter[str]


def rows(folder: Path, repeats: int, say: Say) -> list[Result]:
    """Return the row of our speed against the bare loop's, in turns, after one round uncounted."""
    say(f"{COUNT:,} submits, twice {repeats + 1} times")
    rounds = [
        submits(folder / f"round-{number}", COUNT, LATENCY, loop_first=number % 2 == 1)
        for number in range(repeats + 1)
    ][1:]
    mine, theirs = (median(one.seconds for one in runs) for runs in zip(*rounds, strict=True))
    what = f"whole `reconcile`, {COUNT:,} submits at {LATENCY * 1000:.0f} ms"
    rival = f"boto3 on {Connection().width} threads, the same calls"
    return [faster(what, mine, (rival, theirs), BAR)]


def submits(folder: Path, count: int, latency: float, *, loop_first: bool) -> tuple[Run, Run]:
    """Return our run and the loop's over the same jobs.

    Raises RuntimeError when they did not make the same calls.
    """
    jobs = grow(folder / "ours", count)
    requests = folder / "requests.json"
    requests.write_text(json.dumps(_requests(jobs)), encoding="utf-8")
    url, width = "{url}", str(Connection().width)
    loop = Contender("loop", [sys.executable, str(LOOP), url, width, str(requests)], folder)
    ours = Field(folder / "ours", Service(url)).reconcile()
    if loop_first:
        theirs, mine = _ran(loop, latency), _ran(ours, latency)
    else:
        mine, theirs = _ran(ours, latency), _ran(loop, latency)
    if mine.counts != theirs.counts:
        raise RuntimeError(f"not the same calls: {mine.counts} and {theirs.counts}")
    return mine, theirs


def _ran(contender: Contender, latency: float) -> Run:
    """Run a contender against a sandbox of its own, whose URL takes its place in the command."""
    late = Fault(kind=FaultKind.DELAY, seconds=latency, times=None)
    with start_sandbox(contender.folder / f".{contender.name}", faults=[late]) as url:
        command = [part.format(url=url) for part in contender.command]
        seconds = run(replace(contender, command=command))
        return Run(seconds, Service(url).operations())


def _requests(jobs: Path) -> list[dict[str, Any]]:
    """Return what a pass sends for each manifest, under the same tokens."""
    kind, fleet = KINDS[KIND], Fleet()
    made = [
        build_desired(one, kind, fleet.owner, fleet.target) for one in load([jobs], fleet).manifests
    ]
    return [
        {
            **add_stamp_tags(kind, one, one.submission, fleet),
            kind.token_member: one.submission.token,
        }
        for one in made
        if one.submission is not None
    ]
