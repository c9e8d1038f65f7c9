"""Changes start in order, and their number grows with success, for any quota and any end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.call_errors import make_failure
from controller.core.fleet import Fleet
from controller.core.model import CallFailure, Place
from controller.core.planning.actions import Action, Outcome, Plan, Reason, Verb
from controller.engine.submit_window import Callbacks, run_changes
from tests.core.cases import PLACE, situation

FULL = make_failure("ServiceQuotaExceededException", "Too many jobs", reading=False)
THROTTLED = make_failure("ThrottlingException", "slow down", reading=False)
REFUSED = make_failure("ValidationException", "no such bucket", reading=False)
TRIP = 0.001
"""How long a call takes, so that calls overlap as they do over a network."""
WEST = Place(PLACE.account_id, "us-west-2")


def action(name: str, verb: Verb = Verb.SUBMIT, priority: int = 0, place: Place = PLACE) -> Action:
    """Return a plan's action on a job with this name."""
    policy = {"policy": {"priority": priority}}
    wanted = situation(policy, Fleet(owner="acme-ml"), name).desired
    return Action(verb, Reason.NOT_SUBMITTED, wanted, place=place)


def planned(*actions: Action) -> Plan:
    """Return the plan with these actions."""
    return Plan(tuple(sorted(actions, key=lambda one: one.desired.key)))


def name_of(one: Action) -> str:
    """Return the name of an action's job."""
    return one.desired.key.name


@dataclass
class Service:
    """A service with a quota; ``failing`` makes calls fail by job name."""

    room: int = 1000
    failing: dict[str, CallFailure] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    recorded: list[Outcome] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    most: int = 0
    excess: int = 0
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, one: Action) -> Outcome:
        """Accept a job if a slot is free."""
        name = name_of(one)
        if not one.verb.is_mutating:
            return Outcome(one, one)
        with self._lock:
            self._under_way += 1
            self.begun.append(name)
            self.most = max(self.most, self._under_way)
            self.excess = max(self.excess, self._under_way - max(1, len(self.taken)))
        time.sleep(TRIP)
        with self._lock:
            self._under_way -= 1
            if name in self.failing:
                return Outcome(one, one, self.failing[name])
            if len(self.taken) >= self.room:
                self.refused.append(name)
                return Outcome(one, one, FULL)
            self.taken.append(name)
        return Outcome(one, one)

    def record(self, outcome: Outcome) -> Outcome:
        """Record an outcome."""
        with self._lock:
            self.recorded.append(outcome)
        return outcome

    def count(self, _: Action, submitted: int) -> int:
        """Return the number of accepted jobs."""
        self.counts.append(submitted)
        return len(self.taken)

    def carry_out(self, made: Plan, width: int = 4) -> tuple[Outcome, ...]:
        """Execute a plan on this service."""
        return run_changes(made, Callbacks(self.attempt, each(self.record), self.count), width)


def each(record: Callable[[Outcome], Outcome]) -> Callable[[Sequence[Outcome]], list[Outcome]]:
    """Return a function that records many outcomes one by one."""
    return lambda outcomes: [record(outcome) for outcome in outcomes]


@settings(deadline=None, max_examples=60)
@given(
    room=st.integers(0, 40),
    priorities=st.lists(st.integers(-1, 1), max_size=40),
    width=st.integers(1, 16),
)
def test_every_quota_is_found_with_few_refusals(
    room: int, priorities: list[int], width: int
) -> None:
    """All jobs that fit are accepted, by priority, with at most as many refusals, or one."""
    service = Service(room)
    made = planned(
        *(action(f"job-{number:02}", priority=one) for number, one in enumerate(priorities))
    )
    results = service.carry_out(made, width)

    assert [one.planned for one in results] == list(made.actions)
    assert len(service.recorded) == len(results)
    assert len(service.taken) == min(room, len(priorities))
    assert len(service.refused) <= max(1, len(service.taken))
    assert len(service.refused) <= width
    assert service.most <= width
    by_name = {name_of(one): one.desired.policy.priority for one in made.actions}
    if room < width:
        first = sorted(priorities, reverse=True)[:room]
        assert [by_name[name] for name in service.taken] == first
    assert service.counts == ([len(service.taken)] if service.refused else [])


@pytest.mark.parametrize("room", [0, 1, 2, 5])
def test_jobs_behind_a_refusal_are_queued(room: int) -> None:
    """A refused job gets the count of active jobs, and those behind it are queued without a try."""
    service = Service(room)
    results = service.carry_out(planned(*(action(f"job-{number:02}") for number in range(12))))
    refused = [one for one in results if one.failure == FULL]
    behind = [one for one in results if one.actual.reason is Reason.QUEUED]

    assert len(refused) + len(behind) == 12 - room
    assert {one.active for one in refused} == {room}
    assert all(one.actual.verb is Verb.WAIT and one.failure is None for one in behind)
    assert all(f"with {room} active" in one.actual.message for one in behind)
    assert not {name_of(one.planned) for one in behind} & set(service.begun)


