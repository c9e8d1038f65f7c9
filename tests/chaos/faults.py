"""The service's bad moments: one run for every kind of fault at every call of a scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from controller.sandbox.jobs.faults import REPLACING, FaultKind, can_target
from tests.chaos.boundaries import Plan
from tests.chaos.lives import FAULTED_LIVES
from tests.chaos.oracles import violations
from tests.chaos.scenarios import FAULTED, Scenario
from tests.chaos.sweep import Run, take
from tests.chaos.world import Universe, World, watched
from tests.sandbox.support import poll

_TIMEOUT = "1"
_TOO_LATE = 1.2
_LASTING = 2
_DELAYS = (FaultKind.DELAY, FaultKind.DELAY_BEFORE)
_INCOMPLETE = (FaultKind.TOKENLESS, FaultKind.METRICLESS)

ANSWERED = tuple(
    replace(one, name=f"{one.name}, answered by others") for one in (*FAULTED, *FAULTED_LIVES)
)
"""The scenarios in which something else answers in the service's place."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One bad moment: a kind of fault from the n-th call of an operation on, once or for good."""

    kind: FaultKind
    operation: str
    nth: int
    lasting: bool
    before: bool = False

    def __str__(self) -> str:
        """Return what a person calls it."""
        lasting = " and after" if self.lasting else ""
        before = ", not carried out," if self.before else ""
        return f"{self.kind}{before} at {self.operation} {self.nth}{lasting}"

    @property
    def order(self) -> dict[str, Any]:
        """The moment as the sandbox takes orders."""
        order = {"kind": self.kind, "operation": self.operation, "nth": self.nth}
        seconds = {"seconds": _TOO_LATE} if self.kind in _DELAYS else {}
        before = {"before": True} if self.before else {}
        return {**order, **seconds, **before, "times": None if self.lasting else 1}


def moments(universe: Universe, scenario: Scenario) -> list[Moment]:
    """Return every bad moment of the service itself that a scenario's pass can have, in order.

    Each fault affects every single call; the lasting ones begin at one of the first calls. A delay
    never lasts: it would only take time.
    """
    kinds = [kind for kind in FaultKind if kind not in REPLACING]
    return [one for call in _calls(universe, scenario) for one in _at(call, kinds)]


def strange_answers(universe: Universe, scenario: Scenario) -> list[Moment]:
    """Return every answer that is not the service's, in place of each that a pass gets, in order.

    Where a call changes something, the answer takes the place of the service's own after the call
    took effect, and comes without the call ever reaching the service.
    """
    return [
        replace(moment, before=before)
        for call in _calls(universe, scenario)
        for moment in _at(call, sorted(REPLACING))
        for before in ((False, True) if _changes(call[0]) else (False,))
    ]


def _changes(operation: str) -> bool:
    return not operation.startswith(("Get", "List"))


def _calls(universe: Universe, scenario: Scenario) -> list[tuple[str, int]]:
    """Return the operations that a scenario's pass calls, each with its number of calls."""
    with universe.world() as world:
        take(world, scenario.before)
        world.sandbox.control("DELETE", "calls")
        world.reconcile()
        counted = Counter(call["operation"] for call in world.sandbox.list_calls())
    return sorted(counted.items())


def _at(call: tuple[str, int], kinds: Iterable[FaultKind]) -> Iterator[Moment]:
    operation, calls = call
    for kind in kinds:
        if can_target(kind, operation):
            yield from _of(kind, operation, calls)


def _of(kind: FaultKind, operation: str, calls: int) -> Iterator[Moment]:
    for nth in range(1, calls + 1):
        yield Moment(kind, operation, nth, lasting=False)
        if nth <= _LASTING and kind not in _DELAYS:
            yield Moment(kind, operation, nth, lasting=True)


def faulted(universe: Universe, scenario: Scenario, moment: Moment) -> Run:
    """Let a pass have a bad moment, end all faults, take the scenario's steps and settle."""
    with universe.world() as world:
        take(world, scenario.before)
        world.sandbox.control("POST", "faults", moment.order)
        with watched(world) as torn:
            _one_pass(world, scenario)
        met = sum(order["fired"] for order in world.sandbox.list_faults())
        world.sandbox.control("DELETE", "faults")
        take(world, scenario.between)
        # A late call may still be on its way, and is a disturbance until it has come.
        poll(lambda: sum(bool(call["fault"]) for call in world.sandbox.list_calls()) >= met)
        # An entry keeps what Get showed of a job that ended, also when that was incomplete.
        complete = scenario.rebuildable and moment.kind not in _INCOMPLETE
        found = (*torn, *violations(world, replace(scenario, rebuildable=complete)))
    return Run(scenario.name, str(moment), found)


def _one_pass(world: World, scenario: Scenario) -> None:
    plan = Plan(in_turn=scenario.in_turn)
    world.forges[0].run(world.command(plan, "--cli-read-timeout", _TIMEOUT))
