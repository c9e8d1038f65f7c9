"""How verbs that judge manifests print: as --output asks, and in CI where its pages show it."""

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
from controller.adapters.host.ci_host import Host
from controller.cli.output.console import is_unicode, put, put_aside, say, show
from controller.core.model import Source
from controller.core.printable import Form, escaped_as
from controller.views.doc_links import VARIABLE
from controller.views.plan import in_sandbox
from controller.views.serialize import REPORTS, structured
from controller.views.text import Line

if TYPE_CHECKING:
    from controller.views.findings import Review

Placing = Callable[[Source], Source]

# Whatever else it holds could become markup.
_URL = re.compile(r"https?://[\w.:/~%-]+", re.ASCII)
_MARGIN = 1024
_LEAST = 4096


@dataclass(frozen=True, slots=True)
class Result:
    """A verb's result in all its forms, each made when it is asked for.

    ``review`` and ``markdown`` are told how to write places; ``markdown`` also how many bytes it
    may take.
    """

    data: Callable[[], Any]
    lines: Callable[[], Iterable[Line]]
    review: Callable[[], Review]
    markdown: Callable[[Review, Placing, int], str]


def present(given: Mapping[str, Any], result: Result) -> None:
    """Print a result as --output asks; without it, in CI, also as that system's pages read it."""
    if given["output"] in REPORTS:
        put(*_report(given, result))
        return
    show(given, result.data, result.lines)
    if _is_unasked(given):
        match ci_host.host():
            case Host.GITHUB:
                _annotate(given, result)
            case Host.GITLAB:
                _leave_reports(result)


def _is_unasked(given: Mapping[str, Any]) -> bool:
    """Whether nobody said how to print: neither --output nor --query."""
    context = click.get_current_context()
    asked = context.get_parameter_source("output") is not ParameterSource.DEFAULT
    return not (asked or given["query"])


def _report(given: Mapping[str, Any], result: Result) -> tuple[str, Form]:
    """Return what --output asks for, and its syntax."""
    place = _placing()
    told = _reviewed(result, place)
    match given["output"]:
        case "markdown":
            # A reference takes at most three times the bytes of its character.
            room = given["max_bytes"] if is_unicode() else given["max_bytes"] // 3
            return _in_ascii(result.markdown(told, place, room)), Form.TEXT
        case "github":
            end = f"{in_sandbox(sandbox=True).strip()}\n" if told.sandbox else ""
            return _commands(told) + end, Form.COMMANDS
        case "junit":
            return _in_ascii(_junit(told)), Form.XML
        case "sarif":
            return _sarif(told), Form.JSON
        case _:
            return _codequality(told), Form.JSON


def _annotate(given: Mapping[str, Any], result: Result) -> None:
    """Annotate through the log, and add to the job's summary; failing at that fails nothing."""
    place = _placing()
    told = _reviewed(result, place)
    put_aside(_commands(told), Form.COMMANDS)
    room = min(ci_host.summary_room() - _MARGIN, given["max_bytes"])
    if room < _LEAST:
        return
    try:
        ci_host.add_to_summary(escaped_as(result.markdown(told, place, room)))
    except OSError as error:
        say(f"bedrock-jobs: no job summary: {error.filename or ''}: {error.strerror}")


def _leave_reports(result: Result) -> None:
    """Leave the files that GitLab takes as artifacts; failing at that fails nothing."""
    told = _reviewed(result, _placing())
    stem = f"bedrock-jobs-{told.verb}"
    reports = {
        f"{stem}.junit.xml": escaped_as(_junit(told)),
        f"{stem}.codequality.json": escaped_as(_codequality(told), Form.JSON),
    }
    try:
        paths = [str(ci_host.leave(name, text)) for name, text in reports.items()]
    except OSError as error:
        say(f"bedrock-jobs: no reports for GitLab: {error.filename or ''}: {error.strerror}")
    else:
        say(f"bedrock-jobs: reports for GitLab: {', '.join(paths)}")


def _reviewed(result: Result, place: Placing) -> Review:
    return replace(result.review(), docs=docs_url()).placed(place)


def docs_url() -> str:
    """Return the URL at which the documentation is published, or nothing if none is known."""
    url = os.environ.get(VARIABLE, "")
    return url if _URL.fullmatch(url) else ""


def _placing() -> Placing:
    return partial(ci_host.from_root, top=ci_host.root())


# Each report is imported when it is asked for: most calls of a verb ask for none.
def _commands(told: Review) -> str:
    from controller.views.github import commands

    return "".join(f"{line}\n" for line in commands(told))


def _junit(told: Review) -> str:
    from controller.views.junit import junit

    return junit(told)


def _sarif(told: Review) -> str:
    from controller.views.sarif import sarif

    return structured(sarif(told), "json", unicode=is_unicode())


def _codequality(told: Review) -> str:
    from controller.views.codequality import codequality

    return structured(codequality(told), "json", unicode=is_unicode())


def _in_ascii(text: str) -> str:
    """Return Markdown or XML as it is; where stdout takes no Unicode, with references instead."""
    return text if is_unicode() else text.encode("ascii", "xmlcharrefreplace").decode()
