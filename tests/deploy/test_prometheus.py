"""The alerts and the dashboard: valid, and about metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest
import yaml

from controller.adapters.metrics.prometheus import Metrics
from controller.core.call_errors import classify_error
from controller.core.kinds.registry import KINDS
from controller.core.model import Disposition
from tests.house.source import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
BOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
DATA = ROOT / "tests" / "data" / "prometheus"
# What a scrape adds to every series.
OF_THE_SCRAPE = frozenset({"job", "instance", "namespace", "pod"})
# Prometheus' own, and what is only told where the system has a /proc.
OF_OTHERS = ("up", "process_resident_memory_bytes", "process_open_fds")
CLOSED = frozenset({"phase", "result", "source", "valid"})
VARIABLES = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}
PROMTOOL = shutil.which("promtool")


@cache
def series() -> dict[str, dict[str, set[str]]]:
    """Return the label values of all series that exist from the start, by name."""
    found: dict[str, dict[str, set[str]]] = {name: {} for name in OF_OTHERS}
    for family in Metrics(KINDS, lambda: 0.0).collect():
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def alerts() -> list[dict[str, Any]]:
    """Return all alerts."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels, including rows."""
    found: list[dict[str, Any]] = json.loads(BOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[Any]:
    """Yield all expressions of alerts and dashboard, with their variables replaced."""
    for alert in alerts():
        yield pytest.param(alert["expr"], id=alert["alert"])
    for panel in panels():
        for target in panel.get("targets", ()):
            yield pytest.param(filled(target["expr"]), id=f"{panel['title']} {target['refId']}")


def filled(expression: str) -> str:
    """Return an expression as Grafana sends it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


@dataclass(frozen=True, slots=True)
class Mention:
    """A label in an expression; ``value`` only if it must be equal to that."""

    metrics: frozenset[str]
    label: str
    value: str | None = None


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Return all selectors of an expression; raises ValueError if it does not parse."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def names(expression: str) -> frozenset[str]:
    """Return the names of the series that an expression reads."""
    return frozenset(str(one.name) for one in selectors(expression))


def mentions(expression: str) -> Iterator[Mention]:
    """Yield the labels of an expression: those it selects by, and those it groups or joins by."""
    for selector in selectors(expression):
        for matcher in selector.matchers.matchers:
            values = matcher.value.split("|") if matcher.name in CLOSED else [None]
            yield from (
                Mention(frozenset({str(selector.name)}), matcher.name, value) for value in values
            )
    for grouped in re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", expression):
        for label in filter(None, re.split(r"[,\s]+", grouped)):
            yield Mention(names(expression), label)


def test_the_parser_rejects_invalid_promql() -> None:
    """The parser that the tests below rely on distinguishes valid from invalid."""
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        selectors("sum by (phase (bedrock_jobs_jobs)")

    assert names('a{x="1"} / on (job) rate(b[5m])') == {"a", "b"}
    assert Mention(frozenset({"a"}), "phase", "Lost") in mentions('a{phase=~"Queued|Lost"}')


@pytest.mark.parametrize("expression", [*expressions()])
def test_expressions_read_existing_metrics(expression: str) -> None:
    """Every expression parses as PromQL, and each series and label in it exists."""
    known = series()

    assert names(expression) <= known.keys()
    for mention in mentions(expression):
        labels = {label: known[name][label] for name in mention.metrics for label in known[name]}
        assert mention.label in labels.keys() | OF_THE_SCRAPE, mention
        assert mention.value in {None, *labels.get(mention.label, ())}, mention


def test_alerts_are_valid() -> None:
    """The file is a valid rule file, and each alert has a severity and says what to do."""
    schema = json.loads((DATA / "rules.schema.json").read_text(encoding="utf-8"))
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))

    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(document)

    told = [alert["alert"] for alert in alerts()]
    assert len(told) == len(set(told))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_alerts_use_labels_of_their_series(alert: dict[str, Any]) -> None:
    """A text uses no label that the alert's own series do not have."""
    told = " ".join(alert["annotations"].values())
    expression = alert["expr"]
    grouped = re.search(r"\bby\s*\(([^)]*)\)", expression)
    kept = set(re.split(r"[,\s]+", grouped[1])) if grouped else set(OF_THE_SCRAPE)

    assert set(re.findall(r"\$labels\.(\w+)", told)) <= kept
    assert told.count("{{") == told.count("}}") == len(re.findall(r"{{ \$(labels\.|value\b)", told))


def test_denials_are_those_of_the_table() -> None:
    """The codes in the alert on denials are codes that mean a denial."""
    (alert,) = [one for one in alerts() if one["alert"] == "BedrockJobsDenied"]
    (selector,) = selectors(alert["expr"])
    (codes,) = [one.value for one in selector.matchers.matchers if one.name == "code"]

    for code in codes.split("|"):
        plain = code.removesuffix(".*")
        assert classify_error(plain, "", reading=True) is Disposition.DENIED


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """The alerts fire for unhealthy series, and not for healthy ones, according to promtool."""
    for path in (ALERTS, DATA / "alerts_test.yaml"):
        shutil.copy(path, tmp_path)

    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_do_not_overlap() -> None:
    """Panels have unique IDs, stay within the grid, and do not overlap."""
    cells: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= own

    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_dashboard_shows_every_metric() -> None:
    """Each of our metrics is in some panel, and every variable in use is declared."""
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    shown = {
        name
        for panel in panels()
        for target in panel.get("targets", ())
        for name in names(filled(target["expr"]))
    }
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series()}

    assert {name for name in ours if name.startswith("bedrock_jobs_")} <= families
    declared = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", json.dumps(board)))
    assert used == declared
