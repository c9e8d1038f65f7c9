"""Verbs that write files write none behind a link that leads out of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.kinds import KINDS
from tests.support.commands import call

(KIND,) = KINDS
WRITERS = {
    "new": ("new", KIND, "bot", "-o", "jobs/bot.yaml"),
    "new --force": ("new", KIND, "bot", "-o", "jobs/bot.yaml", "--force"),
    "schema": ("schema", "--output-dir", "jobs"),
    "init": ("init", ".", "--owner", "acme"),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_no_verb_writes_into_a_folder_that_leads_out(
    tmp_path: Path, writer: tuple[str, ...]
) -> None:
    """A folder of the repository that is a link out of it stays empty behind the link."""
    (tmp_path / "elsewhere").mkdir()
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "jobs").symlink_to("../elsewhere")

    ran = call(tree, *writer)

    assert ran.code == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("content", [None, "precious"])
def test_no_verb_writes_through_a_file_that_leads_out(tmp_path: Path, content: str | None) -> None:
    """A link in the place of the file to write is refused, whether its target exists or not."""
    target = tmp_path / "target"
    if content is not None:
        target.write_text(content)
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "bot.yaml").symlink_to("../target")
    (tree / "schemas").mkdir()
    (tree / "schemas" / f"{KIND}.schema.json").symlink_to("../../target")

    for verb in (("new", KIND, "bot", "-o", "bot.yaml", "--force"), ("schema",)):
        assert call(tree, *verb).code == 1
        assert (target.read_text() if target.exists() else None) == content
