"""The verb ``status``: shows what the sidecars hold, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.adapters.sidecars.store import Sidecars
from controller.cli.options import shared
from controller.cli.output.console import say, show
from controller.cli.output.exit_codes import Exit, gravest
from controller.cli.passes.passes import placed, tell_problems
from controller.cli.workspace.arguments import relative
from controller.cli.workspace.loading import Work, read_work
from controller.core.fleet import Fleet
from controller.core.jobs.attempts import Lineage
from controller.core.kinds.registry import KINDS
from controller.core.model import Desired, Recorded, Source
from controller.views.notices import Remarks
from controller.views.status import JobStatus, is_unhealthy, status_data, status_lines


@click.command(name="status")
@shared.paths
@shared.selecting
@click.option(
    "--exit-code", is_flag=True, help="End with 3 when a job failed, stopped or needs a person."
)
@click.option(
    "--orphans",
    is_flag=True,
    help="Show jobs of this fleet's owner that have no manifest; this asks AWS.",
)
@click.option("--history", is_flag=True, help="Show each job's earlier jobs below it.")
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Show each job's status as recorded beside its manifest under each PATH, by default jobs/.

    It calls nothing: the last `reconcile` or `wait` wrote what is shown. Only --orphans asks AWS,
    for which the connecting options are.
    """
    work = read_work(paths, given)
    tell_problems(work.problems)
    codes = {Exit.INVALID} if work.is_invalid else set()
    if given["orphans"]:
        ctx.exit(gravest(codes | _orphans(work, given)))
    shown, unreadable = _recorded(work)
    told = Remarks(placed(work.problems), more={"unreadable": unreadable})
    show(
        given,
        lambda: status_data(shown, told, sandbox=given["sandbox"]),
        lambda: status_lines(shown, sandbox=given["sandbox"], past=given["history"]),
    )
    if given["exit_code"] and any(is_unhealthy(status, KINDS) for status in shown):
        codes.add(Exit.UNHEALTHY)
    ctx.exit(gravest(codes))


def _orphans(work: Work, given: dict[str, Any]) -> set[Exit]:
    # What asks AWS takes a while to import, and few ask.
    from controller.cli.commands.status_orphans import show_orphans

    return show_orphans(work, given)


def _recorded(work: Work) -> tuple[list[JobStatus], list[str]]:
    """Return what is recorded of each job, and the files that are no sidecars."""
    ledger = Sidecars(work.paths, KINDS)
    recorded = ledger.read({job.key: job.source for job in work.desired})
    unreadable = [relative(Source(str(path))).path for path in ledger.unreadable]
    for path in unreadable:
        say(f"bedrock-jobs: {path}: the sidecar cannot be read or understood, and is left out")
    jobs = sorted(work.desired, key=lambda job: job.key)
    return [_status(job, recorded.get(job.key), work.fleet) for job in jobs], unreadable


def _status(job: Desired, recorded: Recorded | None, fleet: Fleet) -> JobStatus:
    entry = recorded.entry if recorded else {}
    return JobStatus(job.key, relative(job.source), entry, _note(job, recorded, fleet))


def _note(job: Desired, recorded: Recorded | None, fleet: Fleet) -> str:
    """Say when the recorded job is none of those that the manifest leads to."""
    if recorded is None or recorded.arn is None or job.submission is None:
        return ""
    if Lineage(KINDS[job.key.kind], job, fleet).recorded_as(recorded) is not None:
        return ""
    return "the spec changed after submit: run plan to see what differs"
