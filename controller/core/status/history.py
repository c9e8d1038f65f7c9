"""The history of a sidecar entry: the manifest's jobs before the one that counts."""

from __future__ import annotations

from typing import Any

from controller.core.identity.tokens import parse_digest
from controller.core.jobs.diff import get_failure_message
from controller.core.kinds.kind import Kind
from controller.core.model import EarlierJob, JobRecord, LiveJob
from controller.core.planning.actions import Action

MAX_ENDED = 5
"""The number of ended jobs that a history holds."""


def build_history(
    kind: Kind, action: Action, recorded: JobRecord | None, current: object
) -> list[dict[str, Any]]:
    """Return the last five earlier jobs, oldest first, each once by its ARN.

    Jobs that still run are kept in any case, because they may have to be stopped. ``current`` is
    the ARN of the entry's own job, which is not part of its history.
    """
    kept: dict[str, dict[str, Any]] = {}
    if recorded is not None:
        kept = {str(one.get("jobArn")): one for one in recorded.entry.get("history") or ()}
        if recorded.arn is not None and recorded.live is not None:
            kept.setdefault(recorded.arn, _dump_recorded(kind, recorded, recorded.live))
    for earlier in action.earlier:
        arn = earlier.live.arn
        # What is observed now replaces what was recorded, in its old position.
        kept[arn] = _dump_earlier(kind, earlier, kept.get(arn, {}))
    if isinstance(current, str):  # a sidecar that somebody edited may hold anything there
        kept.pop(current, None)
    return _trim_items(kind, list(kept.values()))


def merge_histories(kind: Kind, counts: JobRecord, other: JobRecord) -> list[dict[str, Any]]:
    """Return an entry's history plus the jobs that another entry of the same manifest knows."""
    own = {str(one.get("jobArn")): one for one in counts.entry.get("history") or ()}
    known = {str(one.get("jobArn")): one for one in other.entry.get("history") or ()}
    if other.arn is not None and other.live is not None:
        known.setdefault(other.arn, _dump_recorded(kind, other, other.live))
    more = [one for arn, one in known.items() if arn not in own and arn != counts.arn]
    return _trim_items(kind, [*more, *own.values()])


def _trim_items(kind: Kind, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last few items, and all that still run."""
    ended = [id(one) for one in items if str(one.get("phase")) in kind.terminal]
    # By object identity, because an edited sidecar may hold equal items.
    gone = set(ended[: max(0, len(items) - MAX_ENDED)])
    return [one for one in items if id(one) not in gone]


def _dump_recorded(kind: Kind, recorded: JobRecord, live: LiveJob) -> dict[str, Any]:
    made = {"attempt": recorded.attempt, "digest": recorded.digest}
    return made | _dump_live(kind, live)


def _dump_earlier(kind: Kind, earlier: EarlierJob, known: dict[str, Any]) -> dict[str, Any]:
    """Return what is observed of an earlier job now, on top of what was known before."""
    attempt = earlier.attempt if earlier.attempt is not None else known.get("attempt", 0)
    digest = parse_digest(earlier.live.token) or known.get("digest", "")
    return {"attempt": attempt, "digest": digest, **_dump_live(kind, earlier.live)}


def _dump_live(kind: Kind, live: LiveJob) -> dict[str, Any]:
    made = {"jobName": live.name, "jobArn": live.arn, "phase": live.status}
    if live.status in kind.failed:
        made["failureMessage"] = get_failure_message(kind, live.members)
    return made
