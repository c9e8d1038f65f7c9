"""What each kind of fault does to a call."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.core.call_errors import NOT_UNDERSTOOD
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.ports import CloudError
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.jobs.faults import REPLACING, UNKNOWN_STATUS
from tests.sandbox.support import (
    DEADLINE,
    LONG_ENOUGH,
    MINUTE,
    Sandbox,
    poll,
    refused,
    request_named,
)

(KIND,) = KINDS.values()
MISSING = "ResourceNotFoundException"


def faults_in(sandbox: Sandbox) -> list[tuple[int, str | None]]:
    """Return the status and fault of every call in the journal."""
    return [(call["status"], call["fault"]) for call in sandbox.list_calls()]


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 429),
        ("server-error", "InternalServerException", 500),
        ("unavailable", "ServiceUnavailableException", 503),
    ],
)
def test_a_call_can_fail_with_an_error(sandbox: Sandbox, kind: str, code: str, status: int) -> None:
    """The call returns its error and does nothing; the journal has it; the next call succeeds."""
    sandbox.inject_fault(kind, "Create")
    found = refused(lambda: sandbox.create("job"))

    assert (found[0], found[2]) == (code, status)
    assert sandbox.list_names() == []
    sandbox.create("job")
    assert faults_in(sandbox) == [(status, kind), (200, None), (201, None)]
    assert sandbox.list_calls()[0]["members"]["jobName"] == "job"


@pytest.mark.parametrize(
    ("kind", "code"), [("throttle", "ThrottlingException"), ("unavailable", "ServiceUnavailable")]
)
def test_sts_can_fail_with_an_error(sandbox: Sandbox, kind: str, code: str) -> None:
    """STS returns the error in its own protocol."""
    sandbox.inject_fault(kind, "GetCallerIdentity")

    assert refused(lambda: sandbox.sts().get_caller_identity())[0].startswith(code)
    assert sandbox.sts().get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize(("kind", "status"), [("reset-before", 0), ("reset-after", 201)])
def test_a_connection_can_be_reset(sandbox: Sandbox, kind: str, status: int) -> None:
    """The client gets no response; the job exists only if the call was carried out."""
    sandbox.inject_fault(kind, "Create")
    with pytest.raises(ConnectionClosedError):
        sandbox.create("job")

    assert faults_in(sandbox) == [(status, kind)]
    assert sandbox.list_names() == (["job"] if status else [])


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_reset_is_a_tcp_reset(sandbox: Sandbox, kind: str) -> None:
    """The connection is reset: no byte, and no orderly end either."""
    sandbox.inject_fault(kind)
    with socket.create_connection((urlsplit(sandbox.url).hostname, _port(sandbox))) as wire:
        wire.settimeout(DEADLINE)
        wire.sendall(b"GET /model-customization-jobs HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            wire.recv(1)


def test_a_reset_affects_one_connection(sandbox: Sandbox) -> None:
    """Only the connection of the call is reset; the server continues without logging anything."""
    with socket.create_connection((urlsplit(sandbox.url).hostname, _port(sandbox))) as other:
        other.settimeout(DEADLINE)
        sandbox.inject_fault("reset-after", "Create", times=None)
        for number in range(5):
            with pytest.raises(ConnectionClosedError):
                sandbox.create(f"job-{number}")
        other.sendall(b"GET /_sandbox/health HTTP/1.1\r\nHost: sandbox\r\n\r\n")

        assert other.recv(1000).startswith(b"HTTP/1.1 200")
    assert len(sandbox.list_names()) == 5


def test_sts_can_be_reset(sandbox: Sandbox) -> None:
    """A reset works in every protocol."""
    sandbox.inject_fault("reset-after", "GetCallerIdentity")
    with pytest.raises(ConnectionClosedError):
        sandbox.sts().get_caller_identity()

    assert sandbox.list_calls()[0]["operation"] == "GetCallerIdentity"


@pytest.mark.parametrize("kind", sorted(REPLACING))
@pytest.mark.parametrize("before", [False, True])
def test_the_response_can_be_replaced(sandbox: Sandbox, kind: str, before: bool) -> None:
    """Whatever replaces the response, the call is carried out as requested and recorded."""
    sandbox.inject_fault(kind, "Create", before=before)
    cloud = Bedrock(Connection(endpoint_url=sandbox.url, any_credentials=True))

    with pytest.raises(CloudError) as caught:
        cloud.create(KIND, Target("us-east-1"), dict(request_named("job")), "token")

    assert (caught.value.failure.code, caught.value.failure.ambiguous) == (NOT_UNDERSTOOD, True)
    assert faults_in(sandbox) == [(0 if before else 201, kind)]
    assert sandbox.list_names() == ([] if before else ["job"])


@pytest.mark.parametrize("kind", sorted(REPLACING))
def test_the_response_of_sts_can_be_replaced(sandbox: Sandbox, kind: str) -> None:
    """No replaced response of STS reveals the account of the credentials."""
    sandbox.inject_fault(kind, "GetCallerIdentity")
    cloud = Bedrock(Connection(endpoint_url=sandbox.url, any_credentials=True))

    with pytest.raises(CloudError) as caught:
        cloud.get_place(Target("us-east-1"))

    assert caught.value.failure.code == NOT_UNDERSTOOD
    assert cloud.get_place(Target("us-east-1")).account_id == "123456789012"


def test_get_can_return_another_job(sandbox: Sandbox) -> None:
    """Get returns a job that was not requested, with its name and its ARN."""
    arn = sandbox.create("job")
    sandbox.inject_fault("another-job")

    shown = sandbox.get("job")

    assert shown["jobName"] != "job"
    assert arn != shown["jobArn"]


def test_metrics_can_come_later(sandbox: Sandbox) -> None:
    """Get shows a completed job once without its metrics, and then with them."""
    sandbox.create("job")
    sandbox.advance(LONG_ENOUGH)
    sandbox.inject_fault("no-metrics")

    assert "trainingMetrics" not in sandbox.get("job")
    assert "trainingMetrics" in sandbox.get("job")


def _port(sandbox: Sandbox) -> int:
    return urlsplit(sandbox.url).port or 0


def hurried(sandbox: Sandbox) -> Any:
    """Return a client with a timeout of a tenth of a second."""
    make: Any = boto3.client
    config = Config(retries={"total_max_attempts": 1}, read_timeout=0.1)
    given = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    return make(
        "bedrock", region_name="us-east-1", endpoint_url=sandbox.url, config=config, **given
    )


def test_a_response_can_be_late(sandbox: Sandbox) -> None:
    """A delayed call is carried out at once, and its client times out before the response."""
    sandbox.inject_fault("delay", "Create", seconds=30)
    client = hurried(sandbox)
    with pytest.raises(ReadTimeoutError):
        client.create_model_customization_job(**request_named("job"))
    client.close()

    assert sandbox.list_names() == ["job"]
    assert faults_in(sandbox)[0] == (201, "delay")


def test_a_call_can_be_carried_out_late(sandbox: Sandbox) -> None:
    """A call that is held back is carried out although its client timed out long before."""
    # Listed once before, since creating the client of listings may take longer than the delay.
    assert sandbox.list_names() == []
    sandbox.inject_fault("delay-before", "Create", seconds=1)
    client = hurried(sandbox)
    with pytest.raises(ReadTimeoutError):
        client.create_model_customization_job(**request_named("job"))
    client.close()

    assert sandbox.list_names() == []
    poll(lambda: sandbox.list_names() == ["job"])
    assert (201, "delay-before") in faults_in(sandbox)


@pytest.mark.parametrize("kind", ["delay", "delay-before"])
def test_a_short_delay_is_harmless(sandbox: Sandbox, kind: str) -> None:
    """A delay below the client's timeout only takes time, and the call succeeds."""
    sandbox.inject_fault(kind, "Create", seconds=0.2)
    started = time.monotonic()
    sandbox.create("job")

    assert time.monotonic() - started >= 0.2
    assert sandbox.list_names() == ["job"]


