"""Commands that write files write none through a link that leads out of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.kinds.registry import KINDS
from tests.support.commands import call
from tests.support.project import Project

(KIND,) = KINDS
WRITERS = {
    "new": ("new", KIND, "bot", "-o", "jobs/bot.yaml"),
    "new --force": ("new", KIND, "bot", "-o", "jobs/bot.yaml", "--force"),
    "schema": ("schema", "--output-dir", "jobs"),
    "init": ("init", ".", "--owner", "acme"),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_no_command_writes_into_a_folder_that_leads_out(
    tmp_path: Path, writer: tuple[str, ...]
) -> None:
    """A folder of the repository that is a link out of it stays empty."""
    (tmp_path / "elsewhere").mkdir()
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "jobs").symlink_to("../elsewhere")

    ran = call(tree, *writer)

    assert ran.code == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("content", [None, "precious"])
def test_no_command_writes_through_a_file_link_out(tmp_path: Path, content: str | None) -> None:
    """A link in place of the file to write is refused, whether its target exists or not."""
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


def test_init_takes_no_owner_from_a_file_that_leads_out(tmp_path: Path) -> None:
    """If the fleet file is a link out of the tree, init requires --owner and prints nothing."""
    (tmp_path / "precious").write_text("owner: precious\n")
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "bedrock-jobs.yaml").symlink_to("../precious")

    ran = call(tree, "init", ".", "--output", "json")

    assert ran.code == 64
    assert "--owner: bedrock-jobs.yaml is not read: the symbolic link leads out" in ran.err
    assert "owner: precious" not in ran.out + ran.err
    assert sorted(path.name for path in tree.iterdir()) == [".git", "bedrock-jobs.yaml"]


@pytest.mark.parametrize("target", ["precious", "nowhere", "folder"])
def test_record_that_leads_out_is_a_problem_of_the_tree(tree: Project, target: str) -> None:
    """A sidecar that is a link out of the tree holds its jobs, and every command names it."""
    (tree.folder / ".git").mkdir()
    (tree.folder.parent / "precious").write_text("{}")
    (tree.folder.parent / "folder").mkdir()
    tree.add("bot")
    (tree.jobs / "x.status.json").symlink_to(f"../../{target}")

    for verb, code in {"validate": 4, "plan": 1, "reconcile": 1, "status": 4}.items():
        ran = tree.call(verb)
        assert ran.code == code, verb
        assert "jobs/x.status.json: BJ113 the symbolic link leads" in ran.out + ran.err
        assert "or delete the link" in ran.out + ran.err
    assert "RecordUnreadable" in tree.call("plan").out
    assert tree.changes() == []


def test_record_that_leads_elsewhere_in_the_tree_is_none(tree: Project) -> None:
    """A sidecar may be a link inside the tree."""
    (tree.folder / ".git").mkdir()
    tree.add("bot")
    tree.call("reconcile")
    (tree.jobs / "bot.status.json").rename(tree.folder / "bot.json")
    (tree.jobs / "bot.status.json").symlink_to("../bot.json")

    assert tree.call("validate").code == 0
    assert "WAIT  InProgress  bot" in tree.call("plan").out
