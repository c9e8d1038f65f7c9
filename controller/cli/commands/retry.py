"""The command ``retry``: raises policy.attempt for jobs that failed or were stopped."""

from __future__ import annotations

from typing import Any

import click

from controller.cli.edits.confirm import check_can_confirm, make_step
from controller.cli.edits.job_selection import Selection, select_jobs
from controller.cli.edits.policy_edits import PolicyEdit, edit_policies
from controller.cli.options import shared
from controller.cli.passes.passes import parse_connection_options
from controller.cli.workspace.arguments import make_relative
from controller.cli.workspace.loading import open_ports
from controller.core.fleet import Fleet
from controller.core.jobs.attempts import Attempts
from controller.core.jobs.diff import get_failure_message
from controller.core.jobs.failure_causes import classify_failure
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    DesiredJob,
    LiveJob,
    Submission,
)
from controller.core.planning.actions import Action, Reason
from controller.core.policy import State
from controller.engine.reconcile import Mode, reconcile
from controller.views.job_steps import Step, Steps, Verdict

_COST = (
    "Each attempt is a new job: it starts from the beginning and is billed like the first; nothing "
    "of the earlier job is reused."
)
_OWN_JOB_REASONS = frozenset(
    {Reason.COMPLETED, Reason.FAILED, Reason.STOPPED, Reason.IN_PROGRESS, Reason.TAGS_CHANGED}
)
"""Reasons given for a job that is the manifest's own, with today's spec."""


@click.command(name="retry")
@shared.names_and_paths
@shared.confirm_options
@shared.selection_options
@shared.connection_options
@shared.output_options
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **given: Any) -> None:
    """Run the Failed or Stopped job of each NAME, or of the manifests under each PATH, again.

    It asks for confirmation and raises policy.attempt in the manifest. No AWS call changes
    anything: commit the edit, and the next reconcile submits the new attempt. The exit code is 1 if
    the answer is no or a job cannot be run again; the other manifests are still edited.
    """
    check_can_confirm("retry", given)
    meant = select_jobs(words, given)
    work = meant.work
    with open_ports(work, parse_connection_options(given)) as ports:
        actions = reconcile(work.desired, ports, work.fleet, Mode.PLAN).plan.actions
    proposals = [_propose_edit(action, meant) for action in actions]
    edit_policies(ctx, Steps("retry", _COST, ()), "attempt", proposals, given, work)


def _propose_edit(action: Action, meant: Selection) -> PolicyEdit:
    made = action.desired.submission
    if made is not None and action.desired.policy.state is State.SUBMITTED:
        if action.reason is Reason.SUBMIT_REFUSED:
            # A refused Create made no job; another attempt is sent under a new token.
            note = f"the service refused attempt {made.attempt}: {action.message}"
            return _propose_attempt(action, made, meant, (note,))
        live = _find_own_job(action)
        if live is not None and live.status in _get_retryable_statuses(action):
            return _propose_attempt(
                action, made, meant, _describe_outcome(action, live, meant.work.fleet)
            )
    return PolicyEdit(_explain_no_edit(action))


def _find_own_job(action: Action) -> LiveJob | None:
    """Return the manifest's own job, of its present spec."""
    return action.live if action.reason in _OWN_JOB_REASONS else None


def _get_retryable_statuses(action: Action) -> frozenset[str]:
    kind = KINDS[action.desired.key.kind]
    return kind.failed | kind.stopped


def _propose_attempt(
    action: Action, made: Submission, meant: Selection, fate: tuple[str, ...]
) -> PolicyEdit:
    """Propose the attempt after the latest one."""
    desired, attempt = action.desired, made.attempt + 1
    lineage = Attempts(KINDS[desired.key.kind], desired, meant.work.fleet)
    following = lineage.derive_attempt(attempt, revised=bool(made.revision))
    if taken := _find_name_conflict(desired, following.name, meant):
        return PolicyEdit(make_step(action, Verdict.REFUSED, taken))
    retries = desired.policy.retries
    more = f"policy.onFailure.retries lets {retries} more follow it by themselves"
    notes = (*fate, *((more,) if retries else ()))
    data: dict[str, Any] = {"attempt": attempt, "jobName": following.name}
    if action.live is not None:
        data["jobArn"] = action.live.arn
    message = f"policy.attempt: {attempt}; the next reconcile submits {following.name}"
    return PolicyEdit(make_step(action, Verdict.PLANNED, message, *notes, **data), attempt)


def _find_name_conflict(desired: DesiredJob, name: str, meant: Selection) -> str:
    """Return which other manifest already has a job's name, if any."""
    for other in (*meant.work.desired, *meant.others):
        # Job names are unique per account and region only.
        same = other.target.known_place == desired.target.known_place
        if same and other.key != desired.key and other.name == name:
            return (
                f"its next attempt would be {name}, which is the job of {other.key.name} in "
                f"{make_relative(other.source)}: give that one another name"
            )
    return ""


def _describe_outcome(action: Action, live: LiveJob, fleet: Fleet) -> tuple[str, ...]:
    kind = KINDS[action.desired.key.kind]
    if live.status not in kind.failed:
        return (f"{live.name} was stopped",)
    text = get_failure_message(kind, live.members)
    cause = classify_failure(text, fleet)
    advice = (
        "another attempt may succeed as it is"
        if cause.is_retryable
        else "another attempt fails the same way unless the cause is fixed"
    )
    return f"{live.name} failed ({cause.label}): {text}", advice


def _explain_no_edit(action: Action) -> Step:
    """Return why nothing is edited: the attempt is already due, or the job cannot be run again."""
    desired, made = action.desired, action.desired.submission
    # An automatic retry, or an attempt that was already raised, is still to be submitted.
    if made is not None and made.attempt and _is_due(action):
        message = f"attempt {made.attempt} is due already: reconcile submits it as {made.name}"
        return make_step(action, Verdict.UNNEEDED, message)
    state = desired.policy.state
    if made is not None and state is not State.SUBMITTED:
        message = f"policy.state is {state}: set it to Submitted, then retry"
        return make_step(action, Verdict.REFUSED, message)
    return make_step(action, Verdict.REFUSED, _explain_refusal(action))


def _is_due(action: Action) -> bool:
    # A queued job that has earlier ones is a retry that waits for the quota.
    return action.reason is Reason.RETRY or (
        action.reason is Reason.QUEUED and bool(action.earlier)
    )


def _explain_refusal(action: Action) -> str:
    name, live = action.desired.key.name, _find_own_job(action)
    if live is not None:
        if live.status in KINDS[action.desired.key.kind].succeeded:
            return (
                f"{live.name} completed, and a completed job is not run again: change its spec, or "
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
