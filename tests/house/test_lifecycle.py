"""The page of a job's life is run as it stands: its files are written, its commands print."""

from __future__ import annotations

from pathlib import Path

from tests.house.source import ROOT
from tests.support.pages import lived, masked

PAGE = ROOT / "docs" / "tutorial" / "lifecycle.md"


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh folder one job's whole life goes as the page tells it."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```console\n") > 10

    assert masked(lived(page, tmp_path, {})) == masked(page)
