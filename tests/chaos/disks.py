"""The disks that a power failure can leave, computed from what a process did to its files.

A change of a folder lasts once that folder was flushed after it, and a file's content once the
file was. Until then each may be lost, alone or with others, whatever came before or after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

FOLDER = ""
"""What a folder's path leads to in a layout."""
EMPTY, HALF = "empty", "half"
Layout = Mapping[str, str]
"""What each path of a tree leads to: the identity of a file, or ``FOLDER``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a process did: ``met`` a boundary, or changed or flushed what a path names.

    ``file`` is the identity of the file that was created, renamed, removed or flushed; ``path`` of
    a rename is the new one and ``old`` the one before.
    """

    verb: str
    path: str
    file: str = ""
    old: str = ""

    @property
    def folder(self) -> str:
        """The folder that a change is an entry of."""
        return _above(self.path)


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk as a crash may leave it: what it holds, and whose content is empty or cut in half."""

    name: str
    layout: Layout
    cut: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> frozenset[tuple[str, str, str]]:
        """What distinguishes this disk from others."""
        return frozenset((path, of, self.cut.get(of, "")) for path, of in self.layout.items())


def disks(before: Layout, steps: Sequence[Step]) -> list[Disk]:
    """Return each disk that lacks something, all that may be lost first; none twice.

    ``before`` is the tree that the steps began with, which is all on disk.
    """
    whole = Disk("nothing lost", layout(before, steps))
    known = {whole.identity}
    found: list[Disk] = []
    for one in _lacking(before, steps, whole.layout):
        if one.identity not in known:
            known.add(one.identity)
            found.append(one)
    return found


def _lacking(before: Layout, steps: Sequence[Step], whole: Layout) -> Iterator[Disk]:
    open_changes, open_files = unflushed(steps)
    for lost in _losses(open_changes):
        names = ", ".join(f"{one.verb} {one.path}" for one in lost)
        yield Disk(f"without {names}", layout(before, [one for one in steps if one not in lost]))
    visible = [one for one in open_files if one in whole.values()]
    for how in (EMPTY, HALF):
        for file in visible:
            yield Disk(f"with {_path_of(file, whole)} {how}", whole, {file: how})
    if len(visible) > 1:
        yield Disk("with every unflushed file empty", whole, dict.fromkeys(visible, EMPTY))


def _losses(changes: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield all changes, each alone, and the last ones: what a disk may lose of them."""
    if changes:
        yield changes
    for one in changes:
        yield (one,)
    for first in range(1, len(changes)):
        yield changes[first:]


def unflushed(steps: Sequence[Step]) -> tuple[list[Step], list[str]]:
    """Return the changes of folders and the files that were not flushed since."""
    changes: list[Step] = []
    files: dict[str, None] = {}
    for one in steps:
        match one.verb:
            case "sync":
                changes = [each for each in changes if each.folder != one.path]
            case "flush":
                files.pop(one.file, None)
            case "create" | "mkdir" | "rename" | "remove":
                changes.append(one)
                if one.verb == "create":
                    files[one.file] = None
    return changes, list(files)


def layout(before: Layout, steps: Sequence[Step]) -> Layout:
    """Return what a tree holds after some steps; what lies in a folder that is lost is lost."""
    made = dict(before)
    for one in steps:
        match one.verb:
            case "create" | "mkdir":
                made[one.path] = one.file
            case "rename":
                if made.get(one.old) == one.file:
                    del made[one.old]
                made[one.path] = one.file
            case "remove":
                made.pop(one.path, None)
    return {path: of for path, of in made.items() if _is_reachable(path, made)}


def _is_reachable(path: str, made: Layout) -> bool:
    above = itertools.takewhile(bool, _upward(path))
    return all(made.get(folder) == FOLDER for folder in above)


def _upward(path: str) -> Iterator[str]:
    while path:
        path = _above(path)
        yield path


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _path_of(file: str, whole: Layout) -> str:
    return next(path for path, of in whole.items() if of == file)
