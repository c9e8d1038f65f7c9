"""Findings as JUnit XML: a test case for each manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from controller.core.model import JobKey, Source
from controller.core.printable import escaped
from controller.views.doc_links import link_to
from controller.views.findings import NOWHERE, Finding, Level, Review

_Case = tuple[JobKey | None, str]
"""A manifest's identity; or None, and the file that findings without one stand in."""


def junit(review: Review) -> str:
    """Return one suite: a manifest with an error has failed, one that is held is skipped.

    One with mere warnings has passed. A case has one failure, which counts and lists all of its
    errors: readers show no more than one. What belongs to no manifest has a case of its own, named
    by its file.
    """
    cases = _cases(review)
    suite = _suite(review.verb, cases.values())
    sources = dict(review.manifests)
    if review.sandbox:
        told = ET.SubElement(suite, "properties")
        ET.SubElement(told, "property", {"name": "sandbox", "value": "true"})
    for (subject, path), found in cases.items():
        suite.append(_case(subject, path, sources, found, review.docs))
    root = ET.Element("testsuites", dict(suite.attrib))
    root.append(suite)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _cases(review: Review) -> dict[_Case, list[Finding]]:
    """Return the findings of each manifest, in the order of manifests, then of other places."""
    cases: dict[_Case, list[Finding]] = {(key, ""): [] for key, _ in review.manifests}
    for one in review.of(Level.ERROR, Level.WARNING):
        place = (one.subject, "") if one.subject else (None, one.source.path)
        cases.setdefault(place, []).append(one)
    return cases


def _suite(verb: str, cases: Iterable[Sequence[Finding]]) -> ET.Element:
    outcomes = [_outcome(found) for found in cases]
    counts = {
        "tests": len(outcomes),
        "failures": outcomes.count("failure"),
        "errors": 0,
        "skipped": outcomes.count("skipped"),
    }
    told = {name: str(count) for name, count in counts.items()}
    return ET.Element("testsuite", {"name": f"bedrock-jobs {verb}", **told})


def _outcome(found: Sequence[Finding]) -> str:
    if any(one.level is Level.ERROR for one in found):
        return "failure"
    return "" if all(one.is_remark for one in found) else "skipped"


def _case(
    subject: JobKey | None,
    path: str,
    sources: Mapping[JobKey, Source],
    found: Sequence[Finding],
    docs: str,
) -> ET.Element:
    source = found[0].source if found else NOWHERE
    if subject is not None:
        source = sources.get(subject, source)
    name = subject.name if subject else escaped(path) or "the tree as a whole"
    kind = subject.kind if subject else "file" if path else "tree"
    place = {"file": escaped(source.path), "line": str(source.line or "")}
    given = {"classname": kind, "name": name, **{key: one for key, one in place.items() if one}}
    case = ET.Element("testcase", given)
    outcome = _outcome(found)
    if outcome:
        case.append(_told(outcome, found, docs))
    elif found:
        ET.SubElement(case, "system-out").text = _listed(found, docs)
    return case


def _told(outcome: str, found: Sequence[Finding], docs: str) -> ET.Element:
    first, more = found[0], len(found) - 1
    message = first.text.partition("\n")[0] + (f" (and {more} more)" if more else "")
    told = ET.Element(outcome, {"type": first.rule, "message": message})
    told.text = _listed(found, docs)
    return told


def _listed(found: Sequence[Finding], docs: str) -> str:
    """Return each finding, and then where their rules are documented."""
    texts = [f"{escaped(str(one.source))}: {_marked(one)} {one.text}" for one in found]
    links = [link_to(rule, docs) for rule in dict.fromkeys(one.rule for one in found)]
    return "\n".join([*texts, *(f"See {link}" for link in links if link)])


def _marked(finding: Finding) -> str:
    return f"{finding.rule} warning:" if finding.is_remark else finding.rule
