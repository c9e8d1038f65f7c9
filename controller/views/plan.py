"""A plan as lines for people and as data for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.core.model import API_VERSION, DesiredJob, FieldChange, Place, Problem
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.views.problems import serialize_problem
from controller.views.text import Line, format_columns, format_count

# The order of the verbs is also that of the printed plan.
_COLOURS = {
    Verb.SUBMIT: "green",
    Verb.ADOPT: "green",
    Verb.STOP: "red",
    Verb.TAG: "yellow",
    Verb.HOLD: "yellow",
    Verb.WAIT: "cyan",
}

_SUMMARY = (
    (Verb.SUBMIT, "to submit"),
    (Verb.ADOPT, "to adopt"),
    (Verb.STOP, "to stop"),
    (Verb.TAG, "to tag"),
    (Verb.HOLD, "held"),
    (Verb.WAIT, "to wait for"),
    (Verb.NOOP, "with nothing to do"),
)


def serialize_plan(
    plan: Plan,
    refused: str | None,
    problems: Sequence[Problem] = (),
    more: Mapping[str, Any] | None = None,
    *,
    sandbox: bool,
) -> dict[str, Any]:
    """Return a plan as plain data: every action, sorted by kind and name; no spec values.

    ``more`` is further data of the command.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "Plan",
        "sandbox": sandbox,
        "refused": refused,
        "problems": [serialize_problem(problem) for problem in problems],
        "summary": serialize_summary(plan),
        **(more or {}),
        "actions": [_serialize_action(action) for action in plan.actions],
    }


def serialize_summary(plan: Plan) -> dict[str, int]:
    """Return the number of actions by verb, without verbs that have none."""
    return {str(verb): count for verb, count in _count_verbs(plan).items()}


def render_plan(plan: Plan, *, sandbox: bool) -> Iterator[Line]:
    """Yield changes first, then what is held, then what is waited for, and a count.

    Jobs with nothing to do are only counted.
    """
    shown = [action for action in plan.actions if action.verb is not Verb.NOOP]
    order = list(_COLOURS)
    shown.sort(key=lambda action: (order.index(action.verb), action.desired.key))
    rows = [(action.verb, action.reason, format_name(action.desired)) for action in shown]
    for action, cells in zip(shown, format_columns(rows), strict=True):
        yield Line(f"{cells}  {action.message}", _COLOURS[action.verb])
        for change in action.changes:
            yield render_change(change)
    if shown:
        yield Line("")
    yield Line(summarize_plan(plan, sandbox=sandbox), bold=True)


def format_name(desired: DesiredJob) -> str:
    """Return a manifest's name, and that of its job if it differs."""
    name, job = desired.key.name, desired.name
    return name if job == name else f"{name} as {job}"


def render_change(change: FieldChange) -> Line:
    """Return the line that shows how one member differs."""
    return Line(f"    {change.member}: manifest {change.declared}, live {change.live}")


def summarize_plan(plan: Plan, *, sandbox: bool) -> str:
    """Return one sentence that counts a plan's actions."""
    counts = _count_verbs(plan)
    parts = [f"{counts[verb]} {words}" for verb, words in _SUMMARY if counts[verb]]
    where = _format_places({one.place for one in plan.actions if one.place})
    gone = sum(action.desired.removed for action in plan.actions)
    parts += [f"{gone} of them without a manifest (see `status --orphans`)"] if gone else []
    what = ", ".join(parts) or "no manifests"
    suffix = f" in {where}" if where else ""
    count = format_count(len(plan.actions), "job")
    return f"Plan: {count}: {what}{suffix}.{format_sandbox_note(sandbox)}"


def summarize_removed_entries(count: int, *, only_planned: bool) -> str:
    """Return a sentence about entries that no manifest needs any more."""
    verb = "would be removed" if only_planned else "removed"
    entries = f"{count} {'entry' if count == 1 else 'entries'}"
    return f"Sidecars: {entries} without a manifest {verb}."


def _format_places(places: Iterable[Place]) -> str:
    """Return each account once, with its regions."""
    regions: dict[str, list[str]] = {}
    for place in sorted(places, key=str):
        regions.setdefault(place.account_id, []).append(place.region)
    return "; ".join(
        f"account {account}, region{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for account, names in regions.items()
    )


def format_sandbox_note(sandbox: bool) -> str:
    """Return the note at the end of every output of a sandboxed command."""
    return " (sandbox: nothing here is real)" if sandbox else ""


def is_pending(action: Action) -> bool:
    """Whether the live job is not yet as the manifest requests."""
    if action.verb.is_mutating or action.verb in {Verb.ADOPT, Verb.HOLD}:
        return True
    # Both wait for a submit that a later pass makes.
    return action.reason in {Reason.QUEUED, Reason.INTENT_UNCONFIRMED}


def _count_verbs(plan: Plan) -> Counter[Verb]:
    return Counter(action.verb for action in plan.actions)


def _serialize_action(action: Action) -> dict[str, Any]:
    desired, submission = action.desired, action.desired.submission
    made: dict[str, Any] = {
        "kind": desired.key.kind,
        "name": desired.key.name,
        "verb": str(action.verb),
        "reason": str(action.reason),
        "message": action.message,
        "source": {
            "path": desired.source.path,
            "line": desired.source.line,
            "column": desired.source.column,
        },
        "jobName": desired.name,
    }
    if submission is not None:
        made |= {
            "attempt": submission.attempt,
            "revision": submission.revision,
            "digest": submission.digest,
            "token": submission.token,
        }
    if action.place is not None:
        made["target"] = {"accountId": action.place.account_id, "region": action.place.region}
    if action.live is not None:
        made["jobArn"] = action.live.arn
        made["liveStatus"] = action.live.status
    return made | _serialize_lists(action)


def _serialize_lists(action: Action) -> dict[str, list[Any]]:
    """Return the lists of an action; of tags only the keys, because values may be long."""
    return {
        "changes": [
            {"member": change.member, "declared": change.declared, "live": change.live}
            for change in action.changes
        ],
        "earlier": [one.live.arn for one in action.earlier],
        "stops": [live.arn for live in action.stops],
        "retags": [
            {
                "member": retag.member,
                "arn": retag.arn,
                "set": sorted(retag.put),
                "remove": list(retag.drop),
            }
            for retag in action.retags
        ],
    }
