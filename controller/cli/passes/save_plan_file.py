"""Saving a plan to a file: ``--out``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from controller.adapters import plan_files
from controller.cli.output.console import say
from controller.cli.output.exit_codes import ExitCode
from controller.cli.workspace.arguments import make_relative
from controller.cli.workspace.loading import Workspace
from controller.core.kinds.registry import KINDS
from controller.core.planning.actions import Plan
from controller.core.saved_plan.format import PlanArguments, PlanFile, describe_actions
from controller.engine.reconcile import Report
from controller.version import __version__
from controller.views.plan import format_sandbox_note
from controller.views.text import format_count

_TO_STDOUT = "-"

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the plan to a file too, for `reconcile --plan`.",
)


def check_out(given: Mapping[str, Any]) -> None:
    """Raise a usage error, before anything is observed, if the plan cannot be written."""
    path: Path | None = given["out"]
    if path is None:
        return
    if str(path) == _TO_STDOUT:
        raise click.UsageError(
            "--out cannot be -, because the plan is printed to stdout: name a file"
        )
    try:
        plan_files.check_path(path)
    except plan_files.PlanPathError as error:
        raise click.UsageError(f"--out: {error}") from error


@dataclass(frozen=True, slots=True)
class SaveResult:
    """The result of --out: a sentence for people, data for programs, and whether it failed."""

    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False

    def print_message(self) -> set[ExitCode]:
        """Print the result to stderr and return its exit code."""
        if self.message:
            say(self.message)
        return {ExitCode.FAILED} if self.failed else set()


def save_plan(given: Mapping[str, Any], work: Workspace, report: Report) -> SaveResult:
    """Write the plan to the file of --out, and return the result."""
    path: Path | None = given["out"]
    if path is None:
        return SaveResult()
    file = build_plan_file(given, work, report.plan, report.refused)
    data = {"path": str(path), "changes": len(file.changes), "failure": None}
    try:
        plan_files.write_plan(path, file)
    except OSError as error:
        why = f"the plan cannot be written: {error.strerror}"
        return SaveResult(
            f"bedrock-jobs: {path}: {why}", {"out": {**data, "failure": why}}, failed=True
        )
    changes = format_count(len(file.changes), "change")
    # A plan of the sandbox is refused without --sandbox, so the suggested command has it.
    where = " --sandbox" if file.sandbox else ""
    how = f"`bedrock-jobs reconcile --plan {shlex.quote(str(path))}{where}`"
    advice = "it was refused and cannot be applied" if file.refused else f"apply it with {how}"
    end = format_sandbox_note(given["sandbox"])
    return SaveResult(f"Wrote {path}: {changes}; {advice}{end}", {"out": data})


def build_plan_file(
    given: Mapping[str, Any], work: Workspace, made: Plan, refused: str | None
) -> PlanFile:
    """Return the content of a plan file: the plan and the options that it was made with."""
    asked = PlanArguments(
        # To the comparison jobs and jobs/ must be the same.
        tuple(os.path.normpath(path) for path in work.paths),
        given["selector"],
        given["config"] and str(given["config"]),
        given["prune"],
        given["force"],
        given["full"],
        given["max_submits"],
    )
    sources = {one.desired.source.path: one.desired.source for one in made.actions}
    paths = {path: make_relative(source).path for path, source in sources.items()}
    return PlanFile(
        version=__version__,
        sandbox=given["sandbox"],
        owner=work.fleet.owner,
        max_active=work.fleet.limits.max_active,
        arguments=asked,
        refused=refused,
        actions=describe_actions(KINDS, made, work.fleet, paths),
    )
