"""Manifests that cannot stand beside each other, by value."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.documents.entries import ManifestDocument
from controller.core.model import Target
from controller.core.validation.tree_conflicts import find_conflicts

NOWHERE = Target()
REVISE = {"onSpecChange": "NewRevision"}


def retries(count: int, attempt: int = 0) -> dict[str, Any]:
    """Return a policy of so many retries after so many attempts."""
    return {"onFailure": {"retries": count}, "attempt": attempt}


def entry(
    name: str,
    policy: dict[str, Any] | None = None,
    *,
    job_name: str | None = None,
    region: str | None = None,
) -> ManifestDocument:
    """Return a manifest's entry in a file of its own."""
    target = {"region": region} if region else None
    return ManifestDocument(
        "Kind", name, f"jobs/{name}.yaml", 4, 9, job_name or name, target=target, policy=policy
    )


def told(*entries: ManifestDocument, fallback: Target = NOWHERE) -> dict[str, list[str]]:
    """Return the codes that each manifest is told, by its name."""
    found = find_conflicts(entries, fallback)
    return {entries[index].name: [one.code for one in found[index]] for index in sorted(found)}


MET = {"bot": ["BJ306"]}


@pytest.mark.parametrize(
    ("policy", "other", "meet"),
    [
        (None, "bot-r1", False),
        (retries(1), "bot-r1", True),
        (retries(1), "bot-r2", False),
        (retries(0, attempt=2), "bot-r2", True),
        (retries(1, attempt=2), "bot-r3", True),
        (retries(1, attempt=2), "bot-r4", False),
        (retries(10, attempt=99), "bot-r109", True),
        (retries(1), "bot-r01", False),
        (retries(1), "bot-r0", False),
        (retries(1), "bot-r", False),
        (retries(1), "bots-r1", False),
        (retries(1), "bot-r1-r1", False),
        (retries(1), "bot-1a2b3c4d", False),
        (retries(1), "bot-1a2b3c4d-r1", False),
        (REVISE, "bot-r1", False),
        (REVISE, "bot-1a2b3c4d", True),
        (REVISE, "bot-1a2b3c4", False),
        (REVISE, "bot-1a2b3c4g", False),
        (REVISE, "bot-1a2b3c4d-r1", False),
        (REVISE | retries(1), "bot-1a2b3c4d-r1", True),
        (REVISE | retries(1), "bot-1a2b3c4d-r2", False),
        (REVISE | retries(1), "bot-r1-1a2b3c4d", False),
    ],
)
def test_suffix_that_another_manifest_can_reach(
    policy: dict[str, Any] | None, other: str, *, meet: bool
) -> None:
    """A name that a policy can lead to is told on both; one that it cannot is fine."""
    assert told(entry("bot", policy), entry(other)) == (MET | {other: ["BJ306"]} if meet else {})


def test_both_are_told_where_the_other_is() -> None:
    """Each message has the name in question and the other's place."""
    found = find_conflicts([entry("bot", retries(1)), entry("bot-r1")], NOWHERE)

    assert "jobs/bot-r1.yaml:4" in found[0][0].message
    assert "jobs/bot.yaml:4" in found[1][0].message
    assert all(problem.hint for problems in found.values() for problem in problems)


def test_job_names_count_not_manifests() -> None:
    """Names that the spec gives are what can meet."""
    first = entry("one", retries(1), job_name="bot")

    assert told(first, entry("two", job_name="bot-r1")) == {"one": ["BJ306"], "two": ["BJ306"]}
    assert told(first, entry("one-r1")) == {}


@pytest.mark.parametrize(
    ("first", "second", "fallback", "meet"),
    [
        ("us-east-1", "us-west-2", None, False),
        ("us-east-1", None, "us-east-1", True),
        ("us-east-1", None, "us-west-2", False),
        (None, None, None, True),
    ],
)
def test_suffixes_meet_in_one_place_only(
    first: str | None, second: str | None, fallback: str | None, *, meet: bool
) -> None:
    """A name is spent in its own account and region, the fleet's target filled in."""
    entries = entry("bot", retries(1), region=first), entry("bot-r1", region=second)

    assert bool(told(*entries, fallback=Target(region=fallback))) is meet