def test_a_delay_affects_one_call(sandbox: Sandbox, tmp_path: Path) -> None:
    """While one call is delayed, others are served; a sandbox ends without waiting for it."""
    with start_sandbox(tmp_path / "other", speed=0) as url:
        other = Sandbox(url, tmp_path, {})
        other.inject_fault("delay", "Create", seconds=600)
        client = hurried(other)
        with pytest.raises(ReadTimeoutError):
            client.create_model_customization_job(**request_named("job"))
        client.close()
        assert other.list_names() == ["job"]
        started = time.monotonic()
        other.clients.popitem()[1].close()
    assert time.monotonic() - started < DEADLINE


@pytest.mark.parametrize(("seconds", "found"), [(30, True), (60, True), (61, False), (None, False)])
def test_get_can_be_stale(sandbox: Sandbox, seconds: float | None, found: bool) -> None:
    """A stale Get shows a job as of that long ago, or not at all."""
    sandbox.create("job")
    sandbox.advance(MINUTE)
    sandbox.bedrock().stop_model_customization_job(jobIdentifier="job")
    sandbox.inject_fault("stale-get", seconds=seconds)

    if found:
        assert sandbox.get("job")["status"] == "InProgress"
    else:
        assert refused(lambda: sandbox.get("job"))[0] == MISSING
    assert sandbox.get("job")["status"] == "Stopping"
    assert [fault for _, fault in faults_in(sandbox)][-2:] == ["stale-get", None]


