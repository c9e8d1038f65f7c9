"""The plainest of YAML, read without a parser's events; whatever is not that plain is not read.

Most manifests are block mappings of short plain texts. For those this takes half the time that
events do. It never decides that anything is wrong: a text that it does not know in full is left
to the parser, and a test holds the two to the same answer.
"""

from __future__ import annotations

import re
from typing import Any

from controller.core.reading import Plan, Sort
from controller.core.scalars import NULLS

# A colon ends a key when a blank follows it, so within a text it needs another sign behind it.
_SIGN = r"[A-Za-z0-9_./+=@:-]"
_KEY = r"[A-Za-z][A-Za-z0-9_-]{0,60}"
_TEXT = rf"[A-Za-z0-9/](?:[A-Za-z0-9_./+=@ -]|:(?={_SIGN}))*"
_PAIRS = rf"{_KEY}: {_TEXT}(?:, {_KEY}: {_TEXT})*"
_LINE = re.compile(
    rf"( *)({_KEY}):(?: ({_TEXT})| \{{({_PAIRS})\}})?\n| *(?:#[ -~]*)?\n|([^\n]+)\n", re.ASCII
)
# Far deeper than any manifest, and far from the depth at which a text is refused.
_DEEPEST = 20
_METADATA, _NAME = "metadata", "name"


class _NotPlainError(Exception):
    """The text holds something that only the parser knows."""


def plain_document(data: bytes) -> tuple[dict[str, Any], int, int] | None:
    """Return a plain document's texts, with line and column of its ``metadata.name``, from 1.

    None means that the text is not plain enough, never that it is wrong.
    """
    if not data.isascii() or not data.endswith(b"\n"):
        return None
    nesting = _Nesting()
    try:
        nesting.take(_LINE.findall(data.decode("ascii")))
    except _NotPlainError:
        return None
    return (nesting.root, *nesting.name) if nesting.name else None


def keeps(value: dict[str, Any], plan: Plan) -> bool:
    """Whether a schema asks for text wherever a document holds one, so that it is read already."""
    for key, inner in value.items():
        known = plan.keys.get(key)
        below = known[1] if known else plan.rest
        if below is None:
            return False
        if isinstance(inner, dict):
            if below.sort is not Sort.MAP or not keeps(inner, below):
                return False
        elif below.sort is not Sort.TEXT or inner in NULLS:
            return False
    return True


class _Nesting:
    """Lines put into the mappings that their indentation makes."""

    __slots__ = ("name", "root")

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.name: tuple[int, int] | None = None

    def take(self, lines: list[tuple[str, str, str, str, str]]) -> None:
        """Take every line, or raise at the first doubt."""
        holder, level, opened = self.root, 0, ""
        outer: list[tuple[dict[str, Any], int]] = []
        for number, (spaces, key, text, pairs, other) in enumerate(lines, 1):
            if not key:
                _passed_over(other)
                continue
            indent = len(spaces)
            if opened and indent > level:
                outer.append((holder, level))
                if len(outer) > _DEEPEST:
                    raise _NotPlainError
                holder[opened] = holder = {}
                if key == _NAME and opened == _METADATA and len(outer) == 1:
                    self.name = number, indent + len(f"{_NAME}: ") + 1
                level, opened = indent, ""
            while indent < level:
                holder, level = outer.pop()
            # A key with neither a value nor a mapping behind it is null: that is not for here.
            if opened or indent != level or key in holder or text[-1:] == " ":
                raise _NotPlainError
            if text or pairs:
                holder[key] = text or _mapping(pairs)
            else:
                opened = key
        if opened:
            raise _NotPlainError


def _passed_over(other: str) -> None:
    """Pass over a blank line or a comment, and nothing else."""
    if other:
        raise _NotPlainError


def _mapping(pairs: str) -> dict[str, str]:
    """Return the mapping that stands between braces; its parts cannot hold its separators."""
    result: dict[str, str] = {}
    for pair in pairs.split(", "):
        key, _, text = pair.partition(": ")
        if key in result or text[-1] == " ":
            raise _NotPlainError
        result[key] = text
    return result
