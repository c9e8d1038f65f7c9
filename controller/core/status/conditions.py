"""The summary of an entry: its phase, which is for people, and its Synced condition."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.kinds.kind import Kind
from controller.core.model import (
    SUBMITTING,
    CallFailure,
    Disposition,
    JobRecord,
    LiveJob,
)
from controller.core.planning.actions import UNREADABLE_REASONS, Action, Outcome, Reason, Verb
from controller.core.planning.admission import format_quota_refusal
from controller.core.policy import OnDelete, State

PENDING = "Pending"
SUSPENDED = "Suspended"
QUEUED = "Queued"
STALLED = "Stalled"
UNKNOWN = "Unknown"

TRUE, FALSE, NOT_KNOWN = "True", "False", "Unknown"

STALLED_REASONS = frozenset(
    {
        Reason.INVALID,
        Reason.WRONG_TARGET,
        Reason.SUBMIT_REFUSED,
        Reason.LIVE_MISSING,
        Reason.SPEC_CHANGED,
        Reason.NOT_OWNED,
        Reason.TOKEN_REPLAY,
        Reason.RECORD_UNREADABLE,
    }
)
"""Reasons that last until a person acts."""

UNOBSERVED_REASONS = frozenset(
    UNREADABLE_REASONS | {Reason.WRONG_TARGET, Reason.LIVE_MISSING, Reason.INVALID}
)
"""Reasons for which nothing new is known of the job itself."""

_NOT_YET = "the service does not show yet"
MAX_CONFLICTS = 10
"""The number of passes after which a conflicting Create is not sent again.

