"""The verb ``wait``: waits until every job has ended, and submits nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared
from controller.cli.output.console import show
from controller.cli.output.exit_codes import gravest
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
from controller.cli.workspace.loading import outside, read_work
from controller.engine.reconcile import Mode
from controller.views.status import status_data, status_lines


@click.command(name="wait")
@shared.paths
@shared.selecting
@shared.waiting
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Wait until every job under each PATH, by default jobs/, has ended, and record how.

    It changes no job. The exit code is 3 when one failed, was stopped or needs a person, and 6
    when time was up before all had ended.
    """
    work = read_work(paths, given)
    tell_problems(work.problems)
    sandbox = given["sandbox"]
    with outside(work, reach_of(given)) as ports:
        passes = Passes(work, ports, Mode.RECORD, sandbox=sandbox)
        report, overtime = passes.make(given, waits=True)
    shown, told = statuses(report), remarks_of(work, report, timed_out=bool(overtime))
    show(
        given,
        lambda: status_data(shown, told, sandbox=sandbox),
        lambda: status_lines(shown, sandbox=sandbox),
    )
    tell_failures(report)
    ctx.exit(gravest(judged(work, report) | fared(report) | overtime))
