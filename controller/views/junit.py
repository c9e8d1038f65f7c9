"""Findings as JUnit XML: a test case for each manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from controller.core.model import JobKey, Source
from controller.core.printable import escape_line
from controller.views.doc_links import build_link
from controller.views.findings import NOWHERE, FindingsReport, Level, ReportFinding

_Case = tuple[JobKey | None, str]
"""A manifest's identity; or None, and the file of findings without a manifest."""


def render_junit(review: FindingsReport) -> str:
    """Return one suite: a manifest with an error has failed, one that is held is skipped.

    A manifest with only warnings has passed. A case has one failure, which counts and lists all of
    its errors: most readers show no more than one. Findings about no particular manifest have a
    case named after their file.
    """
    cases = _group_findings(review)
    suite = _build_suite(review.verb, cases.values())
    sources = dict(review.manifests)
    if review.sandbox:
        element = ET.SubElement(suite, "properties")
        ET.SubElement(element, "property", {"name": "sandbox", "value": "true"})
    for (subject, path), found in cases.items():
        suite.append(_build_case(subject, path, sources, found, review.docs))
    root = ET.Element("testsuites", dict(suite.attrib))
    root.append(suite)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _group_findings(review: FindingsReport) -> dict[_Case, list[ReportFinding]]:
    """Return the findings of each manifest, in the order of manifests, then of other places."""
    cases: dict[_Case, list[ReportFinding]] = {(key, ""): [] for key, _ in review.manifests}
    for one in review.filter_by_level(Level.ERROR, Level.WARNING):
        place = (one.subject, "") if one.subject else (None, one.source.path)
        cases.setdefault(place, []).append(one)
    return cases


def _build_suite(verb: str, cases: Iterable[Sequence[ReportFinding]]) -> ET.Element:
    outcomes = [_get_outcome(found) for found in cases]
    counts = {
        "tests": len(outcomes),
        "failures": outcomes.count("failure"),
        "errors": 0,
        "skipped": outcomes.count("skipped"),
    }
    element = {name: str(count) for name, count in counts.items()}
    return ET.Element("testsuite", {"name": f"bedrock-jobs {verb}", **element})


def _get_outcome(found: Sequence[ReportFinding]) -> str:
    if any(one.level is Level.ERROR for one in found):
        return "failure"
    # JUnit has no warnings: a hold counts as skipped, a mere warning as passed.
    return "" if all(one.is_manifest_warning for one in found) else "skipped"


def _build_case(
    subject: JobKey | None,
    path: str,
    sources: Mapping[JobKey, Source],
    found: Sequence[ReportFinding],
    docs: str,
) -> ET.Element:
    source = found[0].source if found else NOWHERE
    if subject is not None:
        source = sources.get(subject, source)
    name = subject.name if subject else escape_line(path) or "the tree as a whole"
    kind = subject.kind if subject else "file" if path else "tree"
    place = {"file": escape_line(source.path), "line": str(source.line or "")}
    given = {"classname": kind, "name": name, **{key: one for key, one in place.items() if one}}
    case = ET.Element("testcase", given)
    outcome = _get_outcome(found)
    if outcome:
        case.append(_build_outcome(outcome, found, docs))
    elif found:
        ET.SubElement(case, "system-out").text = _format_findings(found, docs)
    return case


def _build_outcome(outcome: str, found: Sequence[ReportFinding], docs: str) -> ET.Element:
    first, more = found[0], len(found) - 1
    # Readers show the message in one line, and the text on demand.
    message = first.text.partition("\n")[0] + (f" (and {more} more)" if more else "")
    element = ET.Element(outcome, {"type": first.rule, "message": message})
    element.text = _format_findings(found, docs)
    return element


def _format_findings(found: Sequence[ReportFinding], docs: str) -> str:
    """Return each finding, and then links to the documentation of their rules."""
    texts = [f"{escape_line(str(one.source))}: {_format_rule(one)} {one.text}" for one in found]
    links = [build_link(rule, docs) for rule in dict.fromkeys(one.rule for one in found)]
    return "\n".join([*texts, *(f"See {link}" for link in links if link)])


def _format_rule(finding: ReportFinding) -> str:
    return f"{finding.rule} warning:" if finding.is_manifest_warning else finding.rule
