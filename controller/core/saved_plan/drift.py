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
from controller.core.model import JobKey, LiveJob, Place
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.saved_plan.format import CHANGING_VERBS, PlanFile, PlannedAction, hash_value

_DIGITS = 8
_WAITING_REASONS = frozenset({Reason.QUEUED, Reason.INTENT_UNCONFIRMED})


class ChangeState(Enum):
    """The state of a saved change now."""

    DUE = "due"
    DONE = "carried out before"
    WAITING = "waiting for room"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """The state of each saved change, and a line for everything that moved since."""

    states: Mapping[JobKey, ChangeState]
    moved: tuple[str, ...] = ()

    def count(self, standing: ChangeState) -> int:
        """Return how many changes are in this state."""
        return Counter(self.states.values())[standing]


def compare_plans(
    kinds: Mapping[str, Kind], saved: PlanFile, now: PlanFile, plan: Plan, *, problems: bool = False
) -> PlanComparison:
    """Compare a saved plan with the plan made now, given as it would be saved.

    ``problems`` says that there may be manifests that could not be read.
    """
    actions = {one.desired.key: one for one in plan.actions}
    before, after = ({one.key: one for one in file.actions} for file in (saved, now))
    changes = saved.changes
    same_limits = saved.max_active == now.max_active
    states = {
        key: _compare_change(
            kinds[key.kind], was, after[key], actions[key], same_limits=same_limits
        )
        if key in after
        else ChangeState.MOVED
        for key, was in changes.items()
    }
    moved = {key for key, standing in states.items() if standing is ChangeState.MOVED}
    # A change that the saved plan does not have was never reviewed.
    moved |= now.changes.keys() - changes.keys()
    elsewhere = _find_moved_places(before, after)
    gone = _explain_missing(saved, problems=problems)
    lines = [
        _format_drift(before.get(key), after.get(key), actions.get(key), gone)
        # Jobs that changed place are reported once per place, not one by one.
        for key in sorted(moved - set(elsewhere))
    ]
    limits = _format_limits(saved, now) if moved else ()
    places = _format_places(elsewhere.values())
    return PlanComparison(states, (*find_context_drift(saved, now), *places, *limits, *lines))


def find_context_drift(saved: PlanFile, now: PlanFile) -> tuple[str, ...]:
    """Return what changed around the jobs; this is known before any job is observed."""
    return tuple(_iter_context_drift(saved, now))


def _iter_context_drift(saved: PlanFile, now: PlanFile) -> Iterator[str]:
    if saved.sandbox != now.sandbox:
        # A plan made on the sandbox must never be executed against AWS, or the reverse.
        names = {True: "the sandbox", False: "AWS"}
        remedy = "add --sandbox" if saved.sandbox else "omit --sandbox"
        text = f"the plan was made on {names[saved.sandbox]}, and this is {names[now.sandbox]}"
        yield f"{text}: {remedy}"
    if saved.owner != now.owner:
        yield f"the owner was {saved.owner or 'not set'} and is {now.owner or 'not set'}"


def _find_moved_places(
    before: Mapping[JobKey, PlannedAction], after: Mapping[JobKey, PlannedAction]
) -> dict[JobKey, tuple[Place, Place]]:
    """Return the jobs whose place differs between the plans, whether they change or not."""
    both = ((key, before[key].place, after[key].place) for key in before.keys() & after.keys())
    return {key: (was, now) for key, was, now in both if was and now and was != now}


def _format_places(moves: Iterable[tuple[Place, Place]]) -> tuple[str, ...]:
    return tuple(
        f"the plan is for {was}, and this is {now} (for {count} of its jobs)"
        for (was, now), count in sorted(Counter(moves).items(), key=str)
    )


def _format_limits(saved: PlanFile, now: PlanFile) -> tuple[str, ...]:
    if saved.max_active == now.max_active:
        return ()
    limits = (file.max_active for file in (saved, now))
    was, is_now = ("not set" if limit is None else limit for limit in limits)
    return (f"limits.maxActive was {was} and is {is_now}",)


def is_permitted(
    changes: Mapping[JobKey, PlannedAction],
    kinds: Mapping[str, Kind],
    now: PlannedAction,
    action: Action,
) -> bool:
    """Whether an action changes nothing, or exactly what the saved plan has."""
    was = changes.get(now.key)
    if was is None or now.change is None:
        return now.change is None
    kind = kinds[now.key.kind]
    return _compare_change(kind, was, now, action, same_limits=True) is ChangeState.DUE


