from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.git.clone import ManagedClone
from controller.core.sharding import Shard
from tests.checkout.support import claimed, write
from tests.git.support import ALONE, Hub, make_hub, publish


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a manifest, a file that is none, the fleet's file, and a person's clone."""
    top = tmp_path_factory.mktemp("pattern")
    made, folder = make_hub(top / "hub.git"), top / "person"
    write(folder, {"jobs/a.yaml": "a: 0", "bedrock-jobs.yaml": "{}", "other/big.bin": "0" * 1000})
    publish(made, folder)
    return top


@pytest.fixture
def hub(pattern: Path, tmp_path: Path) -> Hub:
    """The repository of the pattern, once more."""
    shutil.copytree(pattern, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "person" / ".git" / "config"
    settings.write_text(settings.read_text().replace(str(pattern), str(tmp_path)))
    return Hub(tmp_path / "hub.git")


@pytest.fixture
def person(hub: Hub, tmp_path: Path) -> Path:
    """The clone of a person who works with the repository too."""
    return tmp_path / "person"


@pytest.fixture
def ours(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ManagedClone:
    """Our clone, in a folder that is not there yet."""
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    return claimed(hub, tmp_path / "work")


@pytest.fixture
def given(hub: Hub, tmp_path: Path) -> dict[str, Any]:
    """The options of a daemon that only reads."""
    return {
        "repo": hub.url,
        "branch": None,
        "clone_paths": (Path("jobs"),),
        "work_dir": tmp_path / "work",
        "shard": Shard(0, 1),
        "pull_interval": 60.0,
        "write_back": "files",
        "commit_message": None,
        "commit_author": None,
        "remote": None,
    }
