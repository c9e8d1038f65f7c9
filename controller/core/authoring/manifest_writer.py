"""A manifest's text from its values: block style, members in the API's order, comments above them.

PyYAML's emitter has no comments and quotes by its own YAML 1.1 rules, so the few forms that a
manifest needs are written here. A text stands plain only where every reader of YAML takes it for
that very text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from typing import Any, Final

from controller.core.authoring.modelines import make_modeline
from controller.core.authoring.skeleton import format_comment, indent_lines
from controller.core.documents.nodes import Path
from controller.core.printable import OutputSyntax, escape_output
from controller.core.schema.paths import follow_step

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:/@+-]*(?<!:)")
# What some reader of YAML takes for something else than text.
_TAKEN: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def write_manifest(
    document: Mapping[str, Any],
    schema: Mapping[str, Any],
    comments: Mapping[Path, str],
    where: str,
) -> str:
    """Return the text of a manifest that is read back as exactly this document.

    ``schema`` is the kind's manifest schema, which orders the members; ``comments`` stand above
    the member at their path; ``where`` is the path to the schema, for the line that editors read.
    """
    writer = _Writer(schema, comments)
    lines = writer.write_mapping(document, schema, ())
    return "\n".join([make_modeline(where), *lines]) + "\n"


def format_scalar(value: object) -> str:
    """Return a scalar as YAML; a text that could be taken for anything else is quoted."""
    if isinstance(value, float):
        # YAML 1.1 readers take 5e-05 for a text.
        return format(Decimal(repr(value)), "f")
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    # JSON leaves control characters that YAML forbids as they are.
    return escape_output(json.dumps(value, ensure_ascii=False), OutputSyntax.YAML)


@dataclass(frozen=True, slots=True)
class _Writer:
    schema: Mapping[str, Any]
    comments: Mapping[Path, str]

    def write_mapping(
        self, value: Mapping[str, Any], node: Mapping[str, Any], path: Path
    ) -> list[str]:
        order = [name for name in node.get("properties", {}) if name in value]
        lines: list[str] = []
        for name in dict.fromkeys((*order, *value)):
            inner = (*path, name)
            if inner in self.comments:
                lines += format_comment(self.comments[inner], len(path))
            lines += self._write_member(
                name, value[name], follow_step(self.schema, node, name), inner
            )
        return lines

    def _write_member(
        self, name: str, value: Any, node: Mapping[str, Any], path: Path
    ) -> list[str]:
        key = format_scalar(name)
        if isinstance(value, Mapping) and value:
            return [f"{key}:", *indent_lines(self.write_mapping(value, node, path))]
        if isinstance(value, list | tuple) and value:
            return [f"{key}:", *indent_lines(self._write_items(value, node, path))]
        return [f"{key}: {self._write_single(value)}"]

    def _write_items(self, values: Sequence[Any], node: Mapping[str, Any], path: Path) -> list[str]:
        lines: list[str] = []
        for index, value in enumerate(values):
            inner = follow_step(self.schema, node, index)
            item = self._write_item(value, inner, (*path, index))
            # The dash wants its first key beside it, so what explains that key stands above.
            above = list(takewhile(lambda line: line.startswith("#"), item))
            first, *rest = item[len(above) :]
            lines += [*above, f"- {first}", *indent_lines(rest)]
        return lines

    def _write_item(self, value: Any, node: Mapping[str, Any], path: Path) -> list[str]:
        if isinstance(value, Mapping) and value:
            return self.write_mapping(value, node, path)
        if isinstance(value, list | tuple) and value:
            return self._write_items(value, node, path)
        return [self._write_single(value)]

    def _write_single(self, value: Any) -> str:
        if isinstance(value, Mapping):
            return "{}"
        return "[]" if isinstance(value, list | tuple) else format_scalar(value)
