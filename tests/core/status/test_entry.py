"""A sidecar entry is a function of manifest, response and history, and can be rebuilt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.call_errors import make_failure
from controller.core.fleet import Fleet
from controller.core.model import SUBMITTING, CallFailure, JobRecord
from controller.core.planning.actions import Action, Outcome, Reason, Verb
from controller.core.planning.plan import decide_action
from controller.core.status.entry import build_entry, build_intent
from controller.core.status.parse import parse_entry
from tests.contract.showing import arn_of
from tests.core.cases import NOW, OFFERED, Situation, situation

FLEET = Fleet(owner="acme-ml")
ARN = arn_of(OFFERED, "abcdefghijkl")
STATUSES = [*sorted(OFFERED.active | OFFERED.terminal), "Reticulating", ""]
FILTERS = {
    "invocationLogsConfig": {
        "invocationLogSource": {"s3Uri": "s3://acme/logs"},
        "requestMetadataFilters": {"orAll": [{"equals": {"team": "secret"}}]},
    }
}
LOST = make_failure("ReadTimeout", "no answer", reading=False, ambiguous=True)
THROTTLED = make_failure("ThrottlingException", "slow down", reading=False)


def built(**given: Any) -> Situation:
    """Return a situation of the only job."""
    return situation(given, FLEET)


def decided(one: Situation) -> Action:
    """Return the resulting action."""
    return decide_action(one.kind, one.desired, one.observation, one.recorded, FLEET, NOW)


def made(
    one: Situation, failed: CallFailure | None = None, arn: str | None = None
) -> dict[str, Any]:
    """Return the entry after the action, its failure, or an unconfirmed Create."""
    action = decided(one)
    return build_entry(one.kind, Outcome(action, action, failed, arn), one.recorded, FLEET.owner)


def after(one: Situation, written: Mapping[str, Any]) -> Situation:
    """Return the same situation in a pass that finds an entry on disk."""
    return replace(one, recorded=parse_entry(one.kind, json.loads(json.dumps(written)), NOW))


def lasting(one: Situation) -> dict[str, Any]:
    """Return the entry on which passes settle, within at most two."""
    first = made(one)
    second = made(after(one, first))
    assert second == first
    return first


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("state", ["Submitted", "Suspended", "Stopped"])
def test_entry_is_rebuilt_after_loss(status: str, state: str) -> None:
    """Without the sidecar, the service's response leads to the same entry, except the history."""
    one = built(live={"status": status}, policy={"state": state})
    history = [{"attempt": 0, "phase": "Failed"}]
    kept = lasting(after(one, {**made(one), "history": history}))

    rebuilt = made(replace(one, recorded=None))

    assert kept["history"] == history
    assert {**rebuilt, "history": history} == kept


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"policy": {"state": "Suspended"}},
        {"live": {"token": "changed", "status": "Completed"}},
        {"live": {"token": "foreign"}},
        {"policy": {"adopt": ARN}, "live": {"token": "foreign", "status": "Completed"}},
        {"problems": [{"code": "BJ204", "message": "x"}], "live": {"token": "changed"}},
        {"target": {"accountId": "999999999999"}},
        {"spec": {"trainingDataConfig": FILTERS}, "live": {}},
        {"kind": "Namesakes", "live": {"members": {"roleArn": "another"}}},
    ],
    ids=lambda each: "-".join(each) or "absent",
)
def test_entry_settles(given: dict[str, Any]) -> None:
    """A second pass over the first pass's entry writes nothing."""
    one = built(**given)
    action = decided(one)
    if action.verb is Verb.ADOPT:
        one = after(one, made(one))

    assert lasting(one)["kind"] == one.kind.name


@pytest.mark.parametrize("status", STATUSES)
def test_phase_is_the_status_verbatim(status: str) -> None:
    """A live job's status is its phase, verbatim; an empty one is Unknown."""
    assert made(built(live={"status": status}))["phase"] == (status or "Unknown")


