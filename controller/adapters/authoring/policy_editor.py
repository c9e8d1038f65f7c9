"""Manifests edited in place: one value of a policy changes, and no other byte of the file.

The edit is a replacement of text, found by our own reader's places. What comes out is read again
by the real loader before it is written, and must differ in that one value alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from controller.adapters.authoring.text_edits import (
    POLICY,
    UneditableTextError,
    apply_edits,
    compute_policy_edits,
)
from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError
from controller.adapters.host.tree_writes import lock_file, rewrite
from controller.adapters.manifests.discovery import UnusableFileError, read_content
from controller.adapters.manifests.documents import DocumentReader
from controller.adapters.schemas.kind_readers import get_kind_reader
from controller.adapters.yaml.parser import parse
from controller.adapters.yaml.spans import find_spans
from controller.core.documents.decoder import read
from controller.core.fleet import Fleet
from controller.core.model import JobKey, Problem

_BOM = b"\xef\xbb\xbf"


class EditError(Exception):
    """The file was left alone; the text says where and why, and what to write by hand."""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One change to a file: from ``line``, counted from 1, some lines give way to others.

    Both are empty when the file says already what was asked for.
    """

    path: Path
    line: int = 0
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether any byte changes."""
        return self.removed != self.added


@dataclass(frozen=True, slots=True)
class _PolicyChange:
    """What is to be set, and in which of a file's manifests."""

    path: Path
    key: JobKey
    member: str
    value: int | str

    def make_error(self, why: str, line: int = 0) -> EditError:
        """Return the error that tells a person what to write, and where."""
        where = f"{self.path}:{line}" if line else str(self.path)
        return EditError(
            f"{where}: {why}, so it was left as it is: set {POLICY}.{self.member} of "
            f"{self.key} to {self.value} by hand"
        )


def set_policy(
    path: Path, key: JobKey, member: str, value: int | str, *, dry_run: bool = False
) -> FileEdit:
    """Set ``policy.<member>`` of one manifest in a file; every other byte stays as it is.

    With ``dry_run`` nothing is written. Raises EditError when the file is not as the edit needs
    it, and OSError when it cannot be written; the file is then as it was.
    """
    wish = _PolicyChange(path, key, member, value)
    real = _resolve_file(wish)
    with lock_file(find_bounds(path).root, str(real)):
        before = _read_bytes(wish)
        after = _apply_change(wish, before)
        if after != before and not dry_run:
            _write(wish, real, before, after)
    return _compute_edit(path, before, after)


def _resolve_file(wish: _PolicyChange) -> Path:
    """Return the file that a path stands for, which lies in the tree of its manifests."""
    try:
        real = find_bounds(wish.path).root.resolve(str(wish.path))
    except (OutsideTreeError, FileUnreadableError) as error:
        raise wish.make_error(error.text) from error
    return Path(real or wish.path)


def _read_bytes(wish: _PolicyChange) -> bytes:
    try:
        return read_content(str(wish.path), find_bounds(wish.path).root)
    except UnusableFileError as error:
        raise wish.make_error(error.message) from error


def _apply_change(wish: _PolicyChange, before: bytes) -> bytes:
    """Return the file's bytes with the wish fulfilled, checked."""
    values = _read_valid_values(wish, before)
    index = _find_document(wish, values)
    if (values[index].get(POLICY) or {}).get(wish.member) == wish.value:
        return before
    mark = _BOM if before.startswith(_BOM) else b""
    text = before[len(mark) :].decode()
    try:
        made = apply_edits(
            text, compute_policy_edits(text, find_spans(text)[index], wish.member, wish.value)
        )
    except UneditableTextError as error:
        raise wish.make_error(str(error), text.count("\n", 0, error.offset) + 1) from error
    after = mark + made.encode()
    _check_result(wish, values, index, after)
    return after


def _read_valid_values(wish: _PolicyChange, data: bytes) -> list[Any]:
    """Return what each document of a text holds; raises EditError when one is not valid."""
    bounds = find_bounds(wish.path)
    read_back = DocumentReader(Fleet(), specs=False).parse_text(data, str(wish.path), bounds)
    own = [one for one in read_back.problems if one.key in {wish.key, None}]
    if own:
        raise _make_invalid_error(wish, own[0])
    return _read_values(wish, data)


def _make_invalid_error(wish: _PolicyChange, problem: Problem) -> EditError:
    hint = f" ({problem.hint})" if problem.hint else ""
    why = f"{problem.code} {problem.message}{hint}"
    return wish.make_error(f"the file has a problem, {why}", problem.source.line)


def _read_values(wish: _PolicyChange, data: bytes) -> list[Any]:
    known = get_kind_reader(wish.key.kind)
    if known is None:
        raise wish.make_error(f"the kind {wish.key.kind} is not offered")
    return [read(document.root, known.grammar)[0] for document in parse(data).documents]


def _find_document(wish: _PolicyChange, values: list[Any]) -> int:
    """Return which of a file's documents is the manifest that is meant."""
    found = [index for index, value in enumerate(values) if _is_target(wish.key, value)]
    if len(found) != 1:
        raise wish.make_error(f"it holds {wish.key} {len(found)} times")
    return found[0]


def _is_target(key: JobKey, value: Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    # A kind that is not written here is the defaults', and was read as such.
    return name == key.name and value.get("kind", key.kind) == key.kind


def _check_result(wish: _PolicyChange, values: list[Any], index: int, after: bytes) -> None:
    """Refuse an edit that would change anything but the value that was asked for."""
    wanted = list(values)
    own = values[index]
    wanted[index] = {**own, POLICY: {**(own.get(POLICY) or {}), wish.member: wish.value}}
    if _read_values(wish, after) != wanted:
        raise wish.make_error("it is laid out in a way that cannot be edited safely")
    bounds = find_bounds(wish.path)
    told = DocumentReader(Fleet(), specs=False).parse_text(after, str(wish.path), bounds).problems
    for problem in told:
        if problem.key in {wish.key, None}:
            raise _make_value_error(wish, problem)


def _make_value_error(wish: _PolicyChange, problem: Problem) -> EditError:
    hint = f" ({problem.hint})" if problem.hint else ""
    return EditError(
        f"{wish.path}: {POLICY}.{wish.member} cannot be {wish.value}: {problem.code} "
        f"{problem.message}{hint}"
    )


def _write(wish: _PolicyChange, real: Path, before: bytes, after: bytes) -> None:
    if _read_bytes(wish) != before:
        raise wish.make_error("somebody else is changing the file")
    rewrite(find_bounds(wish.path).root, str(real), after)


def _compute_edit(path: Path, before: bytes, after: bytes) -> FileEdit:
    """Return what differs between two texts, in whole lines."""
    old, new = (data.decode().splitlines() for data in (before, after))
    head = _count_common_lines(old, new)
    tail = _count_common_lines(old[head:][::-1], new[head:][::-1])
    removed, added = old[head : len(old) - tail], new[head : len(new) - tail]
    return (
        FileEdit(path, head + 1, tuple(removed), tuple(added))
        if before != after
        else FileEdit(path)
    )


def _count_common_lines(old: list[str], new: list[str]) -> int:
    """Return how many lines two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
