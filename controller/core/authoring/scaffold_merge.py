"""What becomes of each file of a new repository, given what is there already."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_REMOTE: Final = re.compile(r"(?:[a-z+]+://[^/]+/|[^/:]+@[^/:]+:)/*(.+?)(?:\.git)?/*\Z")


class FileOwnership(Enum):
    """Whose a file is."""

    OURS = "written whole"
    SHARED = "lines are added to it"
    THEIRS = "written once; what it lacks afterwards is told"


class FileOutcome(StrEnum):
    """What becomes of a file."""

    CREATED = "created"
    EXTENDED = "extended"
    REPLACED = "replaced"
    CURRENT = "current"
    KEPT = "kept"
    FAILED = "failed"


CHANGES: Final = frozenset({FileOutcome.CREATED, FileOutcome.EXTENDED, FileOutcome.REPLACED})


@dataclass(frozen=True, slots=True)
class ScaffoldFile:
    """One file of the scaffold: its path from the repository's top, and its text.

    ``mark`` is a text whose presence shows that a file of theirs has what it needs; without one
    such a file is never looked into.
    """

    path: str
    text: str
    how: FileOwnership = FileOwnership.OURS
    mark: str = ""


@dataclass(frozen=True, slots=True)
class MergedFile:
    """What became of a piece; ``text`` is what the file then holds, where it changes.

    ``note`` says why a file was kept, and ``lines`` are those that a person should add to it.
    """

    piece: ScaffoldFile
    fate: FileOutcome
    text: str | None = None
    note: str = ""
    lines: tuple[str, ...] = ()


def merge_file(piece: ScaffoldFile, found: str | None, *, force: bool = False) -> MergedFile:
    """No text that is there is lost without ``force``, and none of theirs with it.

    ``found`` is the file's text, None where there is no file. Line ends do not make a difference.
    """
    if found is None:
        return MergedFile(piece, FileOutcome.CREATED, piece.text)
    if piece.how is FileOwnership.SHARED:
        return _add_missing_rules(piece, found)
    if found.replace("\r\n", "\n") == piece.text:
        return MergedFile(piece, FileOutcome.CURRENT)
    if piece.how is FileOwnership.THEIRS:
        return _keep_file(piece, found)
    if force:
        return MergedFile(piece, FileOutcome.REPLACED, piece.text)
    return MergedFile(
        piece, FileOutcome.KEPT, note="it differs from what init writes; --force replaces it"
    )


def _add_missing_rules(piece: ScaffoldFile, found: str) -> MergedFile:
    """Add the rules that are missing, under their comment; a rule is known by its first word."""
    lines = piece.text.splitlines()
    known = {_get_rule_name(line) for line in found.splitlines() if _is_rule(line)}
    missing = [line for line in lines if _is_rule(line) and _get_rule_name(line) not in known]
    if not missing:
        return MergedFile(piece, FileOutcome.CURRENT)
    comment = [line for line in lines if not _is_rule(line) and line not in found.splitlines()]
    end = "\r\n" if "\r\n" in found else "\n"
    gap = "" if not found or found.endswith(("\n\n", "\r\n\r\n")) else end
    gap = gap if found.endswith("\n") or not found else gap + end
    return MergedFile(
        piece, FileOutcome.EXTENDED, found + gap + "".join(f"{x}{end}" for x in comment + missing)
    )


def _is_rule(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _get_rule_name(line: str) -> str:
    return line.split()[0]


def _keep_file(piece: ScaffoldFile, found: str) -> MergedFile:
    if piece.path.endswith(".json"):
        has_it = _has_settings(_parse_json(found), _parse_json(piece.text))
    else:
        has_it = piece.mark in found
    if has_it:
        return MergedFile(piece, FileOutcome.CURRENT)
    lines = tuple(line for line in piece.text.splitlines() if not line.startswith("#"))
    return MergedFile(
        piece, FileOutcome.KEPT, note="it is yours: add what it lacks of this", lines=lines
    )


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _has_settings(found: Any, wanted: Any) -> bool:
    """Whether every setting that is wanted stands among those that were found."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(key in found and _has_settings(found[key], wanted[key]) for key in wanted)
    if isinstance(found, list) and isinstance(wanted, list):
        return all(value in found for value in wanted)
    return bool(found == wanted)


def derive_owner(remote: str, folder: str) -> str:
    """Return the owner that a repository's remote suggests, or else its folder's name.

    ``remote`` is a URL or a path, and may be empty; a path says no more than the folder does.
    """
    named = _REMOTE.match(remote)
    words = named[1] if named else folder
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "bedrock-jobs"


def format_plain_scalar(value: str) -> str:
    """Return a text as a YAML scalar: bare where any reader takes it for that text."""
    bare = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if bare else json.dumps(value)


def select_files(pieces: Iterable[ScaffoldFile], only: Iterable[str]) -> tuple[ScaffoldFile, ...]:
    """Return the pieces at or below any of these paths; all of them where none is given."""
    places = [path.removeprefix("./").rstrip("/") for path in only]
    return tuple(
        piece
        for piece in pieces
        if not places or any(f"{piece.path}/".startswith(f"{place}/") for place in places)
    )
