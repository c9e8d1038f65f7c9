"""Pages of the docs, run as they stand: their files are written, their commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_BLOCK = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```\w+\n(?P<text>.*?)```|```console\n(?P<steps>.*?)```",
    re.DOTALL,
)
# The sandbox's times and git's commits are all that no two runs share.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_COMMIT = re.compile(r"\b[0-9a-f]{7,40}\b")
# Told while a command waits, as often as it happens to look.
_PROGRESS = re.compile(r"^[a-z-]+: (InProgress|Stopping|Stopped|Failed|Completed)\n", re.MULTILINE)


def masked(text: str) -> list[str]:
    """Return a page's lines without what no two runs share."""
    return _COMMIT.sub("…", _TIME.sub("…", text)).splitlines()


def lived(page: str, folder: Path, more: Mapping[str, str]) -> str:
    """Return the page as it is when its files are written and its commands run, in order.

    A block below ``<!-- file: PATH -->`` is a file; what begins with ``$ `` in a block called
    ``console`` is a command, and the lines below it what it prints.
    """

    def one(block: re.Match[str]) -> str:
        if block["steps"] is not None:
            return f"```console\n{_run(block['steps'], folder, more)}```"
        place = folder / block["file"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block["text"], encoding="utf-8")
        return block[0]

    return _BLOCK.sub(one, page)


def _run(steps: str, folder: Path, more: Mapping[str, str]) -> str:
    """Return a block of commands with what each of them prints now."""
    commands = re.findall(r"^\$ (.*)$", steps, re.MULTILINE)
    assert steps.startswith("$ ")
    return "".join(f"$ {command}\n{_printed(command, folder, more)}" for command in commands)


def _printed(command: str, folder: Path, more: Mapping[str, str]) -> str:
    """Return what a command prints, and its exit code unless that is 0."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": binaries, "HOME": str(folder.parent), "LANG": "C.UTF-8", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    code = f"exit code {done.returncode}\n" if done.returncode else ""
    return _PROGRESS.sub("", done.stdout) + code
