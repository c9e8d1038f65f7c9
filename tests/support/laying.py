"""The verb ``init`` as tests call it, and git beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.commands import Ran, call, environment

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A User",
    "GIT_AUTHOR_EMAIL": "user@example.com",
    "GIT_COMMITTER_NAME": "A User",
    "GIT_COMMITTER_EMAIL": "user@example.com",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder whose name gives an owner."""
    made = tmp_path / "acme-fleet"
    made.mkdir()
    return made


def init(folder: Path, *arguments: str) -> Ran:
    """Run the verb in a folder."""
    return call(folder, "init", *arguments, env=environment(folder.parent, **GIT))


def fates(folder: Path, *arguments: str) -> dict[str, str]:
    """Return what became of each file."""
    ran = init(folder, "--output", "json", *arguments)
    return {one["path"]: one["fate"] for one in ran.data["files"]}


def git(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env=environment(folder.parent, **GIT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return of every file when it changed, and its bytes."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def read(path: Path) -> Any:
    """Return what a YAML or JSON file holds."""
    return yaml.safe_load(path.read_text("utf-8"))
