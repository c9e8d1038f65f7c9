"""Compares a plan made now with a saved one, and describes what has changed.

Only actions that change something are compared. Each change of the saved plan must be due now in
the same form, be done already, or wait for a slot; and nothing else may be due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, Live, Place
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.saved_plan.format import CHANGES, PlanFile, Planned, hashed

_DIGITS = 8
_NEXT_TURN = frozenset({Reason.QUEUED, Reason.INTENT_UNCONFIRMED})


class Standing(Enum):
    """The state of a saved change now."""

    DUE = "due"
    DONE = "carried out before"
    WAITING = "waiting for room"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Compared:
    """The state of each saved change, and a line for everything that moved since."""

    standings: Mapping[JobKey, Standing]
    moved: tuple[str, ...] = ()

    def count(self, standing: Standing) -> int:
        """Return how many changes are in this state."""
        return Counter(self.standings.values())[standing]


def compared(
    kinds: Mapping[str, Kind], filed: PlanFile, now: PlanFile, made: Plan, *, problems: bool = False
) -> Compared:
    """Compare a saved plan with the plan made now, given as it would be saved.

    ``problems`` says that there may be manifests that could not be read.
    """
    actions = {one.desired.key: one for one in made.actions}
    before, after = ({one.key: one for one in file.actions} for file in (filed, now))
    changes = filed.changes
    same_limits = filed.max_active == now.max_active
    standings = {
        key: _standing(kinds[key.kind], was, after[key], actions[key], same_limits=same_limits)
        if key in after
        else Standing.MOVED
        for key, was in changes.items()
    }
    moved = {key for key, standing in standings.items() if standing is Standing.MOVED}
    # A change that the saved plan does not have was never reviewed.
    moved |= now.changes.keys() - changes.keys()
    elsewhere = _elsewhere(before, after)
    gone = _gone(filed, problems=problems)
    told = [
        _told(before.get(key), after.get(key), actions.get(key), gone)
        # Jobs that changed place are reported once per place, not one by one.
        for key in sorted(moved - set(elsewhere))
    ]
    limits = _limits(filed, now) if moved else ()
    places = _places(elsewhere.values())
    return Compared(standings, (*moved_around(filed, now), *places, *limits, *told))


def moved_around(filed: PlanFile, now: PlanFile) -> tuple[str, ...]:
    """Return what changed around the jobs; this is known before any job is observed."""
    return tuple(_moved_around(filed, now))


def _moved_around(filed: PlanFile, now: PlanFile) -> Iterator[str]:
    if filed.sandbox != now.sandbox:
        # A plan made on the sandbox must never be executed against AWS, or the reverse.
        names = {True: "the sandbox", False: "AWS"}
        remedy = "add --sandbox" if filed.sandbox else "omit --sandbox"
        told = f"the plan was made on {names[filed.sandbox]}, and this is {names[now.sandbox]}"
        yield f"{told}: {remedy}"
    if filed.owner != now.owner:
        yield f"the owner was {filed.owner or 'not set'} and is {now.owner or 'not set'}"


def _elsewhere(
    before: Mapping[JobKey, Planned], after: Mapping[JobKey, Planned]
) -> dict[JobKey, tuple[Place, Place]]:
    """Return the jobs whose place differs between the plans, whether they change or not."""
    both = ((key, before[key].place, after[key].place) for key in before.keys() & after.keys())
    return {key: (was, now) for key, was, now in both if was and now and was != now}


def _places(moves: Iterable[tuple[Place, Place]]) -> tuple[str, ...]:
    return tuple(
        f"the plan is for {was}, and this is {now} (for {count} of its jobs)"
        for (was, now), count in sorted(Counter(moves).items(), key=str)
    )


def _limits(filed: PlanFile, now: PlanFile) -> tuple[str, ...]:
    if filed.max_active == now.max_active:
        return ()
    limits = (file.max_active for file in (filed, now))
    was, is_now = ("not set" if limit is None else limit for limit in limits)
    return (f"limits.maxActive was {was} and is {is_now}",)


def permits(
    changes: Mapping[JobKey, Planned], kinds: Mapping[str, Kind], now: Planned, action: Action
) -> bool:
    """Whether an action changes nothing, or exactly what the saved plan has."""
    was = changes.get(now.key)
    if was is None or now.change is None:
        return now.change is None
    kind = kinds[now.key.kind]
    return _standing(kind, was, now, action, same_limits=True) is Standing.DUE


def _standing(
    kind: Kind, was: Planned, now: Planned, action: Action, *, same_limits: bool
) -> Standing:
    if was.change == now.change:
        return Standing.DUE
    # The same change with other credentials would act on another account.
    if (was.place, was.role) != (now.place, now.role):
        return Standing.MOVED
    if was.verb is Verb.STOP:
        return _of_stop(kind, was, action)
    if now.verb not in {Verb.WAIT, Verb.NOOP}:
        return Standing.MOVED
    if was.verb is Verb.TAG:
        return Standing.DONE if _is_tagged(was, action) else Standing.MOVED
    # Another token means another spec, attempt or owner.
    if was.token != now.token:
        return Standing.MOVED
    if action.live is not None:
        is_same = was.verb is Verb.SUBMIT or was.arn == action.live.arn
        return Standing.DONE if is_same else Standing.MOVED
    waits = was.verb is Verb.SUBMIT and now.verb is Verb.WAIT and now.reason in _NEXT_TURN
    # Under a changed limit the job may wait although the reviewed plan submitted it.
    return Standing.WAITING if waits and same_limits else Standing.MOVED


def _of_stop(kind: Kind, was: Planned, action: Action) -> Standing:
    """Return the state of a stop: due for jobs that still run, if all others were stopped."""
    if action.verb in CHANGES - {Verb.STOP}:
        return Standing.MOVED
    # Fewer stops than planned are fine if the missing jobs ended as planned; more never are.
    due = {live.arn for live in action.stops}
    stopped = {one.arn for one in _lives(action) if one.status in kind.stopping | kind.stopped}
    if not due <= set(was.stops) <= due | stopped:
        return Standing.MOVED
    return Standing.DUE if due else Standing.DONE


def _lives(action: Action) -> tuple[Live, ...]:
    earlier = tuple(one.live for one in action.earlier)
    return (*earlier, action.live) if action.live is not None else earlier


def _is_tagged(was: Planned, action: Action) -> bool:
    """Whether tags are known to be as the plan wanted to set them."""
    if action.live is None or action.live.arn != was.arn:
        return False
    for retag in was.retags:
        tags = action.tags.get(retag.member, {})
        if not set(tags).isdisjoint(retag.drop) or not set(retag.put) <= set(tags):
            return False
        if hashed({key: tags[key] for key in retag.put}) != retag.values:
            return False
    return True


def _gone(filed: PlanFile, *, problems: bool) -> str:
    """Return the possible explanations for a manifest that no action covers any more."""
    unselected = ["is not selected any more"] if filed.asked.selector else []
    unread = ["cannot be read"] if problems else []
    return " or ".join(["was removed", *unselected, *unread])


def _told(was: Planned | None, now: Planned | None, action: Action | None, gone: str) -> str:
    """Return one line on a job that moved: what was planned, what is due now, and why."""
    one = now or was
    if one is None:
        return ""
    before = f"planned {was.verb} {was.reason}" if was else "not in the plan"
    after = f"now {now.verb} {now.reason}" if now else "now nothing"
    why = ", ".join(_causes(was, now, gone)) or (action.message if action else "")
    return f"{one.key.name}: {before}, {after}: {why}"


def _causes(was: Planned | None, now: Planned | None, gone: str) -> Iterator[str]:
    if was is None:
        yield f"its manifest {now.path if now else ''} was added"
    elif now is None:
        yield f"its manifest {was.path} {gone}"
    elif now.removed and not was.removed:
        yield f"its manifest {was.path} was removed"
    elif was.removed and not now.removed:
        yield f"its manifest {now.path} came back"
    elif was.manifest != now.manifest:
        yield f"its manifest {now.path} was edited{_digests(was, now)}"
    if was is not None and now is not None:
        yield from _role(was, now)
        yield from _live(was, now)
        yield from _tags(was, now)


def _digests(was: Planned, now: Planned) -> str:
    if was.digest == now.digest:
        return ""
    old, new = (one.digest[:_DIGITS] or "none" for one in (was, now))
    return f" (its digest was {old} and is {new})"


def _role(was: Planned, now: Planned) -> Iterator[str]:
    if was.role != now.role:
        yield f"target.assumeRoleArn was {was.role or 'not set'} and is {now.role or 'not set'}"


def _live(was: Planned, now: Planned) -> Iterator[str]:
    if was.arn != now.arn:
        if was.arn:
            yield f"{was.arn} is no longer its job"
        if now.arn:
            yield f"{now.arn} appeared ({now.status})"
    elif was.status != now.status:
        yield f"{now.arn} was {was.status} and is {now.status}"
    if was.verb is now.verb is Verb.STOP and was.stops != now.stops:
        new = sorted(set(now.stops) - set(was.stops))
        yield f"it would stop {', '.join(new)} too" if new else "it would stop fewer jobs"


def _tags(was: Planned, now: Planned) -> Iterator[str]:
    """Yield whether the tags differ; requests with the same token can differ in nothing else."""
    is_sent = was.verb is now.verb is Verb.SUBMIT and was.token == now.token
    is_set = was.verb is now.verb is Verb.TAG
    if (is_sent and was.sends != now.sends) or (is_set and was.retags != now.retags):
        yield "its tags differ"
