"""What a sidecar's entry says, read without trust: people and other programs edit files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.core.kind import Kind
from controller.core.model import Live, Place, Recorded


def parse(kind: Kind, raw: Mapping[str, Any], written_at: datetime | None) -> Recorded:
    """Read an entry; whatever does not have the form that we write counts as not recorded."""
    conditions = [one for one in _list(raw.get("conditions")) if isinstance(one, dict)]
    synced = next((one for one in conditions if one.get("type") == "Synced"), {})
    return Recorded(
        entry={**raw, "conditions": conditions, "history": _list(raw.get("history"))},
        phase=_text(raw.get("phase")),
        digest=_text(raw.get("digest")),
        token=_text(raw.get("token")),
        arn=_text(raw.get("jobArn")) or None,
        place=_place(raw.get("target")),
        reason=_text(synced.get("reason")),
        message=_text(synced.get("message")),
        live=_live(kind, raw),
        written_at=written_at,
    )


def _live(kind: Kind, raw: Mapping[str, Any]) -> Live | None:
    members = raw.get("live")
    if not isinstance(members, dict) or not _text(raw.get("jobArn")):
        return None
    token = _text(members.get(kind.token_member)) if kind.echoes_token else ""
    return Live(
        arn=_text(raw["jobArn"]),
        name=_text(members.get(kind.name_member)),
        status=_text(members.get(kind.status_member)),
        token=token or None,
        members=members,
    )


def _place(raw: Any) -> Place | None:
    if not isinstance(raw, dict):
        return None
    account, region = _text(raw.get("accountId")), _text(raw.get("region"))
    return Place(account, region) if account and region else None


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []
