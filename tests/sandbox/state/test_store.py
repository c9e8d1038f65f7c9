from __future__ import annotations

from pathlib import Path

import pytest

from controller.sandbox.state.store import FILE_NAME, Store, StoreUnusableError
from tests.support.commands import call


@pytest.mark.parametrize("ending", ["", "-journal", "-wal", "-shm"])
@pytest.mark.parametrize("content", [None, b""])
def test_a_link_is_rejected(tmp_path: Path, ending: str, content: bytes | None) -> None:
    """SQLite creates and changes no file behind a link in the store's folder."""
    target = tmp_path / "target"
    if content is not None:
        target.write_bytes(content)
    folder = tmp_path / "tree" / ".bedrock-jobs"
    folder.mkdir(parents=True)
    (folder / f"{FILE_NAME}{ending}").symlink_to(target)

    with pytest.raises(StoreUnusableError, match="symbolic link"):
        Store(folder)
    assert (target.read_bytes() if target.exists() else None) == content
    assert len(list(folder.iterdir())) == 1


def test_a_store_stays_in_its_tree(tmp_path: Path) -> None:
    """The store's folder may not be a link to a folder elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".bedrock-jobs").symlink_to("../elsewhere")

    with pytest.raises(StoreUnusableError, match="leads out of the tree"):
        Store(tmp_path / "tree" / ".bedrock-jobs")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("verb", [("plan", "--sandbox"), ("sandbox", "--port", "0")])
def test_commands_name_the_rejected_link(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """The link is named, nothing is created behind it, and there is no traceback."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / ".bedrock-jobs").mkdir()
    (tmp_path / ".bedrock-jobs" / FILE_NAME).symlink_to("../target")

    ran = call(tmp_path, *verb)

    assert ran.code == 1
    assert f".bedrock-jobs/{FILE_NAME}: a symbolic link has this file's name" in ran.err
    assert not (tmp_path / "target").exists()
