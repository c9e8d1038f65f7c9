"""The verb ``retry``: asks, in the manifest, for a further attempt at a job that ended badly."""

from __future__ import annotations

from typing import Any

import click

from controller.cli.edits.confirm import permit, stepping
from controller.cli.edits.job_selection import Chosen, chosen
from controller.cli.edits.policy_edits import Proposal, revise
from controller.cli.options import shared
from controller.cli.passes.passes import reach_of
from controller.cli.workspace.arguments import relative
from controller.cli.workspace.loading import outside
from controller.core.fleet import Fleet
from controller.core.jobs.attempts import Lineage
from controller.core.jobs.diff import failure_text
from controller.core.jobs.failure_causes import cause_of
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    Desired,
    Live,
    Submission,
)
from controller.core.planning.actions import Action, Reason
from controller.core.policy import State
from controller.engine.reconcile import Mode, reconcile
from controller.views.job_steps import Step, Steps, Verdict

_COST = (
    "Each further attempt is a new job: it begins anew and is billed like the first, and nothing "
    "of the earlier one is taken up."
)
_OURS_AS_IT_IS = frozenset(
    {Reason.COMPLETED, Reason.FAILED, Reason.STOPPED, Reason.IN_PROGRESS, Reason.TAGS_CHANGED}
)
"""Reasons given for a job that is the manifest's own, with today's spec."""


@click.command(name="retry")
@shared.words
@shared.deciding
@shared.selecting
@shared.connecting
@shared.printing
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Run the Failed or Stopped job of each NAME, or of the manifests under each PATH, again.

    It asks, raises policy.attempt in the manifest, and calls nothing that changes anything: commit
    the edit, and the next reconcile submits the further attempt. The exit code is 1 when the
    answer is no, or when a job cannot be run again; the others are edited all the same.
    """
    permit("retry", given)
    meant = chosen(words, given)
    work = meant.work
    with outside(work, reach_of(given)) as ports:
        actions = reconcile(work.desired, ports, work.fleet, Mode.PLAN).plan.actions
    proposals = [_proposal(action, meant) for action in actions]
    revise(ctx, Steps("retry", _COST, ()), "attempt", proposals, given, work)


def _proposal(action: Action, meant: Chosen) -> Proposal:
    made = action.desired.submission
    if made is not None and action.desired.policy.state is State.SUBMITTED:
        if action.reason is Reason.SUBMIT_REFUSED:
            note = f"the service refused attempt {made.attempt}: {action.message}"
            return _further(action, made, meant, (note,))
        live = _own(action)
        if live is not None and live.status in _again(action):
            return _further(action, made, meant, _fate(action, live, meant.work.fleet))
    return Proposal(_otherwise(action))


def _own(action: Action) -> Live | None:
    """Return the job that is the manifest's own, with today's spec."""
    return action.live if action.reason in _OURS_AS_IT_IS else None


def _again(action: Action) -> frozenset[str]:
    kind = KINDS[action.desired.key.kind]
    return kind.failed | kind.stopped


def _further(action: Action, made: Submission, meant: Chosen, fate: tuple[str, ...]) -> Proposal:
    """Propose the attempt after the one that there was."""
    desired, attempt = action.desired, made.attempt + 1
    lineage = Lineage(KINDS[desired.key.kind], desired, meant.work.fleet)
    following = lineage.at(attempt, revised=bool(made.revision))
    if taken := _namesake(desired, following.name, meant):
        return Proposal(stepping(action, Verdict.REFUSED, taken))
    retries = desired.policy.retries
    more = f"policy.onFailure.retries lets {retries} more follow it by themselves"
    notes = (*fate, *((more,) if retries else ()))
    data: dict[str, Any] = {"attempt": attempt, "jobName": following.name}
    if action.live is not None:
        data["jobArn"] = action.live.arn
    message = f"policy.attempt: {attempt}; the next reconcile submits {following.name}"
    return Proposal(stepping(action, Verdict.PLANNED, message, *notes, **data), attempt)


def _namesake(desired: Desired, name: str, meant: Chosen) -> str:
    """Say which other manifest has a job's name already, if one has."""
    for other in (*meant.work.desired, *meant.others):
        same = other.target.told_place == desired.target.told_place
        if same and other.key != desired.key and other.name == name:
            return (
                f"its next attempt would be {name}, which is the job of {other.key.name} in "
                f"{relative(other.source)}: give that one another name"
            )
    return ""


def _fate(action: Action, live: Live, fleet: Fleet) -> tuple[str, ...]:
    kind = KINDS[action.desired.key.kind]
    if live.status not in kind.failed:
        return (f"{live.name} was stopped",)
    text = failure_text(kind, live.members)
    cause = cause_of(text, fleet)
    advice = (
        "another attempt may succeed as it is"
        if cause.heals
        else "another attempt fails alike unless the cause was mended"
    )
    return f"{live.name} failed ({cause.word}): {text}", advice


def _otherwise(action: Action) -> Step:
    """Say why nothing is edited: the attempt is due already, or the job cannot be run again."""
    desired, made = action.desired, action.desired.submission
    if made is not None and made.attempt and _is_due(action):
        message = f"attempt {made.attempt} is due already: reconcile submits it as {made.name}"
        return stepping(action, Verdict.UNNEEDED, message)
    state = desired.policy.state
    if made is not None and state is not State.SUBMITTED:
        message = f"policy.state is {state}: set it to Submitted, then retry"
        return stepping(action, Verdict.REFUSED, message)
    return stepping(action, Verdict.REFUSED, _refusal(action))


def _is_due(action: Action) -> bool:
    return action.reason is Reason.RETRY or (
        action.reason is Reason.QUEUED and bool(action.earlier)
    )


def _refusal(action: Action) -> str:
    name, live = action.desired.key.name, _own(action)
    if live is not None:
        if live.status in KINDS[action.desired.key.kind].succeeded:
            return (
                f"{live.name} completed, and what completed is not run again: change its spec, or "
                "give the manifest another name"
            )
        return (
            f"{live.name} is {live.status}: wait for its end, or run `bedrock-jobs stop {name}` "
            "first"
        )
    match action.reason:
        case Reason.NOT_SUBMITTED | Reason.QUEUED | Reason.INTENT_UNCONFIRMED:
            return "there is no job to run again: the next reconcile submits the first one"
        case Reason.NEW_REVISION:
            return f"its spec changed: the next reconcile submits {action.desired.name} without it"
        case Reason.ADOPTED:
            return "it is not ours yet: reconcile adopts it, and then it can be run again"
        case _:
            return action.message