@pytest.mark.parametrize("status", sorted(OFFERED.terminal))
def test_end_has_the_services_time(status: str) -> None:
    """Succeeded has the service's end time, and no time of ours."""
    ended = "2026-01-01T09:00:00.123Z"
    conditions = made(built(live={"status": status, "members": {"endTime": ended}}))["conditions"]

    assert conditions[1]["lastTransitionTime"] == ended
    assert "lastTransitionTime" not in conditions[0]


def test_end_without_a_time_has_that_of_the_last_change() -> None:
    """If the service names no end time, the last modification time is used."""
    conditions = made(built(live={"status": "Completed"}))["conditions"]

    assert conditions[1]["lastTransitionTime"] == "2026-01-01T09:00:00.000Z"


@pytest.mark.parametrize("status", ["InProgress", "Completed"])
def test_entry_does_not_depend_on_the_time(status: str) -> None:
    """Equal arguments give equal entries at any time, and no argument is changed."""
    one = built(live={"status": status}, sidecar={"phase": "InProgress", "jobArn": ARN})
    before = repr(one)
    later = decide_action(
        one.kind, one.desired, one.observation, one.recorded, FLEET, NOW.replace(2030)
    )

    assert build_entry(one.kind, Outcome(later, later), one.recorded, FLEET.owner) == made(one)
    assert repr(one) == before


@pytest.mark.parametrize("status", ["InProgress", "Failed"])
@pytest.mark.parametrize("token", ["ours", "changed", "foreign"])
def test_sensitive_values_are_masked(status: str, token: str) -> None:
    """No entry holds the value of a sensitive member, however the job ended."""
    one = built(spec={"trainingDataConfig": FILTERS}, live={"status": status, "token": token})

    assert "secret" not in json.dumps(made(one))
    assert "secret" not in json.dumps(made(one, THROTTLED))


def test_intent_is_an_entry_of_its_own() -> None:
    """Before the call, the entry says what is about to be submitted, and keeps the history."""
    history = [{"attempt": 0, "phase": "Failed"}]
    one = built(sidecar={"phase": "Pending", "history": history})
    written = build_intent(one.kind, decided(one), one.recorded)

    assert one.desired.submission is not None
    assert written["phase"] == SUBMITTING
    assert written["digest"] == one.desired.submission.digest
    assert written["token"] == one.desired.submission.token
    assert written["target"] == {"accountId": "123456789012", "region": "us-east-1"}
    assert written["history"] == history
    assert "jobArn" not in written
    recorded = after(one, written).recorded
    assert recorded is not None
    assert recorded.is_intent


def test_lost_answer_reads_as_an_intent() -> None:
    """A Create that may have taken effect is still an intent in the next pass."""
    one = built()
    following = after(one, made(one, LOST))

    assert following.recorded is not None
    assert following.recorded.is_intent
    assert decided(following).reason is Reason.INTENT_UNCONFIRMED


def test_answered_create_is_known_by_its_arn() -> None:
    """A created job that is not visible is waited for, and counts as missing once it is old."""
    one = built()
    written = made(one, arn=ARN)

    assert (written["phase"], written["jobArn"]) == (SUBMITTING, ARN)
    assert "does not show yet" in written["conditions"][0]["message"]
    young = after(one, written)
    assert (decided(young).verb, decided(young).reason) == (Verb.WAIT, Reason.INTENT_UNCONFIRMED)
    assert young.recorded is not None
    old = replace(young.recorded, written_at=NOW - timedelta(hours=1))
    assert decided(replace(young, recorded=old)).reason is Reason.LIVE_MISSING
    assert (
        decided(after(built(live={"status": "InProgress"}), written)).reason is Reason.IN_PROGRESS
    )


