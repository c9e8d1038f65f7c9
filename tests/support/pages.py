"""Pages of the docs, run as they stand: their files are written, their commands print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.commands import shown

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
    env = {"PATH": binaries, "HOME": str(folder.parent), "LANG": "C.UTF-8", **more}
    words = _of_ours_alone(command)
    code, said = shown(folder, *words, env=env) if words else _by_a_shell(command, folder, env)
    return _PROGRESS.sub("", said) + (f"exit code {code}\n" if code else "")


def _of_ours_alone(command: str) -> list[str]:
    """Return our command's arguments if nothing else is run, and no shell has anything to do."""
    read = shlex.shlex(command, posix=True, punctuation_chars=True)
    read.whitespace_split = True
    first, *words = list(read)
    is_for_a_shell = any(set(word) <= set("();<>|&") for word in words) or set(command) & set("$`*")
    return words if first == "bedrock-jobs" and not is_for_a_shell else []


def _by_a_shell(command: str, folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout
