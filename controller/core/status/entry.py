"""Builds a job's sidecar entry from its manifest, the service's response and its history.

The current time is never part of it, so that an entry rebuilt from the service is identical byte
for byte.
"""

from __future__ import annotations

from typing import Any

from controller.core.identity.tokens import digest_of, owner_mark
from controller.core.jobs.diff import failure_text, masked
from controller.core.kinds.kind import Kind
from controller.core.model import (
    SUBMITTING,
    Live,
    Place,
    Recorded,
    Submission,
)
from controller.core.planning.actions import Action, Outcome, Reason, Verb
from controller.core.planning.rules_no_job import HELD_PER_DIGEST
from controller.core.policy import OnDelete
from controller.core.status.conditions import (
    FALSE,
    FOR_A_PERSON,
    KEPT_AS_RECORDED,
    MOST_CONFLICTS,
    NOT_KNOWN,
    STALLED,
    TRUE,
    UNKNOWN,
    Headline,
    conflicts_of,
    headline_of,
)
from controller.core.status.history import history

_SUBMITTED_AS = ("digest", "token", "attempt")
_IDENTITY = (*_SUBMITTED_AS, "target", "jobArn", "jobName")


def entry(kind: Kind, outcome: Outcome, recorded: Recorded | None, owner: str) -> dict[str, Any]:
    """Return the entry that describes the job after a pass, ready for JSON."""
    live = _our_live(outcome, recorded, owner)
    if recorded is not None and _still_stands(kind, outcome.now, live, recorded):
        return dict(recorded.entry)
    headline = headline_of(kind, outcome, live, recorded)
    made: dict[str, Any] = {"kind": kind.name, "phase": headline.phase}
    made |= _identity(outcome, live, recorded, owner)
    submission = outcome.now.desired.submission
    if headline.phase == SUBMITTING and "jobArn" not in made and submission is not None:
        # An edit changes the derived name; this job is found by the name it was submitted under.
        made.setdefault("jobName", submission.name)
    made["conditions"] = _conditions(kind, headline, live)
    if live is not None:
        is_recorded = recorded is not None and live is recorded.live
        # What comes from the sidecar was masked when it was written.
        made["live"] = live.members if is_recorded else masked(kind, live.members)
    made |= _of_policy(outcome.now, recorded) | _of_tags(outcome.now, recorded)
    made |= _of_queue(outcome, recorded) | _of_conflicts(outcome, recorded)
    made["history"] = history(kind, outcome.now, recorded, made.get("jobArn"))
    return made


def intent(kind: Kind, action: Action, recorded: Recorded | None) -> dict[str, Any]:
    """Return the entry that is written before Create is called."""
    unknown = Headline(
        SUBMITTING, NOT_KNOWN, Reason.INTENT_UNCONFIRMED, "Create is called; its outcome is unknown"
    )
    made: dict[str, Any] = {"kind": kind.name, "phase": SUBMITTING}
    if action.desired.submission is not None:
        made |= _of_submission(action.desired.submission)
        made["jobName"] = action.desired.submission.name
    made |= _of_place(action.place) | _of_policy(action, recorded)
    made["conditions"] = _conditions(kind, unknown, None)
    made["history"] = history(kind, action, recorded, None)
    return made


def _still_stands(kind: Kind, action: Action, live: Live | None, recorded: Recorded) -> bool:
    """Whether the recorded entry stays: its job ended or was refused, and nothing new is known.

    An entry without a manifest also stays unless its job was observed, so that nothing is lost if
    the manifest comes back.
    """
    if action.desired.removed:
        return action.live is None or live is None
    # The unanswered Create must not be forgotten while the job waits for a slot.
    if action.reason is Reason.QUEUED and recorded.is_intent:
        return True
    if _is_late(action, recorded) and _is_whole(recorded):
        return True
    submission = action.desired.submission
    if action.reason is not Reason.OBSERVATION_FAILED or submission is None or not recorded.reason:
        return False
    ended = recorded.live is not None and recorded.live.status in kind.terminal
    return recorded.digest == submission.digest and (ended or recorded.reason in HELD_PER_DIGEST)


