"""One member of a manifest's policy, put into its text where it belongs; all else is left alone.

What comes out is a proposal: the caller reads it again and holds it against what was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from controller.adapters.yaml.spans import ALIAS, FLOW, LIST, Span

POLICY = "policy"
_MERGE = "<<"
_FOLLOWING = "spec"
_INDENT = 2
_BREAK = re.compile(r"\r\n|\r|\n")
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]*(?<!:)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COMMENT = re.compile(r"[ ]*#")
_COMMA = re.compile(r"(?:\s|#[^\r\n]*)*,")


class NoPlaceError(Exception):
    """The text is laid out in a way that is not edited; ``offset`` is where a person should."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Splice:
    """One replacement: the characters between two offsets give way to a text."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Return a text with every splice carried out; at one offset they keep their order."""
    parts, offset = [], 0
    for splice in sorted(splices, key=lambda one: one.start):
        parts += [text[offset : splice.start], splice.text]
        offset = splice.end
    return "".join((*parts, text[offset:]))


def placed(text: str, document: Span, member: str, value: int | str) -> list[Splice]:
    """Return the splices that set ``policy.<member>`` of one document.

    Raises NoPlaceError where no splice would leave every other value as it is.
    """
    found = document.member(POLICY)
    if found is None:
        return _own_policy(text, document, member, value)
    policy = found[1]
    _check_own(document, policy)
    standing = policy.member(member)
    if standing is not None:
        return [_replaced(text, *standing, value, braced=policy.style == FLOW)]
    if policy.style == FLOW:
        quoted = _is_quoted(policy, document)
        return _into_braces(text, policy, _pair(member, value, quoted=quoted, braced=True))
    return [_behind_last(text, policy, [_pair(member, value)])]


def _check_own(document: Span, policy: Span) -> None:
    """Refuse a policy that is not this document's alone, or not all written here."""
    if policy.style == ALIAS:
        raise NoPlaceError(policy.start, f"the policy is the alias *{policy.anchor}")
    if policy.anchor and policy.anchor in document.aliases():
        raise NoPlaceError(policy.start, f"the policy is shared, as *{policy.anchor}")
    if policy.text is not None or policy.style == LIST:
        raise NoPlaceError(policy.start, "the policy is not a mapping")
    if policy.member(_MERGE):
        raise NoPlaceError(policy.start, "a merge key (<<) stands in the policy")


def _replaced(text: str, key: Span, old: Span, value: int | str, *, braced: bool) -> Splice:
    if old.held or old.style in (FLOW, LIST):
        raise NoPlaceError(old.start, "the value is not a single one")
    if old.tagged:
        raise NoPlaceError(old.start, "a tag or an anchor stands before the value")
    if old.style in ("|", ">") and "#" in _BREAK.split(text[old.start : old.end])[0]:
        raise NoPlaceError(old.start, "a comment stands within the value")
    if old.start < old.end:
        return Splice(old.start, old.end, _scalar(value, old.style, braced=braced))
    # An empty value has no place of its own: it goes behind the colon, which may be missing too.
    colon = text.find(":", key.end, old.start + 1)
    sign, at = (" ", colon + 1) if colon >= 0 else (": ", key.end)
    return Splice(at, at, sign + _scalar(value, "", braced=braced))


def _scalar(value: int | str, style: str, *, braced: bool) -> str:
    """Return a value as YAML, in the quotes of the one that it replaces."""
    if isinstance(value, int):
        return str(value)
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    plain = (_WORD if braced else _SAFE).fullmatch(value)
    return value if plain and style != '"' else json.dumps(value)


def _pair(member: str, value: int | str, *, quoted: bool = False, braced: bool = False) -> str:
    style = '"' if quoted else ""
    key = json.dumps(member) if quoted else member
    return f"{key}: {_scalar(value, style, braced=braced)}"


def _is_quoted(*mappings: Span) -> bool:
    """Whether the first of some mappings that has a key has it in double quotes, as JSON does."""
    keys = [mapping.held[0] for mapping in mappings if mapping.held]
    return bool(keys) and keys[0].style == '"'


