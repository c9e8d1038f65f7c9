"""Admission control: which of the planned submits may go now, and which must wait.

Two limits make jobs wait. ``limits.maxActive`` counts this fleet's jobs in an account and region.
The service's own quota counts everybody's jobs of a kind there. No API shows that number; a refused
Create reveals it as the number of jobs that were active at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import CallFailure, Disposition, JobKey, JobRecord, Place
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.slots import Lane, Slots, find_slots, get_lane

_NO_COUNTS: Mapping[Lane, int] = MappingProxyType({})
_NO_SLOTS: Slots = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The jobs that take slots beside those of a plan, and the submits that may take one.

    ``active`` counts the active jobs of a lane, whoever submitted them, where that was counted.
    ``others`` are this fleet's jobs that no action covers. Submits that ``permits`` rejects take no
    slot from the others.
    """

    active: Mapping[Lane, int] = field(default_factory=lambda: _NO_COUNTS)
    others: Slots = field(default_factory=lambda: _NO_SLOTS)
    permits: Callable[[Action], bool] = lambda _: True


def admit_submits(
    actions: Sequence[Action],
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, JobRecord],
    fleet: Fleet,
    occupancy: Occupancy,
) -> list[Action]:
    """Admit the first submits, in the order in which they start, and queue the rest."""
    changes = Plan(tuple(actions)).changes
    # In the order of their start, so that priority decides who gets the last slot.
    submits = [one for one in changes if one.verb is Verb.SUBMIT and occupancy.permits(one)]
    # Merged by ARN before counting: a job known from two sources takes one slot.
    ours = Counter({**occupancy.others, **find_slots(actions, kinds, recorded)}.values())
    rooms = _Capacity(fleet.limits.max_active)
    for lane, count in ours.items():
        rooms.active[lane.place] += count
    for action in submits:
        lane, known = get_lane(action), recorded.get(action.desired.key)
        if (
            known is not None
            and known.queue_active is not None
            and lane not in rooms.observed_quotas
        ):
            # The first job in line was refused most recently; later ones may hold older numbers.
            rooms.observed_quotas[lane] = known.queue_active
            rooms.remaining[lane] = _compute_headroom(
                known.queue_active, occupancy.active.get(lane), ours[lane]
            )
    decided = {
        action.desired.key: rooms.admit(action, recorded.get(action.desired.key))
        for action in submits
    }
    return [decided.get(action.desired.key, action) for action in actions]


@dataclass(slots=True)
class _Capacity:
    """The remaining slots: per place under our own limit, per lane under the service's quota.

    Lanes whose quota is unknown count as free, because only a Create can find out.
    """

    limit: int | None
    active: Counter[Place | None] = field(default_factory=Counter)
    observed_quotas: dict[Lane, int] = field(default_factory=dict)
    remaining: dict[Lane, int] = field(default_factory=dict)

    def admit(self, action: Action, recorded: JobRecord | None) -> Action:
        """Take a slot and return the submit unchanged, or return it as queued if none is free."""
        lane = get_lane(action)
        if self.limit is not None and self.active[lane.place] >= self.limit:
            return queue_submit(
                action, f"limits.maxActive lets {self.limit} jobs be active at once"
            )
        # A lane that was never full has no number and is not limited here.
        if self.remaining.get(lane, 1) <= 0:
            return queue_submit(
                action,
                _get_recorded_refusal(recorded) or format_quota_full(self.observed_quotas[lane]),
            )
        self.active[lane.place] += 1
        if lane in self.remaining:
            self.remaining[lane] -= 1
        return action


def _compute_headroom(number: int, listed: int | None, ours: int) -> int:
    """Return how many jobs may be tried in a lane that was once full at ``number`` active jobs.

    One job is tried whenever the number is evidently not the quota (nothing is active, or more jobs
    than the number), and when the active jobs could not be counted.
    """
    # Without a count, one attempt per pass keeps the queue moving and costs one refused call.
    if listed is None:
        return 1
    # A listing may lag behind the jobs that this pass has observed itself.
    active = max(listed, ours)
    if active == 0 or active > number:
        return max(1, number - active)
    return number - active


_QUEUED = "Queued: "
_FULL = "the service takes no further job"


def _get_recorded_refusal(recorded: JobRecord | None) -> str:
    """Return the message of this job's own refusal, which is kept until the job is tried again."""
    # The recorded message must come out the same, or each pass would write the sidecar again.
    prefix = f"{_QUEUED}{_FULL}"
    if recorded is None or recorded.queue_active is None or not recorded.message.startswith(prefix):
        return ""
    return recorded.message.removeprefix(_QUEUED)


def queue_submit(action: Action, cause: str) -> Action:
    """Return a submit as waiting for a free slot: it is neither sent nor recorded as an intent."""
    return replace(action, verb=Verb.WAIT, reason=Reason.QUEUED, message=f"{_QUEUED}{cause}")


def format_quota_full(active: int | None, failure: CallFailure | None = None) -> str:
    """Return why a job waits for the service's quota, with the service's message after a refusal.

    The text holds only what stays the same while the job waits; otherwise every idle pass would
    have something new to write.
    """
    known = "" if active is None else f", with {active} active"
    words = f" ({failure})" if failure is not None else ""
    return f"{_FULL}{known}{words}; it is tried when there is room"


def format_quota_refusal(active: int | None, failure: CallFailure) -> str:
    """Return the message of a job whose Create the quota refused."""
    return f"{_QUEUED}{format_quota_full(active, failure)}"


def is_quota_refusal(failure: CallFailure | None) -> bool:
    """Whether a Create failed for the quota alone, so that it certainly created no job."""
    return (
        # An ambiguous refusal may hide a created job, so it says nothing about the quota.
        failure is not None and failure.disposition is Disposition.QUOTA and not failure.ambiguous
    )