def _our_live(outcome: Outcome, recorded: Recorded | None, owner: str) -> Live | None:
    """Return the job to show: a live one of ours, or else the recorded one if still valid."""
    action = outcome.now
    live = action.live
    if live is not None and _is_ours(live, action, recorded, owner):
        return live
    if recorded is not None and _tells_nothing_new(action, recorded):
        return recorded.live
    return None


def _is_ours(live: Live, action: Action, recorded: Recorded | None, owner: str) -> bool:
    # An entry with a foreign job's ARN would claim that job in later passes.
    if action.reason in {Reason.NOT_OWNED, Reason.WRONG_TARGET}:
        return False
    if action.reason is not Reason.INVALID and not action.desired.removed:
        return True
    known = recorded.arn if recorded else None
    return live.arn == known or (live.token or "").startswith(owner_mark(owner))


def _identity(
    outcome: Outcome, live: Live | None, recorded: Recorded | None, owner: str
) -> dict[str, Any]:
    """Return the digest, token, attempt, target and ARN of the entry's job."""
    action = outcome.now
    if recorded is not None and _stays_recorded(action, live, recorded):
        return {name: recorded.entry[name] for name in _IDENTITY if name in recorded.entry}
    made = _asked_for(action, live, recorded)
    if live is not None and _is_a_guess(action, live, recorded):
        return _of_place(action.place)
    if live is not None:
        made = {"attempt": 0, **made, "jobArn": live.arn}
        is_ours = live.token is not None and live.token.startswith(owner_mark(owner))
        # The live token says which spec was really submitted; the manifest may have changed since.
        if is_ours and not _is_adopted(action, live):
            made |= {"digest": digest_of(live.token), "token": live.token}
    elif outcome.arn is not None:
        made["jobArn"] = outcome.arn
    # The job does not belong to the wrong place that was observed, so that is not recorded.
    return made if action.reason is Reason.WRONG_TARGET else made | _of_place(action.place)


def _is_a_guess(action: Action, live: Live, recorded: Recorded | None) -> bool:
    """Whether the job is shown only by name: an invalid manifest's name may be another's."""
    is_recorded = recorded is not None and recorded.arn == live.arn
    return action.reason is Reason.INVALID and not is_recorded


def _is_adopted(action: Action, live: Live) -> bool:
    """Whether a job is the manifest's because policy.adopt names it and the specs are equal."""
    desired = action.desired
    is_named = desired.submission is not None and desired.policy.adopt == live.arn
    return is_named and action.reason is not Reason.NOT_OWNED


def _asked_for(action: Action, live: Live | None, recorded: Recorded | None) -> dict[str, Any]:
    """Return what the job was submitted as: the current manifest, unless it has another spec.

    For a manifest that is gone, only the record knows this; the same applies to an edited one where
    Get shows no token.
    """
    as_recorded = recorded.entry if recorded is not None else {}
    kept = {name: as_recorded[name] for name in _SUBMITTED_AS if name in as_recorded}
    if action.desired.removed:
        return kept
    if live is not None and live.token is None and action.reason is Reason.SPEC_CHANGED:
        return kept if recorded is not None and recorded.arn == live.arn else {}
    if action.desired.submission is None:
        return {}
    return _of_submission(action.desired.submission)


def _stays_recorded(action: Action, live: Live | None, recorded: Recorded) -> bool:
    nothing_new = live is None or live is recorded.live
    # A job's ARN is kept even if somebody deleted the digest: without it the job would be
    # submitted again.
    is_known = bool(recorded.digest or recorded.arn)
    return nothing_new and _tells_nothing_new(action, recorded) and is_known


def _is_whole(recorded: Recorded) -> bool:
    """Whether an entry has everything that an entry must have, so that it can stay unchanged."""
    found = [one.get("type") for one in recorded.entry.get("conditions", ())]
    return bool(recorded.phase) and "Synced" in found and "Succeeded" in found


