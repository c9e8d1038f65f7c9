"""How verbs print: data to stdout, everything else to stderr, colour only where it is wanted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from controller.views.lines import Line
from controller.views.structured import QueryError, query, structured


def in_colour(given: Mapping[str, Any]) -> bool:
    """Whether to colour: as --color says, else on a terminal unless NO_COLOR is set."""
    if given["color"] != "auto":
        return bool(given["color"] == "on")
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def show(
    given: Mapping[str, Any], data: Callable[[], Any], lines: Callable[[], Iterable[Line]]
) -> None:
    """Print a result as --output and --query ask: lines for people, or data."""
    if given["output"] == "text" and not given["query"]:
        for line in lines():
            put(harmless(_styled(line)) + "\n", sys.stdout, color=in_colour(given))
        return
    try:
        chosen = query(data(), given["query"]) if given["query"] else data()
    except QueryError as error:
        raise click.UsageError(f"--query: {error}") from error
    made = structured(chosen, given["output"], unicode=is_unicode())
    put(harmless(made, given["output"]), sys.stdout)


def is_unicode() -> bool:
    """Whether stdout takes every character."""
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    put(harmless(text) + "\n", sys.stderr)


def harmless(text: str, form: str = "text") -> str:
    """Return a text, JSON or XML that the log of a CI system takes for nothing but that."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or form == "yaml":
        return text
    from controller.views.github import defused

    return defused(text, form)


def put(text: str, stream: TextIO, *, color: bool | None = None) -> None:
    """Write for a reader who may have gone, as `head` does: that ends neither pass nor verb."""
    try:
        click.echo(text, stream, nl=False, color=color)
    except BrokenPipeError:
        with Path(os.devnull).open("w", encoding="utf-8") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())


def _styled(line: Line) -> str:
    if not line.text or not (line.colour or line.bold):
        return line.text
    return click.style(line.text, fg=line.colour, bold=line.bold or None)
