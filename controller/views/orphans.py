"""Jobs without a manifest, as a table for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.core.model import API_VERSION
from controller.core.planning.orphaned_entries import Orphan
from controller.views.notices import Remarks, findings_data
from controller.views.plan import in_sandbox
from controller.views.text import Line, columns, counted

_HEAD = ("NAME", "PHASE", "CREATED", "ARN")


def orphan_data(orphans: Sequence[Orphan], remarks: Remarks, *, sandbox: bool) -> dict[str, Any]:
    """Return orphans as plain data, each with what a person can do about it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "OrphanList",
        "sandbox": sandbox,
        **findings_data(remarks),
        "orphans": [_data(one) for one in orphans],
    }


def orphan_lines(orphans: Sequence[Orphan], *, sandbox: bool) -> Iterator[Line]:
    """Yield a table of orphans, what can be done about each below it, and a count."""
    rows = [(one.name, one.phase, one.created, one.arn) for one in orphans]
    head, *cells = columns([_HEAD, *rows])
    if orphans:
        yield Line(head.rstrip(), bold=True)
    for one, row in zip(orphans, cells, strict=True):
        yield Line(row.rstrip(), "yellow" if one.runs else None)
        yield Line(f"    {remedy(one)}")
    if orphans:
        yield Line("")
    yield Line(
        f"{counted(len(orphans), 'job')} without a manifest.{in_sandbox(sandbox)}", bold=True
    )


def remedy(orphan: Orphan) -> str:
    """Return what a person can do about an orphan."""
    write = f"write a manifest for it: bedrock-jobs import --live {orphan.name}"
    if not orphan.arn:
        return f"no job is known to have been made; drop {orphan.sidecar}'s entry: reconcile --gc"
    if not orphan.runs:
        kept = f", or drop {orphan.sidecar}'s entry: reconcile --gc" if orphan.sidecar else ""
        return f"it has ended, and nothing needs to be done; or {write}{kept}"
    back = "bring its manifest back" if orphan.sidecar else write
    return f"{back}; to stop it, say policy.state: Stopped there and reconcile"


def _data(one: Orphan) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": one.kind.name,
        "name": one.name,
        "phase": one.phase,
        "jobArn": one.arn or None,
        "created": one.created or None,
        "sidecar": one.sidecar or None,
        "remedy": remedy(one),
    }
    if one.place is not None:
        made["target"] = {"accountId": one.place.account_id, "region": one.place.region}
    return made
