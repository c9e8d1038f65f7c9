"""Properties of every job search, whatever jobs exist and whatever a sidecar says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import parse_fleet
from controller.core.jobs.attempts import Attempts
from controller.core.model import Existence, JobRecord, LiveJob, Observation
from controller.core.planning.actions import Outcome, Verb
from controller.core.planning.plan import decide_action
from controller.core.status.entry import build_entry
from controller.core.status.parse import parse_entry
from tests.contract.showing import arn_of
from tests.core.cases import (
    FOREIGN_TOKEN,
    NAMESAKES,
    NOW,
    OFFERED,
    OTHER_DIGEST,
    PLACE,
    SPEC,
    desired_of,
    live_of,
    made_of,
    trodden,
)

FLEET = parse_fleet({"owner": "acme-ml"})
Draw = Callable[[st.SearchStrategy[Any]], Any]
NAME = "support-bot"
KEPT = {"changed": "ours"}
FAILURES = ("Internal server error", "Unable to parse Amazon S3 file", "")

policies = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["Submitted", "Suspended", "Stopped"]),
        "onSpecChange": st.sampled_from(["Hold", "NewRevision"]),
        "onFailure": st.fixed_dictionaries({"retries": st.integers(0, 3)}),
        "attempt": st.integers(0, 3),
    },
    optional={"adopt": st.sampled_from([arn_of(OFFERED, f"job{n:09}") for n in range(3)])},
)
specs = st.sampled_from(["2", "3"]).map(lambda count: {"hyperParameters": {"epochCount": count}})
jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["InProgress", "Failed", "Stopped", "Completed", "Stopping"]),
        "token": st.sampled_from(["ours", "ours", "ours", "changed", "foreign", "missing"]),
        "attempt": st.integers(0, 6),
        "revised": st.booleans(),
        "spec": specs,
        "members": st.sampled_from(FAILURES).map(lambda text: {"failureMessage": text}),
    }
)
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
histories = st.lists(
    st.fixed_dictionaries(
        {
            "jobArn": st.integers(0, 7).map(lambda n: arn_of(OFFERED, f"job{n:09}")),
            "phase": st.sampled_from(["InProgress", "Completed", ""]),
        }
    )
    | garbage,
    max_size=5,
)


def _lineage(policy: dict[str, Any], spec: dict[str, Any], kind: Any = OFFERED) -> Attempts:
    return Attempts(kind, desired_of({"policy": policy, "spec": spec}, FLEET, kind, NAME), FLEET)


def _there(lineage: Attempts, given: list[dict[str, Any]]) -> list[LiveJob]:
    """Return the jobs, the first of each name: the service keeps names unique."""
    lives: dict[str, LiveJob] = {}
    for number, one in enumerate(given):
        arn = arn_of(lineage.kind, f"job{number:09}")
        asked = made_of(one, lineage)
        lives.setdefault(asked.name, live_of({**one, "arn": arn}, lineage.kind, asked, "acme-ml"))
    return list(lives.values())


@st.composite
def sidecars(draw: Draw, lineage: Attempts, lives: list[LiveJob]) -> JobRecord | None:
    """Draw an entry of one of the jobs, of none, or with meaningless members."""
    if draw(st.integers(0, 1)):
        return None
    made = made_of(draw(jobs), lineage)
    raw: dict[str, Any] = {"digest": made.digest, "token": made.token, "attempt": made.attempt}
    raw |= {"phase": draw(st.sampled_from(["Submitting", "Failed"])), "jobName": made.name}
    if lives and draw(st.booleans()):
        live = draw(st.sampled_from(lives))
        raw |= {"jobArn": live.arn, "live": live.members, "phase": live.status}
    raw["history"] = draw(histories)
    spoilt = draw(st.dictionaries(st.sampled_from([*raw, "tags", "target"]), garbage, max_size=2))
    return parse_entry(lineage.kind, raw | spoilt, NOW)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), policy=policies, spec=specs, made=st.lists(jobs, max_size=8))
def test_every_search_is_short_and_repeats_no_lookup(
    data: st.DataObject, policy: dict[str, Any], spec: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    """A search ends within policy's attempts and the existing jobs; what follows does not exist."""
    lineage = _lineage(policy, spec, data.draw(st.sampled_from([OFFERED, NAMESAKES])))
    lives = _there(lineage, made)

    found, asked = trodden(lineage, data.draw(sidecars(lineage, lives)), lives)

    most = 2 * (lineage.desired.policy.attempt + 1) + lineage.desired.policy.retries + 8
    most += len(lives)
    assert len(asked) <= most
    assert len(set(asked)) == len(asked)
    names = {live.arn: live.name for live in lives}
    seen = [names.get(one, one) for one in asked if one in names or one in names.values()]
    if found.next_submission is not None:
        assert found.next_submission.name in asked
        assert found.next_submission.name not in names.values()
    assert found.live is None or found.live.name in seen
    others = [one.live.arn for one in found.earlier]
    assert found.live is None or found.live.arn not in others


