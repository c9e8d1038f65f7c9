"""The command ``reconcile``: runs one pass and, with --wait, waits for the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared, write_back
from controller.cli.options.without_effect import reject_unused_options
from controller.cli.output.console import say
from controller.cli.output.exit_codes import select_exit_code
from controller.cli.output.reports import print_output
from controller.cli.passes import apply_plan_file
from controller.cli.passes.passes import (
    PassRunner,
    build_statuses,
    collect_notices,
    judge_jobs,
    judge_pass,
    parse_connection_options,
    print_failures,
    print_problems,
)
from controller.cli.passes.results import build_pass_output, build_plan_output
from controller.cli.workspace.coverage import parse_cleanup_options
from controller.cli.workspace.loading import Workspace, load_workspace, open_ports
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey
from controller.core.planning.actions import Verb
from controller.engine.reconcile import Mode, Report
from controller.views.notices import Notices
from controller.views.plan import serialize_summary, summarize_plan, summarize_removed_entries
from controller.views.status import JobStatus, is_unhealthy


@click.command(name="reconcile")
@shared.paths
@shared.selection_options
@shared.strict
@click.option("--wait", "waits", is_flag=True, help="Repeat passes until every job has ended.")
@shared.wait_options
@click.option("--dry-run", is_flag=True, help="Show the plan and stop there, as `plan` does.")
@shared.max_submits
@shared.prune_options
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
    help="Discard the unreadable record of this manifest's job, and submit the job if the service "
    "does not show it. Repeatable.",
)
@apply_plan_file.plan_option
@write_back.options
@shared.connection_options
@shared.report_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Run one pass over the manifests under each PATH, by default jobs/.

    Submits each job that does not exist yet, once, and writes every job's status to the sidecar
    beside its manifest. Invalid manifests are reported and skipped.
    """
    write_back.check_options(ctx, given)
    if not given["waits"]:
        reject_unused_options(ctx, ("timeout", "every"), "--wait")
    paths, given, file = apply_plan_file.load_plan_file(ctx, paths, given)
    work = load_workspace(paths, given)
    print_problems(work.problems)
    _check_forgotten_names(given["forgotten"], work)
    agreement = apply_plan_file.load_constraint(ctx, file, work, given)
    mode = Mode.PLAN if given["dry_run"] else Mode.APPLY
    # A checkout that cannot be committed to is reported before jobs are submitted.
    back = write_back.prepare_write_back(work.paths, given)
    sandbox = given["sandbox"]
    waits = given["waits"] and not given["dry_run"]
    with open_ports(work, parse_connection_options(given)) as ports:
        passes = PassRunner(
            work,
            ports,
            mode,
            sandbox=sandbox,
            cleaning=parse_cleanup_options(given),
            full=given["full"],
            forgotten=frozenset(given["forgotten"]),
            terms=agreement.terms,
            awaits=agreement.is_awaited,
            after=back.write_statuses if mode is Mode.APPLY else lambda: None,
        )
        report, overtime = passes.run(given, waits=waits)
    more = agreement.serialize(report)
    if given["gc"]:
        more["removedEntries"] = passes.collected
    if given["dry_run"]:
        print_output(given, build_plan_output(work, report, more, sandbox=sandbox))
    else:
        found_notices = collect_notices(
            work, report, more | back.serialize(), timed_out=bool(overtime)
        )
        _print_result(passes, report, replace(found_notices, unwritten=back.failure), given)
    if given["gc"]:
        say(summarize_removed_entries(passes.collected, only_planned=given["dry_run"]))
    print_failures(report)
    further = agreement.print_result(report)
    codes = judge_pass(work, report) | overtime | back.print_result()
    ctx.exit(select_exit_code(codes | judge_jobs(report) | further if waits else codes))


def _check_forgotten_names(names: tuple[str, ...], work: Workspace) -> None:
    """Raise a usage error for a name that no manifest of the pass has."""
    unknown = sorted(set(names) - {job.key.name for job in work.desired})
    if unknown:
        raise click.UsageError(f"--forget-record: there is no manifest named {', '.join(unknown)}")


def _print_result(
    passes: PassRunner, report: Report, found_notices: Notices, given: Mapping[str, Any]
) -> None:
    """Print what the first pass planned, and the status of the jobs after the last one."""
    # With --wait later passes plan next to nothing: the first plan shows what was done.
    made, sandbox = passes.first.plan, passes.sandbox
    say(summarize_plan(made, sandbox=sandbox))
    found_notices = replace(
        found_notices, more={"planned": serialize_summary(made), **found_notices.more}
    )
    shown = build_statuses(report)
    quiet = _find_quiet_jobs(passes.first, shown)
    print_output(
        given, build_pass_output(passes.work, report, shown, quiet, found_notices, sandbox=sandbox)
    )


def _find_quiet_jobs(first: Report, shown: list[JobStatus]) -> set[JobKey]:
    """Return the jobs that had nothing to do and need no attention: they are only counted."""
    idle = [action.desired for action in first.plan.actions if action.verb is Verb.NOOP]
    unhealthy = {status.key for status in shown if is_unhealthy(status, KINDS)}
    return {desired.key for desired in idle if desired.removed or desired.key not in unhealthy}
