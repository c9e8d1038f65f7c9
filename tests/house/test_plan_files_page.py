"""The page of plan files, executed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.house.source import ROOT
from tests.support.commands import call, environment

PAGE = ROOT / "docs" / "how-to" / "plan-files.md"
_BLOCK = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```yaml\n(?P<text>.*?)```|```console\n(?P<steps>.*?)```",
    re.DOTALL,
)
# Told while a command waits, as often as it happens to look.
_PROGRESS = re.compile(r"^[a-z-]+: (InProgress|Completed)\n", re.MULTILINE)


def printed(command: str, folder: Path) -> str:
    """Return what a command prints, stdout first, and its exit code unless it is 0."""
    line, _, place = command.partition(" > ")
    ran = call(folder, *shlex.split(line)[1:], env=environment(folder, AWS_REGION=""))
    if place:
        (folder / place).write_text(ran.out)
    code = f"exit code {ran.code}\n" if ran.code else ""
    return ("" if place else ran.out) + _PROGRESS.sub("", ran.err) + code


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh folder a plan is made, invalidated and applied, with the output of the page."""
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["file"]:
            (tmp_path / block["file"]).parent.mkdir(exist_ok=True)
            (tmp_path / block["file"]).write_text(block["text"])
            continue
        commands = re.findall(r"^\$ (.*)$", block["steps"], re.MULTILINE)
        lived = "".join(f"$ {one}\n{printed(one, tmp_path)}" for one in commands)
        assert lived == block["steps"]
