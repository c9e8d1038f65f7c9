"""Plans that a file brings from an earlier command: ``--plan``, and whether they still hold."""

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
from controller.cli.output.exit_codes import Exit
from controller.cli.output.reports import present
from controller.cli.passes.results import refusal_result
from controller.cli.passes.save_plan_file import filed
from controller.cli.workspace.loading import Work
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey
from controller.core.planning.actions import Action, Plan, Reason
from controller.core.printable import escaped
from controller.core.saved_plan.drift import Compared, Standing, compared, moved_around, permits
from controller.core.saved_plan.format import CHANGES, PlanFile, Planned
from controller.engine.apply import Terms
from controller.engine.reconcile import Report
from controller.version import __version__
from controller.views.plan import in_sandbox
from controller.views.text import counted

_MOST_LINES = 20
_NO_WORK = Work((), Fleet(), (), ())
_GIVEN = {
    "selector": "-l",
    "config": "--config",
    "prune": "--prune",
    "force": "--force",
    "full": "--full",
    "max_submits": "--max-submits",
}

plan = click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Carry out the plan in this file, or nothing if it is not the plan any more.",
)


def taken_up(
    ctx: click.Context, paths: tuple[Path, ...], given: dict[str, Any]
) -> tuple[tuple[Path, ...], dict[str, Any], PlanFile | None]:
    """Return what to work on: as the command line says, or as the plan was asked for.

    A plan that cannot be carried out ends the command with UNSAFE; what contradicts the plan is a
    usage error.
    """
    path: Path | None = given["plan_file"]
    if path is None:
        return paths, given, None
    if given["gc"]:
        raise click.UsageError(
            "--gc does not go with --plan, which does not say it: run `reconcile --gc` afterwards"
        )
    file = _read(ctx, path, given)
    asked = file.asked
    told = {
        "selector": asked.selector,
        "config": asked.config and Path(asked.config),
        "prune": asked.prune,
        "force": asked.force,
        "full": asked.full,
        "max_submits": asked.max_submits,
    }
    for name, value in told.items():
        # Zero submits were said, although zero equals False.
        if not (given[name] is None or given[name] is False or given[name] == value):
            raise _contradiction(_GIVEN[name], path)
    if paths and {os.path.normpath(one) for one in paths} != set(asked.paths):
        raise _contradiction("PATH", path)
    return tuple(map(Path, asked.paths)), {**given, **told}, file


def _read(ctx: click.Context, path: Path, given: Mapping[str, Any]) -> PlanFile:
    try:
        file = plan_files.read(path, __version__)
    except plan_files.PlaceError as error:
        raise click.UsageError(f"--plan: {error}") from error
    except plan_files.UnfitPlanError as error:
        _turn_away(ctx, given, f"{error}; nothing was done")
    if file.refused:
        _turn_away(ctx, given, f"{path} was refused when it was made: {escaped(file.refused)}")
    return file


def _turn_away(
    ctx: click.Context,
    given: Mapping[str, Any],
    refused: str,
    moved: Sequence[str] = (),
    work: Work = _NO_WORK,
) -> NoReturn:
    """Say, before anything was looked at, why nothing is done, and end with UNSAFE."""
    say(f"bedrock-jobs: refused: {refused}")
    _tell_moved(moved)
    told = {"planFile": {"path": str(given["plan_file"]), "holds": False, "moved": list(moved)}}
    present(given, refusal_result(work, refused, told, given))
    ctx.exit(Exit.UNSAFE)


def _contradiction(option: str, path: Path) -> click.UsageError:
    return click.UsageError(
        f"{option} is not what {path} was made with, and --plan takes it from there: leave it out,"
        " or make another plan"
    )


def agreed(
    ctx: click.Context, file: PlanFile | None, work: Work, given: Mapping[str, Any]
) -> Agreement:
    """Return what a plan file lets passes over this work do; UNSAFE ends what may do nothing."""
    agreement = Agreement(file, work, given)
    agreement.check(ctx)
    return agreement


