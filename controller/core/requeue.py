"""Decides from a pass's result how soon a job must be observed again."""

from __future__ import annotations

from controller.core.kinds.kind import Kind
from controller.core.model import CallFailure, DesiredJob, Disposition, JobRecord
from controller.core.planning.actions import UNREADABLE_REASONS, Outcome, Reason, Verb
from controller.core.scheduling import Cadence

_UNFINISHED = UNREADABLE_REASONS | {Reason.INTENT_UNCONFIRMED}


def choose_cadence(kind: Kind, outcome: Outcome, *, recorded: bool = True) -> Cadence:
    """Return how soon to observe a job again; ``recorded`` says if its sidecar is up to date."""
    found = outcome.failure or outcome.actual.failure
    # The sidecar does not show the result yet: observe again soon and write it.
    if not recorded:
        return Cadence.FAILED
    if found is not None:
        return _choose_after_failure(found, outcome)
    # A created job that is not visible yet is looked up until it is.
    if outcome.arn is not None or outcome.actual.reason in _UNFINISHED:
        return Cadence.FAILED
    # A settled job is left alone until its manifest changes or the resync is due.
    return Cadence.ACTIVE if _is_changing(kind, outcome) else Cadence.SETTLED


def can_submit(desired: DesiredJob, recorded: JobRecord | None) -> bool:
    """Whether a pass may submit a job, as far as its record shows; True if in doubt."""
    submission = desired.submission
    if submission is None:
        return False
    if recorded is None or recorded.live is None or recorded.digest != submission.digest:
        return True
    return desired.policy.retries > 0 or desired.policy.attempt > recorded.attempt


def _choose_after_failure(found: CallFailure, outcome: Outcome) -> Cadence:
    match found.disposition:
        case Disposition.QUOTA:
            return Cadence.ACTIVE
        case Disposition.DENIED:
            return Cadence.DENIED
        case Disposition.REFUSED:
            # A refused Create is refused again for the same digest; another refused call may have
            # a temporary cause.
            is_create = outcome.planned.verb is Verb.SUBMIT and outcome.failure is not None
            return Cadence.SETTLED if is_create else Cadence.DENIED
        case _:
            return Cadence.FAILED


def _is_changing(kind: Kind, outcome: Outcome) -> bool:
    action = outcome.actual
    if action.reason is Reason.QUEUED or action.verb.is_mutating or action.awaits_members:
        return True
    lives = [one.live for one in action.earlier] + ([action.live] if action.live else [])
    return any(live.status not in kind.terminal for live in lives)
