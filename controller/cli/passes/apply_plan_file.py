"""Saved plans, which ``--plan`` applies if they still hold."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import click

from controller.adapters import plan_files
from controller.cli.output.console import say
from controller.cli.output.exit_codes import ExitCode
from controller.cli.output.reports import print_output
from controller.cli.passes.results import build_refusal_output
from controller.cli.passes.save_plan_file import build_plan_file
from controller.cli.workspace.loading import Workspace
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey
from controller.core.planning.actions import Action, Plan, Reason
from controller.core.printable import escape_line
from controller.core.saved_plan.drift import (
    ChangeState,
    PlanComparison,
    compare_plans,
    find_context_drift,
    is_permitted,
)
from controller.core.saved_plan.format import CHANGING_VERBS, PlanFile, PlannedAction
from controller.engine.apply import PlanApproval
from controller.engine.reconcile import Report
from controller.version import __version__
from controller.views.plan import format_sandbox_note
from controller.views.text import format_count

_MOST_LINES = 20
# A plan that cannot be read is refused before the tree is loaded.
_EMPTY_WORKSPACE = Workspace((), Fleet(), (), ())
_OPTION_NAMES = {
    "selector": "-l",
    "config": "--config",
    "prune": "--prune",
    "force": "--force",
    "full": "--full",
    "max_submits": "--max-submits",
}

plan_option = click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Apply the plan in this file; do nothing if the current plan differs.",
)


def load_plan_file(
    ctx: click.Context, paths: tuple[Path, ...], given: dict[str, Any]
) -> tuple[tuple[Path, ...], dict[str, Any], PlanFile | None]:
    """Return the paths and options to use: those of the command line, or those of the plan.

    A plan that cannot be applied ends the command with UNSAFE; options that contradict the plan
    are usage errors.
    """
    path: Path | None = given["plan_file"]
    if path is None:
        return paths, given, None
    if given["gc"]:
        raise click.UsageError(
            "--gc cannot be combined with --plan: run `reconcile --gc` afterwards"
        )
    file = _read_plan_file(ctx, path, given)
    asked = file.arguments
    details = {
        "selector": asked.selector,
        "config": asked.config and Path(asked.config),
        "prune": asked.prune,
        "force": asked.force,
        "full": asked.full,
        "max_submits": asked.max_submits,
    }
    for name, value in details.items():
        # A limit of zero submits is a value, although zero equals False.
        if not (given[name] is None or given[name] is False or given[name] == value):
            raise _make_contradiction_error(_OPTION_NAMES[name], path)
    if paths and {os.path.normpath(one) for one in paths} != set(asked.paths):
        raise _make_contradiction_error("PATH", path)
    return tuple(map(Path, asked.paths)), {**given, **details}, file


def _read_plan_file(ctx: click.Context, path: Path, given: Mapping[str, Any]) -> PlanFile:
    try:
        file = plan_files.read_plan(path, __version__)
    except plan_files.PlanPathError as error:
        raise click.UsageError(f"--plan: {error}") from error
    except plan_files.InvalidPlanError as error:
        _refuse_plan(ctx, given, f"{error}; nothing was done")
    if file.refused:
        _refuse_plan(
            ctx, given, f"{path} was refused when it was made: {escape_line(file.refused)}"
        )
    return file


def _refuse_plan(
    ctx: click.Context,
    given: Mapping[str, Any],
    refused: str,
    moved: Sequence[str] = (),
    work: Workspace = _EMPTY_WORKSPACE,
) -> NoReturn:
    """Print why the plan is refused before anything is observed, and exit with UNSAFE."""
    say(f"bedrock-jobs: refused: {refused}")
    _print_moved(moved)
    details = {"planFile": {"path": str(given["plan_file"]), "holds": False, "moved": list(moved)}}
    print_output(given, build_refusal_output(work, refused, details, given))
    ctx.exit(ExitCode.UNSAFE)


def _make_contradiction_error(option: str, path: Path) -> click.UsageError:
    return click.UsageError(
        f"{option} differs from the options of {path}, which --plan uses: remove it, or make "
        "another plan"
    )


def load_constraint(
    ctx: click.Context, file: PlanFile | None, work: Workspace, given: Mapping[str, Any]
) -> PlanConstraint:
    """Return what a plan file permits; exit with UNSAFE if it permits nothing."""
    agreement = PlanConstraint(file, work, given)
    agreement.check_before_calls(ctx)
    return agreement


@dataclass
class PlanConstraint:
    """What a plan file permits: the first pass compares its plan, later ones stay within it.

    Without a file everything is permitted.
    """

    file: PlanFile | None
    work: Workspace
    given: Mapping[str, Any]
    compared: PlanComparison | None = None
    changes: Mapping[JobKey, PlannedAction] = field(init=False)

    def __post_init__(self) -> None:
        self.changes = self.file.changes if self.file else {}

    @property
    def terms(self) -> PlanApproval:
        """The approval that each pass asks for."""
        return PlanApproval(self._find_refusal, self._is_permitted)

    def is_awaited(self, action: Action) -> bool:
        """Whether to wait for a job that has not ended: one outside the plan is never submitted."""
        if self.file is None or action.live is not None:
            return True
        was, made = self.changes.get(action.desired.key), action.desired.submission
        # The token depends on the name, the spec and the attempt: another token is another job.
        return was is not None and made is not None and was.token == made.token

    def check_before_calls(self, ctx: click.Context) -> None:
        """Exit with UNSAFE if it is known before any call that nothing is permitted."""
        around = find_context_drift(self.file, self._build_plan_file(Plan())) if self.file else ()
        moved = tuple(map(escape_line, around))
        if moved:
            _refuse_plan(ctx, self.given, self._format_refusal(moved), moved, self.work)

    def print_result(self, report: Report) -> set[ExitCode]:
        """Print the differences, or the state of the plan's changes and what is left over.

        Returns an exit code: of a job that failed and whose retry the plan does not permit.
        """
        if self.compared is None:
            return set()
        if self.compared.moved:
            _print_moved(self.compared.moved)
            return set()
        path, end = self.given["plan_file"], format_sandbox_note(self.given["sandbox"])
        say(f"{path} {_describe_standings(self.compared)}.{end}")
        left = self._list_left_over(report)
        for action in left[:_MOST_LINES]:
            what = f"{action.desired.key.name}: {action.verb} {action.reason}"
            say(f"bedrock-jobs: {what} needs another plan")
        return {ExitCode.UNHEALTHY} if any(one.reason is Reason.RETRY for one in left) else set()

    def serialize(self, report: Report) -> dict[str, Any]:
        """Return the same as plain data; it is empty without a file."""
        found = self.compared
        if found is None:
            return {}
        details = {
            "path": str(self.given["plan_file"]),
            "holds": not found.moved,
            "moved": list(found.moved),
            "changes": len(found.states),
            "carriedOutBefore": found.count(ChangeState.DONE),
            "waiting": found.count(ChangeState.WAITING),
            "left": []
            if found.moved
            else [str(one.desired.key) for one in self._list_left_over(report)],
        }
        return {"planFile": details}

    def _list_left_over(self, report: Report) -> list[Action]:
        """Return what later passes would do beyond the plan."""
        now = (result.outcome.actual for result in report.results)
        return [action for action in now if not self._is_permitted(action)]

    def _find_refusal(self, made: Plan) -> str | None:
        """Return why the first pass must not apply its plan, or None."""
        if self.file is None or self.compared is not None:
            return None
        now, problems = self._build_plan_file(made), self.work.is_invalid
        found = compare_plans(KINDS, self.file, now, made, problems=problems)
        # The differences quote manifests, and become parts of one-line messages.
        self.compared = replace(found, moved=tuple(map(escape_line, found.moved)))
        moved = self.compared.moved
        return self._format_refusal(moved) if moved else None

    def _is_permitted(self, action: Action) -> bool:
        """Whether an action is in the file's plan; before the comparison all are permitted."""
        if self.file is None or self.compared is None or action.verb not in CHANGING_VERBS:
            return True
        # Compared in the form of the file, which has hashes instead of values.
        (now,) = self._build_plan_file(Plan((action,))).actions
        return is_permitted(self.changes, KINDS, now, action)

    def _build_plan_file(self, made: Plan) -> PlanFile:
        return build_plan_file(self.given, self.work, made, None)

    def _format_refusal(self, moved: Sequence[str]) -> str:
        """Return the refusal in one line, for outputs that have no more room."""
        path, first = self.given["plan_file"], "" if len(moved) == 1 else ", the first"
        count = format_count(len(moved), "difference")
        return (
            f"{path} differs from the current plan; nothing was done. {count}"
            f"{first}: {moved[0]}. Make another with `plan --out {shlex.quote(str(path))}`"
        )


def _describe_standings(found: PlanComparison) -> str:
    """Return the state of a plan's changes before the pass, without a count of those due."""
    if not found.states:
        return "still holds: it changes nothing"
    changes, done = format_count(len(found.states), "change"), found.count(ChangeState.DONE)
    if done == len(found.states):
        was = "was" if done == 1 else "were"
        return f"has nothing left to do: its {changes} {was} {ChangeState.DONE.value}"
    rest = ((one, found.count(one)) for one in (ChangeState.DONE, ChangeState.WAITING))
    details = "".join(f", {count} {standing.value}" for standing, count in rest if count)
    return f"still holds: {changes}{details}"


def _print_moved(moved: Sequence[str]) -> None:
    """Print every difference, a line each; the refusal itself names the first."""
    if len(moved) == 1:
        return
    for line in moved[:_MOST_LINES]:
        say(f"bedrock-jobs: difference: {line}")
    if len(moved) > _MOST_LINES:
        say(f"bedrock-jobs: {len(moved) - _MOST_LINES} more differences")
