"""The model's patterns made exact: full matches that mean the same on every regex engine.

The model writes patterns unanchored and means a full match. Engines disagree on what a class
escape takes (ASCII or Unicode) and on whether ``$`` stands before a last line break, and some can
be hung by nested repetition; editors, CI and we read one schema with three engines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_SPACE: Final = r" \t\n\r\f\v"
_INSIDE: Final = {"\\s": _SPACE, "\\d": "0-9", "\\w": "A-Za-z0-9_"}
_OUTSIDE: Final = {
    "\\s": f"[{_SPACE}]",
    "\\S": f"[^{_SPACE}]",
    "\\d": "[0-9]",
    "\\D": "[^0-9]",
    "\\w": "[A-Za-z0-9_]",
    "\\W": "[^A-Za-z0-9_]",
    # Engines end a line at different characters; this is the union of theirs.
    ".": r"[^\n\r\u2028\u2029]",
}
_TOKEN: Final = re.compile(
    r"""(?P<class>\[\^?(?:\\.|[^\]\\])*\])
      | (?P<open>\((?:\?:)?)
      | (?P<close>\))
      | (?P<or>\|)
      | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)
      | (?P<anchor>[\^$])
      | (?P<atom>\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLASS_ITEM: Final = re.compile(r"\\.|[^\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _PatternPart:
    """A piece of a pattern, rewritten, and what it can match at its end."""

    text: str = ""
    nullable: bool = True
    newline: bool = False

    def concatenate(self, other: _PatternPart) -> _PatternPart:
        """Return the two pieces in a row."""
        return _PatternPart(
            self.text + other.text,
            self.nullable and other.nullable,
            other.newline or (other.nullable and self.newline),
        )

    def alternate(self, other: _PatternPart) -> _PatternPart:
        """Return the two pieces as alternatives."""
        return _PatternPart(
            f"{self.text}|{other.text}",
            self.nullable or other.nullable,
            self.newline or other.newline,
        )

    def repeat(self, repeat: str) -> _PatternPart:
        """Return the piece under a repetition."""
        # What may be absent lets the piece before it stand at the end.
        may_be_none = repeat[0] in "*?" or repeat.startswith(("{0,", "{0}"))
        return _PatternPart(self.text + repeat, self.nullable or may_be_none, self.newline)


def _expand_class(text: str) -> str:
    """Return a bracketed class with its class escapes spelled out in ASCII."""
    # Any sign at all: spelt out in ASCII the two halves would leave gaps.
    if text in {r"[\s\S]", r"[\S\s]"}:
        return text
    if len(text) == len(r"[\S]") and text[1:-1] in _OUTSIDE:
        return _OUTSIDE[text[1:-1]]
    return _CLASS_ITEM.sub(lambda item: _INSIDE.get(item.group(), item.group()), text)


def _make_single(text: str) -> _PatternPart:
    """Return one character's worth of pattern; only its own text decides what it matches."""
    return _PatternPart(text, nullable=False, newline=re.fullmatch(text, "\n") is not None)


class _Parser:
    """Reads a pattern once, left to right; the model's patterns nest only a few levels."""

    def __init__(self, pattern: str) -> None:
        self._tokens = [(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(pattern)]
        self._next = 0

    def _peek_character(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else "close"

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][1]

    def parse_alternatives(self) -> _PatternPart:
        """Return everything up to the end of the group."""
        part = self._parse_sequence()
        while self._peek_character() == "or":
            self._take()
            part = part.alternate(self._parse_sequence())
        return part

    def _parse_sequence(self) -> _PatternPart:
        part = _PatternPart()
        while self._peek_character() not in {"or", "close"}:
            piece = self._parse_piece()
            if self._peek_character() == "repeat":
                piece = piece.repeat(self._take())
            part = part.concatenate(piece)
        return part

    def _parse_piece(self) -> _PatternPart:
        group, text = self._peek_character(), self._take()
        if group == "open":
            inner = self.parse_alternatives()
            self._take()
            return _PatternPart(f"{text}{inner.text})", inner.nullable, inner.newline)
        # Neither a class nor an escape nests, so each is one character for our purpose.
        if group == "class":
            return _make_single(_expand_class(text))
        if group == "anchor":
            return _PatternPart(text)
        return _make_single(_OUTSIDE.get(text, text))


def make_constraint(pattern: str) -> dict[str, Any]:
    """Return the draft-07 keywords that hold a string to a full match of a pattern.

    Python lets ``$`` stand before a last line break. Where the pattern itself cannot end in one,
    ``not`` closes that hole for engines like it; lookaheads would do, but linear engines have none.
    """
    part = _Parser(pattern).parse_alternatives()
    keywords: dict[str, Any] = {"pattern": f"^(?:{part.text})$"}
    if not part.newline:
        keywords["not"] = {"type": "string", "pattern": "\\n$"}
    return keywords
