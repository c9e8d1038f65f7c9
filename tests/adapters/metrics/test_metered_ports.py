from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.adapters.metrics.metered_ports import MeteredCloud, MeteredLedger
from controller.adapters.metrics.prometheus import Metrics
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source, Target
from controller.ports import Cloud, CloudError, Ledger
from controller.sandbox.http.server import start_sandbox
from controller.telemetry import OK
from tests.adapters.metrics.test_prometheus import made, value
from tests.sandbox.support import Sandbox, request_named

(KIND,) = KINDS.values()
HERE = Target(region="us-east-1")
CREATE, GET = KIND.get_operation("Create"), KIND.get_operation("Get")


@pytest.fixture
def metrics() -> Metrics:
    """Metrics that nothing has been told to."""
    return made()


def cloud_of(sandbox: Sandbox, metrics: Metrics) -> Cloud:
    """Return a measured cloud that reaches the sandbox."""
    connection = Connection(
        endpoint_url=sandbox.url, any_credentials=True, told=metrics.count_request
    )
    return MeteredCloud(Bedrock(connection), metrics)


def submit(cloud: Cloud, name: str) -> str:
    """Submit a job, with a token of its own."""
    return cloud.create(KIND, HERE, dict(request_named(name)), f"token-{name}")


def requests(sandbox: Sandbox, metrics: Metrics, operation: str) -> tuple[float, int]:
    """Return how many requests the metrics show of an operation, and how many were sent."""
    shown = sum(
        sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == "bedrock_jobs_aws_requests_total"
        and sample.labels["operation"] == operation
    )
    return shown, Counter(call["operation"] for call in sandbox.list_calls())[operation]


def test_each_request_is_counted_with_its_time(sandbox: Sandbox, metrics: Metrics) -> None:
    """Calls of Bedrock and STS show by operation, as often as the service heard of them."""
    cloud = cloud_of(sandbox, metrics)

    cloud.get_place(HERE)
    cloud.get_place(HERE)
    arn = submit(cloud, "support-bot")
    cloud.get(KIND, HERE, arn)

    for operation in ("GetCallerIdentity", CREATE, GET):
        assert requests(sandbox, metrics, operation) == (1, 1)
        assert value(metrics, "aws_requests_total", operation=operation, code=OK) == 1
        assert value(metrics, "aws_request_duration_seconds_count", operation=operation) == 1
    assert value(metrics, "jobs_submitted_total") == 1


def test_requests_that_are_tried_again_are_all_counted(sandbox: Sandbox, metrics: Metrics) -> None:
    """A throttled request counts under its code although the call went well in the end."""
    sandbox.inject_fault("throttle", GET, times=1)
    cloud = cloud_of(sandbox, metrics)

    assert cloud.get(KIND, HERE, "nobody") is None

    assert requests(sandbox, metrics, GET) == (2, 2)
    throttled = {"operation": GET, "code": "ThrottlingException"}
    assert value(metrics, "aws_requests_total", **throttled) == 1


def test_lost_answers_are_ambiguous(sandbox: Sandbox, metrics: Metrics) -> None:
    """A Create whose connection broke counts as ambiguous, once, and not as submitted."""
    sandbox.inject_fault("reset-after", CREATE, times=3)
    cloud = cloud_of(sandbox, metrics)

    with pytest.raises(CloudError):
        submit(cloud, "support-bot")

    assert value(metrics, "submit_ambiguous_total") == 1
    assert value(metrics, "jobs_submitted_total") == 0
    assert value(metrics, "aws_requests_total", operation=CREATE, code="ConnectionLost") == 3


def test_refusals_are_not_ambiguous(sandbox: Sandbox, metrics: Metrics) -> None:
    """A Create that the service refused made nothing, and counts under its code alone."""
    cloud = cloud_of(sandbox, metrics)

    with pytest.raises(CloudError):
        cloud.create(KIND, HERE, {**request_named("support-bot"), "roleArn": "nobody"}, "token")

    assert value(metrics, "submit_ambiguous_total") == value(metrics, "jobs_submitted_total") == 0


def test_an_endpoint_that_nobody_serves_is_counted(metrics: Metrics, tmp_path: Path) -> None:
    """A request that reached nobody counts under our own code."""
    with start_sandbox(tmp_path, speed=0) as url:
        gone = Connection(endpoint_url=url, any_credentials=True, told=metrics.count_request)

    with pytest.raises(CloudError):
        Bedrock(gone).get(KIND, HERE, "support-bot")

    unreachable = {"operation": GET, "code": "EndpointUnreachable"}
    assert value(metrics, "aws_requests_total", **unreachable) >= 1


def test_only_writes_that_change_bytes_are_counted(metrics: Metrics, tmp_path: Path) -> None:
    """The same entry written twice is one write; its removal is another."""
    source, key = Source(str(tmp_path / "support-bot.yaml")), JobKey(KIND.name, "support-bot")
    ledger: Ledger = MeteredLedger(SidecarLedger((tmp_path,), KINDS), metrics)
    entry = {"kind": KIND.name, "phase": "Pending"}

    changed = [ledger.write(source, key, entry) for _ in range(2)]

    assert changed == [True, False]
    assert value(metrics, "sidecar_writes_total") == 1

    ledger.read({})
    (left,) = ledger.list_stray_entries()
    assert ledger.remove(left, entry)
    assert value(metrics, "sidecar_writes_total") == 2
