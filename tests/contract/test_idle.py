"""Passes without calls: the record alone decides, and credentials are not resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from controller.core.fleet import Allow, Fleet
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    DesiredJob,
    JobKey,
    JobRecord,
    Manifest,
    Place,
    Source,
    Target,
)
from controller.core.planning.actions import Action, Outcome, Plan, Reason, Verb
from controller.core.planning.plan import build_plan
from controller.core.policy import Policy, State
from controller.core.status.entry import build_entry
from controller.core.status.parse import parse_entry
from controller.engine.observe import Observer
from tests.contract.fake import Fake
from tests.contract.showing import ACCOUNT, REGION
from tests.core.cases import NOW, SPEC

(KIND,) = KINDS.values()
FLEET = Fleet(owner="acme-ml")
ROLE = "arn:aws:iam::999999999999:role/BedrockJobs"
OTHER = "210987654321"
WEST = "us-west-2"
HEALING = {"failureMessage": "Internal server error"}

Records = Mapping[JobKey, JobRecord]


def job(name: str, target: Target = Target(), policy: Policy = Policy()) -> DesiredJob:  # noqa: B008
    """Return a valid job."""
    made = Manifest(JobKey(KIND.name, name), Source(f"{name}.yaml"), {}, target, policy, spec=SPEC)
    return build_desired(made, KIND, FLEET.owner, FLEET.target)


def settled(*jobs: DesiredJob, status: str = "Completed") -> Records:
    """Return what a pass recorded of jobs that have ended."""
    cloud = Fake()
    for one in jobs:
        assert one.submission is not None
        cloud.create(KIND, one.target, one.submission.request, one.submission.token)
        cloud.turn(KIND, one.name, status, one.target)
    return {action.desired.key: recorded(action) for action in planned(jobs, {}, cloud).actions}


def recorded(action: Action) -> JobRecord:
    """Return the record after an action."""
    return parse_entry(KIND, build_entry(KIND, Outcome(action, action), None, FLEET.owner), NOW)


def planned(
    jobs: Iterable[DesiredJob],
    known: Records,
    cloud: Fake,
    fleet: Fleet = FLEET,
    *,
    full: bool = False,
    identifies: bool = False,
) -> Plan:
    """Return the plan of a pass; the cloud counts its calls."""
    jobs = tuple(jobs)
    seen = Observer(KINDS, known, fleet, cloud, full=full, identifies=identifies).observe_all(
        jobs, 4
    )
    return build_plan(KINDS, jobs, seen.observations, known, fleet, NOW)


def test_settled_jobs_need_no_call() -> None:
    """Ended jobs are planned from their sidecars alone, in their recorded places."""
    jobs = [job("one"), job("two", Target(REGION, ACCOUNT)), job("three", Target(WEST))]
    known, cloud = settled(*jobs), Fake(account=OTHER)

    made = planned(jobs, known, cloud)

    assert cloud.calls == []
    assert {one.reason for one in made.actions} == {Reason.COMPLETED}
    assert {one.place for one in made.actions} == {Place(ACCOUNT, REGION), Place(ACCOUNT, WEST)}


def test_one_lookup_resolves_credentials_for_all_jobs() -> None:
    """If one job needs a lookup, its credentials are resolved for all their jobs, in any region."""
    old, new = job("old"), job("new", Target(WEST))
    other = job("theirs", Target(assume_role_arn=ROLE))
    known, cloud = settled(old, other), Fake(account=OTHER)

    made = planned([old, new, other], known, cloud)

    shown = {one.desired.key.name: one.reason for one in made.actions}
    assert shown == {
        "old": Reason.WRONG_TARGET,
        "new": Reason.WRONG_TARGET,
        "theirs": Reason.COMPLETED,
    }
    assert {one.place for one in made.actions if one.desired is old} == {Place(OTHER, REGION)}
    assert set(cloud.calls) == {("Place", ""), ("Get", "new")}


@pytest.mark.parametrize("declared", [Target(account_id=OTHER), Target(region=WEST)], ids=str)
@pytest.mark.parametrize("status", ["Completed", "InProgress"])
def test_another_place_than_recorded_is_wrong(declared: Target, status: str) -> None:
    """A manifest that contradicts the recorded place is a wrong target, without a call."""
    known = settled(job("moved"), status=status)
    cloud = Fake()

    (action,) = planned([job("moved", declared)], known, cloud).actions

    assert cloud.calls == []
    assert (action.verb, action.reason) == (Verb.HOLD, Reason.WRONG_TARGET)
    assert action.message.startswith("The target is account ")
    assert f"the sidecar records {Place(ACCOUNT, REGION)}: correct target" in action.message


@pytest.mark.parametrize("allow", [Allow(accounts=(OTHER,)), Allow(regions=(WEST,))], ids=str)
def test_recorded_place_is_checked_against_the_rules(allow: Allow) -> None:
    """A recorded place that the fleet no longer allows makes the manifest invalid."""
    known, cloud = settled(job("there")), Fake()

    made = planned([job("there")], known, cloud, replace(FLEET, allow=allow))

    assert cloud.calls == []
    assert [(one.verb, one.reason) for one in made.actions] == [(Verb.HOLD, Reason.INVALID)]


def test_record_without_a_place_needs_a_call() -> None:
    """A record without a place settles nothing."""
    known = {key: replace(one, place=None) for key, one in settled(job("old")).items()}
    cloud = Fake()

    planned([job("old")], known, cloud)

    assert cloud.calls == [("Place", "")]


@pytest.mark.parametrize("full", [True, False])
def test_full_and_daemon_passes_make_calls(full: bool) -> None:
    """A full pass looks up ended jobs, and a daemon's pass resolves its credentials."""
    known, cloud = settled(job("old")), Fake(account=OTHER)

    made = planned([job("old")], known, cloud, full=full, identifies=not full)

    assert cloud.calls == [("Place", "")]
    assert [one.reason for one in made.actions] == [Reason.WRONG_TARGET]


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        (Policy(retries=1), ["Place", "Get"]),
        (Policy(attempt=1), ["Place", "Get"]),
        (Policy(state=State.STOPPED), []),
        (Policy(state=State.SUSPENDED), []),
    ],
    ids=str,
)
def test_what_policy_would_do_needs_a_call(policy: Policy, calls: list[str]) -> None:
    """An ended job is settled only if its policy depends on nothing that the service knows."""
    known = settled(job("old"), status="Stopped" if policy.attempt else "Failed")
    healing = {
        key: replace(one, live=replace(one.live, members={**one.live.members, **HEALING}))
        for key, one in known.items()
        if one.live is not None
    }
    cloud = Fake()

    planned([job("old", policy=policy)], healing, cloud)

    assert list(dict.fromkeys(operation for operation, _ in cloud.calls)) == calls
