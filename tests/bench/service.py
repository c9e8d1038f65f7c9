"""The sandbox as the endpoint of a benchmark: its journal of calls, and its clock."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Service:
    """A running sandbox at an endpoint URL."""

    url: str

    def calls(self) -> Counter[str]:
        """Return how often each service was called since the journal was last emptied."""
        journal = json.loads(self._ask("GET", "/_sandbox/calls"))
        return Counter(entry["service"] for entry in journal["calls"])

    def operations(self) -> Counter[str]:
        """Return how often each operation was called since the journal was last emptied."""
        journal = json.loads(self._ask("GET", "/_sandbox/calls"))
        return Counter(entry["operation"] for entry in journal["calls"])

    def created(self) -> dict[str, float]:
        """Return when each job's Create was carried out, in real seconds since 1970.

        It is the service's own word, and late by what an answer takes rather than early.
        """
        now = json.loads(self._ask("GET", "/_sandbox/clock"))["now"]
        ahead = _seconds(now) - time.time()
        journal = json.loads(self._ask("GET", "/_sandbox/calls"))
        return {
            entry["members"]["jobName"]: _seconds(entry["at"]) - ahead
            for entry in journal["calls"]
            if entry["operation"].startswith("Create")
        }

    def forget_calls(self) -> None:
        """Empty the journal."""
        self._ask("DELETE", "/_sandbox/calls")

    def advance(self, seconds: float = DAY_SECONDS) -> None:
        """Move the simulated clock forward: by default past the end of every job."""
        self._ask("POST", "/_sandbox/clock", {"advance": seconds})

    def delay(self, calls: int, seconds: float) -> None:
        """Let so many of the next calls wait for their answers."""
        self._ask("POST", "/_sandbox/faults", {"kind": "delay", "times": calls, "seconds": seconds})

    def stop(self, names: Iterable[str]) -> None:
        """Stop jobs behind the controller's back, so that they have changed when it looks."""
        client = boto3.client(
            "bedrock",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - any credentials do in the sandbox
        )
        for name in names:
            client.stop_model_customization_job(jobIdentifier=name)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text: bytes = answer.read()
        return text


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
