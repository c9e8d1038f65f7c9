"""Plain data as JSON, YAML or queried text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

OUTPUTS = ("text", "json", "yaml")
"""Formats that every command can print."""

REPORTS = ("markdown", "github", "sarif", "junit", "codequality")
"""Formats of the commands that check manifests, each for one kind of reader."""


_LONGEST_QUERY = 10_000


class QueryError(ValueError):
    """The --query expression is not JMESPath, or does not fit the data."""


def check_query(expression: str) -> str:
    """Return a valid JMESPath expression; raises QueryError with the parser's message."""
    import jmespath

    # The parser's time grows faster than the length of the expression.
    if len(expression) > _LONGEST_QUERY:
        raise QueryError(f"the expression is longer than {_LONGEST_QUERY:,} characters")
    _call_jmespath(lambda: jmespath.compile(expression))
    return expression


def run_query(data: Any, expression: str) -> Any:
    """Return what a JMESPath expression finds in the data.

    Raises QueryError with the parser's message.
    """
    import jmespath

    return _call_jmespath(lambda: jmespath.search(expression, data))


def _call_jmespath(call: Callable[[], Any]) -> Any:
    from jmespath.exceptions import JMESPathError

    try:
        return call()
    except (JMESPathError, ValueError) as error:
        raise QueryError(str(error)) from error
    except RecursionError as error:
        raise QueryError("the expression is nested too deeply") from error


def format_data(data: Any, output: str, *, unicode: bool = True) -> str:
    """Return data as ``json``, ``yaml`` or ``text``, ending with a newline.

    Without ``unicode`` JSON and YAML escape what is not ASCII, each in its own way.
    """
    if output == "yaml":
        return _format_yaml(data, unicode=unicode)
    if output == "text":
        return _format_text(data)
    return json.dumps(data, indent=2, ensure_ascii=not unicode) + "\n"


def _format_yaml(data: Any, *, unicode: bool) -> str:
    from controller.views.yaml_text import format_yaml

    return format_yaml(data, unicode=unicode)


def _format_text(data: Any) -> str:
    """Return scalars bare, one per line; nested values fall back to JSON."""
    rows = data if isinstance(data, list) else [data]
    return "".join(f"{_format_row(row)}\n" for row in rows)


def _format_row(row: Any) -> str:
    # As the AWS CLI prints it: a flat list is one line of cells, divided by tabs.
    if isinstance(row, list) and not any(isinstance(cell, dict | list) for cell in row):
        return "\t".join(_format_cell(cell) for cell in row)
    return _format_cell(row)


def _format_cell(cell: Any) -> str:
    if cell is None:
        # As the AWS CLI prints a missing value.
        return "None"
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
