"""Failures that a job's data ask for, so that a person can see what one looks like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MARKER = "sandbox-fail"
# Longest marker first: each begins with the plain one.
_MESSAGES = (
    (
        f"{MARKER}-internal",
        "Encountered an unexpected error when processing the request, please try again",
    ),
    (
        f"{MARKER}-access",
        (
            "Could not validate GetObject permissions to access Amazon S3 bucket: `{bucket}` "
            "at key `{key}`"
        ),
    ),
    (
        f"{MARKER}-size",
        "Maximum input token count 4097 exceeds limit of 4096",
    ),
    (
        MARKER,
        "Unable to parse Amazon S3 file: `{file}`. Data files must conform to JSONL format.",
    ),
)


def failure_in(data: Any) -> str | None:
    """Return the message of the failure that some S3 location in the data asks for, or None."""
    for text in _texts(data):
        for marker, message in _MESSAGES:
            if text.startswith("s3://") and marker in text:
                bucket, _, key = text.removeprefix("s3://").partition("/")
                return message.format(bucket=bucket, key=key, file=key.rpartition("/")[2])
    return None


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