def test_window_grows_with_success() -> None:
    """No more submits are in flight than have succeeded before, but at least one."""
    service = Service()
    service.carry_out(planned(*(action(f"job-{number:02}") for number in range(60))), 16)

    assert len(service.taken) == 60
    assert service.excess <= 0


def test_other_failures_do_not_close_the_window() -> None:
    """A throttled or refused submit fails alone; those behind it are tried."""
    failing = {"job-00": THROTTLED, "job-01": REFUSED}
    service = Service(failing=failing)
    results = service.carry_out(planned(*(action(f"job-{number:02}") for number in range(8))))

    assert {name_of(one.planned): one.failure for one in results if one.failure} == failing
    assert len(service.taken) == 6


def test_stops_wait_for_no_quota() -> None:
    """A change that takes no slot is executed even when the quota is reached."""
    service = Service(room=1)
    made = planned(*(action(name) for name in "abc"), action("stopped", Verb.STOP))
    service.room = 0
    service.failing = {"stopped": THROTTLED}
    results = {name_of(one.planned): one for one in service.carry_out(made)}

    assert results["stopped"].failure == THROTTLED
    assert service.refused == ["a"]


def test_places_do_not_wait_for_each_other() -> None:
    """While one place hangs, another is finished, and actions without a change are recorded."""
    served = threading.Event()
    service = Service()
    awaited = {"resting", *(f"west-{number}" for number in range(4))}

    def attempt(one: Action) -> Outcome:
        if one.verb.is_mutating and one.place == PLACE:
            assert served.wait(60), "the other place waits for this one"
        return service.attempt(one)

    def record(outcome: Outcome) -> Outcome:
        service.record(outcome)
        if awaited <= {name_of(each.planned) for each in service.recorded}:
            served.set()
        return outcome

    stuck = [action(f"east-{number}") for number in range(4)]
    fine = [action(f"west-{number}", place=WEST) for number in range(4)]
    made = planned(*stuck, *fine, action("resting", Verb.WAIT))
    run_changes(made, Callbacks(attempt, each(record), service.count), 2)

    assert len(service.taken) == 8
    assert {name_of(one.planned) for one in service.recorded[:5]} == awaited


def test_nothing_starts_after_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a signal, actions in flight are finished and recorded; nothing else starts."""
    service = Service()
    left = threading.Event()

    class Telling(ThreadPoolExecutor):
        """A pool that reports when its aborted pass waits for actions in flight."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            """Report, and wait."""
            left.set()
            super().shutdown(wait, cancel_futures=cancel_futures)

    def attempt(one: Action) -> Outcome:
        if one.verb is Verb.WAIT:
            raise KeyboardInterrupt
        assert left.wait(60)
        return service.attempt(one)

    monkeypatch.setattr("controller.engine.submit_window.ThreadPoolExecutor", Telling)

    made = planned(*(action(f"job-{number:02}") for number in range(20)), action("z", Verb.WAIT))
    with pytest.raises(KeyboardInterrupt):
        run_changes(made, Callbacks(attempt, each(service.record), service.count), 4)

    assert [name_of(one.planned) for one in service.recorded] == service.begun
    assert len(service.begun) <= 1


class EndsWhenHanded(ThreadPoolExecutor):
    """A pool that is ended by a signal when a finished submit passes it the next one."""

    def submit(self, *given: Any, **more: Any) -> Future[Any]:
        """Accept work only from the pass itself."""
        if threading.current_thread() is not threading.main_thread():
            self.shutdown(wait=False)
        return super().submit(*given, **more)


def test_pass_that_ends_between_two_submits_records_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job that was just created is recorded even if the next submit cannot start any more."""
    monkeypatch.setattr("controller.engine.submit_window.ThreadPoolExecutor", EndsWhenHanded)
    service = Service()
    with pytest.raises(RuntimeError, match="after shutdown"):
        service.carry_out(planned(*(action(f"job-{number:02}") for number in range(3))), 1)

    assert service.taken == ["job-00"]
    assert [name_of(one.planned) for one in service.recorded] == ["job-00"]


def test_recording_error_is_raised() -> None:
    """An error while recording ends the plan and is raised; actions in flight are recorded."""
    service = Service()

    def record(outcome: Outcome) -> Outcome:
        if name_of(outcome.planned) == "job-02":
            raise OSError("disk on fire")
        return service.record(outcome)

    made = planned(*(action(f"job-{number:02}") for number in range(6)))
    with pytest.raises(OSError, match="disk on fire"):
        run_changes(made, Callbacks(service.attempt, each(record), service.count), 4)

    assert {name_of(one.planned) for one in service.recorded} == set(service.begun) - {"job-02"}


def test_uncaught_exception_ends_the_pass() -> None:
    """An exception that a call raises uncaught ends the pass and is raised; nothing more starts."""
    service = Service()

    def attempt(one: Action) -> Outcome:
        if name_of(one) == "job-02":
            raise SystemExit(3)
        return service.attempt(one)

    made = planned(*(action(f"job-{number:02}") for number in range(9)))
    with pytest.raises(SystemExit):
        run_changes(made, Callbacks(attempt, each(service.record), service.count), 2)

    assert {name_of(one.planned) for one in service.recorded} == set(service.begun)
    assert len(service.begun) < len(made.actions) - 1
