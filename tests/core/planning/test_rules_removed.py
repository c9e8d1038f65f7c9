"""What holds of every job without a manifest, over the product of all that can be known of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from controller.core.fleet import Fleet
from controller.core.identity.tokens import owner_mark
from controller.core.model import Existence, JobKey, Observation, Place, Recorded, Target
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.orphaned_entries import Census, Stray, desired_of, removed
from controller.core.planning.plan import decide, plan
from controller.core.planning.rules_removed import Cleaning, collectable, refusal
from tests.contract.showing import ACCOUNT, REGION, arn_of
from tests.core.cases import NAMESAKES, NOW, OFFERED, PLACE, TEST_KINDS, Situation, situation

FLEET = Fleet(owner="acme-ml")
ARN = arn_of(OFFERED, "abcdefghijkl")
HERE = {"accountId": ACCOUNT, "region": REGION}
THERE = {"accountId": "210987654321", "region": REGION}
IDENTITY = {"digest": "$digest", "token": "$token", "attempt": 0}
STATUSES = ("InProgress", "Stopping", "Completed", "Failed", "Stopped", "Reticulating")
FOUND: list[dict[str, Any]] = [
    {},
    {"failure": {"code": "ThrottlingException"}},
    *(
        {"live": {"token": token, "status": status}}
        for token in ("ours", "changed", "foreign", "missing", "another-owner")
        for status in STATUSES
    ),
]
SIDECARS: list[dict[str, Any]] = [
    {"phase": "Submitting", "jobName": "support-bot", **IDENTITY},
    {"phase": "Stalled", **IDENTITY},
    *(
        {"phase": status, **IDENTITY, "jobArn": ARN, "live": {"status": status}}
        for status in STATUSES
    ),
]
KINDS = [{"kind": kind.name} for kind in TEST_KINDS.values()]
REMOVED = [{"removed": {"prune": prune}} for prune in (False, True)]
PLACES = [HERE, THERE]
PRODUCT = [
    {**found, **kind, **gone, "sidecar": {**sidecar, "target": place, **policy}}
    for found, kind, gone, sidecar, place, policy in itertools.product(
        FOUND, KINDS, REMOVED, SIDECARS, PLACES, [{}, {"onDelete": "Stop"}]
    )
]


def decided(one: Situation) -> Action:
    """Return what is decided on a situation alone."""
    return decide(one.kind, one.desired, one.observation, one.recorded, FLEET, NOW)


@cache
def every() -> list[tuple[Situation, Action]]:
    """Return every situation of the product with what is decided on it, made when first needed."""
    return [(one, decided(one)) for one in (situation(given, FLEET) for given in PRODUCT)]


def known(one: Situation) -> Recorded:
    """Return what is recorded of a removed job, which always is something."""
    assert one.recorded is not None
    return one.recorded


def test_nothing_is_ever_submitted_or_adopted() -> None:
    """Of a job without a manifest nothing is asked but a stop, and every decision is told."""
    assert {action.verb for _, action in every()} == {Verb.NOOP, Verb.STOP, Verb.WAIT, Verb.HOLD}
    assert all(action.message for _, action in every())
    assert {action.reason for _, action in every()} == {
        Reason.MANIFEST_REMOVED,
        Reason.OBSERVATION_FAILED,
        Reason.WRONG_TARGET,
    }


def test_stops_only_what_asked_for_it_and_is_ours() -> None:
    """A stop needs a prune, a manifest that asked for it, our token or ARN, and a running job."""
    stops = [(one, action) for one, action in every() if action.verb is Verb.STOP]

    assert stops
    for one, action in stops:
        assert one.desired.prunes
        assert known(one).on_delete == "Stop"
        assert known(one).place == one.observation.place
        assert one.kind.stoppable
        for live in action.stops:
            assert live.status not in one.kind.terminal | one.kind.stopping
            mark = owner_mark(FLEET.owner)
            ours = live.arn == known(one).arn if live.token is None else live.token.startswith(mark)
            assert ours


def test_entry_of_what_was_not_seen_stays_as_it_is() -> None:
    """Should the manifest come back, nothing is forgotten; what was seen is shown."""
    for one, action in every():
        made = one.entry(action, FLEET.owner)
        if action.live is None:
            assert made == known(one).entry
        elif "live" in made and action.reason is not Reason.WRONG_TARGET:
            assert made["phase"] == action.live.status
        assert made.get("onDelete") == known(one).entry.get("onDelete")
        assert made["digest"]


def test_entry_of_what_may_run_is_never_collected() -> None:
    """Only the entries of jobs that ended, or that never were, are of no more use."""
    kept = 0
    for one, action in every():
        live = action.live or one.observation.live
        runs = live is not None and live.status not in one.kind.terminal
        if collectable(one.kind, action, known(one), NOW):
            assert not runs or known(one).phase in one.kind.terminal
            assert action.verb is Verb.NOOP
        else:
            kept += 1
    assert 0 < kept < len(every())


def test_unanswered_create_is_collected_once_it_would_have_shown() -> None:
    """Where names are not unique an intent stays until its job would be seen."""
    given = {"kind": NAMESAKES.name, "removed": {}, "sidecar": {**SIDECARS[0], "target": HERE}}
    one = situation(given, FLEET)
    settled = NOW + timedelta(seconds=NAMESAKES.settle_seconds)

    assert not collectable(one.kind, decided(one), known(one), NOW)
    assert collectable(one.kind, decided(one), known(one), settled)


def test_jobs_in_another_account_hold_nobody_up() -> None:
    """What a removed job shows of credentials is held against no manifest's job."""
    gone = {"removed": {"prune": True}, "sidecar": {**SIDECARS[2], "target": THERE}}
    found = [situation({}, FLEET, "bravo"), situation(gone, FLEET)]
    made: Plan = plan(
        TEST_KINDS,
        [one.desired for one in found],
        {one.desired.key: one.observation for one in found},
        {one.desired.key: one.recorded for one in found if one.recorded is not None},
        FLEET,
        NOW,
    )

    assert [action.verb for action in made.actions] == [Verb.SUBMIT, Verb.NOOP]


