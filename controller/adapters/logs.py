"""Logs to stderr: lines for people on a terminal, JSON elsewhere; never a spec's values.

Modules log through the standard library, with what is to be told in ``extra``; structlog only
renders, and is imported only when somebody asked for logs.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

ROOT = "controller"


def log_to_stderr(level: str = "debug") -> None:
    """Send our own lines of this level and above to stderr, with UTC times.

    botocore's stay off at every level, because they show request bodies.
    """
    import structlog

    terminal = sys.stderr.isatty()
    # The plain traceback, because the rich one prints local variables, and they hold specs.
    renderer: Any = (
        structlog.dev.ConsoleRenderer(
            colors=not os.environ.get("NO_COLOR"), exception_formatter=structlog.dev.plain_traceback
        )
        if terminal
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not terminal:
        shared.append(structlog.processors.format_exc_info)
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
