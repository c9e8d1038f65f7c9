"""Members of Get that the service is seen to add only after a job has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from controller.core.kind import Kind
from controller.core.model import Live

_PATIENCE = timedelta(hours=1)


def awaits_members(kind: Kind, live: Live, now: datetime) -> bool:
    """Return whether a job that succeeded within the last hour lacks members that come late.

    ``now`` has a time zone; the job's end is the service's own time (BEDROCK 2.4).
    """
    if live.status not in kind.succeeded:
        return False
    if all(live.members.get(member) for member in kind.late_members):
        return False
    ended = _parse_time(live.members.get(kind.ended_member))
    return ended is not None and now - ended < _PATIENCE


def _parse_time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
