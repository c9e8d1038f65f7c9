from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.eventbridge import InvalidEvent, parse_event
from controller.core.kinds.registry import KINDS

(KIND,) = KINDS.values()
ACCOUNT = "123456789012"
ARN = (
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/"
    "amazon.nova-micro-v1:0:128k/3d5ovm5kr3yt"
)


def event(**changes: Any) -> dict[str, Any]:
    """Return an EventBridge event with some members replaced."""
    detail = {"version": "0.0", "jobName": "support-bot", "jobArn": ARN, "jobStatus": "Completed"}
    whole = {
        "version": "0",
        "id": "5d2f9c1e-0a57-4d0a-9f0e-3a6c7b1f2d34",
        "detail-type": KIND.event,
        "source": "aws.bedrock",
        "account": ACCOUNT,
        "time": "2026-03-01T12:34:56Z",
        "region": "us-east-1",
        "resources": [ARN],
        "detail": detail,
    }
    return {**whole, **changes}


def read(body: str) -> str | InvalidEvent:
    """Return the result of parsing a body."""
    return parse_event(body, KINDS.values())


def test_an_event_names_its_job() -> None:
    """An event is parsed to its job's ARN, and nothing more."""
    assert read(json.dumps(event())) == ARN


def test_the_status_in_an_event_is_ignored() -> None:
    """An event without a status, or with an unknown one, is as good as any."""
    assert read(json.dumps(event(detail={"jobArn": ARN}))) == ARN
    assert read(json.dumps(event(detail={"jobArn": ARN, "jobStatus": "Musing"}))) == ARN


def test_the_envelope_may_lack_what_the_arn_has() -> None:
    """An event without account, region or resources is understood by its job's ARN."""
    bare = {name: event()[name] for name in ("source", "detail-type", "detail")}

    assert read(json.dumps(bare)) == ARN


@pytest.mark.parametrize(
    "arn",
    [
        ARN.replace("arn:aws:", "arn:aws-us-gov:"),
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/abcdefghwxyz",
    ],
)
def test_other_partitions_and_short_arns_are_jobs_too(arn: str) -> None:
    """Any partition and any length of the resource are accepted."""
    assert read(json.dumps(event(detail={"jobArn": arn}))) == arn


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", InvalidEvent.NOT_JSON),
        ("certainly", InvalidEvent.NOT_JSON),
        ("[" * 200_000, InvalidEvent.NOT_JSON),
        ("9" * 10_000, InvalidEvent.NOT_JSON),
        ("null", InvalidEvent.NO_EVENT),
        ("[1]", InvalidEvent.NO_EVENT),
        ("{}", InvalidEvent.NO_EVENT),
        (json.dumps(event(source="aws.sagemaker")), InvalidEvent.OTHER_EVENT),
        (
            json.dumps(event(**{"detail-type": "Batch Inference Job State Change"})),
            InvalidEvent.OTHER_EVENT,
        ),
        (json.dumps(event(**{"detail-type": ["a", "list"]})), InvalidEvent.OTHER_EVENT),
        (json.dumps(event(detail="none")), InvalidEvent.NO_JOB),
        (json.dumps(event(detail={})), InvalidEvent.NO_JOB),
        (json.dumps(event(detail={"jobArn": 7})), InvalidEvent.NO_JOB),
        (json.dumps(event(detail={"jobArn": "support-bot"})), InvalidEvent.NO_JOB),
        (json.dumps(event(detail={"jobArn": f"{ARN}\nforged"})), InvalidEvent.NO_JOB),
        (
            json.dumps(event(detail={"jobArn": ARN.replace("customization", "copy")})),
            InvalidEvent.NO_JOB,
        ),
        (json.dumps(event(account="999999999999")), InvalidEvent.OTHER_ACCOUNT),
        (json.dumps(event(account=None)), InvalidEvent.OTHER_ACCOUNT),
    ],
    ids=range(18),
)
def test_invalid_message_has_a_reason(body: str, why: InvalidEvent) -> None:
    """An invalid message gets a reason from a closed list."""
    assert read(body) is why


@settings(deadline=None, max_examples=200)
@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(event(detail=value)))
)
def test_no_body_raises(body: str) -> None:
    """Any message is parsed or classified as invalid, without an exception."""
    assert isinstance(read(body), InvalidEvent)
