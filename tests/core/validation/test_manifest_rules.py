"""What is refused of documents that keep their schema: names, adoption and tags, by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.schemas.shipped_schemas import get_checker
from controller.core.documents.envelope_values import fill_in_names
from controller.core.findings import ValueFinding
from controller.core.fleet import Fleet
from controller.core.identity.tokens import fill_names
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    Target,
)
from controller.core.policy import OnSpecChange, Policy
from controller.core.problems import Code
from controller.core.validation.manifest_rules import (
    check_manifest,
    find_contradictions,
    find_longest_suffix,
    find_unfit_names,
    find_unfit_tags,
)
from tests.support.manifests import manifest, spec

KIND = next(iter(KINDS.values()))
CHECKER = get_checker(KIND.name)
JOB = (
    "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/"
    "amazon.nova-micro-v1:0:128k/abcdefghijkl"
)
REVISE = OnSpecChange.NEW_REVISION
ADOPT = Policy(adopt=JOB)


def codes(findings: Iterable[ValueFinding]) -> list[Code]:
    """Return the findings' codes."""
    return [finding.code for finding in findings]


def tags(*keys: str) -> list[dict[str, str]]:
    """Return tags of some keys."""
    return [{"key": key, "value": ""} for key in keys]


@pytest.mark.parametrize(
    ("policy", "suffix"),
    [
        (Policy(), ""),
        (Policy(attempt=1), "-r1"),
        (Policy(attempt=9, retries=1), "-r10"),
        (Policy(on_spec_change=REVISE), "-00000000"),
        (Policy(attempt=99, retries=10, on_spec_change=REVISE), "-00000000-r109"),
    ],
)
def test_longest_suffix_is_that_of_the_last_attempt(policy: Policy, suffix: str) -> None:
    """A suffix has eight digits where revisions are asked for, and the number of the last try."""
    assert find_longest_suffix(policy) == suffix


@pytest.mark.parametrize(
    ("names", "policy", "expected"),
    [
        ({"jobName": "j" * 60}, Policy(retries=1), []),
        ({"jobName": "j" * 61}, Policy(retries=1), [("jobName", Code.NAME_TOO_LONG)]),
        ({"jobName": "j" * 59}, Policy(attempt=9, retries=1), []),
        (
            {"jobName": "j" * 60},
            Policy(attempt=9, retries=1),
            [("jobName", Code.NAME_TOO_LONG)],
        ),
        ({"customModelName": "m" * 54}, Policy(on_spec_change=REVISE), []),
        (
            {"customModelName": "m" * 55},
            Policy(on_spec_change=REVISE),
            [("customModelName", Code.NAME_TOO_LONG)],
        ),
        ({"customModelName": "m_"}, Policy(), []),
        ({"customModelName": "m_"}, Policy(retries=1), [("customModelName", Code.SUFFIX_UNFIT)]),
        (
            {"customModelName": "m-"},
            Policy(on_spec_change=REVISE),
            [("customModelName", Code.SUFFIX_UNFIT)],
        ),
        ({"jobName": "j-"}, Policy(retries=1), []),
        (
            {"jobName": "j" * 63, "customModelName": "m-"},
            Policy(retries=1),
            [("jobName", Code.NAME_TOO_LONG), ("customModelName", Code.SUFFIX_UNFIT)],
        ),
    ],
)
def test_names_must_stand_their_suffix(
    names: dict[str, str], policy: Policy, expected: list[tuple[str, Code]]
) -> None:
    """A name that its suffix makes too long, or no name at all, is told once, as what it is."""
    document = manifest("bot", spec(**names))

    found = list(find_unfit_names(KIND, document, policy, CHECKER))

    assert [(str(one.path[-1]), one.code) for one in found] == expected
    assert all(one.hint for one in found)


@given(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True),
    st.builds(
        Policy,
        attempt=st.integers(0, 99),
        retries=st.integers(0, 10),
        on_spec_change=st.sampled_from(OnSpecChange),
    ),
    st.data(),
)
@settings(deadline=None, max_examples=300)
def test_names_that_pass_are_valid_under_every_suffix(
    name: str, policy: Policy, data: st.DataObject
) -> None:
    """A manifest that is let through keeps its schema under whichever suffix it comes to."""
    document = manifest(name)
    if not CHECKER.is_valid(fill_in_names(KIND, document)):
        return
    if list(find_unfit_names(KIND, document, policy, CHECKER)):
        return
    attempt = data.draw(st.integers(0, policy.attempt + policy.retries))
    revised = data.draw(st.booleans()) and policy.on_spec_change is REVISE
    suffix = ("-0a1b2c3d" if revised else "") + (f"-r{attempt}" if attempt else "")

    sent = {**document, "spec": fill_names(KIND, document["spec"], name, suffix)}

    assert CHECKER.is_valid(sent)


