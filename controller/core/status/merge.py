"""Three versions of one sidecar made into one: entry by entry, never as text.

Entries are a function of the service's answers, so that the later answer is the better one; what
both sides agree on, or only one of them changed, is no question at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import Recorded
from controller.core.status.history import joined
from controller.core.status.parse import parse

Entries = Mapping[str, Any]
"""The entries of a sidecar, by the jobs' names."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Versions:
    """What a sidecar held before, what it holds after a pass here, and what it holds there now."""

    base: Entries
    ours: Entries
    theirs: Entries


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a sidecar there: a manifest's file, and whether it is what we read."""

    there: bool
    current: bool


def merged(kinds: Mapping[str, Kind], versions: Versions, beside: Beside) -> dict[str, Any]:
    """Return the entries that the sidecar is to hold there.

    Where a person removed the manifest's file no entry is added, and none comes back.
    """
    made: dict[str, Any] = {}
    for name in dict.fromkeys((*versions.theirs, *versions.ours)):
        if not beside.there and name not in versions.theirs:
            continue
        chosen = _one(kinds, versions, name, beside)
        if chosen is not None:
            made[name] = chosen
    return made


def _one(kinds: Mapping[str, Kind], versions: Versions, name: str, beside: Beside) -> Any:
    base, ours = versions.base.get(name), versions.ours.get(name)
    theirs = versions.theirs.get(name)
    if ours == base:
        return theirs
    if ours is None:
        # What a person may still want keeps its status; so does what somebody has looked at since.
        is_done_with = theirs == base and (beside.current or not beside.there)
        return None if is_done_with else theirs
    if theirs in (base, ours, None):
        return ours
    return later(kinds, ours, theirs, ours_is_current=beside.current)


def later(
    kinds: Mapping[str, Kind],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    *,
    ours_is_current: bool,
) -> dict[str, Any]:
    """Return the entry of two that tells of the later state, with what only the other remembers.

    Where the service's times do not tell, it is the one that was made from today's manifest.
    """
    kind = kinds.get(str(ours.get("kind")))
    preferred, other = (ours, theirs) if ours_is_current else (theirs, ours)
    if kind is None or ours.get("kind") != theirs.get("kind"):
        return dict(preferred)
    first, second = parse(kind, preferred, None), parse(kind, other, None)
    if _is_later(kind, second, first):
        first, second = second, first
    return {**first.entry, "history": joined(kind, first, second)}


def beside_another(
    kinds: Mapping[str, Kind], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what to write where another controller wrote ``theirs`` while we made ``ours``.

    Its intent stays, unless ours is one as well: a Create may be under way.
    """
    kind = kinds.get(str(ours.get("kind")))
    if kind is None or ours.get("kind") != theirs.get("kind"):
        return dict(ours)
    made, found = parse(kind, ours, None), parse(kind, theirs, None)
    if found.is_intent and not made.is_intent and found.token != made.token:
        return {**theirs, "history": joined(kind, found, made)}
    return later(kinds, ours, theirs, ours_is_current=True)


def _is_later(kind: Kind, one: Recorded, other: Recorded) -> bool:
    """Whether one entry is certain to tell of a later state than another."""
    if one.token == other.token and (one.arn is None) != (other.arn is None):
        # An intent never takes the place of its own outcome.
        return one.arn is not None
    if one.token == other.token and one.is_intent != other.is_intent:
        # Who saw no job must not make the other forget that there may be one.
        return one.is_intent
    if one.live is None or other.live is None:
        return False
    if one.arn != other.arn and one.attempt == other.attempt:
        # Of two specs' jobs it is the manifest that says which one counts, and it may go back.
        return False
    return _moment(kind, one) > _moment(kind, other)


def _moment(kind: Kind, recorded: Recorded) -> tuple[datetime, datetime, bool]:
    """Return when the job was made, when it last changed, and whether it has ended."""
    live = recorded.live
    if live is None:
        return _NEVER, _NEVER, False
    members = (kind.created_member, kind.modified_member, kind.ended_member)
    times = [_time(live.members.get(member)) for member in members]
    return times[0], _latest(times), live.status in kind.terminal


def _latest(times: Iterable[datetime]) -> datetime:
    return max(times, default=_NEVER)


def _time(value: Any) -> datetime:
    """Read one of the service's times; what is none counts as the earliest there is."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return _NEVER
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
