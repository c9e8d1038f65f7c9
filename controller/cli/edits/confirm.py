"""What stop, retry and adopt share: a look, a question, and how what was done is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from controller.cli.output.console import ask, say, say_line, show
from controller.cli.output.exit_codes import Exit, gravest
from controller.cli.workspace.arguments import relative
from controller.core.planning.actions import Action, Reason
from controller.views.job_steps import Step, Steps, Verdict, step_lines, steps_data

_CODES = {
    Reason.OBSERVATION_FAILED: Exit.FAILED,
    Reason.RECORD_UNREADABLE: Exit.FAILED,
    Reason.WRONG_TARGET: Exit.UNSAFE,
    Reason.INVALID: Exit.INVALID,
}


def permit(verb: str, given: dict[str, Any]) -> None:
    """Raise a usage error where nobody can be asked and nobody has said yes."""
    if given["yes"] or given["dry_run"] or (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    raise click.UsageError(
        f"{verb} asks before it does anything, and there is no terminal to ask on: add --yes to "
        "go ahead, or --dry-run to see what it would do"
    )


def stepping(action: Action, verdict: Verdict, message: str, *notes: str, **data: Any) -> Step:
    """Return a step on the job of an action."""
    desired = action.desired
    return Step(
        desired.key, relative(desired.source), verdict, action.reason, message, notes, data=data
    )


def settle(
    ctx: click.Context,
    foreseen: Steps,
    given: dict[str, Any],
    take: Callable[[], tuple[Steps, set[Exit]]],
    codes: Iterable[Exit] = (),
) -> None:
    """Ask, take the steps that are planned, tell what was done, and end with its exit code.

    ``take`` is called once a person agrees, and returns every step as it went; with --dry-run it
    is not called. ``codes`` are what is known to be wrong beforehand.
    """
    told, found, sandbox, is_shown = foreseen, set(codes), given["sandbox"], False
    if foreseen.planned and not given["dry_run"]:
        is_shown = not _agrees(foreseen, given)
        told, more = (foreseen, {Exit.FAILED}) if is_shown else take()
        found |= more
    show(
        given,
        lambda: steps_data(told, sandbox=sandbox),
        # Who said no has read them.
        lambda: () if is_shown else step_lines(told, sandbox=sandbox),
    )
    ctx.exit(gravest(found | set(map(_code, told.steps))))


def _agrees(foreseen: Steps, given: dict[str, Any]) -> bool:
    """Whether a person agrees, once asked. What it costs is always told."""
    if given["yes"]:
        say(foreseen.cost)
        return True
    for line in step_lines(foreseen, sandbox=given["sandbox"]):
        say_line(line)
    agrees = _is_yes(ask(f"{foreseen.verb.capitalize()} {_what(foreseen)}? [y/N]"))
    if not agrees:
        say("bedrock-jobs: nothing was done")
    return agrees


def _is_yes(answer: str) -> bool:
    """Whether an answer is yes; anything else is no."""
    return answer.lower() in {"y", "yes"}


def _what(foreseen: Steps) -> str:
    names = [step.key.name for step in foreseen.planned]
    return names[0] if len(names) == 1 else f"these {len(names)} jobs"


def _code(step: Step) -> Exit:
    if step.verdict in {Verdict.REFUSED, Verdict.FAILED}:
        return _CODES.get(step.reason, Exit.FAILED)
    return Exit.FINE
