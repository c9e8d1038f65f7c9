"""Logs to stderr: lines for people on a terminal, JSON elsewhere; never a spec's values.

Modules log through the standard library, with what is to be told in ``extra``; structlog only
renders, and is imported only when somebody asked for logs.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

from controller.core.urls import masked

ROOT = "controller"


def log_to_stderr(level: str = "debug") -> None:
    """Send our own lines of this level and above to stderr, with UTC times.

    botocore's stay off at every level, because they show request bodies.
    """
    import structlog

    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"))
        if terminal
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _masked,
        *([_printable] if terminal else []),
        _with_trace,
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


def _masked(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """No line shows a URL's credentials, whatever module logs it."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
        elif isinstance(value, list | tuple):
            event[name] = [masked(one) if isinstance(one, str) else one for one in value]
    return event


def _printable(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """A path or a service's word may hold what a terminal takes for a command: it is escaped."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = repr(value)
    return event


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    """An exception shows where it was raised; its text and its variables may hold a spec."""
    error = (event.pop("exc_info", None) or (None, None))[1]
    if error is not None:
        event["exception"] = "\n".join(_traced(error))
    return event


def _traced(error: BaseException) -> Iterator[str]:
    """Yield the causes of an exception, the first one first, and itself: frames and types."""
    chain = [error]
    while (cause := _cause_of(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    for one in reversed(chain):
        yield from (line.rstrip("\n") for line in traceback.format_tb(one.__traceback__))
        # What the system says is about files and sockets, and is from a list of its own.
        told = f": {one.strerror}" if isinstance(one, OSError) and one.strerror else ""
        yield f"{type(one).__qualname__}{told}"


def _cause_of(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__
