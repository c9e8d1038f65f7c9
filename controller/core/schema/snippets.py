"""The ways to begin a manifest, as editors offer them in an empty file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from controller.core.kinds.descriptions import Node
from controller.core.kinds.kind import Kind, Variant
from controller.core.model import API_VERSION

SNIPPETS: Final = "defaultSnippets"
"""The keyword of editors that are built on VS Code's service."""
_PLACEHOLDER: Final = re.compile(r"<([a-z-]+)>")


def build_snippets(kind: Kind) -> list[Node]:
    """Return a kind's ways to begin; what a person fills in is a stop for the tabulator.

    A placeholder that stands twice is one stop, so that it is filled in once.
    """
    return [
        {"label": way, "description": variant.title, "body": _build_body(kind, variant)}
        for way, variant in kind.variants.items()
    ]


def _build_body(kind: Kind, variant: Variant) -> Node:
    stops: dict[str, int] = {}
    body: Node = _number_stops(
        {
            "apiVersion": API_VERSION,
            "kind": kind.name,
            "metadata": {"name": "<name>"},
            "spec": variant.spec,
        },
        stops,
    )
    return body


def _number_stops(value: Any, stops: dict[str, int]) -> Any:
    """Return a value as plain JSON, its placeholders numbered in the order they are met."""
    if isinstance(value, Mapping):
        return {key: _number_stops(inner, stops) for key, inner in value.items()}
    if not isinstance(value, str):
        return value

    def stop(found: re.Match[str]) -> str:
        number = stops.setdefault(found[1], len(stops) + 1)
        return f"${{{number}:{found[1]}}}"

    return _PLACEHOLDER.sub(stop, value)