def test_adoption_and_revision_contradict() -> None:
    """A manifest that stands for a job made elsewhere cannot ask for a new one at each edit."""
    policy = Policy(adopt=JOB, on_spec_change=REVISE)

    (found,) = find_contradictions(KIND, policy, Target())

    assert (found.code, found.path) == (Code.CONTRADICTION, ("policy", "adopt"))
    assert found.hint


@pytest.mark.parametrize(
    "arn",
    [
        JOB.replace("model-customization-job", "custom-model"),
        JOB.replace("model-customization-job", "model-customization-job-2"),
        JOB.replace(":bedrock:", ":sagemaker:"),
        JOB.replace("us-east-1", ""),
        JOB.replace("123456789012", ""),
        JOB.partition("/")[0],
        JOB.partition("/")[0] + "/",
        "arn:aws:bedrock:us-east-1:123456789012:x",
        "arn:aws:bedrock:us-east-1:123456789012::::",
    ],
)
def test_only_a_job_s_arn_is_adopted(arn: str) -> None:
    """An ARN of anything but a job of this kind is refused, and told once."""
    found = find_contradictions(KIND, Policy(adopt=arn), Target("eu-west-1", "210987654321"))

    assert codes(found) == [Code.ADOPTED_ELSEWHERE]


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (Target(), []),
        (Target("us-east-1", "123456789012"), []),
        (Target(region="us-west-2"), ["target.region"]),
        (Target(account_id="210987654321"), ["target.accountId"]),
        (Target("us-west-2", "210987654321"), ["target.accountId", "target.region"]),
        (Target(assume_role_arn="arn:aws:iam::123456789012:role/A"), []),
        (Target(assume_role_arn="arn:aws:iam::210987654321:role/A"), ["target.accountId"]),
        (
            Target(
                account_id="123456789012", assume_role_arn="arn:aws:iam::210987654321:role/Jobs"
            ),
            [],
        ),
    ],
)
def test_adopted_job_is_where_the_target_is(target: Target, wrong: list[str]) -> None:
    """Account and region of the ARN are those of the target, as far as it is declared."""
    found = list(find_contradictions(KIND, ADOPT, target))

    assert codes(found) == [Code.ADOPTED_ELSEWHERE] * len(wrong)
    assert all(key in one.hint for key, one in zip(wrong, found, strict=True))


def test_fleet_s_target_counts_for_adoption() -> None:
    """Where the manifest leaves its target open, the fleet's is what the ARN is held against."""
    fleet = Fleet(target=Target("us-west-2", "123456789012"))
    document = manifest("bot", policy={"adopt": JOB})
    own = manifest("bot", policy={"adopt": JOB}, target={"region": "us-east-1"})

    assert codes(check_manifest(KIND, document, CHECKER, fleet)) == [Code.ADOPTED_ELSEWHERE]
    assert codes(check_manifest(KIND, own, CHECKER, fleet)) == []


@pytest.mark.parametrize(
    ("member", "count", "stamped", "refused"),
    [
        ("jobTags", 50, False, False),
        ("jobTags", 51, False, True),
        ("jobTags", 47, True, False),
        ("jobTags", 48, True, True),
        ("customModelTags", 50, True, False),
        ("customModelTags", 51, True, True),
    ],
)
def test_tags_leave_room_for_ours(member: str, count: int, stamped: bool, refused: bool) -> None:
    """A resource carries fifty tags; on the job, three of them are the fleet's stamps."""
    given_tags = tags(*(f"key-{number}" for number in range(count)))

    found = find_unfit_tags(KIND, spec(**{member: given_tags}), Fleet(stamp_tags=stamped))

    assert codes(found) == [Code.TOO_MANY_TAGS] * refused


@pytest.mark.parametrize("member", ["jobTags", "customModelTags"])
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("team", "Team", "awsome", "bedrock-jobs", "mine/bedrock-jobs/x"), []),
        (("aws:x", "AWS:y", "Aws:z"), [Code.TAG_RESERVED] * 3),
        (("bedrock-jobs/owner", "bedrock-jobs/"), [Code.TAG_RESERVED] * 2),
        (("team", "stage", "team", "team"), [Code.TAG_TWICE] * 2),
    ],
)
def test_keys_of_tags(member: str, keys: tuple[str, ...], expected: list[Code]) -> None:
    """Keys of AWS and of ours are refused with or without stamps, and so is a key that repeats."""
    for stamped in (False, True):
        found = list(
            find_unfit_tags(KIND, spec(**{member: tags(*keys)}), Fleet(stamp_tags=stamped))
        )

        assert codes(found) == expected
        assert all(one.path[:2] == ("spec", member) and one.hint for one in found)


def test_document_without_policy_or_tags_is_fine() -> None:
    """What leaves all of it open is not judged."""
    document: dict[str, Any] = manifest("bot")

    assert list(check_manifest(KIND, document, CHECKER, Fleet())) == []
