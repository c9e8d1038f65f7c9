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


class Poison(Enum):
    """Why a message is invalid; it stays in its queue for the redrive policy."""

    NOT_JSON = "its body is not JSON"
    NO_EVENT = "its body is not an EventBridge event"
    OTHER_EVENT = "it is another type of event; narrow the rule that fills the queue"
    NO_JOB = "it contains no ARN of a job"
    OTHER_ACCOUNT = "it is about a job in another account than its own"


def changed_job(body: str, kinds: Iterable[Kind]) -> str | Poison:
    """Return the ARN of the job whose status changed according to an event, or what is wrong.

    An event is only a hint to look at the job, so nothing else in it is trusted: events arrive
    late, twice and in any order, and from any account that is forwarded to the queue.
    """
    event = _object(body)
    if isinstance(event, Poison):
        return event
    told = (event.get("source"), event.get("detail-type"))
    kind = next((row for row in kinds if row.event and (SOURCE, row.event) == told), None)
    if kind is None:
        return Poison.OTHER_EVENT if all(told) else Poison.NO_EVENT
    return _job(event, kind)


def _object(body: str) -> dict[str, Any] | Poison:
    try:
        event = json.loads(body)
    # Deeply nested JSON from outside must not end the consumer.
    except (ValueError, RecursionError):
        return Poison.NOT_JSON
    return event if isinstance(event, dict) else Poison.NO_EVENT


def _job(event: dict[str, Any], kind: Kind) -> str | Poison:
    detail = event.get("detail")
    arn = detail.get(kind.arn_member) if isinstance(detail, dict) else None
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None or match[2] != kind.resource:
        return Poison.NO_JOB
    # Other accounts may forward events here, but only about their own jobs.
    if event.get("account", match[1]) != match[1]:
        return Poison.OTHER_ACCOUNT
    return match[0]
