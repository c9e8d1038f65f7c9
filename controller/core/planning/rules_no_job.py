"""The decision table: an ordered list of rules, of which the first that applies decides.

A rule takes all that is known of one job and returns an action, or None to pass it on. The first
rules deal with what must not be acted on, so that the later ones can trust what they see. This
module holds the rules for a manifest that is held or whose job does not exist; ``rules_live_job``
has the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from controller.core.fleet import FLEET_RULE_CODES, find_target_violations
from controller.core.jobs.late_members import is_within_read_lag
from controller.core.model import (
    Existence,
    JobRecord,
    Target,
    UnreadableRecord,
)
from controller.core.planning import rules_live_job, rules_removed
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.planning.rule_context import RuleContext
from controller.core.policy import State
from controller.core.severity import filter_errors

HELD_UNTIL_SPEC_CHANGES = frozenset({Reason.SUBMIT_REFUSED, Reason.TOKEN_REPLAY})
"""Reasons that hold until the digest changes: the same request would be refused again."""


def _hold_if_invalid(context: RuleContext) -> Action | None:
    problems = filter_errors(context.desired.problems)
    if not problems and context.desired.submission is not None:
        return None
    if problems and all(problem.code in FLEET_RULE_CODES for problem in problems):
        # The fleet's rules bar a submit, never a stop, as long as the job is in the right place.
        elsewhere = _hold_if_wrong_target(context)
        if (
            action := None if elsewhere else rules_live_job.plan_stop_if_only_forbidden(context)
        ) is not None:
            return action
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    first = f"; the first: {problems[0].code} {problems[0].message}" if problems else ""
    return context.make_action(Verb.HOLD, Reason.INVALID, f"The manifest has {count}{first}")


def _hold_if_forbidden(context: RuleContext) -> Action | None:
    """Hold a job whose resolved place breaks a rule of the fleet.

    A manifest may leave its account or region open, so this can be checked only here. The rules bar
    submits; a job that is to be stopped goes on to the next rules.
    """
    place = context.observation.place
    if place is None or context.desired.can_stop:
        return None
    found = find_target_violations(Target(place.region, place.account_id), context.fleet)
    if not found:
        return None
    text = "; ".join(f"{one.code.code} {one.message} ({one.hint})" for one in found)
    return context.make_action(Verb.HOLD, Reason.INVALID, text)


def _hold_if_wrong_target(context: RuleContext) -> Action | None:
    place = context.observation.place
    if place is None:
        return None
    declared = context.desired.target.account_id
    if declared is not None and declared != place.account_id:
        return context.make_action(
            Verb.HOLD,
            Reason.WRONG_TARGET,
            f"The credentials act in {place}, but the job is declared for account {declared}: use "
            "credentials of that account, or correct target.accountId",
        )
    # Looked up in the wrong place, the recorded job would seem absent and be submitted again.
    if context.recorded is not None and not context.recorded.can_be_in(place):
        use = (
            "correct target"
            if context.observation.is_from_record
            else "use credentials of that place"
        )
        return context.make_action(
            Verb.HOLD,
            Reason.WRONG_TARGET,
            f"{context.location_text.capitalize()}, but the sidecar records "
            f"{context.recorded.place}: {use}, or rename the manifest to submit it here",
        )
    return None


def _hold_if_unknown(context: RuleContext) -> Action | None:
    # Unknown is not absent: a submit here could be a second job.
    if context.observation.existence is not Existence.UNKNOWN:
        return None
    return context.make_action(
        Verb.HOLD,
        Reason.OBSERVATION_FAILED,
        f"The job could not be looked up: {context.observation.failure}",
    )


def _hold_if_record_unreadable(context: RuleContext) -> Action | None:
    """Hold a job whose record could not be read: it may name a job that nothing else leads to.

    If the service shows the manifest's job, that is enough to rebuild a broken record and to stop
    the job. It is never enough to overwrite a file that may be intact.
    """
    doubt = context.recorded.doubt if context.recorded is not None else None
    if doubt is None:
        return None
    if context.is_shown:
        if doubt.broken:
            return None
        stopping = rules_live_job.plan_stop(context)
        if stopping is not None:
            return stopping
    return context.make_action(
        Verb.HOLD, Reason.RECORD_UNREADABLE, _format_unreadable_record(doubt)
    )


def _format_unreadable_record(doubt: UnreadableRecord) -> str:
    what = "cannot be read" if not doubt.broken else "is not a complete sidecar"
    whose = "" if doubt.own else ", and may hold the record of this job"
    return (
        f"{doubt.path} {what} ({doubt.cause}){whose}: nothing is submitted, since the record may "
        "name a job. Restore the file; or, if no such job was submitted, run `bedrock-jobs "
        "reconcile --forget-record NAME` or delete the file"
    )


def _hold_if_refused(context: RuleContext) -> Action | None:
    if context.recorded is None or not context.is_recorded_for(context.missing_submission):
        return None
    # Sending the same request again could only be refused again, at the cost of a call per pass.
    if context.recorded.reason not in HELD_UNTIL_SPEC_CHANGES:
        return None
    return context.make_next_action(
        Verb.HOLD, Reason(context.recorded.reason), context.recorded.message
    )


def _hold_if_missing(context: RuleContext) -> Action | None:
    if not context.is_absent:
        return None
    if context.recorded is not None and is_within_read_lag(
        context.kind, context.recorded, context.now
    ):
        return context.make_action(
            Verb.WAIT,
            Reason.INTENT_UNCONFIRMED,
            f"The sidecar records {context.recorded.arn}, which is too recent to count as missing: "
            "the service may show it late",
        )
    # A recorded job that vanished may have been deleted on purpose, so a person decides.
    if context.recorded is not None and context.recorded.arn:
        return context.make_action(
            Verb.HOLD,
            Reason.LIVE_MISSING,
            f"The sidecar records {context.recorded.arn}, which the service does not have. If that "
            "job is gone for good, delete the sidecar's entry to submit again",
        )
    if context.desired.policy.adopt is not None:
        return context.make_action(
            Verb.HOLD,
            Reason.LIVE_MISSING,
            f"policy.adopt names {context.desired.policy.adopt}, which the service does not have: "
            "correct the ARN, or remove it to submit a job of the manifest's own",
        )
    return None


def _wait_if_unsettled(context: RuleContext) -> Action | None:
    """Wait after an unanswered Create where names are not unique: its job may still appear."""
    if not (context.recorded and _is_unconfirmed(context, context.recorded)):
        return None
    written = context.recorded.written_at
    settled = timedelta(seconds=context.kind.settle_seconds)
    # Where names are unique, the service refuses a second job, so there is no need to wait.
    if context.kind.unique_names or (written is not None and context.now - written >= settled):
        return None
    return context.make_next_action(
        Verb.WAIT,
        Reason.INTENT_UNCONFIRMED,
        "The outcome of an earlier Create is unknown: wait until its job would be visible",
    )


def _skip_if_not_wanted(context: RuleContext) -> Action | None:
    if not context.is_absent:
        return None
    match context.desired.policy.state:
        case State.SUSPENDED:
            return context.make_action(
                Verb.NOOP, Reason.SUSPENDED, "Suspended: it is not submitted"
            )
        case State.STOPPED:
            return context.make_action(Verb.NOOP, Reason.STOPPED, "Stopped: it is not submitted")
        case State.SUBMITTED:
            return None


def _submit_again_if_unconfirmed(context: RuleContext) -> Action | None:
    """Send an unanswered Create again, under the same name and token, so that it stays one job."""
    if not (context.recorded and _is_unconfirmed(context, context.recorded)):
        return None
    # Under another name the same request would be a second job.
    if context.missing_submission is None or context.recorded.name not in {
        "",
        context.missing_submission.name,
    }:
        return None
    return context.make_next_action(
        Verb.SUBMIT,
        Reason.INTENT_UNCONFIRMED,
        "The outcome of an earlier Create is unknown: submit again under the same token and name",
    )


def _is_unconfirmed(context: RuleContext, recorded: JobRecord) -> bool:
    """Whether the missing job may be submitted already; the first name is the same for any spec."""
    return recorded.is_intent and (
        context.is_absent or context.is_recorded_for(context.next_submission)
    )


def _submit_if_absent(context: RuleContext) -> Action | None:
    if not context.is_absent:
        return None
    return context.make_action(
        Verb.SUBMIT, Reason.NOT_SUBMITTED, f"No job {context.submission.name} exists yet"
    )


# The order is the contract: from what must not be acted on, to what may be submitted, to what is
# done with a job that exists. docs/reference/reasons.md lists the reasons in user terms.
RULES: tuple[Callable[[RuleContext], Action | None], ...] = (
    rules_removed.decide_removed_job,
    _hold_if_invalid,
    _hold_if_forbidden,
    _hold_if_wrong_target,
    _hold_if_unknown,
    _hold_if_record_unreadable,
    _hold_if_refused,
    _hold_if_missing,
    _wait_if_unsettled,
    _skip_if_not_wanted,
    _submit_again_if_unconfirmed,
    _submit_if_absent,
    rules_live_job.decide_ownership,
    rules_live_job.plan_stop,
    rules_live_job.plan_retry,
    rules_live_job.decide_spec_change,
    rules_live_job.plan_tags,
    rules_live_job.decide_ended_job,
    rules_live_job.wait_for_job,
)
