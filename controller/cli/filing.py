"""Plans that are kept in a file: ``--out``, and a plan as such a file holds it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from controller.adapters import plan_files
from controller.cli.asked import relative
from controller.cli.exits import Exit
from controller.cli.printing import say
from controller.cli.wiring import Work
from controller.core.actions import Plan
from controller.core.kinds import KINDS
from controller.core.plan_file import Asked, PlanFile, planned
from controller.reconcile import Report
from controller.version import __version__
from controller.views.lines import counted
from controller.views.plan import in_sandbox

_TO_STDOUT = "-"

out = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the plan to a file too, for `reconcile --plan`.",
)


def check_out(given: Mapping[str, Any]) -> None:
    """Raise click's usage error, before anything is looked at, where no plan can be written."""
    path: Path | None = given["out"]
    if path is None:
        return
    if str(path) == _TO_STDOUT:
        raise click.UsageError("--out - does not go: the plan itself is on stdout. Name a file")
    try:
        plan_files.check_place(path)
    except plan_files.PlaceError as error:
        raise click.UsageError(f"--out: {error}") from error


def write(given: Mapping[str, Any], work: Work, report: Report) -> set[Exit]:
    """Write the plan where --out says, and return what that adds to the exit code."""
    path: Path | None = given["out"]
    if path is None:
        return set()
    file = filed(given, work, report.plan, report.refused)
    try:
        plan_files.write(path, file)
    except OSError as error:
        say(f"bedrock-jobs: {path}: the plan cannot be written: {error.strerror}")
        return {Exit.FAILED}
    changes = counted(len(file.changes), "change")
    where = " --sandbox" if file.sandbox else ""
    how = f"`bedrock-jobs reconcile --plan {shlex.quote(str(path))}{where}`"
    told = (
        "it was refused and cannot be carried out" if file.refused else f"carry it out with {how}"
    )
    say(f"Wrote {path}: {changes}; {told}{in_sandbox(given['sandbox'])}")
    return set()


def filed(given: Mapping[str, Any], work: Work, made: Plan, refused: str | None) -> PlanFile:
    """Return a plan as a file holds it, with what it was asked for."""
    asked = Asked(
        tuple(os.path.normpath(path) for path in work.paths),
        given["selector"],
        given["config"] and str(given["config"]),
        given["prune"],
        given["force"],
        given["full"],
        given["max_submits"],
    )
    sources = {one.desired.source.path: one.desired.source for one in made.actions}
    paths = {path: relative(source).path for path, source in sources.items()}
    return PlanFile(
        version=__version__,
        sandbox=given["sandbox"],
        owner=work.fleet.owner,
        max_active=work.fleet.limits.max_active,
        asked=asked,
        refused=refused,
        actions=planned(KINDS, made, work.fleet, paths),
    )