def _own_policy(text: str, document: Span, member: str, value: int | str) -> list[Splice]:
    """Give a document a policy of its own: before its spec, or at its end."""
    if document.member(_MERGE):
        raise NoPlaceError(document.start, "a merge key (<<) may bring the policy in")
    if document.style == FLOW:
        quoted = _is_quoted(document)
        inner = _pair(member, value, quoted=quoted, braced=True)
        key = json.dumps(POLICY) if quoted else POLICY
        return _into_braces(text, document, f"{key}: {{{inner}}}")
    step = " " * _step(text, document)
    lines = [f"{POLICY}:", f"{step}{_pair(member, value)}"]
    following = document.member(_FOLLOWING)
    if following is None:
        return [_behind_last(text, document, lines)]
    return [_before(text, document, following[0], lines)]


def _step(text: str, document: Span) -> int:
    """Return by how much the first inner mapping of a document is indented."""
    column = _column(text, document.held[0])
    for _, value in document.pairs():
        if value.held and not value.style and (inner := _column(text, value.held[0])) > column:
            return inner - column
    return _INDENT


def _before(text: str, document: Span, key: Span, lines: Sequence[str]) -> Splice:
    """Put lines before a key and the comments that stand right above it."""
    margin = _margin(text, key)
    at = _line_start(text, key.start)
    above = [other for pair in document.pairs() for other in pair if other.end <= at]
    floor = above[-1].end if above else at
    while (previous := _previous_line(text, at)) > floor:
        line = text[previous:at]
        if not _COMMENT.match(line) or len(line) - len(line.lstrip(" ")) != len(margin):
            break
        at = previous
    end = _break(text)
    return Splice(at, at, "".join(f"{margin}{line}{end}" for line in lines))


def _behind_last(text: str, mapping: Span, lines: Sequence[str]) -> Splice:
    """Put lines behind the line on which a block mapping's last value ends."""
    margin = _margin(text, mapping.held[0])
    at = _line_end(text, mapping.held[-1].end)
    end = _break(text)
    return Splice(at, at, "".join(f"{end}{margin}{line}" for line in lines))


def _into_braces(text: str, mapping: Span, pair: str) -> list[Splice]:
    """Put a pair behind the last one in braces, on a line of its own where the others are."""
    if not mapping.held:
        at = text.index("{", mapping.start, mapping.end) + 1
        return [Splice(at, at, pair)]
    last, key = mapping.held[-1], mapping.held[-2]
    comma = _COMMA.match(text, last.end, mapping.end - 1)
    behind = comma.end() if comma else last.end
    line_end = _line_end(text, behind)
    margin = text[_line_start(text, key.start) : key.start]
    if margin.strip(" \t") or line_end >= mapping.end:
        return [Splice(last.end, last.end, f", {pair}")]
    own = Splice(line_end, line_end, f"{_break(text)}{margin}{pair}{',' if comma else ''}")
    return [own] if comma else [Splice(last.end, last.end, ","), own]


def _margin(text: str, key: Span) -> str:
    """Return the blanks before a block mapping's key; nothing else may stand there."""
    margin = text[_line_start(text, key.start) : key.start]
    if margin.strip(" "):
        raise NoPlaceError(key.start, "something stands before the key on its line")
    return margin


def _column(text: str, span: Span) -> int:
    return span.start - _line_start(text, span.start)


def _line_start(text: str, offset: int) -> int:
    """Return where the line of an offset begins."""
    return max(text.rfind("\n", 0, max(offset, 0)), text.rfind("\r", 0, max(offset, 0))) + 1


def _previous_line(text: str, start: int) -> int:
    """Return where the line before a line's start begins."""
    return _line_start(text, start - (2 if text[:start].endswith("\r\n") else 1))


def _line_end(text: str, offset: int) -> int:
    """Return where the line of an offset ends, before its break."""
    found = _BREAK.search(text, offset)
    return found.start() if found else len(text)


def _break(text: str) -> str:
    """Return the line break that a text uses."""
    found = _BREAK.search(text)
    return found.group() if found else "\n"