@pytest.mark.parametrize(
    ("code", "phase", "next_reason"),
    [
        ("ValidationException", "Stalled", Reason.SUBMIT_REFUSED),
        ("TooManyTagsException", "Stalled", Reason.SUBMIT_REFUSED),
        ("ServiceQuotaExceededException", "Queued", Reason.NOT_SUBMITTED),
        ("AccessDeniedException", "Pending", Reason.NOT_SUBMITTED),
        ("ThrottlingException", "Pending", Reason.NOT_SUBMITTED),
        ("Unheard", "Pending", Reason.NOT_SUBMITTED),
    ],
)
def test_failed_create_decides_the_next_pass(code: str, phase: str, next_reason: Reason) -> None:
    """A refused request is held until it is edited; other failures are retried."""
    one = built()
    written = made(one, make_failure(code, "why", reading=False))
    edited = built(spec={"hyperParameters": {"epochCount": "3"}})

    assert written["phase"] == phase
    assert "why" in written["conditions"][0]["message"]
    assert decided(after(one, written)).reason is next_reason
    assert decided(replace(edited, recorded=after(one, written).recorded)).verb is Verb.SUBMIT


ASKED = built().desired.submission
DIGEST = ASKED.digest if ASKED else ""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "kind": JSON,
        "phase": JSON | st.sampled_from([SUBMITTING, "Completed", "Stalled"]),
        "digest": JSON | st.just(DIGEST),
        "token": JSON,
        "attempt": JSON,
        "target": JSON | st.dictionaries(st.sampled_from(["accountId", "region"]), JSON),
        "jobArn": JSON | st.just(ARN),
        "conditions": JSON
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.just("Synced") | JSON},
                optional={
                    "reason": JSON | st.sampled_from([reason.value for reason in Reason]),
                    "message": JSON,
                },
            )
        ),
        "live": JSON
        | st.dictionaries(
            st.sampled_from(["jobName", "status", "equals"]), JSON | st.just("Completed")
        ),
        "history": JSON,
        "further": JSON,
    },
)
SITUATIONS: list[dict[str, Any]] = [
    {},
    {"live": {"status": "Completed"}},
    {"live": {"token": "foreign"}},
    {"live": {"token": "missing"}},
    {"failure": {"code": "ThrottlingException"}},
    {"problems": [{"code": "BJ204", "message": "x"}]},
    {"target": {"accountId": "999999999999"}},
]


@pytest.mark.parametrize("phase", [None, 7, "", []])
def test_recorded_phase_that_is_no_text_is_replaced(phase: object) -> None:
    """An entry that was edited by hand does not keep such a phase while nothing is observed."""
    raw = {
        "phase": phase,
        "digest": DIGEST,
        "jobArn": ARN,
        "live": {"jobName": "support-bot", "status": "Completed"},
        "conditions": [{"type": "Synced", "reason": "Invalid"}],
    }
    one = replace(
        built(failure={"code": "ThrottlingException"}), recorded=parse_entry(OFFERED, raw, NOW)
    )

    assert made(one)["phase"] == "Unknown"


@settings(deadline=None, max_examples=300)
@given(ENTRIES, st.sampled_from(SITUATIONS))
def test_no_recorded_entry_breaks_a_pass(raw: dict[str, Any], given_: dict[str, Any]) -> None:
    """Whatever a sidecar contains, a pass decides, and what it writes can be parsed."""
    one = replace(built(**given_), recorded=parse_entry(OFFERED, raw, NOW))
    assert isinstance(one.recorded, JobRecord)

    for failed in (None, LOST, THROTTLED):
        written = made(one, failed)
        parsed = parse_entry(OFFERED, json.loads(json.dumps(written)), NOW)

        assert isinstance(written["phase"], str)
        assert {"Synced", "Succeeded"} <= {each["type"] for each in written["conditions"]}
        assert parsed.phase == written["phase"]


@pytest.mark.parametrize("conditions", [None, 7, "Synced", {"type": "Synced"}, [7], [{}], [[]]])
@pytest.mark.parametrize("given", SITUATIONS, ids=lambda each: "-".join(each) or "absent")
def test_malformed_conditions_are_rebuilt(given: dict[str, Any], conditions: Any) -> None:
    """Malformed conditions are rebuilt, even for a job that ended."""
    raw = {
        "phase": "Completed",
        "digest": DIGEST,
        "jobArn": ARN,
        "live": {"status": "Completed"},
        "conditions": conditions,
    }
    one = built(**given, sidecar=raw)

    types = [condition["type"] for condition in made(one)["conditions"]]
    assert types[:2] == ["Synced", "Succeeded"]
