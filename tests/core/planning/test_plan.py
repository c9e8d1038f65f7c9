"""Properties of every plan, over the product of all that can be known of a job."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import MAX_SUBMITS, Fleet, Limits
from controller.core.model import Existence
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.plan import build_plan, check_submit_limit
from tests.contract.showing import arn_of
from tests.core.cases import NOW, OFFERED, TEST_KINDS, Situation, situation

FLEET = Fleet(owner="acme-ml")
ARN = arn_of(OFFERED, "abcdefghijkl")
FOUND: list[dict[str, Any]] = [
    {},
    {"failure": {"code": "ThrottlingException"}},
    *(
        {"live": {"token": token, "status": status}}
        for token in ("ours", "changed", "foreign", "missing")
        for status in ("InProgress", "Stopping", "Completed", "Failed", "Stopped", "Reticulating")
    ),
]
IDENTITY = {"digest": "$digest", "token": "$token", "attempt": 0}
THERE = {"accountId": "210987654321", "region": "us-east-1"}
SIDECARS: list[dict[str, Any]] = [
    {},
    {"sidecar": {"phase": "Submitting", **IDENTITY}},
    {"sidecar": {"phase": "Completed", **IDENTITY, "jobArn": ARN, "live": {"status": "Completed"}}},
    {"sidecar": {"phase": "InProgress", "digest": "$other-digest", "jobArn": ARN}},
    {"sidecar": {"phase": "InProgress", **IDENTITY, "jobArn": ARN, "target": THERE}},
    {"sidecar": {"phase": "Stalled", **IDENTITY, "conditions": [
        {"type": "Synced", "reason": "SubmitRefused", "message": "no"}]}},
]  # fmt: skip
POLICIES: list[dict[str, Any]] = [
    {"policy": {"state": state, **adopt}}
    for state in ("Submitted", "Suspended", "Stopped")
    for adopt in ({}, {"adopt": ARN})
]
MANIFESTS: list[dict[str, Any]] = [
    {},
    {"problems": [{"code": "BJ204", "message": "x"}]},
    {"target": {"accountId": "210987654321"}},
]
PRODUCT = [
    {key: value for part in parts for key, value in part.items()}
    for parts in itertools.product(FOUND, SIDECARS, POLICIES, MANIFESTS)
]


def planned(found: list[Situation], fleet: Fleet = FLEET) -> Plan:
    """Return the plan for some situations."""
    return build_plan(
        TEST_KINDS,
        [one.desired for one in found],
        {one.desired.key: one.observation for one in found},
        {one.desired.key: one.recorded for one in found if one.recorded is not None},
        fleet,
        NOW,
    )


@cache
def every() -> list[tuple[Situation, Action]]:
    """Return every situation of the product with its own action, planned alone."""
    found = [situation(given, FLEET) for given in PRODUCT]
    return [(one, planned([one]).actions[0]) for one in found]


def test_every_situation_has_one_action() -> None:
    """Every situation gets one action, and together they cover all verbs."""
    assert len(every()) == 26 * 6 * 6 * 3
    assert {action.verb for _, action in every()} == set(Verb) - {Verb.TAG}
    assert all(action.message for _, action in every())


def test_submits_only_what_is_known_to_be_absent() -> None:
    """A submit requires a valid, wanted manifest, an observed absence and no recorded job."""
    submits = [(one, action) for one, action in every() if action.verb is Verb.SUBMIT]

    assert submits
    for one, action in submits:
        assert one.observation.existence is Existence.ABSENT
        assert one.desired.policy.state == "Submitted"
        assert one.desired.submission is not None
        assert one.recorded is None or one.recorded.arn is None
        assert action.live is None


def test_stops_only_what_is_ours_and_runs() -> None:
    """A stop requires a manifest in state Stopped and a running job of ours."""
    stops = [(one, action) for one, action in every() if action.verb is Verb.STOP]

    assert stops
    for one, action in stops:
        assert one.desired.policy.state == "Stopped"
        assert action.live is not None
        assert action.live.status not in OFFERED.terminal | OFFERED.stopping
        ours = (action.live.token or "").startswith("bj1-")
        assert ours or (one.recorded is not None and one.recorded.arn == action.live.arn)


def test_adopts_only_the_named_arn() -> None:
    """An adoption requires the exact ARN in the manifest."""
    adopts = [(one, action) for one, action in every() if action.verb is Verb.ADOPT]

    assert adopts
    for one, action in adopts:
        assert action.live is not None
        assert one.desired.policy.adopt == action.live.arn


def test_nothing_changes_in_another_account() -> None:
    """If the manifest or the record names another account, every valid job is held."""
    held = [
        action
        for one, action in every()
        if one.desired.submission is not None
        and (
            one.desired.target.account_id == THERE["accountId"]
            or (one.recorded is not None and one.recorded.place is not None)
        )
    ]

    assert held
    assert {(action.verb, action.reason) for action in held} == {(Verb.HOLD, Reason.WRONG_TARGET)}


def test_invalid_manifests_never_act() -> None:
    """An invalid manifest is held whatever is known of its job."""
    reasons = {action.reason for one, action in every() if one.desired.submission is None}
    verbs = {action.verb for one, action in every() if one.desired.submission is None}

    assert (reasons, verbs) == ({Reason.INVALID}, {Verb.HOLD})


@cache
def named(number: int) -> Situation:
    """Return a situation of the product under its own name."""
    return situation(PRODUCT[number], FLEET, f"job-{number:04}")


SOME = st.lists(st.integers(0, len(PRODUCT) - 1).map(named), unique_by=id, max_size=8)


@settings(deadline=None, max_examples=200)
@given(SOME, st.randoms(use_true_random=False), st.integers(1, 3) | st.none())
def test_order_of_manifests_does_not_matter(
    found: list[Situation], random: Any, max_active: int | None
) -> None:
    """A plan has each job once, sorted by key, in whatever order the manifests came."""
    fleet = Fleet(owner=FLEET.owner, limits=Limits(max_active=max_active))
    shuffled = list(found)
    random.shuffle(shuffled)
    made = planned(found, fleet)

    assert planned(shuffled, fleet) == made
    keys = [action.desired.key for action in made.actions]
    assert keys == sorted(one.desired.key for one in found)


@settings(deadline=None, max_examples=200)
@given(SOME, st.integers(1, 3))
def test_admission_respects_the_limit(found: list[Situation], max_active: int) -> None:
    """A pass never submits more jobs than there are slots, and queues only submits."""
    fleet = Fleet(owner=FLEET.owner, limits=Limits(max_active=max_active))
    limited, free = planned(found, fleet).actions, planned(found).actions

    assert sum(action.verb is Verb.SUBMIT for action in limited) <= max_active
    for one, other in zip(limited, free, strict=True):
        assert one == other or (one.reason, other.verb) == (Reason.QUEUED, Verb.SUBMIT)


@pytest.mark.parametrize(
    ("submits", "limit", "refused"),
    [(0, 0, False), (1, 0, True), (50, MAX_SUBMITS, False), (51, MAX_SUBMITS, True)],
)
def test_submit_limit_counts_submits(submits: int, limit: int, refused: bool) -> None:
    """A plan with as many submits as the limit passes; one more is refused, with a remedy."""
    made = planned([situation({}, FLEET, f"job-{number}") for number in range(submits)])
    told = check_submit_limit(made, limit)

    assert (told is not None) is refused
    assert not refused or (f"{submits} submits" in str(told) and "--max-submits" in str(told))


@pytest.mark.parametrize("policy", [{}, {"onSpecChange": "NewRevision"}])
def test_a_stop_spares_a_job_whose_manifest_was_edited(policy: dict[str, Any]) -> None:
    """A stop spares a job that belongs to another manifest with the same name."""
    runs = {"live": {"token": "changed", "status": "InProgress"}}
    edited = situation({**runs, "policy": policy}, FLEET)
    other = {"spec": {"jobName": "support-bot"}, "policy": {"state": "Stopped"}}

    held, _ = planned([situation({**other, **runs}, FLEET, "other"), edited]).actions
    assert (held.verb, held.reason, held.stops) == (Verb.HOLD, Reason.NOT_OWNED, ())
    runs = {"live": {"token": "ours", "status": "InProgress"}}
    stopped, _ = planned([situation({**other, **runs}, FLEET, "other"), edited]).actions
    assert stopped.verb is Verb.STOP