def _tells_nothing_new(action: Action, recorded: Recorded | None) -> bool:
    return action.reason in KEPT_AS_RECORDED or _is_late(action, recorded)


def _is_late(action: Action, recorded: Recorded | None) -> bool:
    """Whether a recorded job is not visible yet, and therefore stays as recorded."""
    is_waited_for = action.verb is Verb.WAIT and action.reason is Reason.INTENT_UNCONFIRMED
    return is_waited_for and recorded is not None and recorded.arn is not None


def _of_submission(submission: Submission) -> dict[str, Any]:
    return {
        "digest": submission.digest,
        "token": submission.token,
        "attempt": submission.attempt,
    }


def _of_policy(action: Action, recorded: Recorded | None) -> dict[str, Any]:
    """Return policy.onDelete: once the manifest is gone, only the entry has it."""
    if action.desired.submission is None:
        kept = recorded.on_delete if recorded is not None else OnDelete.RETAIN
    else:
        kept = action.desired.policy.on_delete
    return {} if kept is OnDelete.RETAIN else {"onDelete": str(kept)}


def _of_tags(action: Action, recorded: Recorded | None) -> dict[str, Any]:
    """Return the tags known to be as wanted; without news, the recorded ones are kept."""
    nothing_new = _tells_nothing_new(action, recorded) or action.desired.removed
    known = recorded if nothing_new else None
    source = action if known is None else known
    kept = {"tags": source.tags, "unreadTags": source.unread_tags}
    return {
        name: {member: dict(one) for member, one in tags.items()}
        for name, tags in kept.items()
        if tags
    }


def _of_queue(outcome: Outcome, recorded: Recorded | None) -> dict[str, Any]:
    """Return the count of the quota's last refusal for as long as the job is queued."""
    known = recorded.queue_active if recorded is not None else None
    if outcome.failure is not None and outcome.now.live is None:
        known = outcome.active
    elif outcome.now.reason not in {Reason.QUEUED, Reason.OBSERVATION_FAILED}:
        known = None
    return {} if known is None else {"queue": {"active": known}}


def _of_conflicts(outcome: Outcome, recorded: Recorded | None) -> dict[str, Any]:
    count = conflicts_of(outcome, recorded)
    return {"conflicts": min(count, MOST_CONFLICTS)} if count else {}


def _of_place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    return {"target": {"accountId": place.account_id, "region": place.region}}


def _conditions(kind: Kind, headline: Headline, live: Live | None) -> list[dict[str, Any]]:
    synced = {
        "type": "Synced",
        "status": headline.synced,
        "reason": str(headline.reason),
        "message": headline.message,
    }
    made = [synced, _succeeded(kind, live)]
    # As in Kubernetes, the Stalled condition exists only while it is True.
    if headline.phase == STALLED or headline.reason in FOR_A_PERSON:
        made.append({**synced, "type": "Stalled", "status": TRUE})
    return made


def _succeeded(kind: Kind, live: Live | None) -> dict[str, Any]:
    """Return the Succeeded condition: Unknown while a job is active, then with its end time."""
    if live is None:
        return _succeeded_is(NOT_KNOWN, "NotSubmitted", "No job is known to have been made")
    if live.status not in kind.terminal:
        return _succeeded_is(NOT_KNOWN, live.status or UNKNOWN, "The job has not ended")
    if live.status in kind.succeeded:
        made = _succeeded_is(TRUE, live.status, "The job completed")
    else:
        made = _succeeded_is(FALSE, live.status, failure_text(kind, live.members))
    # The service's time, never ours: a rebuilt entry must be identical.
    ended = live.members.get(kind.ended_member) or live.members.get(kind.modified_member)
    return {**made, "lastTransitionTime": ended} if ended else made


def _succeeded_is(status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": "Succeeded", "status": status, "reason": reason, "message": message}