@pytest.mark.parametrize("prune", [False, True])
def test_place_that_the_fleet_forbids_is_left_alone(*, prune: bool) -> None:
    """Where the fleet allows nothing a stop that is due is held, and all else has nothing to do."""
    sidecar = {**SIDECARS[2], "target": HERE, "onDelete": "Stop"}
    one = situation({"removed": {"prune": prune}, "sidecar": sidecar}, FLEET)
    unasked = replace(one, observation=Observation(Existence.UNKNOWN, PLACE))

    action = decided(unasked)

    held, left = (Verb.HOLD, Reason.INVALID), (Verb.NOOP, Reason.MANIFEST_REMOVED)
    assert (action.verb, action.reason) == (held if prune else left)
    assert "does not allow" in action.message
    assert one.entry(action, FLEET.owner) == known(one).entry
    assert not collectable(one.kind, action, known(one), NOW)


def stray(path: str, name: str = "bot", **entry: Any) -> Stray:
    """Return an entry in a sidecar."""
    key = JobKey(OFFERED.name, name)
    given = {"removed": {}, "sidecar": {**IDENTITY, "target": HERE, **entry}}
    return Stray(path, f"/tree/{path}", key, known(situation(given, FLEET, name)))


@pytest.mark.parametrize(
    ("census", "gone"),
    [
        (Census(("/tree/jobs",)), True),
        (Census(("/tree/jobs/a",)), True),
        (Census(("/tree/job",)), False),
        (Census(("/tree/jobs/b",)), False),
        (Census(()), False),
        (Census(("/tree/jobs",), frozenset({JobKey(OFFERED.name, "bot")})), False),
        (Census(("/tree/jobs",), frozenset({JobKey("Other", "bot")})), True),
        (Census(("/",), troubled=frozenset({"/tree/jobs/a/bot.status.json"})), False),
        (Census(("/",), troubled=frozenset({"/tree/jobs"})), False),
        (Census(("/",), troubled=frozenset({"/tree/jobs/a/other.status.json"})), True),
    ],
)
def test_job_is_gone_only_where_all_manifests_are_known(census: Census, *, gone: bool) -> None:
    """An entry tells of a removed job if its folder was looked through and its key is nowhere."""
    found = removed(TEST_KINDS, [stray("jobs/a/bot.status.json")], census)

    assert bool(found) is gone


