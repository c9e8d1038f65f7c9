"""What ``stop``, ``retry`` and ``adopt`` do, or would do, with each named job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from controller.core.model import API_VERSION, FieldChange, JobKey, Source
from controller.core.planning.actions import Reason
from controller.views.notices import Notices, serialize_findings
from controller.views.plan import format_sandbox_note, render_change
from controller.views.text import Line, format_columns, format_count


class Verdict(StrEnum):
    """The result for one job."""

    PLANNED = "Planned"
    DONE = "Done"
    UNNEEDED = "Unneeded"
    REFUSED = "Refused"
    FAILED = "Failed"


_COLOURS = {
    Verdict.PLANNED: "cyan",
    Verdict.DONE: "green",
    Verdict.REFUSED: "yellow",
    Verdict.FAILED: "red",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One job's step: its result, and why.

    ``reason`` is that of the planned action. ``notes`` and the lines of ``diff`` are for people,
    ``data`` has what programs need beside the message.
    """

    key: JobKey
    source: Source
    verdict: Verdict
    reason: Reason
    message: str
    notes: tuple[str, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    diff: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of one command; ``cost`` says what Bedrock charges for it, or what is lost.

    ``remarks`` are data beside the steps, which people read on stderr.
    """

    verb: str
    cost: str
    steps: tuple[Step, ...]
    remarks: Notices = field(default_factory=Notices)

    @property
    def planned(self) -> tuple[Step, ...]:
        """The steps that are still to be executed."""
        return tuple(step for step in self.steps if step.verdict is Verdict.PLANNED)


def serialize_steps(result: Steps, *, sandbox: bool) -> dict[str, Any]:
    """Return steps as plain data."""
    return {
        "apiVersion": API_VERSION,
        "kind": result.verb.capitalize(),
        "sandbox": sandbox,
        "cost": result.cost,
        **serialize_findings(result.remarks),
        "jobs": [_serialize_step(step) for step in result.steps],
    }


def render_steps(result: Steps, *, sandbox: bool) -> Iterator[Line]:
    """Yield each step with its notes, then the cost of the planned ones."""
    heads = format_columns([(step.verdict, step.key.name) for step in result.steps])
    for step, head in zip(result.steps, heads, strict=True):
        yield Line(f"{head}  {step.message}", _COLOURS.get(step.verdict))
        yield from (Line(f"    {note}") for note in step.notes)
        yield from map(render_change, step.changes)
        yield from map(_render_diff_line, step.diff)
    if result.planned:
        yield Line(result.cost)
    yield Line(_summarize(result) + format_sandbox_note(sandbox), bold=True)


def _render_diff_line(text: str) -> Line:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    return Line(text, colours.get(text[:1]))


def _summarize(result: Steps) -> str:
    counts = Counter(step.verdict for step in result.steps)
    parts = [f"{counts[verdict]} {verdict.lower()}" for verdict in Verdict if counts[verdict]]
    what = f": {', '.join(parts)}" if parts else ""
    return f"{result.verb.capitalize()}: {format_count(len(result.steps), 'job')}{what}."


def _serialize_step(step: Step) -> dict[str, Any]:
    changes = [
        {"member": change.member, "declared": change.declared, "live": change.live}
        for change in step.changes
    ]
    return {
        "kind": step.key.kind,
        "name": step.key.name,
        "path": step.source.path,
        "verdict": str(step.verdict),
        "reason": str(step.reason),
        "message": step.message,
        "notes": list(step.notes),
        "changes": changes,
        **step.data,
    }
