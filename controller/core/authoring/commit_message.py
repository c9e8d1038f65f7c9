"""What a commit of statuses says of itself: a function of what it holds, and of nothing else."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence

TEMPLATE = "Record the status of {jobs}"
SKIP = "[skip ci]"
"""What keeps GitHub Actions and GitLab CI, among others, from running for a commit."""
TRAILER = "Bedrock-Jobs-Pass"
WORDS = ("jobs", "count", "phases")
"""What may stand in braces in a template."""

_BRACES = re.compile(r"\{(\w*)\}")
_LONGEST_NAMES = 40
_MOST_LINES = 50
_DIGITS = 16

Moves = Sequence[tuple[str, str, str]]
"""Jobs by name, each with its phase before and after; an empty one stands for no entry."""


class TemplateError(Exception):
    """A template asks for something that there is not; the text says what there is."""


def check(template: str) -> None:
    """Raise TemplateError for a template that cannot be filled in."""
    if not template.strip():
        raise TemplateError("a commit needs a message")
    unknown = [word for word in _BRACES.findall(template) if word not in WORDS]
    if unknown:
        known = ", ".join(f"{{{word}}}" for word in WORDS)
        raise TemplateError(f"there is no {{{unknown[0]}}} to fill in: there are {known}")


def build_message(
    template: str,
    moves: Moves,
    files: Mapping[str, bytes | None],
    *,
    skip_ci: bool,
    summary: str = "",
) -> str:
    """Return the whole message: subject, what moved, and a trailer that names the content.

    ``files`` are the sidecars' bytes by path, None for one that goes.
    """
    subject, _, rest = _fill_template(template, moves).strip().partition("\n")
    parts = [f"{subject} {SKIP}" if skip_ci else subject, rest.strip("\n"), _escape_line(summary)]
    parts += ["\n".join(_list_lines(moves)), f"{TRAILER}: {compute_fingerprint(files)}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def compute_fingerprint(files: Mapping[str, bytes | None]) -> str:
    """Return what the same changes to the same files always have in common."""
    found = hashlib.sha256()
    for path in sorted(files):
        content = files[path]
        held = "" if content is None else hashlib.sha256(content).hexdigest()
        found.update(f"{path}\0{held}\0".encode(errors="surrogateescape"))
    return found.hexdigest()[:_DIGITS]


def _fill_template(template: str, moves: Moves) -> str:
    phases = Counter(_escape_line(after) for _, _, after in moves if after)
    words = {
        "jobs": _format_names(moves),
        "count": str(len(moves)),
        "phases": ", ".join(f"{count} {phase}" for phase, count in sorted(phases.items())),
    }
    return _BRACES.sub(lambda found: words[found[1]], template)


def _format_names(moves: Moves) -> str:
    joined = ", ".join(_escape_line(name) for name, _, _ in moves)
    if joined and len(joined) <= _LONGEST_NAMES:
        return joined
    return f"{len(moves)} {'job' if len(moves) == 1 else 'jobs'}"


def _list_lines(moves: Moves) -> list[str]:
    lines = [
        f"- {_escape_line(name)}: {_escape_line(_move(before, after))}"
        for name, before, after in moves[:_MOST_LINES]
    ]
    more = len(moves) - len(lines)
    return [*lines, f"- and {more} more"] if more else lines


def _move(before: str, after: str) -> str:
    if not after:
        return "removed"
    return f"{before} -> {after}" if before and before != after else after


def _escape_line(text: str) -> str:
    """Names come from files that anybody may edit: nothing in them starts a line of its own."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