@dataclass
class Agreement:
    """What a plan file lets passes do: the first agrees or refuses, the others stay within it.

    Without a file they do whatever they find to do.
    """

    file: PlanFile | None
    work: Work
    given: Mapping[str, Any]
    compared: Compared | None = None
    changes: Mapping[JobKey, Planned] = field(init=False)

    def __post_init__(self) -> None:
        self.changes = self.file.changes if self.file else {}

    @property
    def terms(self) -> Terms:
        """What a pass is to ask."""
        return Terms(self._refuses, self._permits)

    def awaits(self, action: Action) -> bool:
        """Whether a job that has not ended is worth waiting for: what no plan says never begins."""
        if self.file is None or action.live is not None:
            return True
        was, made = self.changes.get(action.desired.key), action.desired.submission
        return was is not None and made is not None and was.token == made.token

    def check(self, ctx: click.Context) -> None:
        """End the command with UNSAFE if it is known before any call that nothing may be done."""
        around = moved_around(self.file, self._now(Plan())) if self.file else ()
        moved = tuple(map(escaped, around))
        if moved:
            _turn_away(ctx, self.given, self._refusal(moved), moved, self.work)

    def tell(self, report: Report) -> set[Exit]:
        """Say what moved, or else how the plan's changes stood, and what is left for another plan.

        Returns what that adds to the exit code: a job that ended badly and may not be followed.
        """
        if self.compared is None:
            return set()
        if self.compared.moved:
            _tell_moved(self.compared.moved)
            return set()
        path, end = self.given["plan_file"], in_sandbox(self.given["sandbox"])
        say(f"{path} {_standing(self.compared)}.{end}")
        left = self._left(report)
        for action in left[:_MOST_LINES]:
            what = f"{action.desired.key.name}: {action.verb} {action.reason}"
            say(f"bedrock-jobs: {what} is for another plan")
        return {Exit.UNHEALTHY} if any(one.reason is Reason.RETRY for one in left) else set()

    def data(self, report: Report) -> dict[str, Any]:
        """Return that as plain data; nothing at all without a file."""
        found = self.compared
        if found is None:
            return {}
        told = {
            "path": str(self.given["plan_file"]),
            "holds": not found.moved,
            "moved": list(found.moved),
            "changes": len(found.standings),
            "carriedOutBefore": found.count(Standing.DONE),
            "waiting": found.count(Standing.WAITING),
            "left": [] if found.moved else [str(one.desired.key) for one in self._left(report)],
        }
        return {"planFile": told}

    def _left(self, report: Report) -> list[Action]:
        """Return what a later look found to do beyond the plan."""
        now = (result.outcome.now for result in report.results)
        return [action for action in now if not self._permits(action)]

    def _refuses(self, made: Plan) -> str | None:
        """Return why the first pass must not act on its plan, if it must not."""
        if self.file is None or self.compared is not None:
            return None
        now, problems = self._now(made), self.work.is_invalid
        found = compared(KINDS, self.file, now, made, problems=problems)
        self.compared = replace(found, moved=tuple(map(escaped, found.moved)))
        moved = self.compared.moved
        return self._refusal(moved) if moved else None

    def _permits(self, action: Action) -> bool:
        """Whether an action is the file's plan's; until that was compared, it may be any."""
        if self.file is None or self.compared is None or action.verb not in CHANGES:
            return True
        (now,) = self._now(Plan((action,))).actions
        return permits(self.changes, KINDS, now, action)

    def _now(self, made: Plan) -> PlanFile:
        return filed(self.given, self.work, made, None)

    def _refusal(self, moved: Sequence[str]) -> str:
        """Return a line that says enough for outputs that have no more room."""
        path, first = self.given["plan_file"], "" if len(moved) == 1 else ", the first"
        return (
            f"{path} is not the plan any more; nothing was done. {counted(len(moved), 'thing')} "
            f"moved{first}: {moved[0]}. Make another with `plan --out {shlex.quote(str(path))}`"
        )


def _standing(found: Compared) -> str:
    """Return how a plan's changes stood before the pass, which is not told of those all due."""
    if not found.standings:
        return "still holds: it changes nothing"
    changes, done = counted(len(found.standings), "change"), found.count(Standing.DONE)
    if done == len(found.standings):
        was = "was" if done == 1 else "were"
        return f"has nothing left to do: its {changes} {was} {Standing.DONE.value}"
    rest = ((one, found.count(one)) for one in (Standing.DONE, Standing.WAITING))
    told = "".join(f", {count} {standing.value}" for standing, count in rest if count)
    return f"still holds: {changes}{told}"


def _tell_moved(moved: Sequence[str]) -> None:
    """Tell all that moved, a line each; the refusal itself tells of one."""
    if len(moved) == 1:
        return
    for line in moved[:_MOST_LINES]:
        say(f"bedrock-jobs: moved: {line}")
    if len(moved) > _MOST_LINES:
        say(f"bedrock-jobs: moved: and {len(moved) - _MOST_LINES} more")
