"""Builds a job's sidecar entry from its manifest, the service's response and its history.

The current time is never part of it, so that an entry rebuilt from the service is identical byte
for byte.
"""

from __future__ import annotations

from typing import Any

from controller.core.identity.tokens import get_owner_prefix, parse_digest
from controller.core.jobs.diff import get_failure_message, mask_sensitive
from controller.core.kinds.kind import Kind
from controller.core.model import (
    SUBMITTING,
    JobRecord,
    LiveJob,
    Place,
    Submission,
)
from controller.core.planning.actions import Action, Outcome, Reason, Verb
from controller.core.planning.rules_no_job import HELD_UNTIL_SPEC_CHANGES
from controller.core.policy import OnDelete
from controller.core.status.conditions import (
    FALSE,
    MAX_CONFLICTS,
    NOT_KNOWN,
    STALLED,
    STALLED_REASONS,
    TRUE,
    UNKNOWN,
    UNOBSERVED_REASONS,
    StatusSummary,
    count_conflicts,
    summarize_status,
)
from controller.core.status.history import build_history

_SUBMITTED_AS = ("digest", "token", "attempt")
_IDENTITY = (*_SUBMITTED_AS, "target", "jobArn", "jobName")


def build_entry(
    kind: Kind, outcome: Outcome, recorded: JobRecord | None, owner: str
) -> dict[str, Any]:
    """Return the entry that describes the job after a pass, ready for JSON."""
    live = _choose_live(outcome, recorded, owner)
    if recorded is not None and _is_unchanged(kind, outcome.actual, live, recorded):
        return dict(recorded.entry)
    headline = summarize_status(kind, outcome, live, recorded)
    made: dict[str, Any] = {"kind": kind.name, "phase": headline.phase}
    made |= _build_identity(outcome, live, recorded, owner)
    submission = outcome.actual.desired.submission
    if headline.phase == SUBMITTING and "jobArn" not in made and submission is not None:
        # An edit changes the derived name; this job is found by the name it was submitted under.
        made.setdefault("jobName", submission.name)
    made["conditions"] = _build_conditions(kind, headline, live)
    if live is not None:
        is_recorded = recorded is not None and live is recorded.live
        # What comes from the sidecar was masked when it was written.
        made["live"] = live.members if is_recorded else mask_sensitive(kind, live.members)
    made |= _dump_policy(outcome.actual, recorded) | _dump_tags(outcome.actual, recorded)
    made |= _dump_queue(outcome, recorded) | _dump_conflicts(outcome, recorded)
    made["history"] = build_history(kind, outcome.actual, recorded, made.get("jobArn"))
    return made


def build_intent(kind: Kind, action: Action, recorded: JobRecord | None) -> dict[str, Any]:
    """Return the entry that is written before Create is called."""
    unknown = StatusSummary(
        SUBMITTING, NOT_KNOWN, Reason.INTENT_UNCONFIRMED, "Create is called; its outcome is unknown"
    )
    made: dict[str, Any] = {"kind": kind.name, "phase": SUBMITTING}
    if action.desired.submission is not None:
        made |= _dump_submission(action.desired.submission)
        made["jobName"] = action.desired.submission.name
    made |= _dump_place(action.place) | _dump_policy(action, recorded)
    made["conditions"] = _build_conditions(kind, unknown, None)
    made["history"] = build_history(kind, action, recorded, None)
    return made


def _is_unchanged(kind: Kind, action: Action, live: LiveJob | None, recorded: JobRecord) -> bool:
    """Whether the recorded entry stays: its job ended or was refused, and nothing new is known.

    An entry without a manifest also stays unless its job was observed, so that nothing is lost if
    the manifest comes back.
    """
    if action.desired.removed:
        return action.live is None or live is None
    # The unanswered Create must not be forgotten while the job waits for a slot.
    if action.reason is Reason.QUEUED and recorded.is_intent:
        return True
    if _is_late(action, recorded) and _is_complete(recorded):
        return True
    submission = action.desired.submission
    if action.reason is not Reason.OBSERVATION_FAILED or submission is None:
        return False
    if not recorded.reason or not recorded.phase:  # edited by hand
        return False
    ended = recorded.live is not None and recorded.live.status in kind.terminal
    return recorded.digest == submission.digest and (
        ended or recorded.reason in HELD_UNTIL_SPEC_CHANGES
    )