def test_of_several_entries_the_latest_counts() -> None:
    """The latest attempt stands for a removed job, before others one that had not ended."""
    census = Census(("/tree/jobs",))
    ended: dict[str, Any] = {"jobArn": ARN, "live": {"status": "Failed"}}
    first = stray("jobs/a.status.json", **ended)
    retried = stray("jobs/b.status.json", attempt=1, **ended)
    running = stray("jobs/c.status.json", attempt=1, jobArn=ARN, live={"status": "InProgress"})

    for order in itertools.permutations([first, retried, running]):
        assert removed(TEST_KINDS, order, census) == {running.key: running}


def test_names_lead_to_manifests() -> None:
    """Retries and revisions of a manifest's job are its own; longer names are others'."""
    census = Census(names=frozenset({("K", "bot"), ("K", "bot-r1")}))
    ours = ("bot", "bot-r1", "bot-r12", "bot-1a2b3c4d", "bot-1a2b3c4d-r2", "bot-r1-r2")
    others = ("bo", "bots", "bot-", "bot-r", "bot-1a2b3c4", "bot-1A2B3C4D", "my-bot", "bot-r1\n")

    assert all(census.leads_to("K", name) for name in ours)
    assert not any(census.leads_to("K", name) for name in others)
    assert not census.leads_to("Other", "bot")


def test_removed_job_takes_the_role_that_leads_to_its_place() -> None:
    """Where a manifest's target leads to the recorded place, a removed job is looked at with it."""
    role = Target(REGION, None, f"arn:aws:iam::{ACCOUNT}:role/BedrockJobs")
    fallback = Target("eu-west-1", None, f"arn:aws:iam::{ACCOUNT}:role/Other")
    fleet = Fleet(owner="acme-ml", target=fallback)
    targets: dict[Place, Target] = {PLACE: role}

    met = desired_of(stray("jobs/bot.status.json"), fleet, targets, prunes=False).target
    other = desired_of(stray("jobs/bot.status.json"), fleet, {}, prunes=False).target

    assert met == Target(REGION, ACCOUNT, role.assume_role_arn)
    assert other == Target(REGION, ACCOUNT, fallback.assume_role_arn)


def test_entries_of_old_make_a_prune_no_smaller() -> None:
    """Jobs that ended long ago, and that nobody collected, are none that a share is taken of."""
    gone = {"removed": {"prune": True}}
    entry = {**IDENTITY, "jobArn": ARN, "onDelete": "Stop", "target": HERE}
    old = {**gone, "sidecar": {**entry, "phase": "Completed", "live": {"status": "Completed"}}}
    runs = {"live": {"token": "ours", "status": "InProgress"}}
    new = {**gone, "sidecar": {**entry, "phase": "InProgress", "live": {"status": "InProgress"}}}
    kept, stopped, ended = (decided(situation(each, FLEET)) for each in (runs, new | runs, old))
    assert (stopped.verb, ended.verb) == (Verb.STOP, Verb.NOOP)

    def refused(stops: int) -> str | None:
        made = Plan((*[kept] * 7, *[stopped] * stops, *[ended] * 20))
        return refusal(made, Cleaning(prune=True), "acme-ml", manifests=7, problems=0)

    assert refused(3) is None
    assert "the plan stops 4 of 11 jobs" in (refused(4) or "")
