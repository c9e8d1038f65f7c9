"""Parses messages of the events queue: which job has changed, or why a message is invalid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

from controller.core.kinds.kind import Kind

SOURCE = "aws.bedrock"

_ARN = re.compile(
    r"arn:aws[a-z-]*:bedrock:[a-z0-9-]+:([0-9]{12}):([a-z-]+)/[A-Za-z0-9_.:/-]{1,512}"
)


class InvalidEvent(Enum):
    """Why a message is invalid; it stays in its queue for the redrive policy."""

    NOT_JSON = "its body is not JSON"
    NO_EVENT = "its body is not an EventBridge event"
    OTHER_EVENT = "it is another type of event; narrow the rule that fills the queue"
    NO_JOB = "it contains no ARN of a job"
    OTHER_ACCOUNT = "it is about a job in another account than its own"


def parse_event(body: str, kinds: Iterable[Kind]) -> str | InvalidEvent:
    """Return the ARN of the job whose status changed according to an event, or what is wrong.

    An event is only a hint to look at the job, so nothing else in it is trusted: events arrive
    late, twice and in any order, and from any account that is forwarded to the queue.
    """
    event = _parse_object(body)
    if isinstance(event, InvalidEvent):
        return event
    envelope = (event.get("source"), event.get("detail-type"))
    kind = next((row for row in kinds if row.event and (SOURCE, row.event) == envelope), None)
    if kind is None:
        return InvalidEvent.OTHER_EVENT if all(envelope) else InvalidEvent.NO_EVENT
    return _find_job_arn(event, kind)


def _parse_object(body: str) -> dict[str, Any] | InvalidEvent:
    try:
        event = json.loads(body)
    # Deeply nested JSON from outside must not end the consumer.
    except (ValueError, RecursionError):
        return InvalidEvent.NOT_JSON
    return event if isinstance(event, dict) else InvalidEvent.NO_EVENT


def _find_job_arn(event: dict[str, Any], kind: Kind) -> str | InvalidEvent:
    detail = event.get("detail")
    arn = detail.get(kind.arn_member) if isinstance(detail, dict) else None
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None or match[2] != kind.resource:
        return InvalidEvent.NO_JOB
    # Other accounts may forward events here, but only about their own jobs.
    if event.get("account", match[1]) != match[1]:
        return InvalidEvent.OTHER_ACCOUNT
    return match[0]
