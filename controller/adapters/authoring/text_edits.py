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
_NEXT_KEY = "spec"
_DEFAULT_INDENT = 2
_BREAK = re.compile(r"\r\n|\r|\n")
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]*(?<!:)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COMMENT = re.compile(r"[ ]*#")
_COMMA = re.compile(r"(?:\s|#[^\r\n]*)*,")


class UneditableTextError(Exception):
    """The text is laid out in a way that is not edited; ``offset`` is where a person should."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class TextEdit:
    """One replacement: the characters between two offsets give way to a text."""

    start: int
    end: int
    text: str


def apply_edits(text: str, splices: Sequence[TextEdit]) -> str:
    """Return a text with every splice carried out; at one offset they keep their order."""
    parts, offset = [], 0
    for splice in sorted(splices, key=lambda one: one.start):
        parts += [text[offset : splice.start], splice.text]
        offset = splice.end
    return "".join((*parts, text[offset:]))


def compute_policy_edits(
    text: str, document: Span, member: str, value: int | str
) -> list[TextEdit]:
    """Return the splices that set ``policy.<member>`` of one document.

    Raises UneditableTextError where no splice would leave every other value as it is.
    """
    found = document.find_member(POLICY)
    if found is None:
        return _add_policy(text, document, member, value)
    policy = found[1]
    _check_editable(document, policy)
    standing = policy.find_member(member)
    if standing is not None:
        return [_replace_value(text, *standing, value, braced=policy.style == FLOW)]
    if policy.style == FLOW:
        quoted = _is_quoted(policy, document)
        return _insert_in_braces(
            text, policy, _format_pair(member, value, quoted=quoted, braced=True)
        )
    return [_append_to_mapping(text, policy, [_format_pair(member, value)])]


def _check_editable(document: Span, policy: Span) -> None:
    """Refuse a policy that is not this document's alone, or not all written here."""
    if policy.style == ALIAS:
        raise UneditableTextError(policy.start, f"the policy is the alias *{policy.anchor}")
    if policy.anchor and policy.anchor in document.find_aliases():
        raise UneditableTextError(policy.start, f"the policy is shared, as *{policy.anchor}")
    if policy.text is not None or policy.style == LIST:
        raise UneditableTextError(policy.start, "the policy is not a mapping")
    if policy.find_member(_MERGE):
        raise UneditableTextError(policy.start, "a merge key (<<) stands in the policy")


def _replace_value(text: str, key: Span, old: Span, value: int | str, *, braced: bool) -> TextEdit:
    if old.held or old.style in (FLOW, LIST):
        raise UneditableTextError(old.start, "the value is not a single one")
    if old.tagged:
        raise UneditableTextError(old.start, "a tag or an anchor stands before the value")
    if old.style in ("|", ">") and "#" in _BREAK.split(text[old.start : old.end])[0]:
        raise UneditableTextError(old.start, "a comment stands within the value")
    if old.start < old.end:
        return TextEdit(old.start, old.end, _format_scalar(value, old.style, braced=braced))
    # An empty value has no place of its own: it goes behind the colon, which may be missing too.
    colon = text.find(":", key.end, old.start + 1)
    sign, at = (" ", colon + 1) if colon >= 0 else (": ", key.end)
    return TextEdit(at, at, sign + _format_scalar(value, "", braced=braced))


def _format_scalar(value: int | str, style: str, *, braced: bool) -> str:
    """Return a value as YAML, in the quotes of the one that it replaces."""
    if isinstance(value, int):
        return str(value)
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    plain = (_WORD if braced else _SAFE).fullmatch(value)
    return value if plain and style != '"' else json.dumps(value)


def _format_pair(
    member: str, value: int | str, *, quoted: bool = False, braced: bool = False
) -> str:
    style = '"' if quoted else ""
    key = json.dumps(member) if quoted else member
    return f"{key}: {_format_scalar(value, style, braced=braced)}"


def _is_quoted(*mappings: Span) -> bool:
    """Whether the first of some mappings that has a key has it in double quotes, as JSON does."""
    keys = [mapping.held[0] for mapping in mappings if mapping.held]
    return bool(keys) and keys[0].style == '"'


