"""Three-way merge of a sidecar: entry by entry, never as text.

Entries are a function of the service's responses, so the later response wins. An entry that both
sides agree on, or that only one side changed, is not in conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import JobRecord
from controller.core.status.history import merge_histories
from controller.core.status.parse import parse_entry

Entries = Mapping[str, Any]
"""The entries of a sidecar, by manifest name."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SidecarVersions:
    """A sidecar before a pass (base), after it (ours), and as it is now in the branch (theirs)."""

    base: Entries
    ours: Entries
    theirs: Entries


@dataclass(frozen=True, slots=True)
class ManifestFileState:
    """The manifest beside a sidecar in the branch: whether it exists, and is what we read."""

    exists: bool
    is_current: bool


def merge_entries(
    kinds: Mapping[str, Kind], versions: SidecarVersions, beside: ManifestFileState
) -> dict[str, Any]:
    """Return the entries that the sidecar in the branch is to hold.

    Where a person removed the manifest's file, no entry is added and none comes back.
    """
    made: dict[str, Any] = {}
    # Theirs first, so that a merge does not reorder the file in the branch.
    for name in dict.fromkeys((*versions.theirs, *versions.ours)):
        if not beside.exists and name not in versions.theirs:
            continue
        chosen = _merge_entry(kinds, versions, name, beside)
        if chosen is not None:
            made[name] = chosen
    return made


def _merge_entry(
    kinds: Mapping[str, Kind], versions: SidecarVersions, name: str, beside: ManifestFileState
) -> Any:
    base, ours = versions.base.get(name), versions.ours.get(name)
    theirs = versions.theirs.get(name)
    if ours == base:
        return theirs
    if ours is None:
        # Keep the status if the manifest was edited meanwhile, or another controller updated it.
        is_done_with = theirs == base and (beside.is_current or not beside.exists)
        return None if is_done_with else theirs
    if theirs in (base, ours, None):
        return ours
    return choose_later(kinds, ours, theirs, ours_is_current=beside.is_current)


def choose_later(
    kinds: Mapping[str, Kind],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    *,
    ours_is_current: bool,
) -> dict[str, Any]:
    """Return the entry with the later state, plus the history that only the other one has.

    If the service's times do not decide, the entry made from the current manifest wins.
    """
    kind = kinds.get(str(ours.get("kind")))
    preferred, other = (ours, theirs) if ours_is_current else (theirs, ours)
    if kind is None or ours.get("kind") != theirs.get("kind"):
        return dict(preferred)
    first, second = parse_entry(kind, preferred, None), parse_entry(kind, other, None)
    if _is_later(kind, second, first):
        first, second = second, first
    return {**first.entry, "history": merge_histories(kind, first, second)}


def merge_concurrent(
    kinds: Mapping[str, Kind], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what to write when another controller wrote ``theirs`` while we built ``ours``.

    Its intent stays unless ours is an intent too, because a Create may be in flight.
    """
    kind = kinds.get(str(ours.get("kind")))
    if kind is None or ours.get("kind") != theirs.get("kind"):
        return dict(ours)
    made, found = parse_entry(kind, ours, None), parse_entry(kind, theirs, None)
    if found.is_intent and not made.is_intent and found.token != made.token:
        return {**theirs, "history": merge_histories(kind, found, made)}
    return choose_later(kinds, ours, theirs, ours_is_current=True)


def _is_later(kind: Kind, one: JobRecord, other: JobRecord) -> bool:
    """Whether one entry certainly has a later state than another."""
    if one.token == other.token and (one.arn is None) != (other.arn is None):
        # An intent never replaces its own outcome.
        return one.arn is not None
    if one.token == other.token and one.is_intent != other.is_intent:
        # A side that saw no job must not erase the intent of a job that may exist.
        return one.is_intent
    if one.live is None or other.live is None:
        return False
    if one.arn != other.arn and one.attempt == other.attempt:
        # Between jobs of two specs the manifest decides, and an edit may go back to the older.
        return False
    return _get_timestamps(kind, one) > _get_timestamps(kind, other)


def _get_timestamps(kind: Kind, recorded: JobRecord) -> tuple[datetime, datetime, bool]:
    """Return when the job was created, when it last changed, and whether it has ended."""
    live = recorded.live
    if live is None:
        return _NEVER, _NEVER, False
    # Only the service's own times are compared: clocks of two controllers may differ.
    members = (kind.created_member, kind.modified_member, kind.ended_member)
    times = [_parse_time(live.members.get(member)) for member in members]
    return times[0], _find_latest(times), live.status in kind.terminal


def _find_latest(times: Iterable[datetime]) -> datetime:
    return max(times, default=_NEVER)


def _parse_time(value: Any) -> datetime:
    """Parse one of the service's times; anything else counts as the earliest possible time."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return _NEVER
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
