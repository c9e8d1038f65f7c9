"""Properties of admission control, whatever was counted and whichever jobs were refused before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import Fleet, Limits
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.planning.admission import Occupancy
from controller.core.planning.plan import build_plan
from controller.core.planning.slots import Lane
from tests.contract.showing import arn_of
from tests.core.cases import NOW, OFFERED, PLACE, TEST_KINDS, Situation, situation

LANE = Lane(OFFERED.name, PLACE)

counts = st.integers(0, 5)
waiting = st.builds(
    lambda priority, number: {
        "policy": {"priority": priority},
        **({} if number is None else {"sidecar": {"phase": "Queued", "queue": {"active": number}}}),
    },
    st.integers(-1, 1),
    st.none() | counts,
)
lively = st.sampled_from([{"live": {"status": status}} for status in ("InProgress", "Stopping")])
unanswered = st.just({"sidecar": {"phase": "Submitting", "digest": "$digest", "token": "$token"}})
trees = st.lists(st.one_of(waiting, waiting, lively, unanswered), max_size=8)


def acted(found: list[dict[str, Any]], max_active: int | None, active: int | None) -> list[Action]:
    """Return a plan's actions on the given jobs, all in one lane."""
    fleet = Fleet(owner="acme-ml", limits=Limits(max_active=max_active))
    jobs: list[Situation] = [
        situation(apart(one, number), fleet, f"job-{number}") for number, one in enumerate(found)
    ]
    counted = {} if active is None else {LANE: active}
    made = build_plan(
        TEST_KINDS,
        [one.desired for one in jobs],
        {one.desired.key: one.observation for one in jobs},
        {one.desired.key: one.recorded for one in jobs if one.recorded is not None},
        fleet,
        NOW,
        Occupancy(counted),
    )
    return list(made.actions)


def apart(given: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a situation whose live job, if any, has its own ARN."""
    if "live" not in given:
        return given
    return {**given, "live": {**given["live"], "arn": arn_of(OFFERED, f"live{number:08}")}}


def turn(action: Action) -> tuple[bool, int, str]:
    """Return the sort key by which jobs are admitted."""
    is_late = action.reason is not Reason.INTENT_UNCONFIRMED
    return is_late, -action.desired.policy.priority, action.desired.key.name


@settings(deadline=None, max_examples=300)
@given(trees, st.none() | st.integers(1, 4), st.none() | counts)
def test_jobs_are_admitted_in_order_and_never_starve(
    found: list[dict[str, Any]], max_active: int | None, active: int | None
) -> None:
    """Jobs are admitted in order, and if nothing is active, at least one is."""
    limited = acted(found, max_active, active)
    wanted = {one.desired.key: one for one in acted(bare(found), None, None)}
    goes = [one for one in limited if one.verb is Verb.SUBMIT]
    waits = [wanted[one.desired.key] for one in limited if one.reason is Reason.QUEUED]

    assert len(limited) == len(found)
    assert max(map(turn, goes), default=(False, -9, "")) < min(map(turn, waits), default=(True, 9))
    if waits and not any("live" in one for one in found) and active in {None, 0}:
        assert goes


def bare(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the same jobs, none of which the quota has ever refused."""
    return [
        {name: part for name, part in one.items() if name != "sidecar" or "queue" not in part}
        for one in found
    ]


@settings(deadline=None, max_examples=300)
@given(trees, counts)
def test_no_more_are_admitted_than_the_quota_leaves_free(
    found: list[dict[str, Any]], active: int
) -> None:
    """If the quota is known, no more submits are admitted than it leaves free; one may probe."""
    limited = acted(found, None, active)
    numbers = {one["sidecar"]["queue"]["active"] for one in found if "queue" in str(one)}
    ours = sum("live" in one for one in found)
    goes = sum(one.verb is Verb.SUBMIT for one in limited)

    if numbers:
        assert goes <= max(1, max(numbers) - max(active, ours))
        is_full = all(number == max(active, ours) for number in numbers)
        assert not (is_full and max(active, ours) and goes)


@settings(deadline=None, max_examples=200)
@given(trees, st.integers(1, 4))
def test_max_active_counts_all_running_jobs(found: list[dict[str, Any]], max_active: int) -> None:
    """Running and admitted jobs together never exceed limits.maxActive, unless they did before."""
    limited = acted(found, max_active, None)
    ours = sum("live" in one for one in found)
    goes = sum(one.verb is Verb.SUBMIT for one in limited)

    assert goes <= max(0, max_active - ours)
