"""The page of plan files is run as it stands."""

from __future__ import annotations

from pathlib import Path

from tests.house.source import ROOT
from tests.support.pages import lived, masked

PAGE = ROOT / "docs" / "plan-files.md"


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh folder a plan is made, moves, and is carried out as the page tells it."""
    page = PAGE.read_text(encoding="utf-8")

    assert masked(lived(page, tmp_path, {})) == masked(page)
