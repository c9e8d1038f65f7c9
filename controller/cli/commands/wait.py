"""The command ``wait``: waits until every job has ended, and submits nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared
from controller.cli.output.console import show
from controller.cli.output.exit_codes import select_exit_code
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
from controller.cli.workspace.loading import load_workspace, open_ports
from controller.engine.reconcile import Mode
from controller.views.status import render_statuses, serialize_statuses


@click.command(name="wait")
@shared.paths
@shared.selection_options
@shared.wait_options
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Wait until every job under each PATH, by default jobs/, has ended, and record how.

    It changes no job. The exit code is 3 if a job failed, was stopped or needs attention, and 6
    if the timeout came first.
    """
    work = load_workspace(paths, given)
    print_problems(work.problems)
    sandbox = given["sandbox"]
    with open_ports(work, parse_connection_options(given)) as ports:
        # This mode observes jobs and writes sidecars, and makes no mutating call.
        passes = PassRunner(work, ports, Mode.RECORD, sandbox=sandbox)
        report, overtime = passes.run(given, waits=True)
    shown, notices = build_statuses(report), collect_notices(work, report, timed_out=bool(overtime))
    show(
        given,
        lambda: serialize_statuses(shown, notices, sandbox=sandbox),
        lambda: render_statuses(shown, sandbox=sandbox),
    )
    print_failures(report)
    ctx.exit(select_exit_code(judge_pass(work, report) | judge_jobs(report) | overtime))
