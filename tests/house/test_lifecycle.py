"""The tutorial on a job's life, executed: its files are written, its commands run."""

from __future__ import annotations

from pathlib import Path

from tests.house.source import ROOT
from tests.support.pages import lived, masked

PAGE = ROOT / "docs" / "tutorial" / "lifecycle.md"


def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    """In a fresh folder, each command prints what the page shows."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```console\n") > 10

    assert masked(lived(page, tmp_path, {})) == masked(page)
