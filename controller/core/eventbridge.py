"""What a message of the events queue says: that a job changed, or nothing that we understand."""

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
    """Why a message is not understood; it is left in its queue, for the redrive policy."""

    NOT_JSON = "its body is not JSON"
    NO_EVENT = "its body is not an event of EventBridge"
    OTHER_EVENT = "it is an event of another kind; narrow the rule that fills the queue"
    NO_JOB = "it names no job by its ARN"
    OTHER_ACCOUNT = "it tells of a job in another account than its own"


def changed_job(body: str, kinds: Iterable[Kind]) -> str | Poison:
    """Return the ARN of the job whose status an event says to have changed, or what is wrong.

    An event is a hint that the job should be looked at, so nothing else of it is believed: events
    come late, twice and in any order, and of any account that is forwarded here.
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
    except (ValueError, RecursionError):
        return Poison.NOT_JSON
    return event if isinstance(event, dict) else Poison.NO_EVENT


def _job(event: dict[str, Any], kind: Kind) -> str | Poison:
    detail = event.get("detail")
    arn = detail.get(kind.arn_member) if isinstance(detail, dict) else None
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None or match[2] != kind.resource:
        return Poison.NO_JOB
    if event.get("account", match[1]) != match[1]:
        return Poison.OTHER_ACCOUNT
    return match[0]
