"""Plans, validations and statuses as Markdown, for a job summary or a comment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from controller.core.model import DesiredJob, Source
from controller.core.planning.actions import Action, Plan, Verb
from controller.views.doc_links import build_link
from controller.views.findings import UNWRITTEN, FindingsReport, Level, ReportFinding
from controller.views.markdown import (
    Table,
    fold_table,
    format_code,
    format_row,
    format_text,
    join_lines,
    render_document,
)
from controller.views.status import JobStatus
from controller.views.text import format_count

SourceMapper = Callable[[Source], Source]
"""How a place is shown: with its path from the repository's root."""

# Changes that cannot be undone come first.
_FIRST = (Verb.STOP, Verb.SUBMIT, Verb.ADOPT, Verb.TAG, Verb.HOLD)
# However many problems there are, the plan keeps half of the room.
_PROBLEMS_SHARE = 0.5
_PLAN_HEAD = ("action", "job", "why", "manifest")
_MAX_QUIET = 200
"""The most jobs without changes to list: pages of settled jobs hide the rest."""

_STATUS_HEAD = ("job", "phase", "why", "manifest")


def render_plan_markdown(
    review: FindingsReport, plan: Plan, refused: str | None, place: SourceMapper, limit: int
) -> str:
    """Return a plan: a table for each account and region, changes first, the rest folded.

    The problems of the report come first, and take at most half of the room.
    """
    tables = [*_build_problem_tables(review, _PROBLEMS_SHARE), *_build_plan_tables(plan, place)]
    return render_document(
        f"bedrock-jobs {review.verb}", _render_leads(review, refused), tables, limit
    )


def render_validation_markdown(review: FindingsReport, limit: int) -> str:
    """Return a validation: every problem with its place and what to do."""
    return render_document(
        f"bedrock-jobs {review.verb}",
        _render_leads(review),
        [*_build_problem_tables(review)],
        limit,
    )


def render_status_markdown(
    review: FindingsReport,
    statuses: Sequence[JobStatus],
    refused: str | None,
    place: SourceMapper,
    limit: int,
) -> str:
    """Return statuses: failed jobs and those that need attention first, the rest folded."""
    # Reversed, so that of several findings the first and most severe one is kept.
    cell = {one.subject: one for one in reversed(review.findings) if not one.is_manifest_warning}
    ill = [_render_unhealthy(one, cell[one.key], place) for one in statuses if one.key in cell]
    rest = [one for one in statuses if one.key not in cell]
    well = [_render_healthy(one, place) for one in rest[:_MAX_QUIET]] + _render_more_row(len(rest))
    tables = list(_build_problem_tables(review, _PROBLEMS_SHARE))
    tables += [Table("#### Needs attention", _STATUS_HEAD, tuple(ill))] if ill else []
    tables += [fold_table(format_count(len(rest), "other job"), _STATUS_HEAD, well)] if rest else []
    return render_document(
        f"bedrock-jobs {review.verb}", _render_leads(review, refused), tables, limit
    )


def _render_leads(review: FindingsReport, refused: str | None = None) -> list[str]:
    """Return the first paragraphs: the count, and what failed altogether."""
    stopped = [f"> **Refused:** {format_text(refused)}"] if refused else []
    unwritten = [one.message for one in review.findings if one.rule == UNWRITTEN]
    left = [f"> **Error:** {format_text(why)}" for why in unwritten]
    return [f"**{format_text(review.summary)}**", *stopped, *left]


def _build_problem_tables(review: FindingsReport, share: float = 1.0) -> Iterator[Table]:
    found = (one for one in review.filter_by_level(Level.ERROR, Level.WARNING) if one.is_problem)
    rows = tuple(_render_problem(one, review.docs) for one in found)
    if rows:
        yield Table("#### Problems", ("where", "problem", "what to do"), rows, share=share)


def _render_problem(finding: ReportFinding, docs: str) -> str:
    mark = "**warning** " if finding.is_manifest_warning else ""
    rule = (
        f"[{format_code(finding.rule)}]({build_link(finding.rule, docs)})"
        if docs
        else format_code(finding.rule)
    )
    cell = f"{mark}{rule} {format_text(finding.message)}"
    return format_row(_format_source(finding.source), cell, format_text(finding.hint))


