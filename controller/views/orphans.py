"""Jobs without a manifest, as a table for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.core.model import API_VERSION
from controller.core.planning.orphaned_entries import Orphan
from controller.views.notices import Notices, serialize_findings
from controller.views.plan import format_sandbox_note
from controller.views.text import Line, format_columns, format_count

_HEAD = ("NAME", "PHASE", "CREATED", "ARN")


def serialize_orphans(
    orphans: Sequence[Orphan], remarks: Notices, *, sandbox: bool
) -> dict[str, Any]:
    """Return orphans as plain data, each with what to do about it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "OrphanList",
        "sandbox": sandbox,
        **serialize_findings(remarks),
        "orphans": [_serialize_orphan(one) for one in orphans],
    }


def render_orphans(orphans: Sequence[Orphan], *, sandbox: bool) -> Iterator[Line]:
    """Yield a table of orphans, what can be done about each below it, and a count."""
    rows = [(one.name, one.phase, one.created, one.arn) for one in orphans]
    head, *cells = format_columns([_HEAD, *rows])
    if orphans:
        yield Line(head.rstrip(), bold=True)
    for one, row in zip(orphans, cells, strict=True):
        yield Line(row.rstrip(), "yellow" if one.is_running else None)
        yield Line(f"    {suggest_remedy(one)}")
    if orphans:
        yield Line("")
    yield Line(
        f"{format_count(len(orphans), 'job')} without a manifest.{format_sandbox_note(sandbox)}",
        bold=True,
    )


def suggest_remedy(orphan: Orphan) -> str:
    """Return what to do about an orphan."""
    write = f"write a manifest for it: bedrock-jobs import --live {orphan.name}"
    if not orphan.arn:
        return f"no job is known to exist; remove {orphan.sidecar}'s entry: reconcile --gc"
    if not orphan.is_running:
        kept = f", or remove {orphan.sidecar}'s entry: reconcile --gc" if orphan.sidecar else ""
        return f"it has ended, so nothing needs to be done; or {write}{kept}"
    # A sidecar shows that the job had a manifest once.
    back = "bring its manifest back" if orphan.sidecar else write
    return f"{back}; to stop it, set policy.state: Stopped there and reconcile"


def _serialize_orphan(one: Orphan) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": one.kind.name,
        "name": one.name,
        "phase": one.phase,
        "jobArn": one.arn or None,
        "created": one.created or None,
        "sidecar": one.sidecar or None,
        "remedy": suggest_remedy(one),
    }
    if one.place is not None:
        made["target"] = {"accountId": one.place.account_id, "region": one.place.region}
    return made
