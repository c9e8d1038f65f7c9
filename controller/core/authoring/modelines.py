"""The comments by which editors find a manifest's schema, one above each document of a file.

The YAML language server reads ``# yaml-language-server: $schema=…`` in the comments above a
document's first key; a document without one has no schema, whatever those before it say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# A text with the other line breaks that YAML 1.1 knows is left alone: its lines count otherwise.
_LINES: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_OTHER_BREAKS: Final = re.compile("[\x85\u2028\u2029]")
_MODELINE: Final = re.compile(r"#\s+(?:yaml-language-server\s*:|\$schema:)")
_SCHEMA: Final = re.compile(r"(\$schema(?:=|:[^\S\r\n]*))(\S+)")
_START: Final = re.compile(r"---(?=\s|$)")
_BARE_START: Final = re.compile(r"---\s*(?:#.*)?$|%")


@dataclass(frozen=True, slots=True)
class DocumentHeader:
    """What stands above one document: ``line`` and ``schema`` of its modeline, if it has one.

    Lines count from 0. Without a modeline ``line`` is where one belongs, or None where the
    document begins on the line of its ``---``.
    """

    line: int | None
    schema: str | None = None


def make_modeline(schema: str) -> str:
    """Return the line that leads an editor to a schema."""
    return f"# yaml-language-server: $schema={schema}"


def find_headers(text: str, starts: Sequence[int]) -> list[DocumentHeader]:
    """Return the header of each document, given the lines on which their contents start."""
    lines = _LINES.findall(text)
    if _OTHER_BREAKS.search(text):
        return [DocumentHeader(None) for _ in starts]
    return [_find_header(lines, start, first=not index) for index, start in enumerate(starts)]


def _find_header(lines: Sequence[str], start: int, *, first: bool) -> DocumentHeader:
    above = list(_iter_lines_above(lines, start, first=first))
    for at in reversed(above):
        found = _SCHEMA.search(lines[at]) if _MODELINE.match(lines[at]) else None
        if found:
            return DocumentHeader(at, found[2])
    if first:
        return DocumentHeader(0)
    return (
        DocumentHeader(None)
        if _START.match(lines[start])
        else DocumentHeader(min(above, default=start))
    )


def _iter_lines_above(lines: Sequence[str], start: int, *, first: bool) -> Iterator[int]:
    """Yield the lines above a document's content that belong to it, the nearest first."""
    for at in range(start - 1, -1, -1):
        line = lines[at].strip()
        # What stands above the first document's own `---` is its own as well.
        if line and line[0] != "#" and not (first and _BARE_START.match(line)):
            return
        yield at


def set_modelines(text: str, wanted: Mapping[DocumentHeader, str]) -> str:
    """Return a text in which each of some headers leads to a schema; no other byte changes."""
    lines = _LINES.findall(text)
    end = next((line[len(line.rstrip("\r\n")) :] for line in lines if line[-1] in "\r\n"), "\n")
    for header in sorted(wanted, key=lambda one: one.line or 0, reverse=True):
        at, schema = header.line, wanted[header]
        if at is None:
            continue
        found = _SCHEMA.search(lines[at]) if header.schema is not None else None
        if found is None:
            lines.insert(at, make_modeline(schema) + end)
        else:
            lines[at] = lines[at][: found.start(2)] + schema + lines[at][found.end(2) :]
    return "".join(lines)
