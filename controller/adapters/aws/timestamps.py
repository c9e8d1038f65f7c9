"""Times in AWS's answers, read as quickly as Python can where they look as they always do."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.session import Session

# Each part is held to what both readers take alike: everything else is botocore's to judge.
_USUAL_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"
)


def install_time_parser(session: Session) -> None:
    """Have a session's clients read times by ``moment``: its own way takes 300 times as long.

    An answer to Get has up to eight of them, and a page of a listing thousands.
    """
    session.get_component("response_parser_factory").set_parser_defaults(
        timestamp_parser=parse_time
    )


def parse_time(value: Any) -> datetime:
    """Return the moment that a text or number of an answer stands for, as botocore understands it.

    Raises ValueError for what is no time.
    """
    if isinstance(value, str) and _USUAL_FORM.fullmatch(value):
        return datetime.fromisoformat(value)
    found: datetime = parse_timestamp(value)
    return found


def format_time(moment: datetime) -> str:
    """Return a time in RFC 3339, in milliseconds as the service answers; finer ones stay finer."""
    finest = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=finest) + "Z"
