"""Findings as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from controller.core.model import Source
from controller.version import __version__
from controller.views.doc_links import build_link
from controller.views.findings import NOWHERE, FindingsReport, Level, ReportFinding
from controller.views.rule_help import find_rule_help

MAX_RESULTS = 25_000
"""The most results of a run that code scanning accepts."""

_ROOT = "%SRCROOT%"


def build_sarif(review: FindingsReport) -> dict[str, Any]:
    """Return one run: a result for each error and warning that has a place.

    Planned changes are no results. Findings without a place become notifications of the tool.
    Paths are relative to the repository's root, columns count Unicode code points from 1.
    """
    found = review.filter_by_level(Level.ERROR, Level.WARNING)
    results = [one for one in found if one.source != NOWHERE]
    rules = {one.rule: None for one in results[:MAX_RESULTS]}
    # Results refer to their rule by its index in the driver.
    places = {rule: place for place, rule in enumerate(rules)}
    run = {
        "tool": {"driver": _build_driver(list(rules), review.docs)},
        "automationDetails": {"id": f"bedrock-jobs/{review.verb}/"},
        "invocations": [_build_invocation(found, results[MAX_RESULTS:])],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The repository's root."}}},
        "results": [_build_result(one, places) for one in results[:MAX_RESULTS]],
        **({"properties": {"sandbox": True}} if review.sandbox else {}),
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _build_driver(rules: Sequence[str], docs: str) -> dict[str, Any]:
    return {
        "name": "bedrock-jobs",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_build_rule(name, docs) for name in rules],
    }


def _build_rule(name: str, docs: str) -> dict[str, Any]:
    """Return the help of a finding's rule, if it is ours and not a service's error code."""
    rule = find_rule_help(name)
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule.meaning},
        "help": {"text": rule.advice, "markdown": f"{rule.advice} See {_format_link(name, docs)}."},
        # SARIF accepts only absolute URLs here.
        **({"helpUri": build_link(name, docs)} if docs else {}),
    }


def _format_link(name: str, docs: str) -> str:
    """Return where a rule is documented, as Markdown."""
    link = build_link(name, docs)
    return f"[the documentation]({link})" if docs else f"`{link}`"


def _build_invocation(
    found: Sequence[ReportFinding], cut: Sequence[ReportFinding]
) -> dict[str, Any]:
    entries = [_build_notification(one) for one in found if one.source == NOWHERE]
    if cut:
        text = f"{len(cut)} more results were cut: code scanning takes {MAX_RESULTS}"
        entries.append({"level": "warning", "message": {"text": text}})
    failed = any(one.level is Level.ERROR for one in found)
    notifications = {"toolExecutionNotifications": entries} if entries else {}
    return {"executionSuccessful": not failed, **notifications}


def _build_notification(finding: ReportFinding) -> dict[str, Any]:
    return {"level": str(finding.level), "message": {"text": finding.text}}


def _build_result(finding: ReportFinding, rules: Mapping[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _build_location(finding.source)}
    if finding.subject is not None:
        name = {"name": finding.subject.name, "fullyQualifiedName": str(finding.subject)}
        location["logicalLocations"] = [{**name, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules[finding.rule],
        "level": str(finding.level),
        "message": {"text": finding.text},
        "locations": [location],
    }


def _build_location(source: Source) -> dict[str, Any]:
    """Return a location; one outside the repository has an absolute URI."""
    if source.path.startswith("/"):
        made: dict[str, Any] = {"artifactLocation": {"uri": f"file://{_quote_path(source.path)}"}}
    else:
        made = {"artifactLocation": {"uri": _quote_path(source.path), "uriBaseId": _ROOT}}
    if source.line:
        made["region"] = {"startLine": source.line, "startColumn": source.column}
    return made


def _quote_path(path: str) -> str:
    """Return a path quoted for a URI; the bytes of a name that is not UTF-8 are kept."""
    return quote(os.fsencode(path), safe="/")
