"""Which calls a fault applies to, and how faults are parsed, stored and removed."""

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
    """Return which of a number of consecutive Gets and Lists failed, counted from 1."""
    return [call for call in range(1, calls + 1) if _goes_wrong(sandbox, call)]


def _goes_wrong(sandbox: Sandbox, call: int) -> bool:
    try:
        sandbox.list_names() if call % 2 else sandbox.get("job")
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
def test_calls_fail_by_number(
    sandbox: Sandbox, kind: str, limits: dict[str, Any], wrong: list[int]
) -> None:
    """The n-th matching call fails, and as many after it as requested."""
    sandbox.list_names(), sandbox.list_names()
    sandbox.inject_fault(kind, **limits)

    assert hits(sandbox, 8) == wrong
    assert [order["fired"] for order in sandbox.list_faults()] == [len(wrong)]


def test_probability_is_reproducible(sandbox: Sandbox) -> None:
    """The same seed selects the same calls, about as many as requested; another seed others."""

    def met(seed: int) -> list[int]:
        sandbox.control("DELETE", "faults")
        sandbox.inject_fault("throttle", probability=0.3, seed=seed)
        return hits(sandbox, 60)

    first, again, other = met(1), met(1), met(2)

    assert first == again != other
    assert 8 <= len(first) <= 28


@quick
@given(st.sampled_from(FaultKind), st.integers(0, 2**53), st.floats(0.05, 0.95))
def test_probability_is_met(kind: FaultKind, seed: int, probability: float) -> None:
    """Of very many calls the requested fraction fails, within statistical bounds."""
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
def test_no_call_fails_outside_the_limits(
    nth: int, times: int | None, probability: float | None, seed: int
) -> None:
    """With any probability, no call before the n-th fails, and no more than requested."""
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


def test_faults_apply_in_order(sandbox: Sandbox) -> None:
    """All faults apply to a call until one prevents it; later ones do not count that call."""
    sandbox.create("job")
    sandbox.inject_fault("delay", seconds=0, times=3)
    sandbox.inject_fault("throttle", nth=2)
    sandbox.inject_fault("no-token", times=None)
    sandbox.inject_fault("unknown-status", times=None)

    assert hits(sandbox, 4) == [2]
    assert [call["fault"] for call in sandbox.list_calls()[1:]] == [
        "delay, unknown-status",
        "delay, throttle",
        "delay, unknown-status",
        "no-token, unknown-status",
    ]
    counted = [(order["seen"], order["fired"]) for order in sandbox.list_faults()]
    assert counted == [(4, 3), (4, 1), (1, 1), (3, 3)]


def test_faults_are_listed_with_defaults(sandbox: Sandbox) -> None:
    """Faults are listed with their defaults, in the order in which they were injected."""
    given: list[dict[str, object]] = [
        {"kind": "throttle"},
        {"kind": "delay", "seconds": 2, "operation": "Create", "nth": 2.0, "probability": 0.5},
    ]
    sandbox.control("POST", "faults", given)

    first, second = sandbox.list_faults()

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


def test_faults_can_be_removed(sandbox: Sandbox) -> None:
    """After DELETE there are no faults, and no call fails."""
    sandbox.inject_fault("throttle", times=None)
    sandbox.control("DELETE", "faults")

    assert sandbox.list_faults() == []
    assert hits(sandbox, 3) == []


def test_own_endpoints_are_not_affected(sandbox: Sandbox) -> None:
    """Faults do not apply to the sandbox's own endpoints, nor count their calls."""
    sandbox.inject_fault("reset-before", times=None)
    for _ in range(3):
        sandbox.control("GET", "clock")

    assert sandbox.list_faults()[0]["seen"] == 0


