"""What a write-back costs in a large repository: seconds, bytes fetched and bytes checked out."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from tests.git.desks import Desk, desk_in
from tests.git.support import git

FILES, BYTES = 2_000, 100_000


def large(folder: Path, files: int = FILES, size: int = BYTES) -> Desk:
    """Make a repository with so many files of so many bytes that nothing compresses."""
    desk = desk_in(folder)
    draw = random.Random(0)  # noqa: S311 - bytes that do not compress, no secret
    for number in range(files):
        path = desk.folder / f"data-{number % 50}" / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(draw.randbytes(size))
    desk.push(".", message="Add data")
    return desk


def weight(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def measured(folder: Path, files: int = FILES, size: int = BYTES) -> Iterator[str]:
    """Yield what a first and a second write-back cost, in a whole and in a shallow clone."""
    origin = large(folder, files, size)
    yield "| clone | repository MB | write-back | seconds | bytes more in .git |"
    yield "|---|--:|---|--:|--:|"
    minute = 0
    for name, options in (("whole", ()), ("shallow", ("--depth=1",))):
        desk = origin.clone(name, *options)
        megabytes = weight(desk.folder / ".git") / 1e6
        for what in ("first", "second", "idle"):
            minute += 1
            if what != "idle":
                desk.record("a", minute=minute)
            before, began = weight(desk.folder / ".git"), time.monotonic()
            desk.writer().write_back()
            took = time.monotonic() - began
            more = weight(desk.folder / ".git") - before
            yield f"| {name} | {megabytes:.0f} | {what} | {took:.2f} | {more:,} |"
        git(desk.folder, "fsck", "--connectivity-only")
