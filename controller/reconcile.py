"""One pass: observe, plan, act, record; the only place that asks whether to act."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum

from controller.acting import Actor
from controller.core.actions import Action, Outcome, Plan
from controller.core.errors import failure
from controller.core.fleet import Fleet
from controller.core.kind import Kind
from controller.core.model import Desired, JobKey, Recorded
from controller.core.planning import plan, refusal
from controller.core.status import entry
from controller.observing import observe
from controller.ports import Clock, Cloud, Ledger, LedgerError

_log = logging.getLogger(__name__)


class Mode(Enum):
    """How far a pass goes."""

    PLAN = "plan"
    """Observe and plan; write nothing and call nothing that changes anything."""
    RECORD = "record"
    """Observe, plan and record what is seen, without acting."""
    APPLY = "apply"
    """The whole of it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a pass works on, and the ports it works through."""

    kinds: Mapping[str, Kind]
    cloud: Cloud
    ledger: Ledger
    clock: Clock
    width: int = 16


@dataclass(frozen=True, slots=True)
class Report:
    """What one pass decided and what became of it.

    ``outcomes`` holds one for every action, in the plan's order. ``refused`` says why the guard
    let nothing through; ``unwritten`` says which sidecars could not be written.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    refused: str | None = None
    unwritten: tuple[str, ...] = ()
    written: int = 0
    mode: Mode = Mode.PLAN
    recorded: Mapping[JobKey, Recorded] = field(default_factory=dict)


Watcher = Callable[[Outcome], None]


def reconcile(
    desired: Iterable[Desired],
    outside: Outside,
    fleet: Fleet,
    mode: Mode,
    watcher: Watcher = lambda _: None,
) -> Report:
    """Carry out the very plan that the report shows, as far as the mode goes.

    One action's error never stops another's. ``watcher`` is told of each outcome as it comes.
    """
    jobs = tuple(desired)
    recorded = outside.ledger.read({job.key: job.source for job in jobs})
    with ThreadPoolExecutor(outside.width, thread_name_prefix="pass") as executor:
        seen = observe(outside.kinds, jobs, recorded, fleet, outside.cloud, executor)
        made = plan(outside.kinds, jobs, seen, recorded, fleet, outside.clock.now())
        if mode is Mode.PLAN:
            untouched = tuple(Outcome(action, action) for action in made.actions)
            refused = refusal(made, fleet.limits.max_submits)
            return Report(made, untouched, refused=refused, recorded=recorded)
        return _carried_out(made, outside, fleet, recorded, mode, watcher, executor)


def _carried_out(
    made: Plan,
    outside: Outside,
    fleet: Fleet,
    recorded: Mapping[JobKey, Recorded],
    mode: Mode,
    watcher: Watcher,
    executor: Executor,
) -> Report:
    refused = refusal(made, fleet.limits.max_submits) if mode is Mode.APPLY else None
    acts = mode is Mode.APPLY and refused is None
    actor = Actor(outside.kinds, recorded, fleet, outside.cloud, outside.ledger, outside.clock)

    def one(action: Action) -> _Result:
        outcome = _attempted(actor, action) if acts else Outcome(action, action)
        written = _recorded(outside, outcome, recorded.get(action.desired.key), fleet.owner)
        watcher(outcome)
        return _Result(outcome, written)

    started = {id(action): executor.submit(one, action) for action in made.changes if acts}
    results = [
        started[id(action)].result() if id(action) in started else one(action)
        for action in made.actions
    ]
    return Report(
        made,
        tuple(result.outcome for result in results),
        refused=refused,
        unwritten=tuple(result.written for result in results if isinstance(result.written, str)),
        written=sum(result.written is True for result in results),
        mode=mode,
        recorded=recorded,
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """An outcome, and whether its sidecar changed, or why it could not be written."""

    outcome: Outcome
    written: bool | str


def _attempted(actor: Actor, action: Action) -> Outcome:
    """A defect of ours in one action is that action's failure, not the pass's."""
    try:
        return actor.carry_out(action)
    except Exception as error:
        text = f"{type(error).__name__}: {error}; please report this"
        return Outcome(
            action, action, failure("InternalError", text, reading=False, ambiguous=True)
        )


def _recorded(
    outside: Outside, outcome: Outcome, recorded: Recorded | None, owner: str
) -> bool | str:
    desired = outcome.planned.desired
    made = entry(outside.kinds[desired.key.kind], outcome, recorded, owner)
    try:
        return outside.ledger.write(desired.source, desired.key, made)
    except LedgerError as error:
        return str(error)