MISTAKES: list[tuple[object, str]] = [
    ({}, '"kind" is a required property'),
    ({"kind": "flood"}, 'kind: "flood" is not one of throttle, server-error'),
    ({"kind": "throttle", "operation": "Delete"}, "not one of Create, Get, List, Stop"),
    ({"kind": "throttle", "nth": 0}, "nth: 0 is less than"),
    ({"kind": "throttle", "times": 1.5}, "times: 1.5 is not of type"),
    ({"kind": "throttle", "probability": 1.1}, "probability: 1.1 is greater than"),
    ({"kind": "throttle", "seed": -1}, "seed: -1 is less than"),
    ({"kind": "throttle", "seconds": 1}, "throttle does not support seconds"),
    ({"kind": "throttle", "before": True}, "throttle does not support before"),
    ({"kind": "delay"}, "delay requires seconds"),
    ({"kind": "delay", "seconds": 3601}, "from 0 to 3600"),
    ({"kind": "stale-get", "operation": "List"}, "stale-get does not apply to List"),
    ({"kind": "no-token", "operation": "GetCallerIdentity"}, "does not apply to GetCallerIdentity"),
    ({"kind": "throttle", "calls": 1}, "the known ones are before, kind, nth"),
]


@pytest.mark.parametrize(("order", "hint"), [*MISTAKES, (3, "not of type"), (b"[", "not JSON")])
def test_an_invalid_fault_adds_nothing(sandbox: Sandbox, order: object, hint: str) -> None:
    """An invalid fault is rejected with the valid values, together with those sent beside it."""
    body = (
        order if isinstance(order, bytes) else json.dumps([{"kind": "delay", "seconds": 1}, order])
    )
    content = body if isinstance(body, bytes) else body.encode()
    status, answer = sandbox.wire("POST", "/_sandbox/faults", content)

    assert status == 400
    assert hint in answer["message"]
    assert sandbox.list_faults() == []


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
def test_text_equals_json(text: str, fault: Fault) -> None:
    """A fault can be written as text, with its members after the kind."""
    assert parse_fault_text(text) == fault


@pytest.mark.parametrize(
    "text", ["", "flood", "throttle:nth", "throttle:kind=delay", "delay:nth=x"]
)
def test_invalid_text_is_reported(text: str) -> None:
    """Text that is not a fault is rejected."""
    with pytest.raises(InvalidSettingError):
        parse_fault_text(text)


def test_faults_and_counts_are_persistent(tmp_path: Path) -> None:
    """The next sandbox on the folder continues to count where the last one ended."""
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        sandbox.inject_fault("throttle", nth=3, times=2)
        assert hits(sandbox, 2) == []
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        assert hits(sandbox, 3) == [1, 2]


def test_two_sandboxes_on_one_store_count_together(tmp_path: Path) -> None:
    """Calls to two servers on one store count together; the fault applies to the n-th of all."""
    with (
        start_sandbox(tmp_path, speed=0) as url,
        start_sandbox(tmp_path, speed=0) as other_url,
        speaking_to(url, tmp_path) as one,
        speaking_to(other_url, tmp_path) as other,
    ):
        one.inject_fault("throttle", nth=3)

        assert [hits(sandbox, 1) for sandbox in (one, other, other, one)] == [[], [], [1], []]


def test_the_command_accepts_faults(tmp_path: Path) -> None:
    """Each --fault adds a fault; passed again they replace the old ones, which otherwise remain."""
    flags = ["--fault", "throttle:operation=List,nth=2", "--fault", "delay:seconds=0"]
    with process(tmp_path, *flags) as (_, sandbox):
        assert hits(sandbox, 5) == [3]
    with process(tmp_path) as (_, sandbox):
        kept = [(order["kind"], order["fired"]) for order in sandbox.list_faults()]
    with process(tmp_path, "--fault", "unavailable") as (_, sandbox):
        replaced = [(order["kind"], order["fired"]) for order in sandbox.list_faults()]

    assert kept == [("throttle", 1), ("delay", 1)]
    assert replaced == [("unavailable", 0)]


def test_a_sandbox_can_start_with_faults(tmp_path: Path) -> None:
    """Faults that the caller passes apply from the first call on."""
    fault = Fault(kind=FaultKind.SERVER_ERROR, nth=2)
    with (
        start_sandbox(tmp_path, speed=0, faults=[fault]) as url,
        speaking_to(url, tmp_path) as sandbox,
    ):
        assert hits(sandbox, 3) == [2]
