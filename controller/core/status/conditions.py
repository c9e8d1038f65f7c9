"""The summary of an entry: its phase, which is for people, and its Synced condition."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.kinds.kind import Kind
from controller.core.model import (
    SUBMITTING,
    Disposition,
    Failure,
    Live,
    Recorded,
)
from controller.core.planning.actions import UNREAD, Action, Outcome, Reason, Verb
from controller.core.planning.admission import refusal_text
from controller.core.policy import OnDelete, State

PENDING = "Pending"
SUSPENDED = "Suspended"
QUEUED = "Queued"
STALLED = "Stalled"
UNKNOWN = "Unknown"

TRUE, FALSE, NOT_KNOWN = "True", "False", "Unknown"

FOR_A_PERSON = frozenset(
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

KEPT_AS_RECORDED = frozenset(UNREAD | {Reason.WRONG_TARGET, Reason.LIVE_MISSING, Reason.INVALID})
"""Reasons for which nothing new is known of the job itself."""

_NOT_YET = "the service does not show yet"
MOST_CONFLICTS = 10
"""The number of passes after which a conflicting Create is not sent again.

With the daemon's backoff this takes a quarter of an hour, which is longer than any operation that
may block the name.
"""


@dataclass(frozen=True, slots=True)
class Headline:
    """The phase of a job, and whether the job is as the manifest asks.

    ``synced``, ``reason`` and ``message`` are those of the Synced condition.
    """

    phase: str
    synced: str
    reason: str
    message: str


def headline_of(
    kind: Kind, outcome: Outcome, live: Live | None, recorded: Recorded | None
) -> Headline:
    """Return the phase and Synced condition of a job; ``live`` is the job to show, if any."""
    action = outcome.now
    if outcome.failure is not None:
        return _failed(outcome, live, recorded)
    if outcome.arn is not None:
        why = f"could not be looked up: {action.failure}" if action.failure else _NOT_YET
        message = f"Submitted as {outcome.arn}, which {why}"
        return Headline(SUBMITTING, NOT_KNOWN, action.reason, message)
    if action.reason in UNREAD:
        phase = _phase(action, recorded, UNKNOWN)
        return Headline(phase, NOT_KNOWN, action.reason, action.message)
    if action.reason in FOR_A_PERSON:
        return Headline(_phase(action, recorded, STALLED), FALSE, action.reason, action.message)
    if live is not None:
        return Headline(
            live.status or UNKNOWN, _synced(kind, action, live), action.reason, action.message
        )
    return _without_live(action, recorded)


def _phase(action: Action, recorded: Recorded | None, otherwise: str) -> str:
    """Keep the phase Submitting of an unanswered Create in a pass that learns nothing new."""
    unanswered = recorded is not None and recorded.is_intent
    kept = KEPT_AS_RECORDED | {Reason.SUBMIT_REFUSED}
    return SUBMITTING if unanswered and action.reason in kept else otherwise


def conflicts_of(outcome: Outcome, recorded: Recorded | None) -> int:
    """Return in how many passes in a row, this one included, a Create was in conflict.

    The conflict is with a job that is not visible. Passes that learn nothing neither count nor
    reset it.
    """
    action, failure = outcome.now, outcome.failure
    known = recorded.conflicts if recorded is not None and _is_about(action, recorded) else 0
    if failure is None:
        return known if action.reason in KEPT_AS_RECORDED | {Reason.SUBMIT_REFUSED} else 0
    return known + 1 if _is_conflict(failure) and action.live is None else 0


def _is_about(action: Action, recorded: Recorded) -> bool:
    submission = action.desired.submission
    is_same = submission is not None and submission.digest == recorded.digest
    return recorded.is_intent and is_same


def _is_conflict(failure: Failure) -> bool:
    return failure.disposition is Disposition.CONFLICT and not failure.ambiguous


def _failed(outcome: Outcome, live: Live | None, recorded: Recorded | None) -> Headline:
    """Summarize a failed call by whether it, or an earlier one, may have taken effect.

    A call that the service did not process, or that could not be made, does not end an intent.
    Neither does a conflict, however often it occurs: its job may become visible and is searched
    for.
    """
    failure, action = outcome.failure, outcome.now
    if failure is None:
        raise ValueError("an outcome without a failure has not failed")
    if live is not None:
        return Headline(live.status, FALSE, action.reason, f"{action.message}. {failure}")
    # The name may belong to a job that this account cannot see; a person has to look.
    if conflicts_of(outcome, recorded) >= MOST_CONFLICTS:
        message = f"Create conflicted in {MOST_CONFLICTS} passes, but no job shows: {failure}"
        return Headline(SUBMITTING, FALSE, Reason.SUBMIT_REFUSED, message)
    # A name in use belongs to a job, even if that job is not visible yet.
    if failure.ambiguous or failure.disposition is Disposition.CONFLICT:
        return _unanswered(f"The outcome of Create is unknown: {failure}")
    match failure.disposition:
        case Disposition.REFUSED:
            return Headline(STALLED, FALSE, Reason.SUBMIT_REFUSED, str(failure))
        case Disposition.QUOTA:
            message = refusal_text(outcome.active, failure)
            return Headline(QUEUED, FALSE, Reason.QUEUED, message)
    if recorded is not None and recorded.is_intent:
        return _unanswered(
            f"The outcome of an earlier Create is unknown, and this one failed: {failure}"
        )
    return Headline(PENDING, FALSE, action.reason, f"Not submitted yet: {failure}")


def _unanswered(message: str) -> Headline:
    return Headline(SUBMITTING, NOT_KNOWN, Reason.INTENT_UNCONFIRMED, message)


def _without_live(action: Action, recorded: Recorded | None) -> Headline:
    match action.reason:
        case Reason.SUSPENDED | Reason.STOPPED:
            return Headline(SUSPENDED, TRUE, action.reason, action.message)
        case Reason.QUEUED:
            return Headline(QUEUED, FALSE, action.reason, action.message)
        case Reason.INTENT_UNCONFIRMED:
            return Headline(SUBMITTING, NOT_KNOWN, action.reason, action.message)
        case _:
            phase = SUBMITTING if recorded is not None and recorded.is_intent else PENDING
            return Headline(phase, FALSE, action.reason, action.message)


def _synced(kind: Kind, action: Action, live: Live) -> str:
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


def is_withheld(action: Action, recorded: Recorded | None) -> bool:
    """Whether a job's entry must not be written, because it would replace an unreadable record."""
    if recorded is None or recorded.doubt is None:
        return False
    if not recorded.doubt.broken or action.reason in KEPT_AS_RECORDED | {Reason.NOT_OWNED}:
        return True
    return action.live is None and not action.earlier
