"""Runs every file of tests/scenarios: what is known of jobs, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from controller.core.fleet import Fleet, parse_fleet
from controller.core.planning import rules_removed
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.admission import Occupancy
from controller.core.planning.plan import build_plan, check_submit_limit
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.planning.slots import Lane
from tests.core.cases import (
    NOW,
    OFFERED,
    PLACE,
    TEST_KINDS,
    Situation,
    arns,
    filled,
    situation,
)

FOLDER = Path(__file__).parents[1] / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))
TABLE = yaml.safe_load((FOLDER.parent / "data" / "decision_table.yaml").read_text(encoding="utf-8"))
REASONS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"

Scenario = dict[str, Any]


@cache
def scenario_of(path: Path) -> Scenario:
    """Read a scenario; ``jobs`` holds its jobs by name, and a single one is named support-bot."""
    read = cast("Scenario", yaml.safe_load(path.read_text(encoding="utf-8")))
    if "jobs" in read:
        return read
    return {**read, "jobs": {"support-bot": {"given": read["given"], "expect": read["expect"]}}}


def fleet_in(scenario: Scenario) -> Fleet:
    """Return the fleet of a scenario's jobs."""
    return parse_fleet({"owner": "acme-ml", **scenario.get("fleet", {})})


def situations(scenario: Scenario) -> dict[str, Situation]:
    """Return each job's situation, by name."""
    fleet = fleet_in(scenario)
    return {
        name: situation(job.get("given") or {}, fleet, name)
        for name, job in scenario["jobs"].items()
    }


def planned(scenario: Scenario) -> Plan:
    """Return the plan for a scenario's situations."""
    found = situations(scenario).values()
    return build_plan(
        TEST_KINDS,
        [one.desired for one in found],
        {one.desired.key: one.observation for one in found},
        {one.desired.key: one.recorded for one in found if one.recorded is not None},
        fleet_in(scenario),
        datetime.fromisoformat(scenario["now"]) if "now" in scenario else NOW,
        Occupancy({Lane(OFFERED.name, PLACE): scenario["active"]} if "active" in scenario else {}),
    )


def refusal_of(scenario: Scenario, made: Plan) -> str | None:
    """Return why the safeguards refuse a plan; ``prune`` has the options and the tree's counts."""
    fleet, asked = fleet_in(scenario), scenario.get("prune", {})
    cleaning = CleanupOptions(prune="prune" in scenario, force=asked.get("force", False))
    manifests, problems = asked.get("manifests", 1), asked.get("problems", 0)
    return check_submit_limit(made, fleet.limits.max_submits) or rules_removed.check_prune(
        made, cleaning, fleet.owner, manifests=manifests, problems=problems
    )


def check_action(expect: Mapping[str, Any], action: Action) -> None:
    """Check the expected verb, reason, message and changes."""
    assert (action.verb, action.reason) == (Verb(expect["verb"]), Reason(expect["reason"]))
    for text in expect.get("message", ()):
        assert text in action.message
    if "changes" in expect:
        shown = {change.member: [change.declared, change.live] for change in action.changes}
        assert shown == expect["changes"]
    if "submits" in expect:
        submission = action.desired.submission
        assert submission is not None
        assert [submission.name, submission.attempt] == expect["submits"]
    if "stops" in expect:
        assert [live.name for live in action.stops] == expect["stops"]
    if "earlier" in expect:
        assert {one.live.name: one.live.status for one in action.earlier} == expect["earlier"]


