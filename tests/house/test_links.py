"""All links of our pages work, to files and to headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.source import ROOT, modules

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_PAGE = re.compile(r"[\w./-]*\w\.md\b|\bDESIGN\b")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """Return GitHub's anchor for a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    text = page.read_text(encoding="utf-8")
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_work(page: Path) -> None:
    """A link leads to an existing file or folder of the repository, and to an existing heading."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    lost = [
        f"{path}#{part}" if part else path
        for path, part in _LINK.findall(text)
        if not _there((page.parent / path) if path else page, part)
    ]
    assert lost == []


def test_pages_named_in_code_exist() -> None:
    """The package refers to pages by their path from the root."""
    named = [(one.place, found) for one in modules() for found in _PAGE.findall(one.text)]

    assert named
    assert [(place, found) for place, found in named if not (ROOT / found).is_file()] == []


def _there(target: Path, part: str) -> bool:
    return target.exists() and (not part or part in anchors(target))
