"""Escapes outside text so that it is safe to print: no control characters, no workflow commands.

Manifests, the service and git may contain anything. A terminal acts on control characters and
reorders text after bidirectional ones; GitHub Actions executes lines of any log as commands. Each
output syntax has its own escapes, so that programs still read the same values.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class OutputSyntax(StrEnum):
    """The syntax of an output, which decides how a character is escaped."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    XML = "xml"
    COMMANDS = "commands"
    """Workflow commands that we write ourselves."""


# Everything else is printable ASCII, a tab or a newline, and needs no closer check.
_SUSPECT: Final = re.compile(r"[^\x20-\x7e\n\t]")
# The runner treats a line that begins with ::, after optional blanks, as a command, and ##[
# anywhere. A carriage return ends a line too.
_COMMAND: Final = re.compile(r"((?:^|\r)[^\S\n]*)::|##\[", re.MULTILINE)
_LAST_UNIT: Final = 0xFFFF
_BRACKETS: Final = {
    OutputSyntax.JSON: "##\\u005b",
    OutputSyntax.YAML: "##\\u005b",
    OutputSyntax.XML: "##&#91;",
}


def escape_line(text: str) -> str:
    """Return a text as one line, with each character that is not printable escaped.

    Unicode's control, format, surrogate and separator characters are not printable, except the
    space.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def escape_output(text: str, form: OutputSyntax = OutputSyntax.TEXT) -> str:
    """Return an output with escapes in its own syntax; tabs and newlines are kept.

    JSON and YAML still hold the same values: the YAML writer puts text with such characters in
    double quotes.
    """
    return _SUSPECT.sub(_ESCAPES.get(form, _escape_text), text)


def escape_commands(text: str, form: OutputSyntax = OutputSyntax.TEXT) -> str:
    """Return an output for GitHub's log in which nothing is a workflow command.

    JSON, YAML and XML keep their meaning.
    """
    if form is OutputSyntax.COMMANDS:
        return text
    if form in {OutputSyntax.JSON, OutputSyntax.YAML}:
        return text.replace("##[", _BRACKETS[form])
    bracket, colon = (_BRACKETS[form], "&#58;") if form is OutputSyntax.XML else ("## [", "\\:")
    return _COMMAND.sub(lambda found: bracket if found[0] == "##[" else f"{found[1]}{colon}:", text)


def _escape_text(found: re.Match[str]) -> str:
    return escape_line(found[0])


def _escape_json(found: re.Match[str]) -> str:
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _escape_yaml(found: re.Match[str]) -> str:
    """Return an escape for double quotes, where YAML has no surrogate pairs."""
    number = ord(found[0])
    return (
        _escape_json(found)
        if number <= _LAST_UNIT or found[0].isprintable()
        else f"\\U{number:08x}"
    )


_ESCAPES: Final = {OutputSyntax.JSON: _escape_json, OutputSyntax.YAML: _escape_yaml}
