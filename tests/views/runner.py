"""What GitHub's runner makes of a log: which of its lines are commands, and what they say.

Written after the runner's own rules: `::` at a line's start but for blanks, `##[` anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KNOWN = {"error", "warning", "notice", "debug", "group", "add-mask", "set-output", "stop-commands"}
_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a log."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """Return the commands of a log, in order."""
    lines = re.split("\r\n|\r|\n", log)
    found = (_new(line) or _old(line) for line in lines)
    return [one for one in found if one is not None]


def _new(line: str) -> Command | None:
    line = line.lstrip()
    if not line.startswith("::") or "::" not in line[2:]:
        return None
    info, _, data = line[2:].partition("::")
    name, _, given = info.partition(" ")
    if name not in KNOWN:
        return None
    pairs = [pair.split("=", 1) for pair in given.strip().split(",") if pair]
    properties = {
        pair[0]: _read(pair[1], _PROPERTY) for pair in pairs if len(pair) == 2 and pair[1]
    }
    return Command(name, properties, _read(data, _DATA))


def _old(line: str) -> Command | None:
    _, prefix, rest = line.partition("##[")
    info, bracket, data = rest.partition("]")
    name = info.partition(" ")[0]
    return Command(name, {}, data) if prefix and bracket and name in KNOWN else None


def _read(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for written, meant in escapes:
        text = text.replace(written, meant)
    return text
