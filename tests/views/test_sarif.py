"""SARIF is valid against its schema, and an independent reader finds every finding."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
import sarif_pydantic  # type: ignore[import-untyped] # it is typed, and does not say so

from controller.core.model import Source
from controller.core.planning.actions import Reason
from controller.core.problems import Code
from controller.core.status.conditions import STALLED_REASONS
from controller.views import sarif as sarif_view
from controller.views.findings import (
    FindingsReport,
    Level,
    ReportFinding,
    build_report,
    collect_plan_findings,
)
from controller.views.rule_help import HOLDS, find_rule_help
from controller.views.sarif import build_sarif
from tests.views.drawn import drawn, seeded

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "sarif" / "sarif-2.1.0-rtm.5.json"
TREES = 60


@cache
def checker() -> jsonschema.Draft4Validator:
    """Return SARIF's own schema; one of its patterns is none to stricter checkers than this."""
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def written(told: FindingsReport) -> str:
    """Return a report as it is printed, after validation against the schema."""
    text = json.dumps(build_sarif(told), ensure_ascii=False).encode(errors="replace").decode()
    assert [error.message for error in checker().iter_errors(json.loads(text))] == []
    return text


def read(told: FindingsReport, folder: Path) -> Any:
    """Return the only run of a report, as an independent reader parses it."""
    path = folder / "out.sarif"
    path.write_text(written(told), encoding="utf-8")
    (run,) = sarif_pydantic.load(path).runs
    return run


def test_random_trees_keep_to_the_schema() -> None:
    """Findings of random trees with hostile texts are valid against SARIF's schema."""
    dice = seeded(8)
    for _ in range(TREES):
        one = drawn(dice)
        written(
            build_report("plan", "", (), collect_plan_findings(one.plan, one.problems, one.refused))
        )


def test_the_reader_finds_rule_place_and_message(tmp_path: Path) -> None:
    """The reader gets rule, level, place and message of every finding with a place."""
    dice = seeded(9)
    for _ in range(20):
        one = drawn(dice)
        told = build_report(
            "plan", "", (), collect_plan_findings(one.plan, one.problems, one.refused)
        )
        run = read(told, tmp_path)
        put_in = [
            one for one in told.filter_by_level(Level.ERROR, Level.WARNING) if one.source.path
        ]
        assert len(run.results) == len(put_in)
        for result, finding in zip(run.results, put_in, strict=True):
            place = result.locations[0].physical_location
            assert run.tool.driver.rules[result.rule_index].id == result.rule_id == finding.rule
            assert result.level.value == finding.level
            assert result.message.text == finding.text.encode(errors="replace").decode()
            assert place.artifact_location.uri_base_id == "%SRCROOT%"
            assert unquote(place.artifact_location.uri, errors="surrogateescape") == (
                finding.source.path
            )
            if finding.source.line:
                assert place.region.start_line == finding.source.line
                assert place.region.start_column == finding.source.column


def test_what_has_no_place_is_a_notification(tmp_path: Path) -> None:
    """A refused plan has no place, so it is a notification of a failed tool."""
    run = read(
        build_report("plan", "", (), [ReportFinding(Level.ERROR, "Refused", "too much")]), tmp_path
    )
    (invocation,) = run.invocations
    assert run.results == []
    assert invocation.execution_successful is False
    assert invocation.toolExecutionNotifications[0]["message"]["text"] == "too much"


def test_what_a_plan_changes_is_no_result() -> None:
    """Planned changes are no results: code scanning would keep an alert for each."""
    told = [ReportFinding(Level.NOTICE, "NotSubmitted", "SUBMIT: …", Source("jobs/a.yaml", 1, 1))]
    made = build_sarif(build_report("plan", "", (), told))
    assert made["runs"][0]["results"] == []
    assert made["runs"][0]["invocations"] == [{"executionSuccessful": True}]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("jobs/a b.yaml", "jobs/a%20b.yaml"),
        ("jobs/ü.yaml", "jobs/%C3%BC.yaml"),
        ("jobs/\udcff.yaml", "jobs/%FF.yaml"),
        ("c:d/e?f#g.yaml", "c%3Ad/e%3Ff%23g.yaml"),
    ],
)
def test_paths_are_uris(path: str, uri: str) -> None:
    """A path is written as a relative URI, whatever it contains."""
    made = build_sarif(
        build_report("plan", "", (), [ReportFinding(Level.ERROR, "BJ101", "x", Source(path))])
    )
    place = made["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}


def test_a_path_outside_the_repository_stands_alone() -> None:
    """A file elsewhere has an absolute URI."""
    finding = ReportFinding(Level.ERROR, "BJ101", "x", Source("/elsewhere/a.yaml"))
    made = build_sarif(build_report("plan", "", (), [finding]))
    place = made["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "file:///elsewhere/a.yaml"}}


def test_results_are_cut_where_code_scanning_refuses_them() -> None:
    """Results beyond code scanning's limit are cut, least severe first, and counted."""
    source = Source("jobs/a.yaml", 1, 1)
    findings = [ReportFinding(Level.WARNING, "NotOwned", "x", source)] * 5
    findings += [ReportFinding(Level.ERROR, "BJ101", "x", source)] * sarif_view.MAX_RESULTS
    (run,) = build_sarif(build_report("plan", "", (), findings))["runs"]
    assert len(run["results"]) == sarif_view.MAX_RESULTS
    assert {one["level"] for one in run["results"]} == {"error"}
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("5 more results were cut")


def test_rules_say_what_the_pages_say() -> None:
    """Every code and every hold has a rule, with the texts of the reference."""
    assert all(find_rule_help(code.code) is not None for code in Code)
    reasons = (ROOT / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")
    texts = {entry.split("\n")[0]: " ".join(entry.split()) for entry in reasons.split("\n## ")}
    for reason, rule in HOLDS.items():
        assert texts[reason].startswith(f"{reason} {rule.meaning} - **Controller**: ")
        assert texts[reason].endswith(f"- **You**: {rule.advice}")
    assert set(HOLDS) == STALLED_REASONS | {Reason.OBSERVATION_FAILED}
    assert find_rule_help("ThrottlingException") is None
