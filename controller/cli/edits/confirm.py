"""Confirmation prompts and results that ``stop``, ``retry`` and ``adopt`` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from controller.cli.output.console import ask, say, say_line, show
from controller.cli.output.exit_codes import ExitCode, select_exit_code
from controller.cli.workspace.arguments import make_relative
from controller.core.planning.actions import Action, Reason
from controller.views.job_steps import Step, Steps, Verdict, render_steps, serialize_steps

# As a pass exits for the same reasons; any other refusal is a plain failure.
_EXIT_CODES = {
    Reason.OBSERVATION_FAILED: ExitCode.FAILED,
    Reason.RECORD_UNREADABLE: ExitCode.FAILED,
    Reason.WRONG_TARGET: ExitCode.UNSAFE,
    Reason.INVALID: ExitCode.INVALID,
}


def check_can_confirm(verb: str, given: dict[str, Any]) -> None:
    """Raise a usage error if there is no terminal to ask on and --yes is not set."""
    if given["yes"] or given["dry_run"] or (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    raise click.UsageError(
        f"{verb} asks before it does anything, and there is no terminal to ask on: add --yes to "
        "go ahead, or --dry-run to see what it would do"
    )


def make_step(action: Action, verdict: Verdict, message: str, *notes: str, **data: Any) -> Step:
    """Return the step for the job of an action."""
    desired = action.desired
    return Step(
        desired.key,
        make_relative(desired.source),
        verdict,
        action.reason,
        message,
        notes,
        data=data,
    )


def confirm_and_run(
    ctx: click.Context,
    foreseen: Steps,
    given: dict[str, Any],
    take: Callable[[], tuple[Steps, set[ExitCode]]],
    codes: Iterable[ExitCode] = (),
) -> None:
    """Ask for confirmation, execute the planned steps, print the result, and exit.

    ``take`` is called once the user agrees, and returns every step with its result; --dry-run does
    not call it. ``codes`` are exit codes that are already known.
    """
    current, found, sandbox, is_shown = foreseen, set(codes), given["sandbox"], False
    if foreseen.planned and not given["dry_run"]:
        is_shown = not _ask_to_confirm(foreseen, given)
        current, more = (foreseen, {ExitCode.FAILED}) if is_shown else take()
        found |= more
    show(
        given,
        lambda: serialize_steps(current, sandbox=sandbox),
        # A user who declined has read them.
        lambda: () if is_shown else render_steps(current, sandbox=sandbox),
    )
    ctx.exit(select_exit_code(found | set(map(_get_exit_code, current.steps))))


def _ask_to_confirm(foreseen: Steps, given: dict[str, Any]) -> bool:
    """Whether the user agrees. The consequences are always printed."""
    # Without the question the consequences are still worth a line in a script's log.
    if given["yes"]:
        say(foreseen.cost)
        return True
    for line in render_steps(foreseen, sandbox=given["sandbox"]):
        say_line(line)
    agrees = _is_yes(ask(f"{foreseen.verb.capitalize()} {_describe_jobs(foreseen)}? [y/N]"))
    if not agrees:
        say("bedrock-jobs: nothing was done")
    return agrees


def _is_yes(answer: str) -> bool:
    """Whether an answer is yes; anything else is no."""
    return answer.lower() in {"y", "yes"}


def _describe_jobs(foreseen: Steps) -> str:
    names = [step.key.name for step in foreseen.planned]
    return names[0] if len(names) == 1 else f"these {len(names)} jobs"


def _get_exit_code(step: Step) -> ExitCode:
    if step.verdict in {Verdict.REFUSED, Verdict.FAILED}:
        return _EXIT_CODES.get(step.reason, ExitCode.FAILED)
    return ExitCode.FINE