def _choose_live(outcome: Outcome, recorded: JobRecord | None, owner: str) -> LiveJob | None:
    """Return the job to show: a live one of ours, or else the recorded one if still valid."""
    action = outcome.actual
    live = action.live
    if live is not None and _is_ours(live, action, recorded, owner):
        return live
    if recorded is not None and _has_no_news(action, recorded):
        return recorded.live
    return None


def _is_ours(live: LiveJob, action: Action, recorded: JobRecord | None, owner: str) -> bool:
    # An entry with a foreign job's ARN would claim that job in later passes.
    if action.reason in {Reason.NOT_OWNED, Reason.WRONG_TARGET}:
        return False
    if action.reason is not Reason.INVALID and not action.desired.removed:
        return True
    known = recorded.arn if recorded else None
    return live.arn == known or (live.token or "").startswith(get_owner_prefix(owner))


def _build_identity(
    outcome: Outcome, live: LiveJob | None, recorded: JobRecord | None, owner: str
) -> dict[str, Any]:
    """Return the digest, token, attempt, target and ARN of the entry's job."""
    action = outcome.actual
    if recorded is not None and _is_identity_kept(action, live, recorded):
        return {name: recorded.entry[name] for name in _IDENTITY if name in recorded.entry}
    made = _build_submitted_as(action, live, recorded)
    if live is not None and _is_a_guess(action, live, recorded):
        return _dump_place(action.place)
    if live is not None:
        made = {"attempt": 0, **made, "jobArn": live.arn}
        is_ours = live.token is not None and live.token.startswith(get_owner_prefix(owner))
        # The live token says which spec was really submitted; the manifest may have changed since.
        if is_ours and not _is_adopted(action, live):
            made |= {"digest": parse_digest(live.token), "token": live.token}
    elif outcome.arn is not None:
        made["jobArn"] = outcome.arn
    # The job does not belong to the wrong place that was observed, so that is not recorded.
    return made if action.reason is Reason.WRONG_TARGET else made | _dump_place(action.place)


def _is_a_guess(action: Action, live: LiveJob, recorded: JobRecord | None) -> bool:
    """Whether the job is shown only by name: an invalid manifest's name may be another's."""
    is_recorded = recorded is not None and recorded.arn == live.arn
    return action.reason is Reason.INVALID and not is_recorded


def _is_adopted(action: Action, live: LiveJob) -> bool:
    """Whether a job is the manifest's because policy.adopt names it and the specs are equal."""
    desired = action.desired
    is_named = desired.submission is not None and desired.policy.adopt == live.arn
    return is_named and action.reason is not Reason.NOT_OWNED


def _build_submitted_as(
    action: Action, live: LiveJob | None, recorded: JobRecord | None
) -> dict[str, Any]:
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
    return _dump_submission(action.desired.submission)


def _is_identity_kept(action: Action, live: LiveJob | None, recorded: JobRecord) -> bool:
    nothing_new = live is None or live is recorded.live
    # A job's ARN is kept even if somebody deleted the digest: without it the job would be
    # submitted again.
    is_known = bool(recorded.digest or recorded.arn)
    return nothing_new and _has_no_news(action, recorded) and is_known


def _is_complete(recorded: JobRecord) -> bool:
    """Whether an entry has everything that an entry must have, so that it can stay unchanged."""
    found = [one.get("type") for one in recorded.entry.get("conditions", ())]
    return bool(recorded.phase) and "Synced" in found and "Succeeded" in found