ROLE = "arn:aws:iam::123456789012:role/"


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ({"assumeRoleArn": f"{ROLE}one"}, {"assumeRoleArn": f"{ROLE}two"}, True),
        ({"assumeRoleArn": f"{ROLE}one"}, {"accountId": "123456789012"}, True),
        ({"assumeRoleArn": f"{ROLE}one"}, {"accountId": "210987654321"}, False),
        ({"assumeRoleArn": f"{ROLE}one"}, {"region": "us-west-2"}, False),
    ],
)
def test_an_account_is_one_by_whichever_role(
    first: dict[str, str], second: dict[str, str], *, meet: bool
) -> None:
    """A name is spent in an account, whoever submits there; a role's ARN says which it leads to."""
    bots = entry("bot", retries(1)), entry("same", job_name="bot"), entry("bot-r1")
    targets = ({"region": "us-east-1", **each} for each in (first, second, second))
    made = [one._replace(target=target) for one, target in zip(bots, targets, strict=True)]

    expected = {"bot": ["BJ302", "BJ306"], "same": ["BJ302"], "bot-r1": ["BJ306"]}
    assert told(*made) == (expected if meet else {})


def test_one_manifest_may_be_in_the_way_of_several() -> None:
    """The one that reaches several names is told once, naming them; each of them is told too."""
    found = find_conflicts(
        [entry("bot", REVISE | retries(2)), entry("bot-r1"), entry("bot-1a2b3c4d-r2")], NOWHERE
    )

    assert {index: len(problems) for index, problems in found.items()} == {0: 1, 1: 1, 2: 1}
    assert "bot-r1.yaml:4, jobs/bot-1a2b3c4d-r2.yaml:4" in found[0][0].message


def test_chain_of_suffixes_is_told_link_by_link() -> None:
    """A name that is a retry of one and can be retried itself is told for either reason."""
    names = entry("bot", retries(1)), entry("bot-r1", retries(1)), entry("bot-r1-r1")

    assert told(*names) == {"bot": ["BJ306"], "bot-r1": ["BJ306", "BJ306"], "bot-r1-r1": ["BJ306"]}


def test_two_cannot_adopt_one_job() -> None:
    """One job cannot stand for two manifests; two jobs can."""
    one, other = {"adopt": "arn:one"}, {"adopt": "arn:other"}

    assert told(entry("a", one), entry("b", one), entry("c", other)) == {
        "a": ["BJ309"],
        "b": ["BJ309"],
    }
    assert told(entry("a", {"adopt": None}), entry("b", {"adopt": None})) == {}


def test_identity_and_job_name_are_told_as_before() -> None:
    """Twins and namesakes have codes of their own, and no suffix has a part in them."""
    twins = entry("same-r1", retries(1)), entry("same-r1", retries(1))
    namesakes = entry("a", job_name="x"), entry("b", job_name="x")

    assert told(*twins) == {"same-r1": ["BJ301"]}
    assert told(*namesakes) == {"a": ["BJ302"], "b": ["BJ302"]}


PARTS = st.tuples(
    st.sampled_from(["bot", "cat"]),
    st.sampled_from(["", "-1a2b3c4d"]),
    st.sampled_from(["", "-r1", "-r2"]),
)
POLICIES = st.builds(
    lambda revise, count: (REVISE if revise else {}) | retries(count),
    st.booleans(),
    st.integers(0, 2),
)


def reachable(name: str, policy: dict[str, Any]) -> set[str]:
    """Return every job name of a manifest, for the one digest that the names here can hold."""
    stems = [name, f"{name}-1a2b3c4d"] if "onSpecChange" in policy else [name]
    tries = range(policy["onFailure"]["retries"] + 1)
    return {f"{stem}-r{number}" if number else stem for stem in stems for number in tries}


@given(st.dictionaries(PARTS.map("".join), POLICIES, min_size=2, max_size=5))
@settings(deadline=None, max_examples=300)
def test_no_two_that_pass_can_ever_meet(policies: dict[str, dict[str, Any]]) -> None:
    """Where nobody is told, no two manifests have a name in common among all they can lead to."""
    found = told(*(entry(name, policy) for name, policy in policies.items()))
    names = {name: reachable(name, policy) for name, policy in policies.items()}
    meeting = {
        one for one in names for other in names if one != other and names[one] & names[other]
    }

    assert bool(found) == bool(meeting)
    assert set(found) <= meeting


def test_many_manifests_cost_little() -> None:
    """Ten thousand names with suffixes, all under one that reaches them, take no long time."""
    many = [entry(f"bot-{number:08x}") for number in range(10_000)]
    began = time.thread_time()

    found = find_conflicts([entry("bot", REVISE), *many], NOWHERE)

    assert time.thread_time() - began < 5
    assert len(found) == 10_001
    assert len(found[0][0].message) < 400