def _build_plan_tables(plan: Plan, place: SourceMapper) -> Iterator[Table]:
    """Yield the tables of each account and region, by its name."""
    groups: dict[str, list[Action]] = {}
    for action in plan.actions:
        groups.setdefault(_describe_target(action), []).append(action)
    for target, actions in sorted(groups.items()):
        yield from _build_target_tables(target, actions, place)


def _build_target_tables(
    target: str, actions: Sequence[Action], place: SourceMapper
) -> Iterator[Table]:
    heading = f"#### {format_text(target[:1].upper() + target[1:])}"
    first = sorted(
        (action for action in actions if action.verb in _FIRST),
        key=lambda action: _FIRST.index(action.verb),
    )
    if first:
        yield Table(heading, _PLAN_HEAD, tuple(_render_action(one, place) for one in first))
    details = [format_row(*cells) for action in first for cells in _list_details(action)]
    if details:
        yield fold_table("Details", ("job", "what", "manifest", "live"), details)
    for verb, words in ((Verb.WAIT, "to wait for"), (Verb.NOOP, "with nothing to do")):
        rest = [one for one in actions if one.verb is verb]
        # Without a table above it, the folded one must name the target.
        where = "" if first else f" in {target}"
        if rest:
            rows = [_render_action(one, place) for one in rest[:_MAX_QUIET]]
            label = f"{format_count(len(rest), 'job')} {words}{where}"
            yield fold_table(label, _PLAN_HEAD, rows + _render_more_row(len(rest)))


def _render_more_row(jobs: int) -> list[str]:
    """Return the row that counts quiet jobs that are not listed, if any."""
    return [format_row("", f"and {jobs - _MAX_QUIET} more", "", "")] if jobs > _MAX_QUIET else []


def _describe_target(action: Action) -> str:
    """Return the place of an action: where its job was observed, else the manifest's target."""
    if action.place is not None:
        return str(action.place)
    target = action.desired.target
    given = (("account", target.account_id), ("region", target.region))
    return ", ".join(f"{word} {one}" for word, one in given if one) or "no known account"


def _render_action(action: Action, place: SourceMapper) -> str:
    why = f"{format_code(action.reason)} {format_text(action.message)}"
    where = _format_source(place(action.desired.source))
    return format_row(f"**{action.verb}**", _format_name(action.desired), why, where)


def _list_details(action: Action) -> Iterator[tuple[str, str, str, str]]:
    """Yield what differs, what is stopped, what is tagged, and which jobs came before."""
    name = _format_name(action.desired)
    for change in action.changes:
        yield (
            name,
            format_code(change.member),
            format_code(change.declared),
            format_code(change.live),
        )
    for live in action.stops:
        yield name, "stops", "", format_code(live.arn)
    for retag in action.retags:
        if retag.put:
            yield (
                name,
                f"sets {format_code(retag.member)}",
                join_lines(sorted(retag.put)),
                format_code(retag.arn),
            )
        if retag.drop:
            yield (
                name,
                f"removes from {format_code(retag.member)}",
                join_lines(retag.drop),
                format_code(retag.arn),
            )
    for earlier in action.earlier:
        yield name, "comes after", "", format_code(earlier.live.arn)


def _render_unhealthy(status: JobStatus, finding: ReportFinding, place: SourceMapper) -> str:
    if finding.is_problem:
        return _render_healthy(status, place)
    cell = f"{format_code(finding.rule)} {format_text(finding.message)}"
    return format_row(
        format_code(status.key.name),
        format_text(status.phase),
        cell,
        _format_source(place(status.source)),
    )


def _render_healthy(status: JobStatus, place: SourceMapper) -> str:
    synced = status.get_condition("Synced")
    # A job without an entry was never submitted.
    reason, message = synced.get("reason", "NotSubmitted"), synced.get("message", "")
    cell = f"{format_code(str(reason))} {format_text(str(message))}"
    return format_row(
        format_code(status.key.name),
        format_text(status.phase),
        cell,
        _format_source(place(status.source)),
    )


def _format_name(desired: DesiredJob) -> str:
    """Return a manifest's name, and that of its job if it differs."""
    name = format_code(desired.key.name)
    return name if desired.name == desired.key.name else f"{name} as {format_code(desired.name)}"


def _format_source(source: Source) -> str:
    """Return a place without its column, which readers do not need."""
    return format_code(f"{source.path}:{source.line}" if source.line else source.path)
