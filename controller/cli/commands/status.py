"""The command ``status``: shows what the sidecars record, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.options import shared
from controller.cli.output.console import say, show
from controller.cli.output.exit_codes import ExitCode, select_exit_code
from controller.cli.passes.passes import make_problems_relative, print_problems
from controller.cli.workspace.arguments import make_relative
from controller.cli.workspace.loading import Workspace, load_workspace
from controller.core.fleet import Fleet
from controller.core.jobs.attempts import Attempts
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, JobRecord, Source
from controller.views.notices import Notices
from controller.views.status import JobStatus, is_unhealthy, render_statuses, serialize_statuses


@click.command(name="status")
@shared.paths
@shared.selection_options
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 if a job failed, was stopped or needs attention."
)
@click.option(
    "--orphans",
    is_flag=True,
    help="Show jobs of this fleet's owner that have no manifest; this calls AWS.",
)
@click.option("--history", is_flag=True, help="Show each job's earlier jobs below it.")
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Show each job's status as recorded beside its manifest under each PATH, by default jobs/.

    It makes no AWS calls: it shows what the last `reconcile` or `wait` recorded. Only --orphans
    calls AWS, and only then the connection options matter.
    """
    work = load_workspace(paths, given)
    print_problems(work.problems)
    codes = {ExitCode.INVALID} if work.is_invalid else set()
    if given["orphans"]:
        ctx.exit(select_exit_code(codes | _show_orphans(work, given)))
    shown, unreadable = _read_statuses(work)
    found_notices = Notices(make_problems_relative(work.problems), more={"unreadable": unreadable})
    show(
        given,
        lambda: serialize_statuses(shown, found_notices, sandbox=given["sandbox"]),
        lambda: render_statuses(shown, sandbox=given["sandbox"], past=given["history"]),
    )
    if given["exit_code"] and any(is_unhealthy(status, KINDS) for status in shown):
        codes.add(ExitCode.UNHEALTHY)
    ctx.exit(select_exit_code(codes))


def _show_orphans(work: Workspace, given: dict[str, Any]) -> set[ExitCode]:
    # Code that calls AWS is slow to import, and rarely needed here.
    from controller.cli.commands.status_orphans import show_orphans

    return show_orphans(work, given)


def _read_statuses(work: Workspace) -> tuple[list[JobStatus], list[str]]:
    """Return what is recorded of each job, and the files that cannot be read as sidecars."""
    ledger = SidecarLedger(work.paths, KINDS)
    recorded = ledger.read({job.key: job.source for job in work.desired})
    unreadable = [make_relative(Source(str(path))).path for path in ledger.unreadable]
    for path in unreadable:
        say(f"bedrock-jobs: {path}: the sidecar cannot be read or understood, and is ignored")
    jobs = sorted(work.desired, key=lambda job: job.key)
    return [_build_status(job, recorded.get(job.key), work.fleet) for job in jobs], unreadable


def _build_status(job: DesiredJob, recorded: JobRecord | None, fleet: Fleet) -> JobStatus:
    entry = recorded.entry if recorded else {}
    return JobStatus(
        job.key, make_relative(job.source), entry, _explain_mismatch(job, recorded, fleet)
    )


def _explain_mismatch(job: DesiredJob, recorded: JobRecord | None, fleet: Fleet) -> str:
    """Return a note if the recorded job is none that the manifest can lead to."""
    if recorded is None or recorded.arn is None or job.submission is None:
        return ""
    # Every attempt and revision is the manifest's own job, whatever its name.
    if Attempts(KINDS[job.key.kind], job, fleet).find_recorded(recorded) is not None:
        return ""
    return "the spec changed after submit: run plan to see what differs"
