"""The page of outputs shows the actual output of the commands."""

from __future__ import annotations

import re
from pathlib import Path

from controller.views.serialize import OUTPUTS, REPORTS
from tests.house.source import ROOT
from tests.support.pages import lived, masked

PAGE = ROOT / "docs" / "reference" / "outputs.md"


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a separate checkout, each command prints what the page shows."""
    (tmp_path / "fleet" / ".git").mkdir(parents=True)
    page = PAGE.read_text(encoding="utf-8")
    assert masked(lived(page, tmp_path / "fleet", {})) == masked(page)


def test_the_page_has_every_output() -> None:
    """The first table has each value of --output, in order."""
    rows = re.findall(r"^\| (`.+?`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = [name for row in rows[1:] for name in re.findall(r"`(\w+)`", row)]
    assert listed[: len(OUTPUTS) + len(REPORTS)] == [*OUTPUTS, *REPORTS]
