"""Credentials in a repository's URL reach git's server, and nobody else on the machine."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from controller.adapters.git.clone import ManagedClone
from controller.adapters.git.command import GitError
from controller.adapters.git.origin import Origin
from controller.adapters.git.sync_thread import SyncResult
from controller.adapters.git.write_back import WriteBackOptions, create_writer
from controller.core.kinds.registry import KINDS
from tests.checkout.support import cloned, merged, push
from tests.git.entries import entry, record
from tests.git.serving import Served, serving
from tests.git.support import GIT, Hub, git

USER, PASSWORD = "robot", "p4ss/w:rd@%n\\n"
LOGIN = "robot:p4ss%2Fw:rd%40%25n%5Cn"


def traces(folder: Path, served: Served) -> list[str]:
    """Return where the password can be seen, if only encoded: command lines, and files below."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {line: line.encode() for line in served.lines}
    texts |= {str(path): path.read_bytes() for path in files}
    return [name for name, text in texts.items() if PASSWORD[:4].encode() in text]


@pytest.fixture(autouse=True)
def _stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git knows a helper that would write any password that has worked into a file."""
    settings = {
        **GIT,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": f"store --file={tmp_path / 'work' / 'stored'}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def test_a_clone_shows_no_password(hub: Hub, person: Path, tmp_path: Path) -> None:
    """It clones and fetches with the URL's credentials, which are in no list and no file."""
    with serving(hub, USER, PASSWORD) as served:
        origin = Origin(served.with_login(LOGIN), "main", (Path("jobs"),))
        clone = ManagedClone(tmp_path / "work", origin, merged)
        clone.mark()
        clone.claim()
        clone.pull()
        push(person, {"jobs/b.yaml": "b: 1"})
        clone.pull()

    assert (clone.tree / "jobs" / "b.yaml").read_text() == "b: 1"
    assert git(clone.tree, "config", "remote.origin.url") == served.url
    assert any("remote-http" in line and served.url in line for line in served.lines)
    assert traces(tmp_path / "work", served) == []


def test_an_older_clone_forgets_the_password(hub: Hub, tmp_path: Path) -> None:
    """A clone whose configuration has the URL as it was given loses that with the next pull."""
    with serving(hub, USER, PASSWORD) as served:
        url = served.with_login(LOGIN)
        for number in range(2):
            clone = ManagedClone(tmp_path / "work", Origin(url, "main", ()), merged)
            clone.mark()
            clone.claim()
            clone.pull()
            if not number:
                git(clone.tree, "config", "remote.origin.url", url)

    assert traces(tmp_path / "work", served) == []


def test_a_write_back_shows_no_password(hub: Hub, given: dict[str, Any], tmp_path: Path) -> None:
    """What a daemon pushes from its clone goes there with the URL's credentials."""
    git(hub.bare, "config", "http.receivepack", "true")
    with serving(hub, USER, PASSWORD) as served:
        options = {**given, "repo": served.with_login(LOGIN), "write_back": "commit"}
        repo = cloned({**options, "sandbox": False, "skip_ci": True, "git_timeout": 60.0})
        assert repo.clone is not None
        record(repo.clone.tree / "jobs", "a", entry("a", "InProgress", 0), "")
        assert repo._write_back() is SyncResult.CHANGED

    assert hub.touched() == ["jobs/a.status.json"]
    assert traces(tmp_path / "work", served) == []


def test_a_remote_that_is_a_url_shows_no_password(hub: Hub, person: Path, tmp_path: Path) -> None:
    """--remote takes a URL with credentials too."""
    git(hub.bare, "config", "http.receivepack", "true")
    record(person / "jobs", "a", entry("a", "InProgress", 0), "")
    with serving(hub, USER, PASSWORD) as served:
        options = WriteBackOptions(remote=served.with_login(LOGIN))
        assert create_writer([person / "jobs"], options, KINDS).write_back().pushed

    assert hub.touched() == ["jobs/a.status.json"]
    assert traces(person, served) == []


def test_a_wrong_password_is_told_without_it(hub: Hub, tmp_path: Path) -> None:
    """The error names what git says of it, and nothing is asked of a terminal."""
    with serving(hub, USER, "another") as served:
        clone = ManagedClone(tmp_path / "work", Origin(served.with_login(LOGIN), "", ()), merged)
        clone.mark()
        with pytest.raises(GitError, match="Authentication failed") as failed:
            clone.pull()

    assert "p4ss" not in str(failed.value)
    assert traces(tmp_path / "work", served) == []


def test_a_user_alone_has_a_helpers_password(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a password in the URL the user's own helper is asked for that user's."""
    monkeypatch.setenv(
        "GIT_CONFIG_VALUE_0",
        f"!f() {{ grep -q username={USER} && printf 'password=%s\\n' {quote(PASSWORD)}; }}; f",
    )
    with serving(hub, USER, PASSWORD) as served:
        clone = ManagedClone(tmp_path / "work", Origin(served.with_login(USER), "", ()), merged)
        clone.mark()
        assert clone.pull()

    assert git(clone.tree, "config", "remote.origin.url") == served.url
    assert os.environ["GIT_CONFIG_COUNT"] == "1"
