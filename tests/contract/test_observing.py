"""Observing makes the fewest calls that decide, and never treats unknown as absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import pytest

from controller.core.call_errors import NOT_UNDERSTOOD, make_failure
from controller.core.fleet import Allow, Fleet
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    DesiredJob,
    Existence,
    JobKey,
    JobRecord,
    Manifest,
    Observation,
    Source,
    Target,
)
from controller.core.planning.actions import Action, Outcome
from controller.core.planning.plan import decide_action
from controller.core.policy import Policy
from controller.core.status.entry import build_entry
from controller.core.status.parse import parse_entry
from controller.engine.observe import MAX_SINGLE_GETS, Observer
from tests.contract.fake import PAGE, Fake
from tests.contract.showing import ACCOUNT, REGION
from tests.core.cases import NOW, SPEC

(KIND,) = KINDS.values()
FLEET = Fleet(owner="acme-ml")
ROLE = "arn:aws:iam::999999999999:role/BedrockJobs"
BROKEN = make_failure("InternalServerException", "Try again", reading=True)

Records = dict[JobKey, JobRecord]
Seen = dict[JobKey, Observation]


@pytest.fixture
def executor() -> Iterator[Executor]:
    """Threads for parallel calls."""
    with ThreadPoolExecutor(4) as made:
        yield made


def wanted(count: int, target: Target = Target(), prefix: str = "job") -> list[DesiredJob]:  # noqa: B008
    """Return some valid jobs."""
    return [
        build_desired(
            Manifest(
                JobKey(KIND.name, f"{prefix}-{number:03}"),
                Source(f"jobs/{prefix}-{number:03}.yaml"),
                target=target,
                policy=Policy(),
                spec=SPEC,
            ),
            KIND,
            FLEET.owner,
            FLEET.target,
        )
        for number in range(count)
    ]


def submitted(cloud: Fake, jobs: Iterable[DesiredJob]) -> None:
    """Submit every job."""
    for job in jobs:
        assert job.submission is not None
        cloud.create(KIND, job.target, job.submission.request, job.submission.token)
    cloud.calls.clear()


def recorded(jobs: Iterable[DesiredJob], seen: Seen, before: Records | None = None) -> Records:
    """Return the records after a pass with these observations."""
    made: Records = {}
    for job in jobs:
        known = (before or {}).get(job.key)
        action: Action = decide_action(KIND, job, seen[job.key], known, FLEET, NOW)
        written = build_entry(KIND, Outcome(action, action), known, FLEET.owner)
        made[job.key] = parse_entry(KIND, written, NOW)
    return made


def known_after_a_pass(cloud: Fake, jobs: list[DesiredJob], executor: Executor) -> Records:
    """Return the records of a first pass, and reset the call counts."""
    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)
    cloud.calls.clear()
    return recorded(jobs, seen)


def existences(seen: Seen) -> set[Existence]:
    """Return the distinct existences of a pass."""
    return {observation.existence for observation in seen.values()}


def test_settled_jobs_cost_no_call(executor: Executor) -> None:
    """Any number of ended jobs is known from the sidecars alone; STS is called once."""
    cloud, jobs = Fake(), wanted(40)
    submitted(cloud, jobs)
    for job in jobs:
        cloud.turn(KIND, job.name, "Completed")
    known = known_after_a_pass(cloud, jobs, executor)

    seen = Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {}
    assert cloud.calls == [("Place", "")]
    assert existences(seen) == {Existence.PRESENT}
    assert recorded(jobs, seen, known) == known


def test_edited_job_that_ended_is_looked_up(executor: Executor) -> None:
    """A terminal status recorded for another digest settles nothing."""
    cloud, jobs = Fake(), wanted(1)
    submitted(cloud, jobs)
    cloud.turn(KIND, jobs[0].name, "Failed")
    known = known_after_a_pass(cloud, jobs, executor)
    stale = {key: replace(one, digest="0" * 64) for key, one in known.items()}

    Observer(KINDS, stale, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"Get": 1}


@pytest.mark.parametrize("count", [1, MAX_SINGLE_GETS])
def test_few_unknown_jobs_are_looked_up_by_name(executor: Executor, count: int) -> None:
    """Up to ten unknown jobs cost one Get each."""
    cloud, jobs = Fake(), wanted(count)
    submitted(cloud, jobs[:1])

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"Get": count}
    assert seen[jobs[0].key].existence is Existence.PRESENT
    assert {seen[job.key].existence for job in jobs[1:]} <= {Existence.ABSENT}


def test_many_unknown_jobs_are_listed_first(executor: Executor) -> None:
    """More than ten are listed, and only listed ones are looked up."""
    cloud, jobs = Fake(), wanted(30)
    submitted(cloud, jobs[:7])

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"List": 1, "Get": 7}
    assert [seen[job.key].existence for job in jobs] == [Existence.PRESENT] * 7 + [
        Existence.ABSENT
    ] * 23


def test_one_active_job_costs_one_get(executor: Executor) -> None:
    """A single active job is looked up by name."""
    cloud, jobs = Fake(), wanted(1)
    submitted(cloud, jobs)
    known = known_after_a_pass(cloud, jobs, executor)

    Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"Get": 1}


def test_active_jobs_cost_one_page(executor: Executor) -> None:
    """Active jobs that did not change cost one page of the filtered listing, and no Get."""
    cloud, jobs = Fake(), wanted(25)
    submitted(cloud, jobs)
    known = known_after_a_pass(cloud, jobs, executor)

    seen = Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert cloud.calls == [("Place", ""), ("List", KIND.listed_as_active)]
    assert recorded(jobs, seen, known) == known


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopping", "InProgress"])
def test_changed_jobs_cost_one_get_each(executor: Executor, status: str) -> None:
    """Of the active jobs, only those that ended or changed are looked up."""
    cloud, jobs = Fake(), wanted(25)
    submitted(cloud, jobs)
    known = known_after_a_pass(cloud, jobs, executor)
    for job in jobs[:3]:
        cloud.turn(KIND, job.name, status)

    seen = Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"List": 1, "Get": 3}
    shown = [live.status for job in jobs[:3] if (live := seen[job.key].live)]
    assert shown == [status] * 3


def test_ended_neighbours_do_not_cost(executor: Executor) -> None:
    """The number of calls depends on the active jobs, not on settled ones beside them."""
    cloud, jobs = Fake(), wanted(60)
    submitted(cloud, jobs)
    for job in jobs[2:]:
        cloud.turn(KIND, job.name, "Completed")
    known = known_after_a_pass(cloud, jobs, executor)

    Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"List": 1}


def test_a_recorded_job_is_gone_only_when_its_arn_is(executor: Executor) -> None:
    """If the name leads nowhere, the recorded ARN is looked up before a job counts as absent."""
    cloud, jobs = Fake(), wanted(1)
    submitted(cloud, jobs)
    known = known_after_a_pass(cloud, jobs, executor)
    (arn,) = [one.arn for one in known.values()]
    cloud.jobs.clear()

    seen = Observer(KINDS, known, FLEET, cloud).observe(jobs, executor)

    assert existences(seen) == {Existence.ABSENT}
    assert [call for call in cloud.calls if call[0] == "Get"] == [
        ("Get", jobs[0].name),
        ("Get", arn),
    ]


def test_long_history_of_others_costs_one_page(executor: Executor) -> None:
    """In an account with many jobs, a few are looked up by name after one listed page."""
    cloud, jobs = Fake(), wanted(MAX_SINGLE_GETS + 1)
    submitted(cloud, wanted(3 * PAGE))

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert existences(seen) == {Existence.PRESENT}
    assert cloud.count() == {"List": 1, "Get": MAX_SINGLE_GETS + 1}


@pytest.mark.parametrize("count", [2, 30])
def test_failed_call_is_never_absence(executor: Executor, count: int) -> None:
    """After a failed Get or List, jobs are unknown, with the failure."""
    cloud, jobs = Fake(), wanted(count)
    cloud.failing = {"Get": BROKEN, "List": BROKEN}

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert existences(seen) == {Existence.UNKNOWN}
    assert {observation.failure for observation in seen.values()} == {BROKEN}


def test_partial_listing_is_discarded(executor: Executor) -> None:
    """If a later page fails, all jobs are unknown, even those on the first page."""
    cloud, jobs = Fake(), wanted(PAGE + 1)
    submitted(cloud, jobs)
    cloud.later_pages_fail = BROKEN

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert existences(seen) == {Existence.UNKNOWN}
    assert cloud.count() == {"List": 2}


def test_malformed_listing_is_replaced_by_gets(executor: Executor) -> None:
    """If the listing is malformed, each job is looked up by name."""
    cloud, jobs = Fake(), wanted(MAX_SINGLE_GETS + 1)
    submitted(cloud, jobs[:2])
    cloud.failing = {"List": make_failure(NOT_UNDERSTOOD, "no list", reading=True)}

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert cloud.count() == {"List": 1, "Get": MAX_SINGLE_GETS + 1}
    assert [seen[job.key].existence for job in jobs[:3]] == [
        Existence.PRESENT,
        Existence.PRESENT,
        Existence.ABSENT,
    ]


def test_failed_get_affects_only_its_job(executor: Executor) -> None:
    """A failed Get leaves its own job unknown, and no other."""
    cloud, jobs = Fake(), wanted(3)
    submitted(cloud, jobs)
    cloud.failing = {("Get", jobs[1].name): BROKEN}

    seen = Observer(KINDS, {}, FLEET, cloud).observe(jobs, executor)

    assert [seen[job.key].existence for job in jobs] == [
        Existence.PRESENT,
        Existence.UNKNOWN,
        Existence.PRESENT,
    ]


def test_wrong_account_costs_no_call(executor: Executor) -> None:
    """A job declared for or recorded in another account is not looked up."""
    cloud = Fake(account="999999999999")
    declared = wanted(1, Target(account_id=ACCOUNT), "declared")
    there = wanted(1, prefix="recorded")
    home = Fake()
    submitted(home, there)
    known = known_after_a_pass(home, there, executor)

    seen = Observer(KINDS, known, FLEET, cloud).observe([*declared, *there], executor)

    assert cloud.count() == {}
    assert existences(seen) == {Existence.UNKNOWN}
    assert {one.place.account_id for one in seen.values() if one.place} == {"999999999999"}


def test_forbidden_region_costs_no_call(executor: Executor) -> None:
    """No call is made in a place that the fleet does not allow."""
    cloud, jobs = Fake(), wanted(2)
    fleet = Fleet(owner="acme-ml", allow=Allow(regions=("eu-central-1",)))

    Observer(KINDS, {}, fleet, cloud).observe(jobs, executor)

    assert cloud.count() == {}


def test_unusable_credentials_are_tried_once(executor: Executor) -> None:
    """A role that cannot be assumed makes its own jobs unknown, and no others."""
    cloud = Fake()
    denied = make_failure("AccessDenied", "not authorized to assume", reading=True)
    cloud.failing = {("Place", ROLE): denied}
    assumed, own = wanted(20, Target(assume_role_arn=ROLE), "assumed"), wanted(2, prefix="own")

    seen = Observer(KINDS, {}, FLEET, cloud).observe([*assumed, *own], executor)

    assert sum(call == ("Place", ROLE) for call in cloud.calls) == 1
    assert {seen[job.key].failure for job in assumed} == {denied}
    assert {seen[job.key].existence for job in own} == {Existence.ABSENT}


def test_places_are_observed_separately(executor: Executor) -> None:
    """Each region and role is listed separately."""
    cloud = Fake()
    east, west = wanted(12, prefix="east"), wanted(12, Target(region="us-west-2"), "west")
    submitted(cloud, [*east[:1], *west[:2]])

    seen = Observer(KINDS, {}, FLEET, cloud).observe([*east, *west], executor)

    assert cloud.count() == {"List": 2, "Get": 3}
    assert {str(seen[job.key].place) for job in west} == {f"account {ACCOUNT}, region us-west-2"}
    assert {one.place.region for one in seen.values() if one.place} == {REGION, "us-west-2"}


def test_invalid_manifest_is_looked_up_by_its_record(executor: Executor) -> None:
    """An invalid manifest's job is found by the recorded ARN if its name leads nowhere."""
    cloud, jobs = Fake(), wanted(1)
    submitted(cloud, jobs)
    known = known_after_a_pass(cloud, jobs, executor)
    broken = [replace(jobs[0], submission=None, name="another-name")]

    seen = Observer(KINDS, known, FLEET, cloud).observe(broken, executor)

    assert existences(seen) == {Existence.PRESENT}
    assert cloud.count() == {"Get": 1}