def _compare_change(
    kind: Kind, was: PlannedAction, now: PlannedAction, action: Action, *, same_limits: bool
) -> ChangeState:
    if was.change == now.change:
        return ChangeState.DUE
    # The same change with other credentials would act on another account.
    if (was.place, was.role) != (now.place, now.role):
        return ChangeState.MOVED
    if was.verb is Verb.STOP:
        return _compare_stop(kind, was, action)
    # Another change is due instead, which nobody reviewed.
    if now.verb not in {Verb.WAIT, Verb.NOOP}:
        return ChangeState.MOVED
    if was.verb is Verb.TAG:
        return ChangeState.DONE if _is_tagged(was, action) else ChangeState.MOVED
    # Another token means another spec, attempt or owner.
    if was.token != now.token:
        return ChangeState.MOVED
    if action.live is not None:
        # With the planned token the live job is the planned one; an adoption names its ARN.
        is_same = was.verb is Verb.SUBMIT or was.arn == action.live.arn
        return ChangeState.DONE if is_same else ChangeState.MOVED
    waits = was.verb is Verb.SUBMIT and now.verb is Verb.WAIT and now.reason in _WAITING_REASONS
    # Under a changed limit the job may wait although the reviewed plan submitted it.
    return ChangeState.WAITING if waits and same_limits else ChangeState.MOVED


def _compare_stop(kind: Kind, was: PlannedAction, action: Action) -> ChangeState:
    """Return the state of a stop: due for jobs that still run, if all others were stopped."""
    if action.verb in CHANGING_VERBS - {Verb.STOP}:
        return ChangeState.MOVED
    # Fewer stops than planned are fine if the missing jobs ended as planned; more never are.
    due = {live.arn for live in action.stops}
    stopped = {one.arn for one in _list_lives(action) if one.status in kind.stopping | kind.stopped}
    if not due <= set(was.stops) <= due | stopped:
        return ChangeState.MOVED
    return ChangeState.DUE if due else ChangeState.DONE


def _list_lives(action: Action) -> tuple[LiveJob, ...]:
    earlier = tuple(one.live for one in action.earlier)
    return (*earlier, action.live) if action.live is not None else earlier


def _is_tagged(was: PlannedAction, action: Action) -> bool:
    """Whether tags are known to be as the plan wanted to set them."""
    if action.live is None or action.live.arn != was.arn:
        return False
    for retag in was.retags:
        tags = action.tags.get(retag.member, {})
        if not set(tags).isdisjoint(retag.drop) or not set(retag.put) <= set(tags):
            return False
        # Only keys are saved in the clear, so values are compared by hash.
        if hash_value({key: tags[key] for key in retag.put}) != retag.values:
            return False
    return True


def _explain_missing(saved: PlanFile, *, problems: bool) -> str:
    """Return the possible explanations for a manifest that no action covers any more."""
    unselected = ["is not selected any more"] if saved.arguments.selector else []
    unread = ["cannot be read"] if problems else []
    return " or ".join(["was removed", *unselected, *unread])


def _format_drift(
    was: PlannedAction | None, now: PlannedAction | None, action: Action | None, gone: str
) -> str:
    """Return one line on a job that moved: what was planned, what is due now, and why."""
    one = now or was
    if one is None:
        return ""
    before = f"planned {was.verb} {was.reason}" if was else "not in the plan"
    after = f"now {now.verb} {now.reason}" if now else "now nothing"
    why = ", ".join(_iter_causes(was, now, gone)) or (action.message if action else "")
    return f"{one.key.name}: {before}, {after}: {why}"


def _iter_causes(was: PlannedAction | None, now: PlannedAction | None, gone: str) -> Iterator[str]:
    if was is None:
        yield f"its manifest {now.path if now else ''} was added"
    elif now is None:
        yield f"its manifest {was.path} {gone}"
    elif now.removed and not was.removed:
        yield f"its manifest {was.path} was removed"
    elif was.removed and not now.removed:
        yield f"its manifest {now.path} came back"
    elif was.manifest != now.manifest:
        yield f"its manifest {now.path} was edited{_format_digests(was, now)}"
    if was is not None and now is not None:
        yield from _iter_role_causes(was, now)
        yield from _iter_live_causes(was, now)
        yield from _iter_tag_causes(was, now)


def _format_digests(was: PlannedAction, now: PlannedAction) -> str:
    if was.digest == now.digest:
        return ""
    old, new = (one.digest[:_DIGITS] or "none" for one in (was, now))
    return f" (its digest was {old} and is {new})"


def _iter_role_causes(was: PlannedAction, now: PlannedAction) -> Iterator[str]:
    if was.role != now.role:
        yield f"target.assumeRoleArn was {was.role or 'not set'} and is {now.role or 'not set'}"


def _iter_live_causes(was: PlannedAction, now: PlannedAction) -> Iterator[str]:
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


def _iter_tag_causes(was: PlannedAction, now: PlannedAction) -> Iterator[str]:
    """Yield whether the tags differ; requests with the same token can differ in nothing else."""
    is_sent = was.verb is now.verb is Verb.SUBMIT and was.token == now.token
    is_set = was.verb is now.verb is Verb.TAG
    if (is_sent and was.sends != now.sends) or (is_set and was.retags != now.retags):
        yield "its tags differ"
