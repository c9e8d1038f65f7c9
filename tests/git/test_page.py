"""The page on write-back is run as it stands, and knows every option."""

from __future__ import annotations

import re
from pathlib import Path

import click

from controller.cli.options import write_back
from tests.git.support import GIT
from tests.house.source import ROOT
from tests.support.commands import CREDENTIALS
from tests.support.pages import lived, masked

PAGE = ROOT / "docs" / "how-to" / "write-back.md"


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh repository the first write-back and the second go as the page tells it."""
    page = PAGE.read_text(encoding="utf-8")
    folder = tmp_path / "clone"
    folder.mkdir()

    assert masked(lived(page, folder, {**GIT, **CREDENTIALS})) == masked(page)


def test_the_page_knows_every_option() -> None:
    """What write-back can be asked for stands in the page's table."""
    command = click.Command("any")
    write_back.options(command)
    page = PAGE.read_text(encoding="utf-8").partition("## What it promises")[0]

    named = set(re.findall(r"^\| `(--[\w-]+)", page, re.MULTILINE))
    offered = {
        one.secondary_opts[0] if one.secondary_opts else one.opts[0] for one in command.params
    }

    assert named == offered