def check_entry(expect: Mapping[str, Any], one: Situation, made: Mapping[str, Any]) -> None:
    """Check the expected phase, conditions and recorded members."""
    if "phase" in expect:
        assert made["phase"] == expect["phase"]
    conditions = {condition["type"]: condition for condition in made["conditions"]}
    if "conditions" in expect:
        statuses = {name: condition["status"] for name, condition in conditions.items()}
        assert statuses == expect["conditions"]
    for text in expect.get("tells", ()):
        assert text in conditions["Synced"]["message"]
    before = one.recorded.entry if one.recorded else {}
    for member in expect.get("keeps", ()):
        assert made[member] == before[member], member
    for member in expect.get("lacks", ()):
        assert member not in made
    for member, value in expect.get("entry", {}).items():
        assert made[member] == value
    if "history" in expect:
        assert [one["jobName"] for one in made["history"]] == expect["history"]
    if "looks" in expect:
        assert list(one.asked) == filled(expect["looks"], arns(one.kind))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    """A scenario leads to the plan and the entries that it expects."""
    scenario = scenario_of(path)
    made = planned(scenario)
    known = situations(scenario)

    assert len(made.actions) == len(scenario["jobs"])
    for action in made.actions:
        name = action.desired.key.name
        expect = scenario["jobs"][name]["expect"]
        check_action(expect, action)
        check_entry(expect, known[name], known[name].entry(action, fleet_in(scenario).owner))
    if "starts" in scenario:
        assert [action.desired.key.name for action in made.changes] == scenario["starts"]
    told = refusal_of(scenario, made)
    assert (told is not None) == ("refusal" in scenario)
    assert scenario.get("refusal", "") in (told or "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario_is_read_in_full(path: Path) -> None:
    """A scenario has only keys that the runner reads: a misspelt one would test nothing."""
    scenario = scenario_of(path)
    assert set(scenario) <= {
        "title",
        "row",
        "given",
        "expect",
        "jobs",
        "fleet",
        "now",
        "active",
        "starts",
        "refusal",
        "prune",
    }
    for job in scenario["jobs"].values():
        assert set(job) <= {"given", "expect"}
        assert set(job.get("given") or {}) <= {
            *("kind", "policy", "spec", "target", "problems", "live", "failure", "sidecar"),
            *("written", "place", "call", "doubt", "lives", "tags", "removed"),
        }
        assert set(job["expect"]) <= {
            *("verb", "reason", "message", "changes", "phase", "conditions", "tells", "keeps"),
            *("lacks", "entry", "submits", "stops", "earlier", "history", "looks"),
        }


def test_every_reason_has_its_scenario() -> None:
    """Each reason results from some scenario, or is listed with the tests of the lifecycle."""
    produced = {action.reason for path in FILES for action in planned(scenario_of(path)).actions}

    assert produced == set(Reason)


@cache
def _decided(path: Path) -> set[str]:
    actions = planned(scenario_of(path)).actions
    return {f"{action.verb} {action.reason}" for action in actions}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["row"])
def test_every_row_of_the_table_has_its_scenarios(row: Mapping[str, Any]) -> None:
    """Scenarios that name a row cover every result that the row lists."""
    found = [_decided(path) for path in FILES if scenario_of(path).get("row") == row["row"]]

    assert all(decided & set(row["decides"]) for decided in found)
    assert set(row["decides"]) <= {one for decided in found for one in decided}


def test_scenarios_name_existing_rows() -> None:
    """The row of a scenario exists in the table."""
    named = {scenario_of(path).get("row") for path in FILES} - {None}

    assert named == {row["row"] for row in TABLE}


def test_every_reason_is_documented() -> None:
    """The page of reasons has each reason, with its meaning and a remedy."""
    _, *entries = REASONS_PAGE.read_text(encoding="utf-8").split("\n## ")
    texts = dict(entry.split("\n", 1) for entry in entries)

    assert list(texts) == [reason.value for reason in Reason]
    for text in texts.values():
        assert re.fullmatch(r".+?\n\n- \*\*Controller\*\*: .+?\n- \*\*You\*\*: .+", text, re.DOTALL)


def test_titles_are_unique() -> None:
    """Every scenario has its own title, in one sentence."""
    titles = [scenario_of(path)["title"] for path in FILES]

    assert len(set(titles)) == len(FILES)
    assert all(title.endswith(".") for title in titles)
