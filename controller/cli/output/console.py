"""The only module that prints: results to stdout, everything else to stderr.

All that is printed is escaped here, in the syntax of the output, so that no text from outside can
command a terminal or a CI system. Only the log lines of ``adapters.logs`` go another way.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

import click

from controller.core.printable import OutputSyntax, escape_commands, escape_line, escape_output
from controller.views.serialize import QueryError, format_data, run_query
from controller.views.text import Line

if TYPE_CHECKING:
    from rich.console import Console


def is_coloured(given: Mapping[str, Any]) -> bool:
    """Whether to use colour: as --color says, else on a terminal unless NO_COLOR is set."""
    if given["color"] != "auto":
        return bool(given["color"] == "on")
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def show(
    given: Mapping[str, Any], data: Callable[[], Any], lines: Callable[[], Iterable[Line]]
) -> None:
    """Print a result as --output and --query say: lines for people, or data."""
    if given["output"] == "text" and not given["query"]:
        color = is_coloured(given)
        for line in lines():
            _write(_escape_workflow_commands(_render_line(line, color=color)) + "\n", sys.stdout)
        return
    try:
        chosen = run_query(data(), given["query"]) if given["query"] else data()
    except QueryError as error:
        raise click.UsageError(f"--query: {error}") from error
    write_stdout(
        format_data(chosen, given["output"], unicode=can_print_unicode()),
        OutputSyntax(given["output"]),
    )


def can_print_unicode() -> bool:
    """Whether stdout can encode every character."""
    return (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"


def write_stdout(text: str, form: OutputSyntax = OutputSyntax.TEXT) -> None:
    """Print a whole result, lines included, to stdout."""
    _write(_escape_workflow_commands(escape_output(text, form), form), sys.stdout)


def write_stderr(text: str, form: OutputSyntax = OutputSyntax.TEXT) -> None:
    """Print several lines that are not the result, to stderr."""
    _write(_escape_workflow_commands(escape_output(text, form), form), sys.stderr)


def say(text: str) -> None:
    """Print one line that is not the result, to stderr; a line end in it is escaped too."""
    _write(_escape_workflow_commands(escape_line(text)) + "\n", sys.stderr)


def say_line(line: Line) -> None:
    """Print a line that is not the result, without its colours, to stderr."""
    _write(_escape_workflow_commands(_render_line(line, color=False)) + "\n", sys.stderr)


def ask(question: str) -> str:
    """Return the user's answer; the question goes to stderr, so that stdout has only the result."""
    _write(f"{_escape_workflow_commands(escape_line(question))} ", sys.stderr)
    # At the end of input the answer is empty, which counts as no.
    return sys.stdin.readline().strip()


def draw_progress(text: str) -> None:
    """Replace the progress line on a terminal; an empty text removes it."""
    # The only control sequence that is printed: back to the line's start, and clear it.
    _write(f"\r\x1b[K{escape_line(text)}", sys.stderr)


def make_console() -> Console:
    """Return a rich console on stderr, for animated output."""
    from rich.console import Console

    return Console(stderr=True)


def print_error(error: click.ClickException) -> None:
    """Print a usage error in click's words; what it quotes is escaped."""
    buffer = io.StringIO()
    error.show(buffer)
    write_stderr(buffer.getvalue())


def prepare_streams() -> None:
    """Make streams escape what the locale cannot encode, and print crashes through this module."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _print_crash
    threading.excepthook = lambda crash: _print_crash(
        crash.exc_type, crash.exc_value, crash.exc_traceback
    )


def _print_crash(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Print an unexpected exception; its text may come from outside, so it is escaped."""
    import traceback

    write_stderr("".join(traceback.format_exception(kind, error, trace)))


def _render_line(line: Line, *, color: bool) -> str:
    parts = (line, *line.rest)
    return "".join(_apply_style(part) if color else escape_line(part.text) for part in parts)


def _apply_style(line: Line) -> str:
    text = escape_line(line.text)
    if not text or not (line.colour or line.bold):
        return text
    return click.style(text, fg=line.colour, bold=line.bold or None)


def _escape_workflow_commands(text: str, form: OutputSyntax = OutputSyntax.TEXT) -> str:
    """Return text that the log of GitHub Actions does not take for commands."""
    is_github = os.environ.get("GITHUB_ACTIONS") == "true"
    return escape_commands(text, form) if is_github else text


def _write(text: str, stream: TextIO) -> None:
    """Write a text; a reader that closed the pipe, as `head` does, does not end the command."""
    try:
        # Colours are in the text only if they are wanted, so click must not strip any.
        click.echo(text, stream, nl=False, color=True)
    except BrokenPipeError:
        with Path(os.devnull).open("w", encoding="utf-8") as nothing:
            # Later writes, and the flush at exit, then succeed without a reader.
            os.dup2(nothing.fileno(), stream.fileno())
