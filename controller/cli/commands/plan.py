"""The command ``plan``: shows what reconcile would do, and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared
from controller.cli.output.exit_codes import select_exit_code
from controller.cli.output.reports import print_output
from controller.cli.passes import save_plan_file
from controller.cli.passes.passes import (
    judge_pass,
    judge_plan,
    parse_connection_options,
    print_failures,
    print_problems,
)
from controller.cli.passes.results import build_plan_output
from controller.cli.workspace.coverage import parse_cleanup_options
from controller.cli.workspace.loading import load_workspace, open_ports
from controller.engine.reconcile import Mode, PassScope, reconcile


@click.command(name="plan")
@shared.paths
@shared.selection_options
@shared.strict
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if the plan has changes.")
@shared.max_submits
@shared.prune_options
@shared.full
@save_plan_file.out_option
@shared.connection_options
@shared.report_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Show what reconcile would do with the manifests under each PATH, by default jobs/.

    It only reads from AWS, and writes neither jobs nor sidecars.
    """
    # Planning may take minutes: a path that cannot be written to is reported before it.
    save_plan_file.check_out(given)
    work = load_workspace(paths, given)
    print_problems(work.problems)
    with open_ports(work, parse_connection_options(given)) as ports:
        report = reconcile(
            work.desired,
            ports,
            work.fleet,
            Mode.PLAN,
            PassScope(
                full=given["full"], coverage=work.coverage, cleaning=parse_cleanup_options(given)
            ),
        )
    # Saved before it is printed, because the data says whether that succeeded.
    kept = save_plan_file.save_plan(given, work, report)
    print_output(given, build_plan_output(work, report, kept.data, sandbox=given["sandbox"]))
    print_failures(report)
    codes = judge_pass(work, report) | kept.print_message()
    ctx.exit(select_exit_code(codes | judge_plan(report) if given["detailed_exitcode"] else codes))
