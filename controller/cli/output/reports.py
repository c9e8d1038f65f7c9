"""Reports of commands that check manifests: as --output says, and on the pages of CI systems."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from controller.adapters.host import ci_host
from controller.adapters.host.ci_host import CiHost
from controller.cli.output.console import can_print_unicode, say, show, write_stderr, write_stdout
from controller.core.model import Source
from controller.core.printable import OutputSyntax, escape_output
from controller.views.doc_links import VARIABLE
from controller.views.plan import format_sandbox_note
from controller.views.serialize import REPORTS, format_data
from controller.views.text import Line

if TYPE_CHECKING:
    from controller.views.findings import FindingsReport

SourceMapper = Callable[[Source], Source]

# Other characters could become markup.
_URL = re.compile(r"https?://[\w.:/~%-]+", re.ASCII)
# GitHub drops a summary that exceeds its limit, so the limit is not used up.
_SUMMARY_MARGIN = 1024
_MIN_SUMMARY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Output:
    """A command's result in all its formats, each rendered on demand.

    ``markdown`` receives the report, a function that maps places, and the most bytes that it may
    have.
    """

    data: Callable[[], Any]
    lines: Callable[[], Iterable[Line]]
    report: Callable[[], FindingsReport]
    markdown: Callable[[FindingsReport, SourceMapper, int], str]


def print_output(given: Mapping[str, Any], result: Output) -> None:
    """Print a result as --output says; without it also annotate the pages of the CI system."""
    if given["output"] in REPORTS:
        write_stdout(*_render_report(given, result))
        return
    show(given, result.data, result.lines)
    if _is_default_output(given):
        match ci_host.detect_ci_host():
            case CiHost.GITHUB:
                _write_annotations(given, result)
            case CiHost.GITLAB:
                _write_gitlab_reports(result)


def _is_default_output(given: Mapping[str, Any]) -> bool:
    """Whether neither --output nor --query is set."""
    context = click.get_current_context()
    asked = context.get_parameter_source("output") is not ParameterSource.DEFAULT
    return not (asked or given["query"])


def _render_report(given: Mapping[str, Any], result: Output) -> tuple[str, OutputSyntax]:
    """Return the report in the requested format, and its syntax."""
    place = _make_source_mapper()
    findings = _prepare_report(result, place)
    match given["output"]:
        case "markdown":
            # A reference has at most three times the bytes of its character.
            room = given["max_bytes"] if can_print_unicode() else given["max_bytes"] // 3
            return _encode_ascii(result.markdown(findings, place, room)), OutputSyntax.TEXT
        case "github":
            end = f"{format_sandbox_note(sandbox=True).strip()}\n" if findings.sandbox else ""
            return _render_github(findings) + end, OutputSyntax.COMMANDS
        case "junit":
            return _encode_ascii(_render_junit(findings)), OutputSyntax.XML
        case "sarif":
            return _render_sarif(findings), OutputSyntax.JSON
        case _:
            return _render_codequality(findings), OutputSyntax.JSON


def _write_annotations(given: Mapping[str, Any], result: Output) -> None:
    """Write annotations to the log and a summary of the job; failing to do so is no error."""
    place = _make_source_mapper()
    findings = _prepare_report(result, place)
    write_stderr(_render_github(findings), OutputSyntax.COMMANDS)
    # All commands of a step share the room of its summary.
    room = min(ci_host.get_summary_room() - _SUMMARY_MARGIN, given["max_bytes"])
    # A summary of a few rows is of no use, and the log has everything.
    if room < _MIN_SUMMARY_BYTES:
        return
    try:
        ci_host.add_to_summary(escape_output(result.markdown(findings, place, room)))
    except OSError as error:
        say(f"bedrock-jobs: no job summary: {error.filename or ''}: {error.strerror}")


def _write_gitlab_reports(result: Output) -> None:
    """Write the files that GitLab takes as artifacts; failing to do so is no error."""
    findings = _prepare_report(result, _make_source_mapper())
    stem = f"bedrock-jobs-{findings.verb}"
    reports = {
        f"{stem}.junit.xml": escape_output(_render_junit(findings)),
        f"{stem}.codequality.json": escape_output(_render_codequality(findings), OutputSyntax.JSON),
    }
    try:
        paths = [str(ci_host.write_report(name, text)) for name, text in reports.items()]
    except OSError as error:
        say(f"bedrock-jobs: no reports for GitLab: {error.filename or ''}: {error.strerror}")
    else:
        say(f"bedrock-jobs: reports for GitLab: {', '.join(paths)}")


def _prepare_report(result: Output, place: SourceMapper) -> FindingsReport:
    return replace(result.report(), docs=get_docs_url()).map_sources(place)


def get_docs_url() -> str:
    """Return the URL at which the documentation is published, or nothing if none is known."""
    url = os.environ.get(VARIABLE, "")
    return url if _URL.fullmatch(url) else ""


def _make_source_mapper() -> SourceMapper:
    return partial(ci_host.make_relative, top=ci_host.find_repository_root())


# Reports are imported on demand: most commands render none.
def _render_github(findings: FindingsReport) -> str:
    from controller.views.github import render_commands

    return "".join(f"{line}\n" for line in render_commands(findings))


def _render_junit(findings: FindingsReport) -> str:
    from controller.views.junit import render_junit

    return render_junit(findings)


def _render_sarif(findings: FindingsReport) -> str:
    from controller.views.sarif import build_sarif

    return format_data(build_sarif(findings), "json", unicode=can_print_unicode())


def _render_codequality(findings: FindingsReport) -> str:
    from controller.views.codequality import build_codequality

    return format_data(build_codequality(findings), "json", unicode=can_print_unicode())


def _encode_ascii(text: str) -> str:
    """Return Markdown or XML, with character references if stdout cannot encode Unicode."""
    return text if can_print_unicode() else text.encode("ascii", "xmlcharrefreplace").decode()
