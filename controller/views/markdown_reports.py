"""Plans, validations and statuses as Markdown, for a job summary or a comment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from controller.core.model import Desired, Source
from controller.core.planning.actions import Action, Plan, Verb
from controller.views.doc_links import link_to
from controller.views.findings import UNWRITTEN, Finding, Level, Review
from controller.views.markdown import Table, code, document, folded, lines, row, text
from controller.views.status import JobStatus
from controller.views.text import counted

Placing = Callable[[Source], Source]
"""How a place is told: with its path from the repository's root."""

_FIRST = (Verb.STOP, Verb.SUBMIT, Verb.ADOPT, Verb.TAG, Verb.HOLD)
_PROBLEMS_SHARE = 0.5
_PLAN_HEAD = ("action", "job", "why", "manifest")
_MOST_QUIET = 200
"""How many jobs that need nothing are listed: a settled fleet is no page to read."""

_STATUS_HEAD = ("job", "phase", "why", "manifest")


def plan_markdown(
    review: Review, plan: Plan, refused: str | None, place: Placing, limit: int
) -> str:
    """Return a plan: a table for each account and region, changes first, the rest folded.

    The problems that the review holds stand before them, and take half of the room at most.
    """
    tables = [*_problems(review, _PROBLEMS_SHARE), *_targets(plan, place)]
    return document(f"bedrock-jobs {review.verb}", _leads(review, refused), tables, limit)


def validation_markdown(review: Review, limit: int) -> str:
    """Return a validation: every problem with its place and what to do."""
    return document(f"bedrock-jobs {review.verb}", _leads(review), [*_problems(review)], limit)


def status_markdown(
    review: Review, statuses: Sequence[JobStatus], refused: str | None, place: Placing, limit: int
) -> str:
    """Return statuses: what failed or waits for a person first, the rest folded."""
    told = {one.subject: one for one in reversed(review.findings) if not one.is_remark}
    ill = [_ill(one, told[one.key], place) for one in statuses if one.key in told]
    rest = [one for one in statuses if one.key not in told]
    well = [_well(one, place) for one in rest[:_MOST_QUIET]] + _more(len(rest))
    tables = list(_problems(review, _PROBLEMS_SHARE))
    tables += [Table("#### Needs attention", _STATUS_HEAD, tuple(ill))] if ill else []
    tables += [folded(counted(len(rest), "other job"), _STATUS_HEAD, well)] if rest else []
    return document(f"bedrock-jobs {review.verb}", _leads(review, refused), tables, limit)


def _leads(review: Review, refused: str | None = None) -> list[str]:
    """Return the paragraphs that come first: the count, and what went wrong with the whole."""
    stopped = [f"> **Refused:** {text(refused)}"] if refused else []
    unwritten = [one.message for one in review.findings if one.rule == UNWRITTEN]
    left = [f"> **Error:** {text(why)}" for why in unwritten]
    return [f"**{text(review.summary)}**", *stopped, *left]


def _problems(review: Review, share: float = 1.0) -> Iterator[Table]:
    found = (one for one in review.of(Level.ERROR, Level.WARNING) if one.is_problem)
    rows = tuple(_problem(one, review.docs) for one in found)
    if rows:
        yield Table("#### Problems", ("where", "problem", "what to do"), rows, share=share)


def _problem(finding: Finding, docs: str) -> str:
    mark = "**warning** " if finding.is_remark else ""
    rule = f"[{code(finding.rule)}]({link_to(finding.rule, docs)})" if docs else code(finding.rule)
    told = f"{mark}{rule} {text(finding.message)}"
    return row(_where(finding.source), told, text(finding.hint))


def _targets(plan: Plan, place: Placing) -> Iterator[Table]:
    """Yield the tables of each account and region, by its name."""
    groups: dict[str, list[Action]] = {}
    for action in plan.actions:
        groups.setdefault(_target_of(action), []).append(action)
    for target, actions in sorted(groups.items()):
        yield from _target(target, actions, place)


def _target(target: str, actions: Sequence[Action], place: Placing) -> Iterator[Table]:
    heading = f"#### {text(target[:1].upper() + target[1:])}"
    first = sorted(
        (action for action in actions if action.verb in _FIRST),
        key=lambda action: _FIRST.index(action.verb),
    )
    if first:
        yield Table(heading, _PLAN_HEAD, tuple(_action(one, place) for one in first))
    details = [row(*cells) for action in first for cells in _details(action)]
    if details:
        yield folded("Details", ("job", "what", "manifest", "live"), details)
    for verb, words in ((Verb.WAIT, "to wait for"), (Verb.NOOP, "with nothing to do")):
        rest = [one for one in actions if one.verb is verb]
        where = "" if first else f" in {target}"
        if rest:
            rows = [_action(one, place) for one in rest[:_MOST_QUIET]]
            label = f"{counted(len(rest), 'job')} {words}{where}"
            yield folded(label, _PLAN_HEAD, rows + _more(len(rest)))


def _more(jobs: int) -> list[str]:
    """Return the row that counts the quiet jobs which are not listed, where there are any."""
    return [row("", f"and {jobs - _MOST_QUIET} more", "", "")] if jobs > _MOST_QUIET else []


def _target_of(action: Action) -> str:
    """Return where an action acts: where it was looked, else where the manifest belongs."""
    if action.place is not None:
        return str(action.place)
    target = action.desired.target
    given = (("account", target.account_id), ("region", target.region))
    return ", ".join(f"{word} {one}" for word, one in given if one) or "no known account"


def _action(action: Action, place: Placing) -> str:
    why = f"{code(action.reason)} {text(action.message)}"
    where = _where(place(action.desired.source))
    return row(f"**{action.verb}**", _named(action.desired), why, where)


def _details(action: Action) -> Iterator[tuple[str, str, str, str]]:
    """Yield what differs, what is stopped, what is tagged, and which jobs were there before."""
    name = _named(action.desired)
    for change in action.changes:
        yield name, code(change.member), code(change.declared), code(change.live)
    for live in action.stops:
        yield name, "stops", "", code(live.arn)
    for retag in action.retags:
        if retag.put:
            yield name, f"sets {code(retag.member)}", lines(sorted(retag.put)), code(retag.arn)
        if retag.drop:
            yield name, f"removes from {code(retag.member)}", lines(retag.drop), code(retag.arn)
    for earlier in action.earlier:
        yield name, "comes after", "", code(earlier.live.arn)


def _ill(status: JobStatus, finding: Finding, place: Placing) -> str:
    if finding.is_problem:
        return _well(status, place)
    told = f"{code(finding.rule)} {text(finding.message)}"
    return row(code(status.key.name), text(status.phase), told, _where(place(status.source)))


def _well(status: JobStatus, place: Placing) -> str:
    synced = status.condition("Synced")
    reason, message = synced.get("reason", "NotSubmitted"), synced.get("message", "")
    told = f"{code(str(reason))} {text(str(message))}"
    return row(code(status.key.name), text(status.phase), told, _where(place(status.source)))


def _named(desired: Desired) -> str:
    """Return a manifest's name, and that of its job where it is another."""
    name = code(desired.key.name)
    return name if desired.name == desired.key.name else f"{name} as {code(desired.name)}"


def _where(source: Source) -> str:
    """Return a place without its column, which nobody looks up by hand."""
    return code(f"{source.path}:{source.line}" if source.line else source.path)
