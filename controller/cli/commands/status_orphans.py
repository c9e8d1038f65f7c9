"""What ``status --orphans`` does: asks AWS for jobs of our owner that no manifest leads to."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import click

from controller.cli.output.console import redraw, say, show
from controller.cli.output.exit_codes import Exit
from controller.cli.passes.passes import placed, reach_of
from controller.cli.workspace.arguments import relative
from controller.cli.workspace.loading import Work, outside
from controller.core.model import Source
from controller.core.planning.orphaned_entries import Orphan
from controller.engine.find_orphans import Known, Orphans, find
from controller.engine.garbage import Coverage, leftovers
from controller.views.notices import Remarks
from controller.views.orphans import orphan_data, orphan_lines


def show_orphans(work: Work, given: dict[str, Any]) -> set[Exit]:
    """Show the jobs of the fleet's owner that have no manifest, and return what that says.

    Raises click's usage errors for what cannot be meant.
    """
    if given["exit_code"] or given["history"]:
        raise click.UsageError(
            "--exit-code and --history are about jobs with a manifest: leave out --orphans"
        )
    coverage = work.coverage
    if coverage is None:
        # Only a fleet file with problems leaves whole folders without one, and they are told.
        none = orphan_data((), Remarks(placed(work.problems)), sandbox=given["sandbox"])
        show(given, lambda: none, lambda: ())
        return set()
    if not work.fleet.owner:
        raise click.UsageError(
            "--orphans needs an owner, to know which jobs are this repository's: set owner in "
            "bedrock-jobs.yaml"
        )
    found = _found(work, coverage, given)
    told = Remarks(placed(work.problems), dict.fromkeys(found.failures, ()))
    orphans = [_relative(one) for one in found.orphans]
    sandbox = given["sandbox"]
    show(
        given,
        lambda: orphan_data(orphans, told, sandbox=sandbox),
        lambda: orphan_lines(orphans, sandbox=sandbox),
    )
    for failure in found.failures:
        say(f"bedrock-jobs: {failure}")
    return {Exit.FAILED} if found.failures else set()


def _found(work: Work, coverage: Coverage, given: dict[str, Any]) -> Orphans:
    with outside(work, reach_of(given)) as ports, ThreadPoolExecutor(ports.width) as executor:
        recorded = ports.ledger.read({job.key: job.source for job in work.desired})
        removed = leftovers(ports.kinds, ports.ledger, coverage).removed
        census = coverage.here.with_around(coverage.around())
        known = Known(work.desired, recorded, removed, census)
        step = _tell if sys.stderr.isatty() else _be_quiet
        return find(ports.kinds, known, work.fleet, ports.cloud, executor, step)


def _tell(number: int, total: int) -> None:
    """Keep one line of progress, which is gone when all is done."""
    text = f"Looked at {number} of {total} jobs" if number < total else ""
    redraw(text)


def _be_quiet(_number: int, _total: int) -> None:
    """Show no progress off a terminal."""


def _relative(orphan: Orphan) -> Orphan:
    return replace(orphan, sidecar=orphan.sidecar and relative(Source(orphan.sidecar)).path)
