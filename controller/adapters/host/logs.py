"""Logs on stderr: readable lines on a terminal, JSON elsewhere; never a spec's values.

Modules log through the standard library with fields in ``extra``; structlog only renders, and is
imported only if logs are requested.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

from controller.core.printable import OutputSyntax, escape_commands, escape_line, escape_output
from controller.core.urls import mask_urls

ROOT = "controller"
_TRACE = "exception"


def log_to_stderr(level: str = "debug") -> None:
    """Send our log lines of this level and above to stderr, with UTC times.

    botocore's logs stay off at every level, because they contain request bodies.
    """
    import structlog

    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"))
        if terminal
        else structlog.processors.JSONRenderer(_render_json, sort_keys=True)
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _mask_urls,
        *([_escape_values] if terminal else []),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logger = logging.getLogger(ROOT)
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False


def _mask_urls(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """Mask credentials in URLs, whichever module logs them."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask_urls(value)
        elif isinstance(value, list | tuple):
            event[name] = [mask_urls(one) if isinstance(one, str) else one for one in value]
    return event


def _render_json(event: Any, **options: Any) -> str:
    """Render a log line as JSON that neither terminals nor CI systems interpret."""
    line = escape_output(json.dumps(event, **options), OutputSyntax.JSON)
    return escape_commands(line, OutputSyntax.JSON)


def _escape_values(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """Escape values from outside; what is not a string is rendered by ``repr``."""
    for name, value in event.items():
        if isinstance(value, str):
            # A trace consists of several lines, which are our own.
            event[name] = escape_output(value) if name == _TRACE else escape_line(value)
    return event


def _add_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """Replace an exception by its frames: its text and variables may hold a spec."""
    error = (event.pop("exc_info", None) or (None, None))[1]
    if error is not None:
        event[_TRACE] = "\n".join(_format_trace(error))
    return event


def _format_trace(error: BaseException) -> Iterator[str]:
    """Yield frames and types of an exception and its causes, the first cause first."""
    chain = [error]
    # Exceptions can refer to each other in a circle.
    while (cause := _get_cause(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    for one in reversed(chain):
        yield from (line.rstrip("\n") for line in traceback.format_tb(one.__traceback__))
        # The system's messages come from a fixed list, so they cannot hold a spec.
        told = f": {one.strerror}" if isinstance(one, OSError) and one.strerror else ""
        yield f"{type(one).__qualname__}{told}"


def _get_cause(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__
