"""The verb ``reconcile``: makes one pass, and waits for the jobs when asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared, write_back
from controller.cli.options.without_effect import refuse_idle
from controller.cli.output.console import say
from controller.cli.output.exit_codes import gravest
from controller.cli.output.reports import present
from controller.cli.passes import apply_plan_file
from controller.cli.passes.passes import (
    Passes,
    fared,
    judged,
    reach_of,
    remarks_of,
    statuses,
    tell_failures,
    tell_problems,
)
from controller.cli.passes.results import pass_result, plan_result
from controller.cli.workspace.coverage import cleaning_of
from controller.cli.workspace.loading import Work, outside, read_work
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey
from controller.core.planning.actions import Verb
from controller.engine.reconcile import Mode, Report
from controller.views.notices import Remarks
from controller.views.plan import collected, summary, summary_data
from controller.views.status import JobStatus, is_unhealthy


@click.command(name="reconcile")
@shared.paths
@shared.selecting
@shared.strict
@click.option("--wait", "waits", is_flag=True, help="Repeat passes until every job has ended.")
@shared.waiting
@click.option("--dry-run", is_flag=True, help="Show the plan and stop there, as `plan` does.")
@shared.max_submits
@shared.pruning
@shared.full
@click.option(
    "--gc",
    is_flag=True,
    help="Remove sidecar entries that no manifest needs any more, once their jobs have ended.",
)
@click.option(
    "--forget-record",
    "forgotten",
    metavar="NAME",
    multiple=True,
    help="Give up the record of this manifest's job where it cannot be read, and submit the job if "
    "the service does not show it. Repeatable.",
)
@apply_plan_file.plan
@write_back.options
@shared.connecting
@shared.reporting
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Make one pass over the manifests under each PATH, by default jobs/.

    Submits each job that does not exist yet, once, and writes every job's status into the sidecar
    beside its manifest. Invalid manifests are told and left out; the others are served.
    """
    write_back.check_use(ctx, given)
    if not given["waits"]:
        refuse_idle(ctx, ("timeout", "every"), "--wait")
    paths, given, file = apply_plan_file.taken_up(ctx, paths, given)
    work = read_work(paths, given)
    tell_problems(work.problems)
    _check_forgotten(given["forgotten"], work)
    agreement = apply_plan_file.agreed(ctx, file, work, given)
    mode = Mode.PLAN if given["dry_run"] else Mode.APPLY
    back = write_back.prepared(work.paths, given)
    sandbox = given["sandbox"]
    waits = given["waits"] and not given["dry_run"]
    with outside(work, reach_of(given)) as ports:
        passes = Passes(
            work,
            ports,
            mode,
            sandbox=sandbox,
            cleaning=cleaning_of(given),
            full=given["full"],
            forgotten=frozenset(given["forgotten"]),
            terms=agreement.terms,
            awaits=agreement.awaits,
            after=back.now if mode is Mode.APPLY else lambda: None,
        )
        report, overtime = passes.make(given, waits=waits)
    more = agreement.data(report)
    if given["gc"]:
        more["removedEntries"] = passes.collected
    if given["dry_run"]:
        present(given, plan_result(work, report, more, sandbox=sandbox))
    else:
        told = remarks_of(work, report, more | back.data(), timed_out=bool(overtime))
        _tell(passes, report, replace(told, unwritten=back.failure), given)
    if given["gc"]:
        say(collected(passes.collected, only_planned=given["dry_run"]))
    tell_failures(report)
    further = agreement.tell(report)
    codes = judged(work, report) | overtime | back.tell()
    ctx.exit(gravest(codes | fared(report) | further if waits else codes))


def _check_forgotten(names: tuple[str, ...], work: Work) -> None:
    """Raise click's usage error for a name that no manifest of the pass has."""
    unknown = sorted(set(names) - {job.key.name for job in work.desired})
    if unknown:
        raise click.UsageError(f"--forget-record: there is no manifest named {', '.join(unknown)}")


def _tell(passes: Passes, report: Report, told: Remarks, given: Mapping[str, Any]) -> None:
    """Tell what the first pass planned, and what has become of the jobs by the last one."""
    made, sandbox = passes.first.plan, passes.sandbox
    say(summary(made, sandbox=sandbox))
    told = replace(told, more={"planned": summary_data(made), **told.more})
    shown = statuses(report)
    quiet = _quiet(passes.first, shown)
    present(given, pass_result(passes.work, report, shown, quiet, told, sandbox=sandbox))


def _quiet(first: Report, shown: list[JobStatus]) -> set[JobKey]:
    """Return the jobs that had nothing to do and need nobody: they are only counted."""
    idle = [action.desired for action in first.plan.actions if action.verb is Verb.NOOP]
    unhealthy = {status.key for status in shown if is_unhealthy(status, KINDS)}
    return {desired.key for desired in idle if desired.removed or desired.key not in unhealthy}
