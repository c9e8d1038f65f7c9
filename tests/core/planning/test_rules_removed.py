"""Properties of the decision on a job without a manifest, over all that can be known of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from controller.core.fleet import Fleet
from controller.core.identity.tokens import get_owner_prefix
from controller.core.model import Existence, JobKey, JobRecord, Observation, Place, Target
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.orphaned_entries import (
    ManifestIndex,
    StrayEntry,
    build_removed_job,
    find_removed,
)
from controller.core.planning.plan import build_plan, decide_action
from controller.core.planning.rules_removed import CleanupOptions, check_prune, is_collectable
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
    """Return the action on a single situation."""
    return decide_action(one.kind, one.desired, one.observation, one.recorded, FLEET, NOW)


@cache
def every() -> list[tuple[Situation, Action]]:
    """Return every situation of the product with its action, computed on first use."""
    return [(one, decided(one)) for one in (situation(given, FLEET) for given in PRODUCT)]


def known(one: Situation) -> JobRecord:
    """Return the record of a removed job, which always has one."""
    assert one.recorded is not None
    return one.recorded


def test_nothing_is_ever_submitted_or_adopted() -> None:
    """A job without a manifest is at most stopped, and every action has a message."""
    assert {action.verb for _, action in every()} == {Verb.NOOP, Verb.STOP, Verb.WAIT, Verb.HOLD}
    assert all(action.message for _, action in every())
    assert {action.reason for _, action in every()} == {
        Reason.MANIFEST_REMOVED,
        Reason.OBSERVATION_FAILED,
        Reason.WRONG_TARGET,
    }


def test_stops_only_what_asked_for_it_and_is_ours() -> None:
    """A stop requires --prune, onDelete: Stop, our token or ARN, and a running job."""
    stops = [(one, action) for one, action in every() if action.verb is Verb.STOP]

    assert stops
    for one, action in stops:
        assert one.desired.prunes
        assert known(one).on_delete == "Stop"
        assert known(one).place == one.observation.place
        assert one.kind.stoppable
        for live in action.stops:
            assert live.status not in one.kind.terminal | one.kind.stopping
            mark = get_owner_prefix(FLEET.owner)
            ours = live.arn == known(one).arn if live.token is None else live.token.startswith(mark)
            assert ours


def test_entry_of_an_unobserved_job_stays_unchanged() -> None:
    """An entry stays unchanged unless its job was observed, so the manifest may come back."""
    for one, action in every():
        made = one.entry(action, FLEET.owner)
        if action.live is None:
            assert made == known(one).entry
        elif "live" in made and action.reason is not Reason.WRONG_TARGET:
            assert made["phase"] == action.live.status
        assert made.get("onDelete") == known(one).entry.get("onDelete")
        assert made["digest"]


def test_entry_of_a_job_that_may_run_is_never_collected() -> None:
    """Only entries of jobs that ended or never existed are collected."""
    kept = 0
    for one, action in every():
        live = action.live or one.observation.live
        runs = live is not None and live.status not in one.kind.terminal
        if is_collectable(one.kind, action, known(one), NOW):
            assert not runs or known(one).phase in one.kind.terminal
            assert action.verb is Verb.NOOP
        else:
            kept += 1
    assert 0 < kept < len(every())


def test_unanswered_create_is_collected_once_it_would_have_shown() -> None:
    """Where names are not unique, an intent is kept until its job would be visible."""
    given = {"kind": NAMESAKES.name, "removed": {}, "sidecar": {**SIDECARS[0], "target": HERE}}
    one = situation(given, FLEET)
    settled = NOW + timedelta(seconds=NAMESAKES.settle_seconds)

    assert not is_collectable(one.kind, decided(one), known(one), NOW)
    assert is_collectable(one.kind, decided(one), known(one), settled)


def test_wrong_credentials_of_a_removed_job_hold_no_other() -> None:
    """Wrong credentials of a removed job hold no job that has a manifest."""
    gone = {"removed": {"prune": True}, "sidecar": {**SIDECARS[2], "target": THERE}}
    found = [situation({}, FLEET, "bravo"), situation(gone, FLEET)]
    made: Plan = build_plan(
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
    """In a forbidden place a due stop is held, and every other job is left alone."""
    sidecar = {**SIDECARS[2], "target": HERE, "onDelete": "Stop"}
    one = situation({"removed": {"prune": prune}, "sidecar": sidecar}, FLEET)
    unasked = replace(one, observation=Observation(Existence.UNKNOWN, PLACE))

    action = decided(unasked)

    held, left = (Verb.HOLD, Reason.INVALID), (Verb.NOOP, Reason.MANIFEST_REMOVED)
    assert (action.verb, action.reason) == (held if prune else left)
    assert "does not allow" in action.message
    assert one.entry(action, FLEET.owner) == known(one).entry
    assert not is_collectable(one.kind, action, known(one), NOW)


def stray(path: str, name: str = "bot", **entry: Any) -> StrayEntry:
    """Return an entry in a sidecar."""
    key = JobKey(OFFERED.name, name)
    given = {"removed": {}, "sidecar": {**IDENTITY, "target": HERE, **entry}}
    return StrayEntry(path, f"/tree/{path}", key, known(situation(given, FLEET, name)))


@pytest.mark.parametrize(
    ("census", "gone"),
    [
        (ManifestIndex(("/tree/jobs",)), True),
        (ManifestIndex(("/tree/jobs/a",)), True),
        (ManifestIndex(("/tree/job",)), False),
        (ManifestIndex(("/tree/jobs/b",)), False),
        (ManifestIndex(()), False),
        (ManifestIndex(("/tree/jobs",), frozenset({JobKey(OFFERED.name, "bot")})), False),
        (ManifestIndex(("/tree/jobs",), frozenset({JobKey("Other", "bot")})), True),
        (
            ManifestIndex(("/",), unreadable_paths=frozenset({"/tree/jobs/a/bot.status.json"})),
            False,
        ),
        (ManifestIndex(("/",), unreadable_paths=frozenset({"/tree/jobs"})), False),
        (
            ManifestIndex(("/",), unreadable_paths=frozenset({"/tree/jobs/a/other.status.json"})),
            True,
        ),
    ],
)
def test_job_is_gone_only_where_all_manifests_are_known(
    census: ManifestIndex, *, gone: bool
) -> None:
    """A job counts as removed only if its folder was read and its key is found nowhere."""
    found = find_removed(TEST_KINDS, [stray("jobs/a/bot.status.json")], census)

    assert bool(found) is gone


def test_of_several_entries_the_latest_counts() -> None:
    """Of several entries the latest attempt counts, and among those one that had not ended."""
    census = ManifestIndex(("/tree/jobs",))
    ended: dict[str, Any] = {"jobArn": ARN, "live": {"status": "Failed"}}
    first = stray("jobs/a.status.json", **ended)
    retried = stray("jobs/b.status.json", attempt=1, **ended)
    running = stray("jobs/c.status.json", attempt=1, jobArn=ARN, live={"status": "InProgress"})

    for order in itertools.permutations([first, retried, running]):
        assert find_removed(TEST_KINDS, order, census) == {running.key: running}


def test_names_lead_to_manifests() -> None:
    """Names of retries and revisions belong to their manifest; other longer names do not."""
    census = ManifestIndex(names=frozenset({("K", "bot"), ("K", "bot-r1")}))
    ours = ("bot", "bot-r1", "bot-r12", "bot-1a2b3c4d", "bot-1a2b3c4d-r2", "bot-r1-r2")
    others = ("bo", "bots", "bot-", "bot-r", "bot-1a2b3c4", "bot-1A2B3C4D", "my-bot", "bot-r1\n")

    assert all(census.has_job_name("K", name) for name in ours)
    assert not any(census.has_job_name("K", name) for name in others)
    assert not census.has_job_name("Other", "bot")


def test_removed_job_takes_the_role_that_leads_to_its_place() -> None:
    """A removed job is looked up with the role of a manifest that targets its place."""
    role = Target(REGION, None, f"arn:aws:iam::{ACCOUNT}:role/BedrockJobs")
    fallback = Target("eu-west-1", None, f"arn:aws:iam::{ACCOUNT}:role/Other")
    fleet = Fleet(owner="acme-ml", target=fallback)
    targets: dict[Place, Target] = {PLACE: role}

    met = build_removed_job(stray("jobs/bot.status.json"), fleet, targets, prunes=False).target
    other = build_removed_job(stray("jobs/bot.status.json"), fleet, {}, prunes=False).target

    assert met == Target(REGION, ACCOUNT, role.assume_role_arn)
    assert other == Target(REGION, ACCOUNT, fallback.assume_role_arn)


def test_old_entries_do_not_dilute_a_prune() -> None:
    """Entries of long-ended jobs do not count when a prune's share is computed."""
    gone = {"removed": {"prune": True}}
    entry = {**IDENTITY, "jobArn": ARN, "onDelete": "Stop", "target": HERE}
    old = {**gone, "sidecar": {**entry, "phase": "Completed", "live": {"status": "Completed"}}}
    runs = {"live": {"token": "ours", "status": "InProgress"}}
    new = {**gone, "sidecar": {**entry, "phase": "InProgress", "live": {"status": "InProgress"}}}
    kept, stopped, ended = (decided(situation(each, FLEET)) for each in (runs, new | runs, old))
    assert (stopped.verb, ended.verb) == (Verb.STOP, Verb.NOOP)

    def refused(stops: int) -> str | None:
        made = Plan((*[kept] * 7, *[stopped] * stops, *[ended] * 20))
        return check_prune(made, CleanupOptions(prune=True), "acme-ml", manifests=7, problems=0)

    assert refused(3) is None
    assert "the plan stops 4 of 11 jobs" in (refused(4) or "")
