from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.support import LONG_ENOUGH, MINUTE, Sandbox, refused, request_named

STAGES = ("validationDetails", "dataProcessingDetails", "trainingDetails")
NEVER_EARLY = {"endTime", "failureMessage", "outputModelArn", "trainingMetrics"}
CONFLICT = (
    "ConflictException",
    "Error occurred because of a conflict while performing an operation.",
    400,
)


def stages(shown: dict[str, Any]) -> list[str]:
    """Return the status of each stage."""
    return [shown["statusDetails"][stage]["status"] for stage in STAGES]


def start(sandbox: Sandbox, name: str = "job", **changes: Any) -> str:
    """Create a job and return its ARN."""
    request = request_named(name, **changes)
    return sandbox.bedrock().create_model_customization_job(**request)["jobArn"]


def test_a_job_passes_through_its_stages(sandbox: Sandbox) -> None:
    """A job is InProgress in each stage for about an hour, and then Completed."""
    start(sandbox)
    seen = []
    for _ in range(80):
        shown = sandbox.get("job")
        seen.append((shown["status"], *stages(shown)))
        sandbox.advance(MINUTE)

    assert list(dict.fromkeys(seen)) == [
        ("InProgress", "InProgress", "NotStarted", "NotStarted"),
        ("InProgress", "Completed", "InProgress", "NotStarted"),
        ("InProgress", "Completed", "Completed", "InProgress"),
        ("Completed", "Completed", "Completed", "Completed"),
    ]
    assert 54 <= sum(status == "InProgress" for status, *_ in seen) <= 67


def test_nothing_is_shown_before_it_is_due(sandbox: Sandbox) -> None:
    """End, model and metrics are absent while a job runs, and present once it completed."""
    start(sandbox, validationDataConfig={"validators": [{"s3Uri": "s3://acme-training/v.jsonl"}]})
    early = sandbox.get("job")
    sandbox.advance(LONG_ENOUGH)
    late = sandbox.get("job")

    assert not NEVER_EARLY & set(early)
    assert early["validationMetrics"] == []
    assert set(late) - set(early) == NEVER_EARLY - {"failureMessage"}
    assert late["outputModelArn"].startswith(
        "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/"
    )
    assert [set(metric) for metric in late["validationMetrics"]] == [{"validationLoss"}]
    assert timedelta() < late["lastModifiedTime"] - late["endTime"] < timedelta(seconds=1)


def test_what_was_not_sent_is_not_shown(sandbox: Sandbox) -> None:
    """Optional members that were not sent are absent, and the list of metrics is empty."""
    start(sandbox)
    sandbox.advance(LONG_ENOUGH)
    shown = sandbox.get("job")

    assert not {"validationDataConfig", "vpcConfig", "outputModelKmsKeyArn"} & set(shown)
    assert shown["validationMetrics"] == []
    assert shown["customizationType"] == "FINE_TUNING"


def test_get_takes_a_name_or_an_arn(sandbox: Sandbox) -> None:
    """A job is the same by name and by ARN, whose colons and slashes are encoded."""
    arn = start(sandbox)

    assert sandbox.get(arn) == sandbox.get("job")


@pytest.mark.parametrize(
    "identifier",
    [
        "absent",
        "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/abcdefghij12",
    ],
)
def test_unknown_jobs_are_not_found(sandbox: Sandbox, identifier: str) -> None:
    """Get and Stop of an unknown job return 404."""
    client = sandbox.bedrock()
    start(sandbox)

    gotten = refused(lambda: client.get_model_customization_job(jobIdentifier=identifier))
    stopped = refused(lambda: client.stop_model_customization_job(jobIdentifier=identifier))

    assert (gotten[0], gotten[2]) == ("ResourceNotFoundException", 404)
    assert (stopped[0], stopped[2]) == ("ResourceNotFoundException", 404)


def test_stop_is_stopping_at_once_and_stopped_a_minute_later(sandbox: Sandbox) -> None:
    """A stopped job produces no model, and its times are those of the stop."""
    start(sandbox)
    sandbox.advance(10 * MINUTE)
    answer = sandbox.bedrock().stop_model_customization_job(jobIdentifier="job")
    stopping = sandbox.get("job")
    sandbox.advance(MINUTE)
    stopped = sandbox.get("job")
    sandbox.advance(LONG_ENOUGH)

    assert set(answer) == {"ResponseMetadata"}
    assert (stopping["status"], *stages(stopping)) == (
        *("Stopping", "Completed", "Stopping", "NotStarted"),
    )
    assert stopping["lastModifiedTime"] - stopping["creationTime"] == timedelta(minutes=10)
    assert "endTime" not in stopping
    assert (stopped["status"], *stages(stopped)) == (
        *("Stopped", "Completed", "Stopped", "NotStarted"),
    )
    assert stopped["lastModifiedTime"] - stopped["creationTime"] == timedelta(minutes=11)
    assert not {"outputModelArn", "trainingMetrics"} & set(stopped)
    assert sandbox.get("job") == stopped


def test_stop_can_be_repeated_while_stopping(sandbox: Sandbox) -> None:
    """A second Stop neither fails nor moves the end."""
    start(sandbox)
    client = sandbox.bedrock()
    client.stop_model_customization_job(jobIdentifier="job")
    sandbox.advance(MINUTE / 2)
    client.stop_model_customization_job(jobIdentifier="job")
    sandbox.advance(MINUTE / 2)

    assert sandbox.get("job")["status"] == "Stopped"


def test_an_ended_job_cannot_be_stopped(sandbox: Sandbox) -> None:
    """Stop of a job that has ended is a conflict, and changes nothing."""
    start(sandbox)
    sandbox.advance(LONG_ENOUGH)
    before = sandbox.get("job")

    assert (
        refused(lambda: sandbox.bedrock().stop_model_customization_job(jobIdentifier="job"))
        == CONFLICT
    )
    assert sandbox.get("job") == before


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "data/sandbox-fail.jsonl",
            (
                "Unable to parse Amazon S3 file: `sandbox-fail.jsonl`. "
                "Data files must conform to JSONL format."
            ),
        ),
        (
            "sandbox-fail-access/train.jsonl",
            (
                "Could not validate GetObject permissions to access Amazon S3 bucket: "
                "`acme-training` at key `sandbox-fail-access/train.jsonl`"
            ),
        ),
        (
            "sandbox-fail-size/train.jsonl",
            "Maximum input token count 4097 exceeds limit of 4096",
        ),
        (
            "sandbox-fail-internal/train.jsonl",
            "Encountered an unexpected error when processing the request, please try again",
        ),
        (
            "sandbox-fail-capacity/train.jsonl",
            "Insufficient capacity to run the job at this time, try again later",
        ),
    ],
)
def test_data_can_request_a_failure(sandbox: Sandbox, key: str, message: str) -> None:
    """A training location with a marker makes the job fail after a while, within a stage."""
    start(sandbox, trainingDataConfig={"s3Uri": f"s3://acme-training/{key}"})
    sandbox.advance(20 * MINUTE)
    early = sandbox.get("job")
    sandbox.advance(15 * MINUTE)
    late = sandbox.get("job")

    assert (early["status"], late["status"]) == ("InProgress", "Failed")
    assert "failureMessage" not in early
    assert late["failureMessage"] == message
    assert stages(late) == ["Completed", "Failed", "NotStarted"]
    assert "outputModelArn" not in late
    assert "endTime" in late
