"""The option ``status --orphans``: lists jobs of the fleet's owner that have no manifest."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import click

from controller.cli.output.console import draw_progress, say, show
from controller.cli.output.exit_codes import ExitCode
from controller.cli.passes.passes import make_problems_relative, parse_connection_options
from controller.cli.workspace.arguments import make_relative
from controller.cli.workspace.loading import Workspace, open_ports
from controller.core.model import Source
from controller.core.planning.orphaned_entries import Orphan
from controller.engine.find_orphans import KnownJobs, OrphanReport, find_orphans
from controller.engine.garbage import Coverage, find_orphaned_entries
from controller.views.notices import Notices
from controller.views.orphans import render_orphans, serialize_orphans


def show_orphans(work: Workspace, given: dict[str, Any]) -> set[ExitCode]:
    """Show the jobs of the fleet's owner that have no manifest, and return the exit code.

    Raises usage errors for options that contradict each other.
    """
    if given["exit_code"] or given["history"]:
        raise click.UsageError(
            "--exit-code and --history are about jobs with a manifest: leave out --orphans"
        )
    coverage = work.coverage
    if coverage is None:
        # Of whole folders this is unknown only if the fleet file has problems, which are reported.
        none = serialize_orphans(
            (), Notices(make_problems_relative(work.problems)), sandbox=given["sandbox"]
        )
        show(given, lambda: none, lambda: ())
        return set()
    if not work.fleet.owner:
        raise click.UsageError(
            "--orphans needs an owner, to know which jobs are this repository's: set owner in "
            "bedrock-jobs.yaml"
        )
    found = _find_orphans(work, coverage, given)
    found_notices = Notices(
        make_problems_relative(work.problems), dict.fromkeys(found.failures, ())
    )
    orphans = [_make_path_relative(one) for one in found.orphans]
    sandbox = given["sandbox"]
    show(
        given,
        lambda: serialize_orphans(orphans, found_notices, sandbox=sandbox),
        lambda: render_orphans(orphans, sandbox=sandbox),
    )
    for failure in found.failures:
        say(f"bedrock-jobs: {failure}")
    return {ExitCode.FAILED} if found.failures else set()


def _find_orphans(work: Workspace, coverage: Coverage, given: dict[str, Any]) -> OrphanReport:
    with (
        open_ports(work, parse_connection_options(given)) as ports,
        ThreadPoolExecutor(ports.width) as executor,
    ):
        recorded = ports.ledger.read({job.key: job.source for job in work.desired})
        removed = find_orphaned_entries(ports.kinds, ports.ledger, coverage).removed
        # A job whose manifest was moved elsewhere in the repository is no orphan.
        census = coverage.index.widen(coverage.load_wider_index())
        known = KnownJobs(work.desired, recorded, removed, census)
        step = _draw_progress if sys.stderr.isatty() else _ignore_progress
        return find_orphans(ports.kinds, known, work.fleet, ports.cloud, executor, step)


def _draw_progress(number: int, total: int) -> None:
    """Show one line of progress, and clear it at the end."""
    text = f"Observed {number} of {total} jobs" if number < total else ""
    draw_progress(text)


def _ignore_progress(_number: int, _total: int) -> None:
    """Show no progress off a terminal."""


def _make_path_relative(orphan: Orphan) -> Orphan:
    return replace(orphan, sidecar=orphan.sidecar and make_relative(Source(orphan.sidecar)).path)
