"""``python -m tests.daemon``: the daemon's demonstrations at full size."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.daemon import repo_shows, shows
from tests.daemon.repos import Box, boxed
from tests.support.project import Project, project

SHOWS: dict[str, tuple[Callable[[Project, int], str], int]] = {
    "flip": (shows.flip, 2_000),
    "checkout": (shows.checkout, 2_000),
    "touched": (shows.touched, 10_000),
    "killed": (shows.killed, 100),
    "shards": (shows.shards, 2_000),
}
OF_REPOSITORIES: dict[str, tuple[Callable[[Box, int], str], int]] = {
    "repo": (repo_shows.killed, 40),
}


def shown(name: str, folder: Path, size: int | None) -> str:
    """Run a demonstration in a folder, at full size by default, and return its figures."""
    if name in SHOWS:
        show, full = SHOWS[name]
        with project(folder / "project") as tree:
            return show(tree, size or full)
    with boxed(folder) as box:
        of_one, full = OF_REPOSITORIES[name]
        return of_one(box, size or full)


def main() -> int:
    """Run the chosen demonstrations, print a line for each, and fail at the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.daemon", description=__doc__)
    names = [*SHOWS, *OF_REPOSITORIES]
    parser.add_argument("--only", choices=names, action="append", help="one of them")
    parser.add_argument("--size", type=int, help="another size than the full one")
    asked = parser.parse_args()
    for name in asked.only or names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bedrock-jobs-") as folder:
            figures = shown(name, Path(folder), asked.size)
        seconds, load = time.monotonic() - began, os.getloadavg()[0]
        sys.stdout.write(f"{name}: {figures} ({seconds:.0f} s in all, load {load:.1f})\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
