"""Rows 1 to 3: what a pass over a settled or an active tree costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from controller.sandbox.http.server import start_sandbox
from tests.bench.results import Result, compared
from tests.bench.service import Service
from tests.bench.startup import imported
from tests.bench.timing import AWS, COMMAND, Contender, medians, run
from tests.bench.trees import bytes_of, grow, names

Say = Callable[[str], None]

SETTLED_SIZES = (10, 1000)
ACTIVE_SIZES = (1, 5, 40, 1200)
PAGE = 1000
CHANGED = 3
CLIENTS = {"boto3", "botocore"}
NOTHING = "0 / 0 / 0 / none"
IDLE_BAR = 0.7
LIST_COMMAND = "list-model-customization-jobs"


@dataclass(frozen=True, slots=True)
class Field:
    """A folder that holds ``jobs/``, and the sandbox that its jobs run on."""

    folder: Path
    service: Service

    def reconcile(self) -> Contender:
        """Return one whole pass over the tree, as a user would run it."""
        return Contender("bedrock-jobs reconcile", [COMMAND, *self.arguments], self.folder)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of such a pass."""
        given = ("--endpoint-url", self.service.url, "--max-submits", "100000")
        return ("reconcile", "jobs", *given)


@contextmanager
def submitted(folder: Path, count: int) -> Iterator[Field]:
    """While the context lasts, ``count`` jobs are submitted, recorded and in progress."""
    grow(folder, count)
    with start_sandbox(folder / ".bedrock-jobs") as url:
        field = Field(folder, Service(url))
        run(field.reconcile())
        yield field


def settle(field: Field) -> None:
    """Let every job end, and have the end recorded."""
    field.service.advance()
    run(field.reconcile())
    field.service.forget_calls()


def settled_rows(folder: Path, repeats: int, say: Say) -> list[Result]:
    """Rows 1 and 3: calls, bytes and time of a pass that has nothing to do."""
    rows = []
    for count in SETTLED_SIZES:
        say(f"settled tree of {count:,}")
        with submitted(folder / f"settled-{count}", count) as field:
            settle(field)
            rows.append(idle_pass(field, count))
            if count == max(SETTLED_SIZES):
                rows += _timed_rows(field, count, repeats)
    return rows


def active_rows(folder: Path, say: Say) -> list[Result]:
    """Row 2: calls of a pass over jobs in progress, none or a few of which have changed."""
    rows = []
    for count in ACTIVE_SIZES:
        say(f"tree of {count:,} active jobs")
        with submitted(folder / f"active-{count}", count) as field:
            rows.append(active_pass(field, count, changed=0))
            if count > CHANGED:
                field.service.stop(names(CHANGED))
                rows.append(active_pass(field, count, changed=CHANGED))
    return rows


def idle_pass(field: Field, count: int) -> Result:
    """Return what a pass over a settled tree calls, writes and imports; the bar is nothing."""
    before = bytes_of(field.folder)
    run(field.reconcile())
    calls = field.service.calls()
    after = bytes_of(field.folder)
    written = sum(before.get(path) != state for path, state in after.items())
    clients = ", ".join(sorted(imported(field.folder, *field.arguments) & CLIENTS)) or "none"
    found = f"{calls['bedrock']} / {calls['sts']} / {written} / {clients}"
    return Result(
        f"one pass, {count:,} settled manifests",
        f"{calls['bedrock']} Bedrock, {calls['sts']} STS, {written} files written, "
        f"AWS clients imported: {clients}",
        "none",
        found,
        NOTHING,
        found == NOTHING,
    )


def _timed_rows(field: Field, count: int, repeats: int) -> list[Result]:
    """Compare a pass with the AWS CLI listing the same jobs, and, for context, only ten of them."""
    listing = [AWS, "bedrock", LIST_COMMAND, "--endpoint-url", field.service.url]
    every = Contender("all", listing, field.folder)
    ten = Contender("ten", [*listing, "--max-results", "10"], field.folder)
    ours, theirs, fewest = medians([field.reconcile(), every, ten], repeats)
    what = f"whole `reconcile`, {count:,} settled manifests"
    context = compared(what, ours, (f"`aws bedrock {LIST_COMMAND} --max-results 10`", fewest), 1)
    return [
        compared(what, ours, (f"`aws bedrock {LIST_COMMAND}`", theirs), IDLE_BAR),
        replace(context, bar="none", held=True),
    ]


def active_pass(field: Field, count: int, *, changed: int) -> Result:
    """Return what a pass over active jobs calls; the bar is the listing and a Get per change."""
    field.service.forget_calls()
    run(field.reconcile())
    calls = field.service.calls()["bedrock"]
    bar = min(count, math.ceil(count / PAGE)) + changed
    return Result(
        f"one pass, {count:,} active jobs, {changed or 'none'} changed",
        f"{calls} Bedrock calls",
        "none",
        f"{calls}",
        f"≤ {bar}",
        calls <= bar,
    )