With the daemon's backoff this takes a quarter of an hour, which is longer than any operation that
may block the name.
"""


@dataclass(frozen=True, slots=True)
class StatusSummary:
    """The phase of a job, and whether the job is as the manifest asks.

    ``synced``, ``reason`` and ``message`` are those of the Synced condition.
    """

    phase: str
    synced: str
    reason: str
    message: str


def summarize_status(
    kind: Kind, outcome: Outcome, live: LiveJob | None, recorded: JobRecord | None
) -> StatusSummary:
    """Return the phase and Synced condition of a job; ``live`` is the job to show, if any."""
    action = outcome.actual
    if outcome.failure is not None:
        return _summarize_failure(outcome, live, recorded)
    if outcome.arn is not None:
        why = f"could not be looked up: {action.failure}" if action.failure else _NOT_YET
        message = f"Submitted as {outcome.arn}, which {why}"
        return StatusSummary(SUBMITTING, NOT_KNOWN, action.reason, message)
    if action.reason in UNREADABLE_REASONS:
        phase = _choose_phase(action, recorded, UNKNOWN)
        return StatusSummary(phase, NOT_KNOWN, action.reason, action.message)
    if action.reason in STALLED_REASONS:
        return StatusSummary(
            _choose_phase(action, recorded, STALLED), FALSE, action.reason, action.message
        )
    if live is not None:
        return StatusSummary(
            live.status or UNKNOWN,
            _decide_synced(kind, action, live),
            action.reason,
            action.message,
        )
    return _summarize_absent(action, recorded)


def _choose_phase(action: Action, recorded: JobRecord | None, otherwise: str) -> str:
    """Keep the phase Submitting of an unanswered Create in a pass that learns nothing new."""
    unanswered = recorded is not None and recorded.is_intent
    kept = UNOBSERVED_REASONS | {Reason.SUBMIT_REFUSED}
    return SUBMITTING if unanswered and action.reason in kept else otherwise


def count_conflicts(outcome: Outcome, recorded: JobRecord | None) -> int:
    """Return in how many passes in a row, this one included, a Create was in conflict.

    The conflict is with a job that is not visible. Passes that learn nothing neither count nor
    reset it.
    """
    action, failure = outcome.actual, outcome.failure
    known = recorded.conflicts if recorded is not None and _is_about(action, recorded) else 0
    if failure is None:
        return known if action.reason in UNOBSERVED_REASONS | {Reason.SUBMIT_REFUSED} else 0
    return known + 1 if _is_conflict(failure) and action.live is None else 0


def _is_about(action: Action, recorded: JobRecord) -> bool:
    submission = action.desired.submission
    is_same = submission is not None and submission.digest == recorded.digest
    return recorded.is_intent and is_same


def _is_conflict(failure: CallFailure) -> bool:
    return failure.disposition is Disposition.CONFLICT and not failure.ambiguous


def _summarize_failure(
    outcome: Outcome, live: LiveJob | None, recorded: JobRecord | None
) -> StatusSummary:
    """Summarize a failed call by whether it, or an earlier one, may have taken effect.

    A call that the service did not process, or that could not be made, does not end an intent.
    Neither does a conflict, however often it occurs: its job may become visible and is searched
    for.
    """
    failure, action = outcome.failure, outcome.actual
    if failure is None:
        raise ValueError("an outcome without a failure has not failed")
    if live is not None:
        return StatusSummary(live.status, FALSE, action.reason, f"{action.message}. {failure}")
    # The name may belong to a job that this account cannot see; a person has to look.
    if count_conflicts(outcome, recorded) >= MAX_CONFLICTS:
        message = f"Create conflicted in {MAX_CONFLICTS} passes, but no job shows: {failure}"
        return StatusSummary(SUBMITTING, FALSE, Reason.SUBMIT_REFUSED, message)
    # A name in use belongs to a job, even if that job is not visible yet.
    if failure.ambiguous or failure.disposition is Disposition.CONFLICT:
        return _summarize_unconfirmed(f"The outcome of Create is unknown: {failure}")
    match failure.disposition:
        case Disposition.REFUSED:
            return StatusSummary(STALLED, FALSE, Reason.SUBMIT_REFUSED, str(failure))
        case Disposition.QUOTA:
            message = format_quota_refusal(outcome.active, failure)
            return StatusSummary(QUEUED, FALSE, Reason.QUEUED, message)
    if recorded is not None and recorded.is_intent:
        return _summarize_unconfirmed(
            f"The outcome of an earlier Create is unknown, and this one failed: {failure}"
        )
    return StatusSummary(PENDING, FALSE, action.reason, f"Not submitted yet: {failure}")


def _summarize_unconfirmed(message: str) -> StatusSummary:
    return StatusSummary(SUBMITTING, NOT_KNOWN, Reason.INTENT_UNCONFIRMED, message)


def _summarize_absent(action: Action, recorded: JobRecord | None) -> StatusSummary:
    match action.reason:
        case Reason.SUSPENDED | Reason.STOPPED:
            return StatusSummary(SUSPENDED, TRUE, action.reason, action.message)
        case Reason.QUEUED:
            return StatusSummary(QUEUED, FALSE, action.reason, action.message)
        case Reason.INTENT_UNCONFIRMED:
            return StatusSummary(SUBMITTING, NOT_KNOWN, action.reason, action.message)
        case _:
            phase = SUBMITTING if recorded is not None and recorded.is_intent else PENDING
            return StatusSummary(phase, FALSE, action.reason, action.message)


def _decide_synced(kind: Kind, action: Action, live: LiveJob) -> str:
    """Return the status of Synced: False for a job that failed or was stopped unintentionally."""
    policy = action.desired.policy
    # Tags that could not be read now may differ; ones that never can be read are accepted.
    if action.failure is not None and not action.unread_tags:
        return NOT_KNOWN
    if action.desired.removed:
        stays = live.status in kind.terminal or policy.on_delete is OnDelete.RETAIN
        return TRUE if stays else FALSE
    wants_stop = policy.state is State.STOPPED
    if action.verb in {Verb.STOP, Verb.TAG} or live.status in kind.failed:
        return FALSE
    if live.status in kind.stopped and not wants_stop:
        return FALSE
    return TRUE


def is_withheld(action: Action, recorded: JobRecord | None) -> bool:
    """Whether a job's entry must not be written, because it would replace an unreadable record."""
    if recorded is None or recorded.doubt is None:
        return False
    if not recorded.doubt.broken or action.reason in UNOBSERVED_REASONS | {Reason.NOT_OWNED}:
        return True
    return action.live is None and not action.earlier
