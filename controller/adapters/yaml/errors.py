"""What is wrong with a text that is not YAML, said plainly and with its place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from controller.core.documents.decoder import LocatedMistake
from controller.core.problems import Code

_MAX_CONTROLS = 10
# What YAML forbids, and the separators that its versions disagree on: 1.1 takes them for line
# breaks, so that a value that holds one would not be sent as it is written.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BOM = "\ufeff"
_INDENT = re.compile(r"[ ]*\t")

# The parser's words, and what they mean to the person who wrote the line.
_EXPLANATIONS = {
    "mapping values are not allowed in this context": (
        "a colon stands where no key can",
        "check the indentation, and quote a value that holds a colon and a space",
    ),
    "could not find expected ':'": (
        "the line is no key, for its colon is missing",
        "write `key: value`, with a space behind the colon",
    ),
    "found unexpected end of stream": ("the text ends inside a quoted value", "close the quote"),
    "found unexpected document indicator": (
        "the document ends inside a quoted value",
        "close the quote",
    ),
    "did not find expected <document start>": (
        "more text follows where the document has ended",
        "put --- between two documents, and check the indentation",
    ),
    "did not find expected key": (
        "a key of this mapping is due",
        "check the indentation and the quotes of the lines above",
    ),
    "did not find expected ',' or ']'": ("the list is not closed", "add a comma or a ]"),
    "did not find expected ',' or '}'": ("the mapping is not closed", "add a comma or a }"),
    "did not find expected '-' indicator": (
        "an item of this list is due",
        "begin it with a dash, at the indentation of the items above",
    ),
    "found character that cannot start any token": (
        "a value cannot begin with this character",
        "put the value in quotes",
    ),
    "found unknown escape character": (
        "this escape is unknown",
        "double the backslash, or use single quotes",
    ),
    "found invalid Unicode character escape code": (
        "this escape stands for no character",
        "write the character itself",
    ),
}


def decode_text(data: bytes) -> tuple[bytes, tuple[LocatedMistake, ...]]:
    """Return a text that YAML can be read from, and what stops it from being read as it stands.

    Control characters are replaced, so that the rest of the file can still be judged; bytes that
    are not UTF-8 leave nothing to read.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line, column = _get_position(data, error.start)
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} cannot stand here"
        return b"", (
            LocatedMistake(Code.NOT_UTF8, line, column, message, "save the file as UTF-8"),
        )
    text = text.removeprefix(_BOM)
    controls = tuple(itertools.islice(_find_controls(text), _MAX_CONTROLS))
    return (_CONTROL.sub(_replace_control, text).encode() if controls else data), controls


def _replace_control(match: re.Match[str]) -> str:
    """A byte order mark is invisible, and a line reads on as if it were not there."""
    return "" if match.group() == _BOM else "\ufffd"


def _find_controls(text: str) -> Iterator[LocatedMistake]:
    for match in _CONTROL.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        name = f"U+{ord(match.group()):04X}"
        kind = "byte order mark" if match.group() == _BOM else "control character"
        hint = "delete it, or write it as an escape in double quotes"
        message = f"the {kind} {name} stands in the text"
        yield LocatedMistake(Code.CONTROL_CHARACTER, line, column, message, hint)


def explain_syntax_error(error: Any, data: bytes) -> LocatedMistake:
    """Return the parser's complaint in plain words, at the place where the mistake is."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return LocatedMistake(Code.NOT_YAML, 1, 1, f"the text is not YAML: {error}")
    said = str(error.problem)
    if "quoted scalar" in str(error.context) and said.startswith("found unexpected"):
        mark = error.context_mark
    tab = _find_tab(data, mark, error.context_mark or mark)
    if tab is not None:
        return tab
    message, hint = _EXPLANATIONS.get(said, (f"the text is not YAML: {said}", ""))
    return LocatedMistake(Code.NOT_YAML, mark.line + 1, mark.column + 1, message, hint)


def _find_tab(data: bytes, *marks: Any) -> LocatedMistake | None:
    """Return the tab that indents the line of a mistake, or the one that it refers to."""
    text = data.decode(errors="replace").removeprefix(_BOM)
    # In braces, as JSON is written, a tab is a blank like any other.
    for mark in marks if text.lstrip()[:1] not in ("{", "[") else ():
        match = _INDENT.match(text, text.rfind("\n", 0, mark.index) + 1)
        if match:
            column = len(match.group())
            hint = "indent with spaces: YAML does not take tabs"
            return LocatedMistake(Code.TAB, mark.line + 1, column, "a tab indents the line", hint)
    return None


def _get_position(data: bytes, offset: int) -> tuple[int, int]:
    start = data.rfind(b"\n", 0, offset) + 1
    column = len(data[start:offset].decode(errors="replace")) + 1
    return data.count(b"\n", 0, offset) + 1, column
