"""The planning rules for a manifest whose job exists: the second half of the decision table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Attempts
from controller.core.jobs.diff import Difference, get_failure_message
from controller.core.jobs.failure_causes import is_retryable
from controller.core.kinds.kind import Kind
from controller.core.model import (
    LiveJob,
)
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.planning.rule_context import RuleContext
from controller.core.policy import State


def decide_ownership(context: RuleContext) -> Action | None:
    """Hold a manifest whose job is not its own, unless the manifest adopts it and the specs match.

    The same holds for a job that this manifest submitted from another spec: naming its ARN in
    policy.adopt says which job is meant.
    """
    live, whose = context.live, context.ownership
    is_named = context.desired.policy.adopt == live.arn
    if whose is Ownership.SAME or (whose is Ownership.CHANGED and not is_named):
        return None
    if not is_named:
        return context.make_action(
            Verb.HOLD,
            Reason.NOT_OWNED,
            f"{live.arn} was created elsewhere under the name {live.name}. Rename the manifest, or "
            "set policy.adopt to that ARN if the manifest describes that job",
        )
    found = context.difference
    # Adoption needs proof: a member that cannot be compared counts like one that differs.
    if found.changes or found.unknown:
        fields = ", ".join([change.member for change in found.changes] or found.unknown)
        return context.make_action(
            Verb.HOLD,
            Reason.NOT_OWNED,
            f"{live.arn} cannot be adopted: its spec does not provably match in {fields}",
            found,
        )
    return context.make_action(
        Verb.ADOPT, Reason.ADOPTED, f"{live.arn} is adopted: its spec equals the manifest's"
    )


def plan_stop(context: RuleContext) -> Action | None:
    """Stop every running job of a manifest whose policy.state is Stopped."""
    if context.desired.policy.state is not State.STOPPED or not context.kind.stoppable:
        return None
    ours = (context.live, *(one.live for one in context.observation.earlier))
    # A job that is being stopped needs no second call.
    ended = context.kind.terminal | context.kind.stopping
    stops = tuple(live for live in ours if live.status not in ended)
    if not stops:
        return None
    names = ", ".join(live.arn for live in stops)
    return replace(
        context.make_action(Verb.STOP, Reason.STOP_REQUESTED, format_stop(names)), stops=stops
    )


def plan_stop_if_only_forbidden(context: RuleContext) -> Action | None:
    """Stop the job of a manifest that is Stopped and invalid only by the fleet's rules.

    Such a manifest has no submission to compare with, so the owner prefix of the job's token must
    be enough.
    """
    live, attempts = (
        context.observation.live,
        Attempts(context.kind, context.desired, context.fleet),
    )
    recorded = context.recorded.arn if context.recorded is not None else None
    if live is None or not attempts.is_ours(live) or (live.token is None and live.arn != recorded):
        return None
    return plan_stop(context)


def format_stop(names: str) -> str:
    """Return the message of a stop: what it does, and what it costs."""
    return f"Stop {names}: it cannot be resumed, is billed up to now and yields no model"


def plan_retry(context: RuleContext) -> Action | None:
    """Submit the attempt that policy asks for after a job that failed or was stopped."""
    following, live = context.next_submission, context.live
    if following is None or context.ownership is not Ownership.SAME:
        return None
    is_asked = context.submission.attempt < context.desired.policy.attempt
    cause = "policy.attempt requests it" if is_asked else "such a failure may be temporary"
    return context.make_next_action(
        Verb.SUBMIT,
        Reason.RETRY,
        f"{live.name} {_describe_end(context)}; {cause}: submit attempt {following.attempt} as "
        f"{following.name}, a new job that is billed like the first",
    )


def _describe_end(context: RuleContext) -> str:
    live = context.live
    if live.status in context.kind.failed:
        return f"failed ({get_failure_message(context.kind, live.members)})"
    return "was stopped"


def decide_spec_change(context: RuleContext) -> Action | None:
    """Hold a manifest whose spec changed after submit, or submit a revision if policy says so."""
    if context.ownership is not Ownership.CHANGED:
        return None
    found = context.difference
    fields = ", ".join(change.member for change in found.changes) or _describe_unknown_change(found)
    following, live = context.next_submission, context.live
    if following is not None:
        runs = "" if live.status in context.kind.terminal else f"; {live.name} keeps running"
        action = context.make_next_action(
            Verb.SUBMIT,
            Reason.NEW_REVISION,
            f"The spec changed after submit: {fields}. Submit it as {following.name}, a new job "
            f"that is billed on its own{runs}",
        )
        return replace(action, changes=found.changes)
    return context.make_action(
        Verb.HOLD,
        Reason.SPEC_CHANGED,
        f"The spec changed after submit: {fields}. A submitted job cannot be changed: restore the "
        "spec, set policy.onSpecChange to NewRevision to run it as a new job under a name of its "
        "own, or give the manifest another name",
        found,
    )


def plan_tags(context: RuleContext) -> Action | None:
    """Correct tags that differ; tags that could not be read are not known to differ."""
    retags = context.tag_state.retags
    if not retags:
        return None
    text = "; ".join(map(str, retags))
    action = context.make_action(Verb.TAG, Reason.TAGS_CHANGED, f"The tags differ: {text}")
    return replace(action, retags=retags)


def _describe_unknown_change(found: Difference) -> str:
    """Return what is known of a change when the digest differs but no shown member does."""
    if found.unknown:
        return f"in a member that cannot be compared ({', '.join(found.unknown)})"
    return "in a member that the service does not show, or in how a value is written"


def decide_ended_job(context: RuleContext) -> Action | None:
    """Leave a job that ended as it is."""
    live = context.live
    if live.status in context.kind.succeeded:
        return context.make_action(Verb.NOOP, Reason.COMPLETED, "The job completed")
    if live.status in context.kind.failed:
        why = _explain_no_retry(context)
        cause = get_failure_message(context.kind, live.members)
        text = f"{cause.removesuffix('.')}{why}" if why else cause
        return context.make_action(Verb.NOOP, Reason.FAILED, f"The job failed: {text}")
    if live.status in context.kind.stopped:
        return context.make_action(
            Verb.NOOP, Reason.STOPPED, f"The job was stopped{_explain_no_retry(context)}"
        )
    return None


def _explain_no_retry(context: RuleContext) -> str:
    """Return why an attempt that policy would allow is not submitted, or an empty string."""
    policy, made = context.desired.policy, context.submission
    following = context.observation.next_submission
    if following is not None:
        return f". policy.state is {policy.state}: attempt {following.attempt} waits"
    is_last = made.attempt >= policy.attempt + policy.retries
    if is_last or context.live.status not in context.kind.failed:
        return ""
    # A job that was submitted or adopted in this pass is retried by the next one.
    if not is_retryable(get_failure_message(context.kind, context.live.members), context.fleet):
        return ". Such a failure is not retried: fix the cause, then raise policy.attempt"
    return ""


def wait_for_job(context: RuleContext) -> Action:
    """Wait for a job that runs, including one whose status this version does not know."""
    live = context.live
    stage = _find_stage(context.kind, live)
    return context.make_action(
        Verb.WAIT, Reason.IN_PROGRESS, f"The job is {live.status}{f': {stage}' if stage else ''}"
    )


def _find_stage(kind: Kind, live: LiveJob) -> str:
    """Return the stage whose status is the job's own, such as ``training``."""
    stages = live.members.get(kind.stages_member)
    if not isinstance(stages, Mapping):
        return ""
    found = (
        name.removesuffix("Details")
        for name, stage in stages.items()
        if isinstance(stage, Mapping) and stage.get("status") == live.status
    )
    return next(found, "")
