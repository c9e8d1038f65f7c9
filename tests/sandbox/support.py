"""A sandbox under test, used like a client does: with boto3, over HTTP."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_sts import STSClient

ROOT = Path(__file__).parents[2]
MINUTE = 60
LONG_ENOUGH = 2 * 3600
DEADLINE = 60.0
# Answers must come at once or not at all: a retry would hide what is tested.
CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=DEADLINE, max_pool_connections=32)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, whose clock does not advance unless a test advances it."""

    url: str
    folder: Path
    clients: dict[str, Any]

    def bedrock(self, region: str = "us-east-1", **credentials: str) -> BedrockClient:
        """Return a client for a region, with dummy credentials by default."""
        client: BedrockClient = self._client("bedrock", region, credentials)
        return client

    def sts(self, **credentials: str) -> STSClient:
        """Return a client of the simulated STS."""
        client: STSClient = self._client("sts", "us-east-1", credentials)
        return client

    def _client(self, service: str, region: str, credentials: dict[str, str]) -> Any:
        key = json.dumps([service, region, credentials])
        if key not in self.clients:
            given = credentials or {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
            make: Any = boto3.client
            self.clients[key] = make(
                service, region_name=region, endpoint_url=self.url, config=CONFIG, **given
            )
        return self.clients[key]

    def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call one of the sandbox's own endpoints."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_sandbox/{path}", data, method=method)  # noqa: S310
        with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310
            content: dict[str, Any] = json.load(answer)
        return content

    def advance(self, seconds: float) -> None:
        """Advance the simulated clock."""
        self.control("POST", "clock", {"advance": seconds})

    def change_settings(self, **changes: object) -> dict[str, Any]:
        """Change some settings, and return all of them."""
        return self.control("PUT", "behaviour", changes)

    def inject_fault(self, kind: str, operation: str | None = None, **members: object) -> None:
        """Inject a fault."""
        named = {} if operation is None else {"operation": operation}
        self.control("POST", "faults", {"kind": kind, **named, **members})

    def list_faults(self) -> list[dict[str, Any]]:
        """Return the injected faults."""
        orders: list[dict[str, Any]] = self.control("GET", "faults")["faults"]
        return orders

    def create(self, name: str, **changes: Any) -> str:
        """Create a job and return its ARN."""
        request = request_named(name, **changes)
        return self.bedrock().create_model_customization_job(**request)["jobArn"]

    def list_names(self) -> list[str]:
        """Return the names in List, the newest first."""
        answer = self.bedrock().list_model_customization_jobs(maxResults=1000)
        return [summary["jobName"] for summary in answer["modelCustomizationJobSummaries"]]

    def list_calls(self) -> list[dict[str, Any]]:
        """Return the journal."""
        calls: list[dict[str, Any]] = self.control("GET", "calls")["calls"]
        return calls

    def get(self, identifier: str, region: str = "us-east-1") -> dict[str, Any]:
        """Return a job as shown by Get."""
        client = self.bedrock(region)
        shown = dict(client.get_model_customization_job(jobIdentifier=identifier))
        shown.pop("ResponseMetadata")
        return shown

    def wire_get(self, name: str, region: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the decoded JSON of a GET."""
        scope = f"AWS4-HMAC-SHA256 Credential=any/20260102/{region}/bedrock/aws4_request"
        path = f"/model-customization-jobs/{name}"
        return self.wire("GET", path, headers={"Authorization": scope})

    def wire(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send a request unchanged, and return the status and the JSON response."""
        request = Request(f"{self.url}{path}", body, dict(headers or {}), method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except OSError as error:
            status, stream = getattr(error, "code", 0), getattr(error, "fp", None)
            if stream is None:
                raise
            with stream:
                return status, json.load(stream)


@contextmanager
def speaking_to(url: str, folder: Path) -> Iterator[Sandbox]:
    """Keep the clients of a sandbox open during the context."""
    sandbox = Sandbox(url, folder, {})
    try:
        yield sandbox
    finally:
        for client in sandbox.clients.values():
            client.close()


def request_named(name: str, **changes: Any) -> dict[str, Any]:
    """Return a valid request with some members changed; None removes a member."""
    request = {
        "jobName": name,
        "customModelName": f"{name}-model",
        "roleArn": "arn:aws:iam::123456789012:role/BedrockCustomization",
        "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
        "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"},
    }
    return {key: value for key, value in {**request, **changes}.items() if value is not None}


def refused(call: Callable[[], object]) -> tuple[str, str, int]:
    """Return the code, message and HTTP status with which a call is rejected."""
    try:
        call()
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return answer["Error"]["Code"], answer["Error"]["Message"], status
    raise AssertionError("the call was not refused")


class _Drained(io.TextIOWrapper):
    """A stream that is read continuously: with a full pipe the server would block on logging."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(io.BytesIO())
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._drain, args=(stream,), daemon=True)
        self._thread.start()

    def _drain(self, stream: IO[str]) -> None:
        with stream:
            self._said.extend(stream)

    def read(self, size: int | None = -1, /) -> str:
        """Return all output, once the server has ended."""
        self._thread.join(DEADLINE)
        return "".join(self._said)


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Sandbox]]:
    """Run ``bedrock-jobs sandbox`` as a separate process during the context."""
    command = [sys.executable, "-m", "controller", "sandbox", "--port", "0"]
    command += ["--state-dir", str(folder), "--speed", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as running:
        try:
            assert running.stderr is not None
            greeting = running.stderr.readline()
            assert "ready at http" in greeting, greeting
            url = greeting.split("ready at ")[1].split()[0].rstrip(".")
            running.stderr = _Drained(running.stderr)
            with speaking_to(url, folder) as sandbox:
                yield running, sandbox
        finally:
            running.kill()


def poll(ready: Callable[[], bool]) -> None:
    """Return once a condition is true; fail if it is not in time."""
    deadline = time.monotonic() + DEADLINE
    while not ready():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.01)
