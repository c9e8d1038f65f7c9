"""The page of a job's life is run as it stands: its files are written, its commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

PAGE = ROOT / "docs" / "lifecycle.md"
_BLOCK = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```yaml\n(?P<text>.*?)```|```console\n(?P<steps>.*?)```",
    re.DOTALL,
)
# The sandbox's times are all that no two runs share.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
# Told while a command waits, as often as it happens to look.
_PROGRESS = re.compile(r"^[a-z-]+: (InProgress|Stopping|Stopped|Failed|Completed)\n", re.MULTILINE)


def _masked(text: str) -> str:
    return _TIME.sub("…", text)


def _printed(command: str, folder: Path) -> str:
    """Return what a command prints, and its exit code unless that is 0."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": binaries, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    code = f"exit code {done.returncode}\n" if done.returncode else ""
    return _PROGRESS.sub("", done.stdout) + code


def _run(steps: str, folder: Path) -> str:
    """Return a block of commands with what each of them prints now."""
    commands = re.findall(r"^\$ (.*)$", steps, re.MULTILINE)
    assert steps.startswith("$ ")
    return "".join(f"$ {command}\n{_printed(command, folder)}" for command in commands)


def lived(page: str, folder: Path) -> str:
    """Return the page as it is when its files are written and its commands run, in order."""

    def one(block: re.Match[str]) -> str:
        if block["steps"] is not None:
            return f"```console\n{_run(block['steps'], folder)}```"
        place = folder / block["file"]
        place.parent.mkdir(exist_ok=True)
        place.write_text(block["text"], encoding="utf-8")
        return block[0]

    return _BLOCK.sub(one, page)


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh folder one job's whole life goes as the page tells it."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```console\n") > 10

    assert _masked(lived(page, tmp_path)).splitlines() == _masked(page).splitlines()
