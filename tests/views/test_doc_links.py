"""Outputs link problem codes and reasons to the pages that document them."""

from __future__ import annotations

import pytest

from controller.core.model import JobKey, Source
from controller.views.doc_links import build_link
from controller.views.findings import FindingsReport, Level, ReportFinding
from controller.views.github import render_commands
from controller.views.junit import render_junit
from controller.views.markdown_reports import render_validation_markdown
from controller.views.sarif import build_sarif

SITE = "https://docs.example.com/bedrock-jobs"
LINK = f"{SITE}/reference/problems/#bj203"
FOUND = ReportFinding(Level.ERROR, "BJ203", "one", Source("a.yaml", 1, 1), "", JobKey("Kind", "a"))


def reviewed(docs: str) -> FindingsReport:
    """Return a report with one problem."""
    return FindingsReport("validate", "1 problem", (), (FOUND,), docs=docs)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("BJ203", "docs/reference/problems.md#bj203"),
        ("SpecChanged", "docs/reference/reasons.md#specchanged"),
        ("ThrottlingException", ""),
    ],
)
def test_a_link_without_a_site_is_a_path(rule: str, path: str) -> None:
    """A code and a reason lead to their headings; a service's error code has no link."""
    assert build_link(rule) == path


def test_every_report_links_to_the_site() -> None:
    """With a published site, each report has the full URL."""
    told = reviewed(f"{SITE}/")
    (rule,) = build_sarif(told)["runs"][0]["tool"]["driver"]["rules"]

    assert rule["helpUri"] == LINK
    assert rule["help"]["markdown"].endswith(f" See [the documentation]({LINK}).")
    assert f"See {LINK}" in render_junit(told)
    assert f"[<code>BJ203</code>]({LINK})" in render_validation_markdown(told, 10_000)
    assert [line for line in render_commands(told) if line.endswith(f"%0ASee {LINK}")]


def test_without_a_site_no_report_has_a_relative_url() -> None:
    """A path is plain text: as a link it would lead into the user's repository."""
    told = reviewed("")
    (rule,) = build_sarif(told)["runs"][0]["tool"]["driver"]["rules"]

    assert "helpUri" not in rule
    assert rule["help"]["markdown"].endswith(" See `docs/reference/problems.md#bj203`.")
    assert "](docs" not in render_validation_markdown(told, 10_000)
    assert not any("docs/" in line for line in render_commands(told))
