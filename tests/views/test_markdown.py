"""Markdown shows every text as text, in tables that are never cut in the middle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.adapters.host.ci_host import MAX_SUMMARY_BYTES
from controller.core.model import Place, Problem, Source, Target
from controller.core.planning.actions import Action, Plan, Verb
from controller.core.printable import escape_line
from controller.views.findings import (
    FindingsReport,
    build_report,
    collect_plan_findings,
    collect_problem_findings,
)
from controller.views.markdown import format_code, format_text
from controller.views.markdown_reports import render_plan_markdown, render_validation_markdown
from controller.views.plan import format_sandbox_note, summarize_plan
from tests.views.drawn import HOSTILE, Drawn, drawn, seeded
from tests.views.pages import OURS, Page, read

TREES = 40
APART = "\u200b"


def reviewed(one: Drawn) -> FindingsReport:
    """Return the report of a random plan."""
    told = summarize_plan(one.plan, sandbox=True)
    return build_report(
        "plan", told, (), collect_plan_findings(one.plan, one.problems, one.refused)
    )


def markdown_of(one: Drawn, limit: int = MAX_SUMMARY_BYTES) -> str:
    """Return the Markdown of a random plan."""
    return render_plan_markdown(reviewed(one), one.plan, one.refused, _same, limit)


def _same(source: Source) -> Source:
    return source


def bodies(page: Page) -> list[list[str]]:
    """Return the rows that are no headings."""
    heads = {"where", "action", "job"}
    return [row for row in page.rows if row[0] not in heads]


@given(
    st.text(max_size=200) | st.sampled_from(HOSTILE) | st.text("`@#|<&\\*_[]!~:/$w.", max_size=20)
)
def test_a_text_is_shown_as_it_is(plain: str) -> None:
    """In a cell any text shows itself, with escapes, and adds no tag."""
    page = read(f"| a | b |\n|---|---|\n| {format_text(plain)} | {format_code(plain)} |\n")
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    (_, (told, quoted)) = page.rows
    assert quoted.strip() == escape_line(plain).strip()
    assert told.replace(APART, "").strip() == _without_quotes(escape_line(plain)).strip()


def _without_quotes(plain: str) -> str:
    """Two backticks around something become code, as in our own messages."""
    parts = plain.split("`")
    made, quoted = parts[0], False
    for index, part in enumerate(parts[1:], start=1):
        opens = not quoted and part and index < len(parts) - 1
        made += part if quoted or opens else f"`{part}"
        quoted = bool(opens)
    return made


@pytest.mark.parametrize("mention", ["@everyone", "#12", "!12", "~label", "%4", "$variable"])
def test_nobody_is_mentioned(mention: str) -> None:
    """Mentions and references are broken by invisible characters."""
    (shown_as,) = read(format_text(mention)).texts[:1]
    assert mention not in shown_as
    assert shown_as.replace(APART, "") == mention


@pytest.mark.parametrize("link", ["https://example.com", "www.example.com", "a@example.com"])
def test_nothing_becomes_a_link(link: str) -> None:
    """The source has no address that GitHub would turn into a link."""
    assert link not in format_text(link)


def test_hostile_trees_stay_tables() -> None:
    """With hostile texts every page has only our tags, closed, and a row per action."""
    dice = seeded(3)
    for _ in range(TREES):
        one = drawn(dice)
        page = read(markdown_of(one))
        assert set(page.tags) <= OURS
        assert page.unbalanced == page.attributes == []
        verbs = [row[0] for row in bodies(page) if row[0] in set(Verb)]
        assert len(verbs) == len(one.plan.actions)
        assert format_sandbox_note(sandbox=True).strip(" ()") in page.text


def details(action: Action) -> list[tuple[str, str, str]]:
    """Return the detail rows of an action, without its name."""
    told = [(one.member, one.declared, one.live) for one in action.changes]
    told += [("stops", "", live.arn) for live in action.stops]
    for retag in action.retags:
        told += (
            [(f"sets {retag.member}", "".join(sorted(retag.put)), retag.arn)] if retag.put else []
        )
        told += (
            [(f"removes from {retag.member}", "".join(retag.drop), retag.arn)] if retag.drop else []
        )
    return told + [("comes after", "", one.live.arn) for one in action.earlier]


def test_details_show_what_differs() -> None:
    """Changed members, stopped jobs, tags and earlier jobs are listed, each once."""
    dice = seeded(13)
    met = set()
    for _ in range(80):
        one = drawn(dice)
        shown_as = [
            tuple(cell.strip() for cell in row[1:]) for row in bodies(read(markdown_of(one)))
        ]
        for action in one.plan.actions:
            if action.verb not in {Verb.WAIT, Verb.NOOP}:
                assert set(details(action)) <= set(shown_as)
                met |= {cells[0].partition(" ")[0] for cells in details(action)}
    assert {"stops", "sets", "removes", "comes", "hyperParameters.epochCount"} <= met


def test_changes_come_first() -> None:
    """Within a target changes come before holds; the rest is folded."""
    dice = seeded(4)
    order = ["STOP", "SUBMIT", "ADOPT", "TAG", "HOLD"]
    for _ in range(TREES):
        for section in markdown_of(drawn(dice)).split("\n#### ")[1:]:
            rows = [row[0] for row in read(section.partition("<details>")[0]).rows]
            verbs = [verb for verb in rows if verb in set(Verb)]
            assert verbs == sorted(verbs, key=order.index)


@pytest.mark.parametrize("seed", range(4))
def test_cut_between_rows(seed: int) -> None:
    """With any limit the page keeps to it, is complete, and counts the omitted rows."""
    dice = seeded(seed)
    one = max((drawn(dice) for _ in range(20)), key=lambda tree: len(tree.plan.actions))
    whole = bodies(read(markdown_of(one)))
    least = len(markdown_of(one, limit=0).encode()) + 400
    for limit in range(least, len(markdown_of(one).encode()) + 400, 149):
        made = markdown_of(one, limit)
        page = read(made)
        assert len(made.encode()) <= limit
        assert set(page.tags) <= OURS
        assert page.unbalanced == []
        rows = bodies(page)
        assert all(row in whole for row in rows)
        cut = len(whole) - len(rows)
        assert (f"{cut} row" in page.text) is (cut > 0)


def test_problems_leave_room_for_the_plan() -> None:
    """However many problems there are, half of the page is for the plan."""
    dice = seeded(4)
    one = max((drawn(dice) for _ in range(20)), key=lambda tree: len(tree.plan.actions))
    crowded = replace(one, problems=(Problem("BJ203", "x", Source("jobs/a.yaml", 1, 1)),) * 900)
    page = read(markdown_of(crowded, 20_000))
    verbs = [row[0] for row in bodies(page) if row[0] in set(Verb)]
    assert len(verbs) == len(one.plan.actions)
    assert 80 < sum(row[0].startswith("jobs/a.yaml") for row in page.rows) < 200


def test_a_place_that_is_not_known_is_the_declared_one() -> None:
    """If no job was observed, the heading has the manifest's target."""
    dice = seeded(2)
    actions = [action for _ in range(400) for action in drawn(dice).plan.actions]
    held = next(one for one in actions if one.verb is Verb.HOLD and one.place is None)
    for target, heading in (
        (Target(), "No known account"),
        (Target("eu-west-1"), "Region eu-west-1"),
        (Target("eu-west-1", "123456789012"), "Account 123456789012, region eu-west-1"),
    ):
        one = replace(held, desired=replace(held.desired, target=target))
        made = markdown_of(Drawn(Plan((one,)), (), None, ()))
        assert f"\n#### {heading}\n" in made