def _has_no_news(action: Action, recorded: JobRecord | None) -> bool:
    return action.reason in UNOBSERVED_REASONS or _is_late(action, recorded)


def _is_late(action: Action, recorded: JobRecord | None) -> bool:
    """Whether a recorded job is not visible yet, and therefore stays as recorded."""
    is_waited_for = action.verb is Verb.WAIT and action.reason is Reason.INTENT_UNCONFIRMED
    return is_waited_for and recorded is not None and recorded.arn is not None


def _dump_submission(submission: Submission) -> dict[str, Any]:
    return {
        "digest": submission.digest,
        "token": submission.token,
        "attempt": submission.attempt,
    }


def _dump_policy(action: Action, recorded: JobRecord | None) -> dict[str, Any]:
    """Return policy.onDelete: once the manifest is gone, only the entry has it."""
    if action.desired.submission is None:
        kept = recorded.on_delete if recorded is not None else OnDelete.RETAIN
    else:
        kept = action.desired.policy.on_delete
    return {} if kept is OnDelete.RETAIN else {"onDelete": str(kept)}


def _dump_tags(action: Action, recorded: JobRecord | None) -> dict[str, Any]:
    """Return the tags known to be as wanted; without news, the recorded ones are kept."""
    nothing_new = _has_no_news(action, recorded) or action.desired.removed
    known = recorded if nothing_new else None
    source = action if known is None else known
    kept = {"tags": source.tags, "unreadTags": source.unread_tags}
    return {
        name: {member: dict(one) for member, one in tags.items()}
        for name, tags in kept.items()
        if tags
    }


def _dump_queue(outcome: Outcome, recorded: JobRecord | None) -> dict[str, Any]:
    """Return the count of the quota's last refusal for as long as the job is queued."""
    known = recorded.queue_active if recorded is not None else None
    if outcome.failure is not None and outcome.actual.live is None:
        known = outcome.active
    elif outcome.actual.reason not in {Reason.QUEUED, Reason.OBSERVATION_FAILED}:
        known = None
    return {} if known is None else {"queue": {"active": known}}


def _dump_conflicts(outcome: Outcome, recorded: JobRecord | None) -> dict[str, Any]:
    count = count_conflicts(outcome, recorded)
    return {"conflicts": min(count, MAX_CONFLICTS)} if count else {}


def _dump_place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    return {"target": {"accountId": place.account_id, "region": place.region}}


def _build_conditions(
    kind: Kind, summary: StatusSummary, live: LiveJob | None
) -> list[dict[str, Any]]:
    synced = {
        "type": "Synced",
        "status": summary.synced,
        "reason": str(summary.reason),
        "message": summary.message,
    }
    made = [synced, _build_succeeded(kind, live)]
    # As in Kubernetes, the Stalled condition exists only while it is True.
    if summary.phase == STALLED or summary.reason in STALLED_REASONS:
        made.append({**synced, "type": "Stalled", "status": TRUE})
    return made


def _build_succeeded(kind: Kind, live: LiveJob | None) -> dict[str, Any]:
    """Return the Succeeded condition: Unknown while a job is active, then with its end time."""
    if live is None:
        return _make_succeeded(NOT_KNOWN, "NotSubmitted", "No job is known to have been made")
    if live.status not in kind.terminal:
        return _make_succeeded(NOT_KNOWN, live.status or UNKNOWN, "The job has not ended")
    if live.status in kind.succeeded:
        made = _make_succeeded(TRUE, live.status, "The job completed")
    else:
        made = _make_succeeded(FALSE, live.status, get_failure_message(kind, live.members))
    # The service's time, never ours: a rebuilt entry must be identical.
    ended = live.members.get(kind.ended_member) or live.members.get(kind.modified_member)
    return {**made, "lastTransitionTime": ended} if ended else made


def _make_succeeded(status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": "Succeeded", "status": status, "reason": reason, "message": message}
