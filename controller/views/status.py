"""Jobs' statuses as a table for people and as data for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import API_VERSION, JobKey, Source
from controller.core.status.conditions import PENDING, STALLED
from controller.views.notices import Notices, serialize_notices
from controller.views.plan import format_sandbox_note
from controller.views.text import Line, format_columns, format_count

_HEAD = ("NAME", "PHASE", "SYNCED", "REASON")
_NOTHING = Notices()
_COLOURS = {"Completed": "green", "Failed": "red", STALLED: "red", "Stopped": "yellow"}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job's entry as it is shown; ``note`` adds what the entry does not contain."""

    key: JobKey
    source: Source
    entry: Mapping[str, Any]
    note: str = ""

    @property
    def phase(self) -> str:
        """The phase to show: a job without an entry is pending."""
        return str(self.entry.get("phase") or PENDING)

    def get_condition(self, name: str) -> Mapping[str, Any]:
        """Return one condition, empty if the entry does not have it."""
        found = (one for one in self.entry.get("conditions", ()) if one.get("type") == name)
        return next(found, {})


def is_unhealthy(status: JobStatus, kinds: Mapping[str, Kind]) -> bool:
    """Whether a job failed, was stopped against its manifest, or needs attention."""
    kind = kinds[status.key.kind]
    if status.note or status.get_condition(STALLED) or status.phase in kind.failed:
        return True
    # A job that its manifest wants stopped is in sync, and thus healthy.
    return status.phase in kind.stopped and status.get_condition("Synced").get("status") != "True"


def serialize_statuses(
    statuses: Sequence[JobStatus], remarks: Notices = _NOTHING, *, sandbox: bool
) -> dict[str, Any]:
    """Return statuses as plain data: each job's entry, its name and its manifest's path."""
    return {
        "apiVersion": API_VERSION,
        "kind": "StatusList",
        "sandbox": sandbox,
        **serialize_notices(remarks),
        "jobs": [_serialize_status(status) for status in statuses],
    }


def render_statuses(
    statuses: Sequence[JobStatus],
    *,
    sandbox: bool,
    quiet: Container[JobKey] = (),
    past: bool = False,
) -> Iterator[Line]:
    """Yield a table of jobs, except quiet ones, and a line that counts all by phase.

    With ``past`` each job's earlier jobs follow it, the oldest first.
    """
    listed = [status for status in statuses if status.key not in quiet]
    head, *cells = format_columns([_HEAD, *(_format_row(status) for status in listed)])
    if listed:
        yield Line(f"{head}  MESSAGE", bold=True)
    for status, row in zip(listed, cells, strict=True):
        message = status.note or status.get_condition("Synced").get("message", "")
        yield Line(f"{row}  {message}", _COLOURS.get(status.phase))
        if past:
            yield from _render_history(status)
    if listed:
        yield Line("")
    yield Line(summarize_phases(statuses) + format_sandbox_note(sandbox), bold=True)


def summarize_phases(statuses: Sequence[JobStatus]) -> str:
    """Return one sentence that counts jobs by phase."""
    counts = Counter(status.phase for status in statuses)
    parts = ", ".join(f"{count} {phase}" for phase, count in sorted(counts.items()))
    return f"{format_count(len(statuses), 'job')}{': ' if parts else ''}{parts}."


def _render_history(status: JobStatus) -> Iterator[Line]:
    """Yield a line for each earlier job in an entry's history."""
    # Sidecars can be edited by hand, so their types are not taken for granted.
    found = [one for one in status.entry.get("history", ()) if isinstance(one, Mapping)]
    rows = [
        [str(one.get(member, "")) for member in ("jobName", "phase", "jobArn")] for one in found
    ]
    for one, row in zip(found, format_columns(rows), strict=True):
        yield Line(f"    {row}  {one.get('failureMessage', '')}".rstrip())


def _format_name(status: JobStatus) -> str:
    """Return a job's name, with its attempt from the second on."""
    attempt = status.entry.get("attempt")
    return f"{status.key.name} (attempt {attempt})" if attempt else status.key.name


def _format_row(status: JobStatus) -> tuple[str, ...]:
    synced = status.get_condition("Synced")
    return (
        _format_name(status),
        status.phase,
        str(synced.get("status", "Unknown")),
        str(synced.get("reason", "NotSubmitted")),
    )


def _serialize_status(status: JobStatus) -> dict[str, Any]:
    made = {"name": status.key.name, "path": status.source.path, **status.entry}
    # A job without a recorded status still has a kind and a phase.
    made.setdefault("kind", status.key.kind)
    made.setdefault("phase", status.phase)
    if status.note:
        made["note"] = status.note
    return made
