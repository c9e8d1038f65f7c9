"""The pages of recipes with the current output of their commands, each in a fresh folder."""

from __future__ import annotations

from pathlib import Path

from tests.git.support import GIT
from tests.house.source import ROOT
from tests.support.commands import CREDENTIALS
from tests.support.pages import lived

FOLDER = ROOT / "docs" / "how-to"
PAGES = (
    ROOT / "docs" / "tutorial" / "first-job.md",
    *(FOLDER / f"{name}.md" for name in ("argo-and-flux", "github", "gitlab", "pre-commit")),
)
PROJECT = "fleet"


def done(page: Path, folder: Path) -> str:
    """Return a page with the current output of its commands; ``folder`` is empty."""
    own = folder / PROJECT
    own.mkdir()
    return lived(page.read_text(encoding="utf-8"), own, {**GIT, **CREDENTIALS})
