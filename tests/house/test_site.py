"""The documentation builds as a site without broken links, and needs no other host."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from controller.core.planning.actions import Reason
from controller.core.problems import Code
from tests.house.source import ROOT

_LOADED = re.compile(r'<(?:script|img|link)[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"')
_LIST = re.compile(r"^(?![-|>#\s<]|\d+\.).+\n(?:- |1\. )", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: broken links and anchors and unlisted pages are errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    built = subprocess.run(
        [*command, "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    """Scripts, styles and images are all part of the site."""
    pages = list(site.rglob("*.html"))

    assert len(pages) > 20
    assert [page for page in pages if _LOADED.search(page.read_text(encoding="utf-8"))] == []


def test_each_code_and_reason_has_an_anchor(site: Path) -> None:
    """A link to `problems/#bj203` or `reasons/#specchanged` leads to that code or reason."""
    names = {"problems": [code.code for code in Code], "reasons": [str(one) for one in Reason]}
    for page, expected in names.items():
        text = (site / "reference" / page / "index.html").read_text(encoding="utf-8")
        assert [one for one in expected if f'id="{one.lower()}"' not in text] == []


@pytest.mark.parametrize(
    ("repo_url", "security"),
    [
        ("", "Security"),
        (
            "https://git.example.com/x/",
            "[Security](https://git.example.com/x/blob/HEAD/SECURITY.md#scope)",
        ),
    ],
)
def test_links_out_of_the_docs_lead_to_the_forge(repo_url: str, security: str) -> None:
    """A link to a file outside docs/ leads to the forge, or is text; others and code stay."""
    hook = runpy.run_path(str(ROOT / "docs" / "hooks" / "repository_links.py"))
    page = SimpleNamespace(file=SimpleNamespace(src_uri="explanation/daemon.md"))
    rest = "[x](../how-to/ci.md#roles) [y](https://example.com) `[z](../../README.md)`"

    text = hook["on_page_markdown"](
        f"[Security](../../SECURITY.md#scope) {rest}",
        page=page,
        config=SimpleNamespace(repo_url=repo_url),
    )

    assert text == f"{security} {rest}"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_lists_follow_a_blank_line(page: Path) -> None:
    """The site's Markdown needs a blank line before a list, where a forge needs none."""
    assert _LIST.findall(_CODE.sub("", page.read_text(encoding="utf-8"))) == []
