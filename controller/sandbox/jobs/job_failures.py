"""How jobs fail: because the S3 location of their data requests it, or as a share of all jobs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from controller.sandbox.jobs.behaviour import Behaviour, FailureMode

_MARKER = "sandbox-fail"


@dataclass(frozen=True, slots=True)
class SimulatedFailure:
    """One way to fail: its name, the marker in an S3 location that requests it, the message."""

    mode: FailureMode
    marker: str
    message: str


# The plain marker is last, because it is a prefix of the others.
FAILURES = (
    SimulatedFailure(
        FailureMode.INTERNAL,
        f"{_MARKER}-internal",
        "Encountered an unexpected error when processing the request, please try again",
    ),
    SimulatedFailure(
        FailureMode.CAPACITY,
        f"{_MARKER}-capacity",
        "Insufficient capacity to run the job at this time, try again later",
    ),
    SimulatedFailure(
        FailureMode.ACCESS,
        f"{_MARKER}-access",
        (
            "Could not validate GetObject permissions to access Amazon S3 bucket: `{bucket}` "
            "at key `{key}`"
        ),
    ),
    SimulatedFailure(
        FailureMode.SIZE,
        f"{_MARKER}-size",
        "Maximum input token count 4097 exceeds limit of 4096",
    ),
    SimulatedFailure(
        FailureMode.DATA,
        _MARKER,
        "Unable to parse Amazon S3 file: `{file}`. Data files must conform to JSONL format.",
    ),
)


def find_failure(name: str, data: Any, behaviour: Behaviour) -> str | None:
    """Return the message with which a job will fail, or None.

    An S3 location in its data may request a failure; else failing jobs are selected by name and
    seed, so that the same jobs fail in every run, and each attempt is selected separately.
    """
    locations = [text for text in _walk_texts(data) if text.startswith("s3://")]
    for location in locations:
        for failure in FAILURES:
            if failure.marker in location:
                return _format_message(failure, location)
    if _draw_fraction(f"{behaviour.failing_seed}/{name}") >= behaviour.failing_share:
        return None
    drawn = next(one for one in FAILURES if one.mode is behaviour.failing_with)
    return _format_message(drawn, locations[0] if locations else "s3://bucket/key")


def _draw_fraction(text: str) -> float:
    """Return a pseudo-random number from 0 (inclusive) to 1 (exclusive), derived from the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def _format_message(failure: SimulatedFailure, location: str) -> str:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return failure.message.format(bucket=bucket, key=key, file=key.rpartition("/")[2])


def _walk_texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _walk_texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _walk_texts(value)
