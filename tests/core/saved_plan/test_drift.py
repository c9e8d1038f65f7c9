"""Properties of comparing a plan with a saved one: what is executed, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import Fleet, parse_fleet
from controller.core.identity.tags import add_stamp_tags
from controller.core.jobs.attempts import Attempts
from controller.core.model import Existence, JobKey, LiveJob, Observation, Place
from controller.core.planning.actions import Action, Plan, Verb
from controller.core.planning.plan import build_plan
from controller.core.saved_plan.drift import (
    ChangeState,
    PlanComparison,
    compare_plans,
    is_permitted,
)
from controller.core.saved_plan.format import PlanArguments, PlanFile, describe_actions
from tests.contract.showing import ACCOUNT, arn_of
from tests.core.cases import NOW, OFFERED, TEST_KINDS, desired_of, live_of, made_of, trodden

Draw = Callable[[st.SearchStrategy[Any]], Any]
Given = dict[str, Any]
Calls = dict[JobKey, Counter[tuple[Any, ...]]]
NAMES = ("sales-bot", "support-bot")
HEALS = {"failureMessage": "Internal server error"}

specs = st.sampled_from(["2", "2", "3"]).map(
    lambda count: {"hyperParameters": {"epochCount": count}}
)
tags = st.sampled_from([{}, {"team": "a"}, {"team": "b"}, {"team": "a", "cost": "1"}])
policies = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["Submitted", "Submitted", "Suspended", "Stopped"]),
        "onSpecChange": st.sampled_from(["Hold", "NewRevision"]),
        "onFailure": st.fixed_dictionaries({"retries": st.integers(0, 1)}),
        "attempt": st.integers(0, 1),
    }
)
jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["InProgress", "Failed", "Stopped", "Completed", "Stopping"]),
        "token": st.sampled_from(["ours", "ours", "ours", "foreign"]),
        "attempt": st.integers(0, 2),
        "revised": st.booleans(),
        "spec": specs,
        "tags": tags,
    }
)
manifests = st.fixed_dictionaries(
    {
        "spec": specs,
        "tags": tags,
        "policy": policies,
        "jobs": st.lists(jobs, max_size=3),
        "region": st.sampled_from(["us-east-1"] * 5 + ["us-west-2"]),
    }
)
trees = st.dictionaries(st.sampled_from(NAMES), manifests)
fleets = st.sampled_from([None, None, 1, 2]).map(
    lambda most: parse_fleet({"owner": "acme-ml", "limits": {"maxActive": most} if most else {}})
)

FLEET = parse_fleet({"owner": "acme-ml"})
_POLICY = {"state": "Submitted", "onSpecChange": "Hold", "onFailure": {"retries": 0}, "attempt": 0}
_SPEC = {"hyperParameters": {"epochCount": "2"}}
_MANIFEST = {"spec": _SPEC, "tags": {"team": "a"}, "policy": _POLICY, "region": "us-east-1"}
_JOB = {"status": "InProgress", "attempt": 0, "spec": _SPEC, "tags": {}}
TREE: dict[str, Given] = {
    "sales-bot": {**_MANIFEST, "jobs": []},
    "support-bot": {**_MANIFEST, "jobs": [_JOB]},
    "travel-bot": {**_MANIFEST, "policy": {**_POLICY, "state": "Stopped"}, "jobs": [_JOB]},
}
"""A tree with something to submit, to tag and to stop."""


def moment(tree: dict[str, Given], fleet: Fleet) -> tuple[Plan, PlanFile]:
    """Return the plan of a tree, and its plan file."""
    desired, seen = [], {}
    for name, one in tree.items():
        spec = one["spec"] | {"jobTags": _listed(one["tags"])}
        job = desired_of({"spec": spec, "policy": one["policy"]}, fleet, OFFERED, name)
        desired.append(job)
        seen[job.key] = _seen(Attempts(OFFERED, job, fleet), one)
    made = build_plan(TEST_KINDS, desired, seen, {}, fleet, NOW)
    paths = {job.source.path: job.source.path for job in desired}
    actions = describe_actions(TEST_KINDS, made, fleet, paths)
    limit = fleet.limits.max_active
    return made, PlanFile("0", False, fleet.owner, limit, PlanArguments(("jobs",)), None, actions)


def _listed(found: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in found.items()]


def _seen(lineage: Attempts, one: Given) -> Observation:
    lives, tagged = _there(lineage, one["jobs"])
    found, _ = trodden(lineage, None, lives)
    existence = Existence.PRESENT if found.live else Existence.ABSENT
    seen = Observation(existence, Place(ACCOUNT, one["region"]), found.live)
    known = {"jobTags": tagged[found.live.arn]} if found.live else {}
    return replace(
        seen,
        submission=found.submission,
        earlier=found.earlier,
        next_submission=found.next_submission,
        tags=known,
    )


def _there(
    lineage: Attempts, there: list[Given]
) -> tuple[list[LiveJob], dict[str, dict[str, str]]]:
    """Return the jobs, the first of each name, and their tags by ARN."""
    lives: dict[str, LiveJob] = {}
    tagged: dict[str, dict[str, str]] = {}
    for one in there:
        made = made_of(one, lineage)
        arn = arn_of(OFFERED, hashlib.sha256(made.name.encode()).hexdigest()[:12])
        live = live_of({**one, "arn": arn, "members": HEALS}, OFFERED, made, lineage.fleet.owner)
        if lives.setdefault(made.name, live) is live:
            tagged[arn] = one["tags"]
    return list(lives.values()), tagged


def calls_of(made: Plan, fleet: Fleet) -> Calls:
    """Return the calls that executing a plan makes, derived from the actions alone."""
    return {one.desired.key: Counter(_calls(one, fleet)) for one in made.actions}


def _calls(one: Action, fleet: Fleet) -> list[tuple[Any, ...]]:
    where = (one.place, one.desired.target.assume_role_arn)
    submission = one.desired.submission
    if one.verb is Verb.SUBMIT and submission is not None:
        request = json.dumps(
            add_stamp_tags(OFFERED, one.desired, submission, fleet), sort_keys=True
        )
        return [("Create", submission.token, request, *where)]
    if one.verb is Verb.STOP:
        return [("Stop", live.arn, *where) for live in one.stops]
    return [("Tag", tag.arn, *sorted(tag.put.items()), tag.drop, *where) for tag in one.retags]


def held(before: tuple[Plan, PlanFile], after: tuple[Plan, PlanFile]) -> PlanComparison:
    """Compare one moment's plan with another's file."""
    return compare_plans(TEST_KINDS, before[1], after[1], after[0])


@settings(deadline=None, max_examples=50)
@given(tree=trees, fleet=fleets)
def test_a_plan_agrees_with_itself(tree: dict[str, Given], fleet: Fleet) -> None:
    """If nothing moved, every change is due and permitted."""
    made, file = moment(tree, fleet)

    found = held((made, file), (made, file))

    assert found.moved == ()
    assert set(found.states.values()) <= {ChangeState.DUE}
    assert found.states.keys() == {key for key, calls in calls_of(made, fleet).items() if calls}
    pairs = zip(file.actions, made.actions, strict=True)
    assert all(is_permitted(file.changes, TEST_KINDS, now, action) for now, action in pairs)


@st.composite
def moments(draw: Draw) -> tuple[dict[str, Given], dict[str, Given]]:
    """Draw a tree at two moments, with some manifests or members changed."""
    first = draw(trees)
    second = {name: dict(one) for name, one in first.items()}
    for name, one in draw(trees).items():
        members = draw(st.sets(st.sampled_from(sorted(one))))
        second[name] = (
            {**one, **{key: first[name][key] for key in members}} if name in first else one
        )
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=1)):
        second.pop(name, None)
    return first, second


@settings(deadline=None, max_examples=100)
@given(trees=moments(), fleets=st.tuples(fleets, fleets))
def test_only_calls_in_the_file_are_permitted(
    trees: tuple[dict[str, Given], dict[str, Given]], fleets: tuple[Fleet, Fleet]
) -> None:
    """A permitted plan makes no call beyond the file; one with the same calls is permitted."""
    (first, then), (second, now) = zip(trees, fleets, strict=True)
    before, after = moment(first, then), moment(second, now)
    announced, due = calls_of(before[0], then), calls_of(after[0], now)

    found = held(before, after)

    if not found.moved:
        for key, calls in due.items():
            assert calls <= announced.get(key, Counter())
    elif first.keys() == second.keys() and announced == due:
        regions = [{name: one["region"] for name, one in tree.items()} for tree in trees]
        assert regions[0] != regions[1]
    assert bool(found.moved) or ChangeState.MOVED not in found.states.values()
    for one, action in zip(after[1].actions, after[0].actions, strict=True):
        if is_permitted(before[1].changes, TEST_KINDS, one, action) and one.change is not None:
            assert due[one.key] <= announced[one.key]


def _went_on(tree: dict[str, Given], made: Plan) -> dict[str, Given]:
    """Return a tree after its plan was executed."""
    after = {
        name: {**one, "jobs": [dict(job) for job in one["jobs"]]} for name, one in tree.items()
    }
    for action in made.actions:
        one, submission = after[action.desired.key.name], action.desired.submission
        stops = {live.name for live in action.stops}
        lineage = Attempts(OFFERED, action.desired, parse_fleet({"owner": "acme-ml"}))
        for job in one["jobs"]:
            made_then = made_of(job, lineage)
            job["status"] = "Stopping" if made_then.name in stops else job["status"]
            if action.verb is Verb.TAG and action.live and made_then.name == action.live.name:
                job["tags"] = job["tags"] | one["tags"]
        if action.verb is Verb.SUBMIT and submission is not None:
            job = {"attempt": submission.attempt, "revised": bool(submission.revision)}
            job |= {"spec": one["spec"], "tags": one["tags"], "status": "InProgress"}
            one["jobs"] = [*one["jobs"], job]
    return after


@settings(deadline=None, max_examples=50)
@given(tree=trees, fleet=fleets)
def test_executed_changes_are_recognized(tree: dict[str, Given], fleet: Fleet) -> None:
    """After its own calls a saved plan is still valid, and nothing of it is due again.

    Tags of a job that had to be stopped are checked only after the stop: they belong to another
    plan.
    """
    before = moment(tree, fleet)
    after = moment(_went_on(tree, before[0]), fleet)

    found = held(before, after)

    tagged = {key.name for key, one in after[1].changes.items() if one.verb is Verb.TAG}
    stopped = {key.name for key, one in before[1].changes.items() if one.verb is Verb.STOP}
    assert [line.partition(":")[0] for line in found.moved] == sorted(tagged & stopped)
    assert set(found.states.values()) <= {ChangeState.DONE, ChangeState.MOVED}
    assert len(found.moved) == found.count(ChangeState.MOVED)