def _add_policy(text: str, document: Span, member: str, value: int | str) -> list[TextEdit]:
    """Give a document a policy of its own: before its spec, or at its end."""
    if document.find_member(_MERGE):
        raise UneditableTextError(document.start, "a merge key (<<) may bring the policy in")
    if document.style == FLOW:
        quoted = _is_quoted(document)
        inner = _format_pair(member, value, quoted=quoted, braced=True)
        key = json.dumps(POLICY) if quoted else POLICY
        return _insert_in_braces(text, document, f"{key}: {{{inner}}}")
    step = " " * _get_indent(text, document)
    lines = [f"{POLICY}:", f"{step}{_format_pair(member, value)}"]
    following = document.find_member(_NEXT_KEY)
    if following is None:
        return [_append_to_mapping(text, document, lines)]
    return [_insert_before(text, document, following[0], lines)]


def _get_indent(text: str, document: Span) -> int:
    """Return by how much the first inner mapping of a document is indented."""
    column = _get_column(text, document.held[0])
    for _, value in document.list_pairs():
        if value.held and not value.style and (inner := _get_column(text, value.held[0])) > column:
            return inner - column
    return _DEFAULT_INDENT


def _insert_before(text: str, document: Span, key: Span, lines: Sequence[str]) -> TextEdit:
    """Put lines before a key and the comments that stand right above it."""
    margin = _get_margin(text, key)
    at = _find_line_start(text, key.start)
    above = [other for pair in document.list_pairs() for other in pair if other.end <= at]
    floor = above[-1].end if above else at
    while (previous := _find_previous_line(text, at)) > floor:
        line = text[previous:at]
        if not _COMMENT.match(line) or len(line) - len(line.lstrip(" ")) != len(margin):
            break
        at = previous
    end = _find_line_break(text)
    return TextEdit(at, at, "".join(f"{margin}{line}{end}" for line in lines))


def _append_to_mapping(text: str, mapping: Span, lines: Sequence[str]) -> TextEdit:
    """Put lines behind the line on which a block mapping's last value ends."""
    margin = _get_margin(text, mapping.held[0])
    at = _find_line_end(text, mapping.held[-1].end)
    end = _find_line_break(text)
    return TextEdit(at, at, "".join(f"{end}{margin}{line}" for line in lines))


def _insert_in_braces(text: str, mapping: Span, pair: str) -> list[TextEdit]:
    """Put a pair behind the last one in braces, on a line of its own where the others are."""
    if not mapping.held:
        at = text.index("{", mapping.start, mapping.end) + 1
        return [TextEdit(at, at, pair)]
    last, key = mapping.held[-1], mapping.held[-2]
    comma = _COMMA.match(text, last.end, mapping.end - 1)
    behind = comma.end() if comma else last.end
    line_end = _find_line_end(text, behind)
    margin = text[_find_line_start(text, key.start) : key.start]
    if margin.strip(" \t") or line_end >= mapping.end:
        return [TextEdit(last.end, last.end, f", {pair}")]
    own = TextEdit(
        line_end, line_end, f"{_find_line_break(text)}{margin}{pair}{',' if comma else ''}"
    )
    return [own] if comma else [TextEdit(last.end, last.end, ","), own]


def _get_margin(text: str, key: Span) -> str:
    """Return the blanks before a block mapping's key; nothing else may stand there."""
    margin = text[_find_line_start(text, key.start) : key.start]
    if margin.strip(" "):
        raise UneditableTextError(key.start, "something stands before the key on its line")
    return margin


def _get_column(text: str, span: Span) -> int:
    return span.start - _find_line_start(text, span.start)


def _find_line_start(text: str, offset: int) -> int:
    """Return where the line of an offset begins."""
    return max(text.rfind("\n", 0, max(offset, 0)), text.rfind("\r", 0, max(offset, 0))) + 1


def _find_previous_line(text: str, start: int) -> int:
    """Return where the line before a line's start begins."""
    return _find_line_start(text, start - (2 if text[:start].endswith("\r\n") else 1))


def _find_line_end(text: str, offset: int) -> int:
    """Return where the line of an offset ends, before its break."""
    found = _BREAK.search(text, offset)
    return found.start() if found else len(text)


def _find_line_break(text: str) -> str:
    """Return the line break that a text uses."""
    found = _BREAK.search(text)
    return found.group() if found else "\n"