@pytest.mark.parametrize(
    ("seconds", "listed"), [(59, ["new", "old"]), (61, ["old"]), (121, []), (None, [])]
)
def test_a_listing_can_be_stale(sandbox: Sandbox, seconds: float | None, listed: list[str]) -> None:
    """A stale List shows the jobs of that long ago; the next one shows all."""
    for name in ("old", "new"):
        sandbox.create(name)
        sandbox.advance(MINUTE)
    sandbox.inject_fault("stale-list", seconds=seconds)

    assert sandbox.list_names() == listed
    assert sandbox.list_names() == ["new", "old"]


def test_staleness_adds_to_a_lag(sandbox: Sandbox) -> None:
    """The age of a stale read adds to the lag of the service."""
    sandbox.change_settings(getLag=30)
    sandbox.create("job")
    sandbox.advance(MINUTE)
    sandbox.inject_fault("stale-get", seconds=31)

    assert refused(lambda: sandbox.get("job"))[0] == MISSING
    assert sandbox.get("job")["status"] == "InProgress"


def test_a_status_can_be_unknown(sandbox: Sandbox) -> None:
    """Get and List show an unknown status once each; all other members are unchanged."""
    sandbox.create("job")
    usual = sandbox.get("job")
    sandbox.inject_fault("unknown-status", "Get")
    sandbox.inject_fault("unknown-status", "List")
    listing = sandbox.bedrock().list_model_customization_jobs()

    assert sandbox.get("job") == usual | {"status": UNKNOWN_STATUS}
    assert listing["modelCustomizationJobSummaries"][0]["status"] == UNKNOWN_STATUS
    assert sandbox.get("job") == usual


def test_a_token_can_be_missing(sandbox: Sandbox) -> None:
    """Get omits the token, and nothing else."""
    sandbox.create("job", clientRequestToken="t")
    usual = sandbox.get("job")
    sandbox.inject_fault("no-token")

    assert sandbox.get("job") == {
        name: value for name, value in usual.items() if name != "clientRequestToken"
    }
    assert sandbox.get("job") == usual


CALLS: dict[str, Callable[[Sandbox], object]] = {
    "CreateModelCustomizationJob": lambda sandbox: sandbox.create("other"),
    "GetModelCustomizationJob": lambda sandbox: sandbox.get("job"),
    "ListModelCustomizationJobs": lambda sandbox: sandbox.list_names(),
    "StopModelCustomizationJob": lambda sandbox: sandbox.bedrock().stop_model_customization_job(
        jobIdentifier="job"
    ),
    "TagResource": lambda sandbox: sandbox.bedrock().tag_resource(
        resourceARN=sandbox.folder.name, tags=[]
    ),
    "AssumeRole": lambda sandbox: sandbox.sts().assume_role(
        RoleArn="arn:aws:iam::210987654321:role/Other", RoleSessionName="test"
    ),
}


@pytest.mark.parametrize("operation", [None, "Create", "Get", "List", "Stop", *CALLS])
def test_only_the_named_operation_fails(sandbox: Sandbox, operation: str | None) -> None:
    """A fault applies only to its operation; with a verb to all of its kinds, without to any."""
    sandbox.create("job")
    sandbox.inject_fault("throttle", operation, times=None)
    throttled = set()
    for name, call in CALLS.items():
        try:
            call(sandbox)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ThrottlingException":
                throttled.add(name)

    meant = {
        name for name in CALLS if operation in {None, name} or name.startswith(f"{operation}Model")
    }
    assert throttled == meant
