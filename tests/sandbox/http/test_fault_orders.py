"""Which calls a fault befalls, and how faults are ordered, kept and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sandbox.http.fault_orders import parse_fault_text
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.faults import Fault, FaultKind
from controller.sandbox.jobs.switches import InvalidSettingError
from tests.sandbox.support import Sandbox, process, speaking_to

quick = settings(deadline=None, max_examples=300)


def hits(sandbox: Sandbox, calls: int) -> list[int]:
    """Return which of so many Gets and Lists, one after the other, went wrong, from 1."""
    return [call for call in range(1, calls + 1) if _goes_wrong(sandbox, call)]


def _goes_wrong(sandbox: Sandbox, call: int) -> bool:
    try:
        sandbox.names() if call % 2 else sandbox.get("job")
    except ClientError as error:
        return error.response["Error"]["Code"] != "ResourceNotFoundException"
    except ConnectionClosedError:
        return True
    return False


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ({}, [1]),
        ({"nth": 3}, [3]),
        ({"times": 2}, [1, 2]),
        ({"nth": 2, "times": 3}, [2, 3, 4]),
        ({"nth": 5, "times": None}, [5, 6, 7, 8]),
        ({"operation": "Get"}, [2]),
        ({"operation": "Get", "nth": 2, "times": 2}, [4, 6]),
        ({"nth": 9}, []),
        ({"probability": 0}, []),
        ({"probability": 1}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"probability": 1, "nth": 3, "times": 2}, [3, 4]),
    ],
)
@pytest.mark.parametrize("kind", ["throttle", "reset-before", "reset-after"])
def test_calls_go_wrong_by_number(
    sandbox: Sandbox, kind: str, limits: dict[str, Any], wrong: list[int]
) -> None:
    """The n-th matching call from now on goes wrong, and as many after it as were ordered."""
    sandbox.names(), sandbox.names()
    sandbox.order(kind, **limits)

    assert hits(sandbox, 8) == wrong
    assert [order["fired"] for order in sandbox.orders()] == [len(wrong)]


def test_chance_repeats_itself(sandbox: Sandbox) -> None:
    """One seed always meets the same calls, about as many as asked; another seed others."""

    def met(seed: int) -> list[int]:
        sandbox.control("DELETE", "faults")
        sandbox.order("throttle", probability=0.3, seed=seed)
        return hits(sandbox, 60)

    first, again, other = met(1), met(1), met(2)

    assert first == again != other
    assert 8 <= len(first) <= 28


@quick
@given(st.sampled_from(FaultKind), st.integers(0, 2**53), st.floats(0.05, 0.95))
def test_chance_keeps_to_its_probability(kind: FaultKind, seed: int, probability: float) -> None:
    """Of very many calls the asked-for part goes wrong, within what chance allows."""
    fault = Fault(kind=kind, times=None, probability=probability, seed=seed)
    calls = 1000

    wrong = sum(fault.is_triggered(call, 0) for call in range(1, calls + 1))

    # Seven standard deviations: what lies beyond is no chance.
    assert abs(wrong - calls * probability) < 7 * (calls * probability * (1 - probability)) ** 0.5


@quick
@given(
    st.integers(1, 30),
    st.none() | st.integers(1, 30),
    st.none() | st.floats(0, 1),
    st.integers(0, 99),
)
def test_no_call_goes_wrong_outside_its_limits(
    nth: int, times: int | None, probability: float | None, seed: int
) -> None:
    """Whatever chance says, nothing goes wrong before the n-th call or more often than ordered."""
    fault = Fault(
        kind=FaultKind.DELAY, nth=nth, times=times, probability=probability, seed=seed, seconds=1
    )
    fired: list[int] = []
    for call in range(1, 61):
        if fault.is_triggered(call, len(fired)):
            fired.append(call)

    assert all(call >= nth for call in fired)
    assert times is None or len(fired) <= times
    if probability is None:
        end = 61 if times is None else min(61, nth + times)
        assert fired == list(range(nth, end))


def test_faults_stand_in_a_row(sandbox: Sandbox) -> None:
    """A call meets all of them, until one ends it: those behind neither see nor count it."""
    sandbox.create("job")
    sandbox.order("delay", seconds=0, times=3)
    sandbox.order("throttle", nth=2)
    sandbox.order("no-token", times=None)
    sandbox.order("unknown-status", times=None)

    assert hits(sandbox, 4) == [2]
    assert [call["fault"] for call in sandbox.calls()[1:]] == [
        "delay, unknown-status",
        "delay, throttle",
        "delay, unknown-status",
        "no-token, unknown-status",
    ]
    counted = [(order["seen"], order["fired"]) for order in sandbox.orders()]
    assert counted == [(4, 3), (4, 1), (1, 1), (3, 3)]


def test_orders_are_shown_whole(sandbox: Sandbox) -> None:
    """An order is shown with its defaults, in the order in which it was given."""
    given: list[dict[str, object]] = [
        {"kind": "throttle"},
        {"kind": "delay", "seconds": 2, "operation": "Create", "nth": 2.0, "probability": 0.5},
    ]
    sandbox.control("POST", "faults", given)

    first, second = sandbox.orders()

    usual = {
        "operation": None,
        "nth": 1,
        "probability": None,
        "seed": 0,
        "seconds": None,
        "before": False,
    }
    counts = {"seen": 0, "fired": 0}
    assert first == usual | counts | {"number": 1, "kind": "throttle", "times": 1}
    assert second == usual | counts | {**given[1], "number": 2, "times": None}


def test_orders_can_be_taken_back(sandbox: Sandbox) -> None:
    """After DELETE nothing is on order, and nothing goes wrong."""
    sandbox.order("throttle", times=None)
    sandbox.control("DELETE", "faults")

    assert sandbox.orders() == []
    assert hits(sandbox, 3) == []


def test_the_sandbox_itself_never_fails_on_order(sandbox: Sandbox) -> None:
    """Its own endpoints meet no fault, and count for none."""
    sandbox.order("reset-before", times=None)
    for _ in range(3):
        sandbox.control("GET", "clock")

    assert sandbox.orders()[0]["seen"] == 0


MISTAKES: list[tuple[object, str]] = [
    ({}, '"kind" is a required property'),
    ({"kind": "flood"}, 'kind: "flood" is none of throttle, server-error'),
    ({"kind": "throttle", "operation": "Delete"}, "none of Create, Get, List, Stop"),
    ({"kind": "throttle", "nth": 0}, "nth: 0 is less than"),
    ({"kind": "throttle", "times": 1.5}, "times: 1.5 is not of type"),
    ({"kind": "throttle", "probability": 1.1}, "probability: 1.1 is greater than"),
    ({"kind": "throttle", "seed": -1}, "seed: -1 is less than"),
    ({"kind": "throttle", "seconds": 1}, "throttle takes no seconds"),
    ({"kind": "throttle", "before": True}, "throttle takes no before"),
    ({"kind": "delay"}, "delay needs seconds"),
    ({"kind": "delay", "seconds": 3601}, "from 0 to 3600"),
    ({"kind": "stale-get", "operation": "List"}, "stale-get cannot befall List"),
    ({"kind": "no-token", "operation": "GetCallerIdentity"}, "cannot befall GetCallerIdentity"),
    ({"kind": "throttle", "calls": 1}, "known are before, kind, nth"),
]


@pytest.mark.parametrize(("order", "hint"), [*MISTAKES, (3, "not of type"), (b"[", "not JSON")])
def test_a_mistake_orders_nothing(sandbox: Sandbox, order: object, hint: str) -> None:
    """What cannot be ordered is refused with what could be, and the orders beside it too."""
    body = (
        order if isinstance(order, bytes) else json.dumps([{"kind": "delay", "seconds": 1}, order])
    )
    content = body if isinstance(body, bytes) else body.encode()
    status, answer = sandbox.wire("POST", "/_sandbox/faults", content)

    assert status == 400
    assert hint in answer["message"]
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("throttle", Fault(kind=FaultKind.THROTTLE)),
        ("throttle:", Fault(kind=FaultKind.THROTTLE)),
        ("delay:seconds=2.5", Fault(kind=FaultKind.DELAY, seconds=2.5)),
        (
            "reset-after:operation=Create,nth=2,times=3",
            Fault(kind=FaultKind.RESET_AFTER, operation="Create", nth=2, times=3),
        ),
        (
            "server-error:probability=0.1,seed=7",
            Fault(kind=FaultKind.SERVER_ERROR, times=None, probability=0.1, seed=7),
        ),
        ("stale-list:times=null", Fault(kind=FaultKind.STALE_LIST, times=None)),
    ],
)
def test_text_orders_what_json_does(text: str, fault: Fault) -> None:
    """A fault can be written in one word with its limits behind it."""
    assert parse_fault_text(text) == fault


@pytest.mark.parametrize(
    "text", ["", "flood", "throttle:nth", "throttle:kind=delay", "delay:nth=x"]
)
def test_text_that_orders_nothing_is_told(text: str) -> None:
    """Text that is no order is refused."""
    with pytest.raises(InvalidSettingError):
        parse_fault_text(text)


def test_orders_and_their_counts_outlive_a_sandbox(tmp_path: Path) -> None:
    """The next sandbox on the folder goes on counting where the last one ended."""
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        sandbox.order("throttle", nth=3, times=2)
        assert hits(sandbox, 2) == []
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        assert hits(sandbox, 3) == [1, 2]


def test_two_sandboxes_on_one_store_count_together(tmp_path: Path) -> None:
    """A call to either of two servers is a call; the fault befalls the n-th of them all."""
    with (
        start_sandbox(tmp_path, speed=0) as url,
        start_sandbox(tmp_path, speed=0) as other_url,
        speaking_to(url, tmp_path) as one,
        speaking_to(other_url, tmp_path) as other,
    ):
        one.order("throttle", nth=3)

        assert [hits(sandbox, 1) for sandbox in (one, other, other, one)] == [[], [], [1], []]


def test_the_verb_takes_faults(tmp_path: Path) -> None:
    """Each --fault is an order; given again they replace the old ones, which stay without it."""
    flags = ["--fault", "throttle:operation=List,nth=2", "--fault", "delay:seconds=0"]
    with process(tmp_path, *flags) as (_, sandbox):
        assert hits(sandbox, 5) == [3]
    with process(tmp_path) as (_, sandbox):
        kept = [(order["kind"], order["fired"]) for order in sandbox.orders()]
    with process(tmp_path, "--fault", "unavailable") as (_, sandbox):
        replaced = [(order["kind"], order["fired"]) for order in sandbox.orders()]

    assert kept == [("throttle", 1), ("delay", 1)]
    assert replaced == [("unavailable", 0)]


def test_a_sandbox_can_begin_with_faults(tmp_path: Path) -> None:
    """Faults that the caller gives are on order from the first call on."""
    fault = Fault(kind=FaultKind.SERVER_ERROR, nth=2)
    with (
        start_sandbox(tmp_path, speed=0, faults=[fault]) as url,
        speaking_to(url, tmp_path) as sandbox,
    ):
        assert hits(sandbox, 3) == [2]
