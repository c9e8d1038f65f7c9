"""The README's transcript is what the commands print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

_TRANSCRIPT = re.compile(r"<!-- run -->\n```console\n(.*?)```", re.DOTALL)


def _steps() -> list[tuple[str, str]]:
    """Return each command of the README's transcripts with its output there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    steps = [
        (command, "".join(f"{line}\n" for line in lines))
        for block in _TRANSCRIPT.findall(text)
        for command, *lines in (part.splitlines() for part in block.split("$ ")[1:])
    ]
    assert steps, "the README has no transcript"
    return steps


def _printed(command: str, folder: Path) -> str:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command.split(),
        cwd=folder,
        env={"PATH": binaries, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_transcript_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a folder with the examples, each command prints what the README shows, and exits 0."""
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    shutil.copy(ROOT / "bedrock-jobs.yaml", tmp_path)
    printed = [(command, _printed(command, tmp_path)) for command, _ in _steps()]
    assert printed == _steps()
