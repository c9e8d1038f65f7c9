"""The jobs that take a slot: each does until the service has said that it ended.

A sidecar is enough to count a job as running, and never enough to count it as ended. Jobs that have
ended only according to their records are searched for among the active jobs that the service lists,
as soon as a slot is to be taken.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from controller.core.kinds.kind import Kind
from controller.core.model import CallFailure, JobKey, JobRecord, JobSummary, LiveJob, Place
from controller.core.planning.actions import Action, Reason, Verb

_NOT_LOOKED_UP = frozenset({Reason.OBSERVATION_FAILED, Reason.INVALID, Reason.WRONG_TARGET})
"""Reasons for which the job of an unanswered Create was not looked up."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The jobs that share one quota of the service: those of a kind in one place."""

    kind: str
    place: Place | None


Slots = Mapping[str, Lane]
"""The jobs that take a slot, by ARN, or by their key where the ARN is not known."""


def get_lane(action: Action) -> Lane:
    """Return the lane of an action's job."""
    return Lane(action.desired.key.kind, action.place)


def find_slots(
    actions: Iterable[Action], kinds: Mapping[str, Kind], recorded: Mapping[JobKey, JobRecord]
) -> dict[str, Lane]:
    """Return our jobs that run or may run, among those of some actions, earlier ones included."""
    found: dict[str, Lane] = {}
    for action in actions:
        kind, known = kinds[action.desired.key.kind], recorded.get(action.desired.key)
        found |= {
            live.arn: get_lane(action) for live in _list_own_jobs(action) if is_active(kind, live)
        }
        if known is not None:
            lane = Lane(kind.name, known.place or action.place)
            found |= dict.fromkeys(_iter_unseen(action, kind, known), lane)
    return found


def find_other_slots(
    kinds: Mapping[str, Kind], recorded: Mapping[JobKey, JobRecord], keys: Container[JobKey]
) -> dict[str, Lane]:
    """Return the jobs that run according to their records, except those with these keys."""
    return {
        # The job of an unanswered Create has no ARN yet, but may run.
        known.arn or str(key): Lane(key.kind, known.place)
        for key, known in recorded.items()
        if key not in keys and _can_be_running(kinds[key.kind], known)
    }


def is_active(kind: Kind, live: LiveJob) -> bool:
    """Whether a job takes a slot: it does until it has ended, even while it is being stopped."""
    return live.status not in kind.terminal


@dataclass(frozen=True, slots=True)
class EndedJobs:
    """The jobs of one lane that have ended according to their records, by ARN and by name."""

    arns: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def iter_listed(self, listed: Iterable[JobSummary]) -> Iterator[str]:
        """Yield the ARNs of those that are among the listed jobs."""
        for one in listed:
            if one.arn in self.arns or one.name in self.names:
                yield one.arn


def find_ended_on_record(
    kinds: Mapping[str, Kind], recorded: Mapping[JobKey, JobRecord], place: Place | None
) -> dict[str, EndedJobs]:
    """Return, by kind, the jobs that may be in a place and have ended only by their records."""
    found: dict[str, EndedJobs] = {}
    for key, known in recorded.items():
        ended = known.live is not None and not is_active(kinds[key.kind], known.live)
        if known.place not in {None, place} or not (ended or known.entry.get("history")):
            continue
        lane = found.setdefault(key.kind, EndedJobs())
        lane.arns.update(known.arns)
        if ended and known.live is not None:
            lane.names.update({known.live.name, known.name} - {""})
    return found


def collect_foreign_arns(actions: Iterable[Action]) -> frozenset[str]:
    """Return the ARNs of jobs that others submitted under the names of our manifests."""
    lives = (one.live for one in actions if one.reason is Reason.NOT_OWNED)
    return frozenset(live.arn for live in lives if live is not None)


def hold_uncounted(action: Action, failure: CallFailure) -> Action:
    """Return a submit as held because the active jobs could not be counted."""
    text = f"limits.maxActive: the active jobs in {action.place} could not be listed: {failure}"
    return replace(
        action, verb=Verb.HOLD, reason=Reason.OBSERVATION_FAILED, message=text, failure=failure
    )


def _list_own_jobs(action: Action) -> tuple[LiveJob, ...]:
    earlier = tuple(one.live for one in action.earlier)
    # Then the live job is somebody else's, while the earlier ones are known to be ours.
    theirs = action.reason in {Reason.NOT_OWNED, Reason.WRONG_TARGET}
    return earlier if theirs or action.live is None else (*earlier, action.live)


def _iter_unseen(action: Action, kind: Kind, recorded: JobRecord) -> Iterator[str]:
    """Yield what may be active according to the sidecar and was not observed."""
    seen = {one.arn for one in (action.live, *(one.live for one in action.earlier)) if one}
    if recorded.arn is not None:
        if recorded.arn not in seen and _can_be_running(kind, recorded):
            yield recorded.arn
    elif _can_have_unknown_job(action, recorded):
        yield str(action.desired.key)


def _can_have_unknown_job(action: Action, recorded: JobRecord) -> bool:
    """Whether a job may exist whose ARN is not known."""
    if action.reason is Reason.RECORD_UNREADABLE and action.live is None:
        # The unreadable record may name a job that runs under another name.
        return recorded.doubt is not None and recorded.doubt.own
    if action.verb is Verb.WAIT and action.reason is Reason.INTENT_UNCONFIRMED:
        return True
    return recorded.is_intent and action.reason in _NOT_LOOKED_UP


def _can_be_running(kind: Kind, recorded: JobRecord) -> bool:
    """Whether a job may be active according to its record."""
    if recorded.live is not None:
        return is_active(kind, recorded.live)
    return recorded.arn is not None or recorded.is_intent