def _written(lineage: Attempts, lives: list[LiveJob]) -> JobRecord | None:
    """Return the entry that a pass without a record writes, unless it submits."""
    found, _ = trodden(lineage, None, lives)
    existence = Existence.PRESENT if found.live else Existence.ABSENT
    seen = Observation(
        existence,
        PLACE,
        found.live,
        submission=found.submission,
        earlier=found.earlier,
        next_submission=found.next_submission,
    )
    action = decide_action(lineage.kind, lineage.desired, seen, None, FLEET, NOW)
    if action.verb is Verb.SUBMIT:
        return None
    return parse_entry(
        lineage.kind, build_entry(lineage.kind, Outcome(action, action), None, "acme-ml"), NOW
    )


@settings(deadline=None, max_examples=200)
@given(policy=policies, spec=specs, first=specs, made=st.lists(jobs, max_size=8))
def test_a_lost_sidecar_changes_nothing(
    policy: dict[str, Any],
    spec: dict[str, Any],
    first: dict[str, Any],
    made: list[dict[str, Any]],
) -> None:
    """A search from a written record ends at the same job as a search from nothing.

    Attempts without a revision in their names have one spec: an edit is held or gets its own name.
    And since a revision's name follows from its spec, no job of ours has that name with another
    spec.
    """
    lineage = _lineage(policy, spec)
    plain = {"spec": first, "token": "ours"}
    named = [one | {"token": KEPT.get(one["token"], one["token"])} for one in made]
    lives = _there(lineage, [one if one["revised"] else one | plain for one in named])
    recorded = _written(lineage, lives)
    if recorded is None or recorded.arn is None:
        return

    without, _ = trodden(lineage, None, lives)
    along, _ = trodden(lineage, recorded, lives)

    assert along.live == without.live
    if policy.get("adopt") != recorded.arn:
        assert along.submission == without.submission
        assert along.next_submission == without.next_submission


def _by_hand(spec: dict[str, Any], attempt: int, *, revised: bool) -> tuple[str, str, str]:
    """Return name, digest and token as the design specifies them, without our code."""

    def digest(names: str, number: int) -> str:
        request = {**spec, "jobName": names, "customModelName": names}
        document = {"v": 1, "kind": OFFERED.name, "attempt": number, "request": request}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    name = NAME
    if revised:
        name += f"-{digest(NAME, 0)[:8]}"
    if attempt > 0:
        name += f"-r{attempt}"
    owner = hashlib.sha256(b"acme-ml").hexdigest()[:8]
    return name, digest(name, attempt), f"bj1-{owner}-{digest(name, attempt)}"


@settings(deadline=None, max_examples=200)
@given(spec=specs, attempt=st.integers(0, 99), begun=st.integers(0, 99), revised=st.booleans())
def test_names_and_tokens_match_the_design(
    spec: dict[str, Any], attempt: int, begun: int, *, revised: bool
) -> None:
    """Every attempt's name, digest and token follow from the manifest alone."""
    made = _lineage({"attempt": begun}, spec).derive_attempt(attempt, revised=revised)

    expected = _by_hand({**SPEC, **spec}, attempt, revised=revised)
    assert (made.name, made.digest, made.token) == expected


@pytest.mark.parametrize("revised", [False, True])
def test_job_of_no_scheme_is_never_taken_for_an_attempt(*, revised: bool) -> None:
    """Neither a foreign token nor another digest makes the next attempt due."""
    lineage = _lineage({"attempt": 2}, {})
    made = lineage.derive_attempt(0, revised=revised)
    for token in (FOREIGN_TOKEN, f"bj1-00000000-{made.digest}", f"{made.token[:13]}{OTHER_DIGEST}"):
        live = LiveJob(arn_of(OFFERED, "job000000000"), made.name, "Failed", token, {})
        assert lineage.find_next_attempt(made, live, None) is None
