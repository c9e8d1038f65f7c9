"""All recipes are executed: their files are written, their commands print what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.run import PAGES, done
from tests.support.pages import masked

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_a_recipe_is_what_the_commands_print(page: Path, tmp_path: Path) -> None:
    """In an empty folder each command prints what the page shows; `python -m tests.recipes`."""
    text = page.read_text(encoding="utf-8")
    assert "```console\n" in text

    assert masked(done(page, tmp_path)) == masked(text)


def test_there_is_a_page_for_each_way_to_run() -> None:
    """Each way to run the controller has a page of its own."""
    names = {page.stem for page in PAGES if page.is_file()}
    assert names == {"first-job", "github", "gitlab", "argo-and-flux", "pre-commit"}
