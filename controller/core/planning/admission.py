"""The queue: of the jobs that a pass could submit, which ones may go now.

Two limits make jobs wait. ``limits.maxActive`` counts what is ours in a place. The service's own
quota counts everybody's jobs of a kind there, and its number is nowhere to be read: a refused
Create tells it, as the number of jobs that were active then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import Disposition, Failure, JobKey, Place, Recorded
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.slots import Lane, Slots, lane_of, slots_of

_NOBODY: Mapping[Lane, int] = MappingProxyType({})
_NOTHING: Slots = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Crowd:
    """What takes room beside a plan's jobs, and which of these may take any.

    ``active`` holds how many jobs, anybody's, are active in a lane, where that was counted, and
    ``beside`` which of ours run there beside those that actions show. A submit that nothing
    ``permits`` takes no room from the others.
    """

    active: Mapping[Lane, int] = field(default_factory=lambda: _NOBODY)
    beside: Slots = field(default_factory=lambda: _NOTHING)
    permits: Callable[[Action], bool] = lambda _: True


def queue(
    actions: Sequence[Action],
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    crowd: Crowd,
) -> list[Action]:
    """Let the first submits through, in the order of their start, and queue the rest."""
    changes = Plan(tuple(actions)).changes
    submits = [one for one in changes if one.verb is Verb.SUBMIT and crowd.permits(one)]
    ours = Counter({**crowd.beside, **slots_of(actions, kinds, recorded)}.values())
    rooms = _Rooms(fleet.limits.max_active)
    for lane, count in ours.items():
        rooms.busy[lane.place] += count
    for action in submits:
        lane, known = lane_of(action), recorded.get(action.desired.key)
        if known is not None and known.queue_active is not None and lane not in rooms.numbers:
            # Who stands first asked last: later ones may hold the number of another day.
            rooms.numbers[lane] = known.queue_active
            rooms.left[lane] = _room(known.queue_active, crowd.active.get(lane), ours[lane])
    told = {
        action.desired.key: rooms.let_in(action, recorded.get(action.desired.key))
        for action in submits
    }
    return [told.get(action.desired.key, action) for action in actions]


@dataclass(slots=True)
class _Rooms:
    """What room there is, job by job: in each place under our limit, in each lane under its quota.

    Lanes that nothing is known of are free: only a Create can tell.
    """

    limit: int | None
    busy: Counter[Place | None] = field(default_factory=Counter)
    numbers: dict[Lane, int] = field(default_factory=dict)
    left: dict[Lane, int] = field(default_factory=dict)

    def let_in(self, action: Action, recorded: Recorded | None) -> Action:
        """Return a submit as it is when there is room, which it takes, or as queued."""
        lane = lane_of(action)
        if self.limit is not None and self.busy[lane.place] >= self.limit:
            return queued(action, f"limits.maxActive lets {self.limit} jobs be active at once")
        if self.left.get(lane, 1) <= 0:
            return queued(action, _told(recorded) or full_text(self.numbers[lane]))
        self.busy[lane.place] += 1
        if lane in self.left:
            self.left[lane] -= 1
        return action


def _room(number: int, listed: int | None, ours: int) -> int:
    """Return how many jobs may be tried in a lane that once was full with ``number`` active.

    One is tried whenever the number is shown not to be the quota: when nothing is active, or more
    than it; and when nobody could count.
    """
    if listed is None:
        return 1
    active = max(listed, ours)
    if active == 0 or active > number:
        return max(1, number - active)
    return number - active


_QUEUED = "Queued: "
_FULL = "the service takes no further job"


def _told(recorded: Recorded | None) -> str:
    """Return what a job that was refused itself was told: it stays until it is tried again."""
    told = f"{_QUEUED}{_FULL}"
    if recorded is None or recorded.queue_active is None or not recorded.message.startswith(told):
        return ""
    return recorded.message.removeprefix(_QUEUED)


def queued(action: Action, cause: str) -> Action:
    """Return a submit that waits for its turn: nothing is called and nothing written for it."""
    return replace(action, verb=Verb.WAIT, reason=Reason.QUEUED, message=f"{_QUEUED}{cause}")


def full_text(active: int | None, failure: Failure | None = None) -> str:
    """Return why a job waits for the service's quota, with the service's words if it was asked.

    It names what does not change while the job waits, or an idle pass would have news to write.
    """
    known = "" if active is None else f", with {active} active"
    words = f" ({failure})" if failure is not None else ""
    return f"{_FULL}{known}{words}; it is tried when there is room"


def refusal_text(active: int | None, failure: Failure) -> str:
    """Return the message of a job that the quota refused."""
    return f"{_QUEUED}{full_text(active, failure)}"


def is_full(failure: Failure | None) -> bool:
    """Whether a Create failed for the quota alone, so that it certainly made no job."""
    return (
        failure is not None and failure.disposition is Disposition.QUOTA and not failure.ambiguous
    )
