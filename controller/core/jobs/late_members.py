"""What the service shows late: a job that was just created, members of one that just ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from controller.core.kinds.kind import Kind
from controller.core.model import JobRecord, LiveJob

_MEMBERS_LAG = timedelta(hours=1)
"""How long after its end a job may still gain members, such as metrics."""
_READ_LAG = timedelta(minutes=10)
"""Longer than any read is known to lag behind a write."""


def is_awaiting_members(kind: Kind, live: LiveJob, now: datetime) -> bool:
    """Return whether a job that succeeded within the last hour lacks members that come late.

    ``now`` has a time zone; the job's end is the service's own time.
    """
    if live.status not in kind.succeeded:
        return False
    if all(live.members.get(member) for member in kind.late_members):
        return False
    ended = _parse_time(live.members.get(kind.ended_member))
    return ended is not None and now - ended < _MEMBERS_LAG


def is_within_read_lag(kind: Kind, recorded: JobRecord, now: datetime) -> bool:
    """Return whether a recorded job is so young that a read may not show it yet.

    Its age is measured by the service's own time, or else by the time of the sidecar's file.
    """
    shown = recorded.live.members.get(kind.created_member) if recorded.live is not None else None
    since = _parse_time(shown) or recorded.written_at
    return recorded.arn is not None and since is not None and now - since < _READ_LAG


def _parse_time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    # An edited sidecar may hold a time without a zone, which cannot be compared with now.
    return found if found is not None and found.tzinfo is not None else None
