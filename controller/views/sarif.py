"""Findings as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from controller.core.model import Source
from controller.version import __version__
from controller.views.doc_links import link_to
from controller.views.findings import NOWHERE, Finding, Level, Review
from controller.views.rule_help import rule_of

MOST = 25_000
"""How many results of a run code scanning takes."""

_ROOT = "%SRCROOT%"


def sarif(review: Review) -> dict[str, Any]:
    """Return one run: a result for each error and warning that has a place.

    What a plan would change is no result. What has no place is told as the tool's notification.
    Paths are relative to the repository's root, columns count Unicode code points from 1.
    """
    found = review.of(Level.ERROR, Level.WARNING)
    results = [one for one in found if one.source != NOWHERE]
    rules = {one.rule: None for one in results[:MOST]}
    places = {rule: place for place, rule in enumerate(rules)}
    run = {
        "tool": {"driver": _driver(list(rules), review.docs)},
        "automationDetails": {"id": f"bedrock-jobs/{review.verb}/"},
        "invocations": [_invocation(found, results[MOST:])],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The repository's root."}}},
        "results": [_result(one, places) for one in results[:MOST]],
        **({"properties": {"sandbox": True}} if review.sandbox else {}),
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _driver(rules: Sequence[str], docs: str) -> dict[str, Any]:
    return {
        "name": "bedrock-jobs",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(name, docs) for name in rules],
    }


def _rule(name: str, docs: str) -> dict[str, Any]:
    """Return what a finding's rule means, where it is ours; a service's codes are its own."""
    rule = rule_of(name)
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule.meaning},
        "help": {"text": rule.advice, "markdown": f"{rule.advice} See {_see(name, docs)}."},
        # SARIF takes absolute URLs only here.
        **({"helpUri": link_to(name, docs)} if docs else {}),
    }


def _see(name: str, docs: str) -> str:
    """Return where a rule is documented, as Markdown."""
    link = link_to(name, docs)
    return f"[the documentation]({link})" if docs else f"`{link}`"


def _invocation(found: Sequence[Finding], cut: Sequence[Finding]) -> dict[str, Any]:
    told = [_notification(one) for one in found if one.source == NOWHERE]
    if cut:
        text = f"{len(cut)} more results were cut: code scanning takes {MOST}"
        told.append({"level": "warning", "message": {"text": text}})
    failed = any(one.level is Level.ERROR for one in found)
    notifications = {"toolExecutionNotifications": told} if told else {}
    return {"executionSuccessful": not failed, **notifications}


def _notification(finding: Finding) -> dict[str, Any]:
    return {"level": str(finding.level), "message": {"text": finding.text}}


def _result(finding: Finding, rules: Mapping[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _physical(finding.source)}
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


def _physical(source: Source) -> dict[str, Any]:
    """Return a place; one outside the repository is told by a URI of its own."""
    if source.path.startswith("/"):
        made: dict[str, Any] = {"artifactLocation": {"uri": f"file://{_uri(source.path)}"}}
    else:
        made = {"artifactLocation": {"uri": _uri(source.path), "uriBaseId": _ROOT}}
    if source.line:
        made["region"] = {"startLine": source.line, "startColumn": source.column}
    return made


def _uri(path: str) -> str:
    """Return a path as a URI's, the bytes of a name that is not UTF-8 kept."""
    return quote(os.fsencode(path), safe="/")
