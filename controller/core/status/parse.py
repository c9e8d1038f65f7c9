"""Parses sidecar entries defensively: people and other programs edit these files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import (
    JobRecord,
    LiveJob,
    Place,
)
from controller.core.policy import OnDelete

_MAX_ATTEMPTS = 1000
_TEXTS = ("digest", "token", "jobName", "jobArn")


def parse_entry(kind: Kind, raw: Mapping[str, Any], written_at: datetime | None) -> JobRecord:
    """Parse an entry; a member that does not have the form that we write counts as not recorded."""
    conditions, history = (
        _filter_mappings(raw.get("conditions")),
        _filter_mappings(raw.get("history")),
    )
    # Many thousands of entries are held in memory: well-formed ones are not copied.
    is_sound = raw.get("conditions") is conditions and raw.get("history") is history
    synced = next((one for one in conditions if one.get("type") == "Synced"), {})
    return JobRecord(
        entry=raw if is_sound else {**raw, "conditions": conditions, "history": history},
        phase=_parse_text(raw.get("phase")),
        digest=_parse_text(raw.get("digest")),
        token=_parse_text(raw.get("token")),
        attempt=_parse_count(raw.get("attempt")),
        name=_parse_text(raw.get("jobName")),
        arn=_parse_text(raw.get("jobArn")) or None,
        place=_parse_place(raw.get("target")),
        reason=_parse_text(synced.get("reason")),
        message=_parse_text(synced.get("message")),
        live=_parse_live(kind, raw),
        unfinished=_list_unfinished(kind, history),
        tags=_parse_tags(raw.get("tags")),
        unread_tags=_parse_tags(raw.get("unreadTags")),
        # Anything unexpected counts as Retain, which never stops a job.
        on_delete=OnDelete.STOP if raw.get("onDelete") == OnDelete.STOP else OnDelete.RETAIN,
        queue_active=_parse_active(raw.get("queue")),
        conflicts=_parse_count(raw.get("conflicts")),
        written_at=written_at,
    )


def is_valid_entry(raw: Any) -> bool:
    """Whether an entry has the form that we write; a malformed one may hide what it records.

    Optional members count only where they are present.
    """
    if (
        not isinstance(raw, dict)
        or not _parse_text(raw.get("kind"))
        or not _parse_text(raw.get("phase"))
    ):
        return False
    if any(not isinstance(raw[name], str) for name in _TEXTS if name in raw):
        return False
    if not _is_sendable(raw.get("jobArn")) or _parse_count(raw.get("attempt")) != raw.get(
        "attempt", 0
    ):
        return False
    lists = [raw[name] for name in ("conditions", "history") if name in raw]
    if any(not isinstance(one, list) or _filter_mappings(one) is not one for one in lists):
        return False
    is_placed = "target" not in raw or _parse_place(raw["target"]) is not None
    return is_placed and isinstance(raw.get("live", {}), dict)


def _is_sendable(arn: Any) -> bool:
    """Whether an ARN can be sent: half of a surrogate pair would fail in every call."""
    try:
        str(arn).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse_live(kind: Kind, raw: Mapping[str, Any]) -> LiveJob | None:
    members = raw.get("live")
    if not isinstance(members, dict) or not _parse_text(raw.get("jobArn")):
        return None
    # A token in a sidecar counts only where Get would have shown one.
    token = _parse_text(members.get(kind.token_member)) if kind.echoes_token else ""
    return LiveJob(
        arn=_parse_text(raw["jobArn"]),
        name=_parse_text(members.get(kind.name_member)),
        status=_parse_text(members.get(kind.status_member)),
        token=token or None,
        members=members,
    )


def _list_unfinished(kind: Kind, history: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        _parse_text(one.get("jobArn"))
        for one in history
        if _parse_text(one.get("jobArn")) and _parse_text(one.get("phase")) not in kind.terminal
    )


def _parse_tags(raw: Any) -> dict[str, dict[str, str]]:
    """Return the tags known to be set; only maps of strings count."""
    if not isinstance(raw, dict):
        return {}
    return {
        str(member): dict(tags)
        for member, tags in raw.items()
        if isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())
    }


def _parse_count(raw: Any) -> int:
    """Return a number such as an attempt's; 0 for anything that no policy can lead to."""
    # A JSON true is an int for isinstance.
    return raw if type(raw) is int and 0 <= raw < _MAX_ATTEMPTS else 0


def _parse_active(raw: Any) -> int | None:
    active = raw.get("active") if isinstance(raw, dict) else None
    return active if type(active) is int and active >= 0 else None


def _parse_place(raw: Any) -> Place | None:
    if not isinstance(raw, dict):
        return None
    account, region = _parse_text(raw.get("accountId")), _parse_text(raw.get("region"))
    return Place(account, region) if account and region else None


def _parse_text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _filter_mappings(raw: Any) -> list[dict[str, Any]]:
    """Return the mappings in a list; the list itself if it holds nothing else."""
    found: list[Any] = raw if isinstance(raw, list) else []
    is_sound = all(isinstance(one, dict) for one in found)
    return found if is_sound else [one for one in found if isinstance(one, dict)]
