"""The verb ``plan``: shows what reconcile would do, and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared
from controller.cli.output.exit_codes import gravest
from controller.cli.output.reports import present
from controller.cli.passes import save_plan_file
from controller.cli.passes.passes import judged, pending, reach_of, tell_failures, tell_problems
from controller.cli.passes.results import plan_result
from controller.cli.workspace.coverage import cleaning_of
from controller.cli.workspace.loading import outside, read_work
from controller.engine.reconcile import Mode, Scope, reconcile


@click.command(name="plan")
@shared.paths
@shared.selecting
@shared.strict
@click.option(
    "--detailed-exitcode", is_flag=True, help="End with 2 when the plan leaves anything to do."
)
@shared.max_submits
@shared.pruning
@shared.full
@save_plan_file.out
@shared.connecting
@shared.reporting
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Show what reconcile would do with the manifests under each PATH, by default jobs/.

    It looks at AWS and writes nothing: no job, no sidecar.
    """
    save_plan_file.check_out(given)
    work = read_work(paths, given)
    tell_problems(work.problems)
    with outside(work, reach_of(given)) as ports:
        report = reconcile(
            work.desired,
            ports,
            work.fleet,
            Mode.PLAN,
            Scope(full=given["full"], coverage=work.coverage, cleaning=cleaning_of(given)),
        )
    kept = save_plan_file.write(given, work, report)
    present(given, plan_result(work, report, kept.data, sandbox=given["sandbox"]))
    tell_failures(report)
    codes = judged(work, report) | kept.tell()
    ctx.exit(gravest(codes | pending(report) if given["detailed_exitcode"] else codes))