def test_changes_of_every_place_come_before_what_is_folded() -> None:
    """Quiet jobs of one place take no room from another place's changes."""
    dice = seeded(2)
    actions = [action for _ in range(400) for action in drawn(dice).plan.actions]
    quiet = next(one for one in actions if one.verb is Verb.NOOP and one.place)
    submit = next(one for one in actions if one.verb is Verb.SUBMIT and one.place)
    last = replace(submit, place=Place("999999999999", "us-east-1"))
    page = read(markdown_of(Drawn(Plan((submit, *(quiet,) * 150, last)), (), None, ()), 8000))
    assert [row[0].strip() for row in bodies(page)].count("SUBMIT") == 2
    assert "rows cut" in page.text


def test_a_settled_fleet_is_counted() -> None:
    """Of many jobs with nothing to do some are listed, and all are counted."""
    dice = seeded(2)
    idle = next(
        action
        for action in iter(lambda: next(iter(drawn(dice).plan.actions), None), 0)
        if action is not None and action.verb is Verb.NOOP
    )
    one = Drawn(Plan((idle,) * 1000), (), None, ())
    page = read(markdown_of(one))
    assert len(bodies(page)) == 201
    assert bodies(page)[-1][1].strip() == "and 800 more"
    assert "1000 jobs with nothing to do" in page.text


def test_a_summary_fits_github() -> None:
    """Of too many problems for a job summary whole rows are shown, as many as fit."""
    problems = [
        Problem("BJ203", HOSTILE[number % len(HOSTILE)] * 3, Source(f"jobs/{number}.yaml", 1, 1))
        for number in range(12_000)
    ]
    made = render_validation_markdown(
        build_report("validate", "12000 problems", (), collect_problem_findings(problems)),
        MAX_SUMMARY_BYTES,
    )
    assert MAX_SUMMARY_BYTES - 4096 < len(made.encode()) <= MAX_SUMMARY_BYTES
    assert made.endswith(" bytes._\n")
