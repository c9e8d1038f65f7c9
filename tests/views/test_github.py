"""Workflow commands say what they should, and nothing else in a log is one."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.core.model import JobKey, Source
from controller.core.printable import OutputSyntax, escape_commands, escape_line
from controller.views.findings import FindingsReport, Level, ReportFinding, build_report
from controller.views.github import render_commands
from tests.views import runner
from tests.views.drawn import HOSTILE

texts = (
    st.text(max_size=60) | st.sampled_from(HOSTILE) | st.text("%0AD:3C2,25=#[]\n\r", max_size=20)
)
"""Texts as they come, and such as look like the runner's own escapes."""


def log_of(told: FindingsReport) -> str:
    """Return the printed output of a report."""
    return "".join(f"{line}\n" for line in render_commands(told))


def finding(level: Level, number: int) -> ReportFinding:
    """Return a finding at a line of its own."""
    return ReportFinding(level, "BJ204", f"number {number}", Source("jobs/a.yaml", number + 1, 3))


@given(texts, texts, texts, st.sampled_from(list(Level)))
@example("a:b,c%3A", "x::y", "50 %0A", Level.ERROR)
def test_the_runner_reads_what_was_meant(path: str, message: str, hint: str, level: Level) -> None:
    """The runner reads path, place, title, message and hint as they were written."""
    source = Source(f"jobs/{path}.yaml", 7, 9)
    told = ReportFinding(level, "BJ204", message, source, hint, JobKey("Kind", "some-job"))
    (read,) = runner.commands(log_of(build_report("plan", "", (), [told])))
    assert read.name == str(level)
    assert read.properties == {
        "file": escape_line(source.path),
        "line": "7",
        "col": "9",
        "title": "BJ204: some-job",
    }
    assert read.data == told.text


def test_what_is_not_known_is_left_out() -> None:
    """A finding about a file has no line, and one about the tree has no file."""
    findings = [
        ReportFinding(Level.ERROR, "BJ101", "no file", Source("jobs/a.yaml")),
        ReportFinding(Level.ERROR, "Refused", "too much"),
    ]
    whole, tree = runner.commands(log_of(build_report("plan", "", (), findings)))
    assert whole.properties == {"file": "jobs/a.yaml", "title": "BJ101"}
    assert tree.properties == {"title": "Refused"}


def test_a_long_message_is_cut() -> None:
    """A very long message is cut, so that it does not fill the log."""
    told = ReportFinding(Level.ERROR, "BJ101", "x" * 100_000, Source("jobs/a.yaml"))
    assert len(log_of(build_report("plan", "", (), [told]))) < 5000


def test_ten_of_a_kind_the_worst_first() -> None:
    """GitHub shows ten of a level: errors come first, and the rest is counted."""
    levels = [Level.NOTICE] * 12 + [Level.WARNING] * 3 + [Level.ERROR] * 37
    findings = [finding(level, number) for number, level in enumerate(levels)]
    log = log_of(build_report("plan", "", (), findings))
    names = [one.name for one in runner.commands(log)]
    assert names == ["error"] * 10 + ["warning"] * 3 + ["notice"] * 10
    assert log.splitlines()[-1].startswith("27 more errors, 2 more notices without an annotation")


def test_ten_need_no_count() -> None:
    """Without omitted findings there is no count."""
    log = log_of(
        build_report("plan", "", (), [finding(Level.ERROR, number) for number in range(10)])
    )
    assert len(log.splitlines()) == len(runner.commands(log)) == 10
    assert log_of(build_report("plan", "", (), [])) == ""


@given(texts)
@example("##[add-mask]secret")
@example("  ::set-output name=a::b")
@example("a\n::stop-commands::x")
@example("a\r ::stop-commands::x")
def test_a_text_is_no_command(text: str) -> None:
    """No text becomes a command in the log."""
    assert runner.commands(escape_commands(text)) == []
    log = "\n".join(map(escape_line, text.split("\n")))
    as_json = json.dumps({log: [log]}, indent=2)
    assert runner.commands(escape_commands(as_json, OutputSyntax.JSON)) == []
    assert json.loads(escape_commands(as_json, OutputSyntax.JSON)) == json.loads(as_json)
    element = ET.Element("a", {"b": log})
    element.text = log
    as_xml = ET.tostring(element, encoding="unicode")
    assert runner.commands(escape_commands(as_xml, OutputSyntax.XML)) == []
    read = ET.fromstring(escape_commands(as_xml, OutputSyntax.XML))  # noqa: S314 - it is our own
    assert (read.text or "", read.attrib) == (log, {"b": log})


@pytest.mark.parametrize(
    "text", ["a plan", "jobs/a.yaml:1:2: BJ204 message", "std::vector", "## a"]
)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    """Text that is no command stays as it is."""
    assert escape_commands(text) == text
