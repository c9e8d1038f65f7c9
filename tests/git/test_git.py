"""Running git itself: bounded, silent on terminals, and discreet."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from controller.adapters.git.command import Git, GitError, GitTimeoutError, explain_output
from controller.adapters.git.origin import Origin
from controller.core.sharding import Shard
from controller.core.urls import find_secrets, mask_urls, strip_credentials
from tests.sandbox.support import poll


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:secret@host/x.git", "https://***@host/x.git"),
        (
            "'https://ghp_abc@host/x' and ssh://git@host/y",
            "'https://***@host/x' and ssh://***@host/y",
        ),
        ("https://user:p@ss@host/x.git", "https://***@host/x.git"),
        ("https://user:it's\"me@host/x.git", "https://***@host/x.git"),
        ("https://host/x@y", "https://host/x@y"),
        ("git@host:x.git", "git@host:x.git"),
        ("https://user:pa/ss@host/x.git", "https://***@host/x.git"),
        ("https://user:12/34@host", "https://***@host"),
        ("https://to/ken@host/org/x.git", "https://***@host/org/x.git"),
        ("https://user:p:w#d@host/x", "https://***"),
        ("https://user:p?w@host/x", "https://***"),
        ("https://host/x.git?token=abc", "https://host/x.git?***"),
        ("https://host/x.git?token=a@c", "https://***"),
        ("https://host/x.git#abc", "https://host/x.git?***"),
        ("ssh://git:pw@host:22/x", "ssh://***@host:22/x"),
    ],
)
def test_urls_show_no_password(text: str, expected: str) -> None:
    """Whatever stands before a host in a URL is masked, and nothing else."""
    assert mask_urls(text) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"hint: noise\nfatal: one\nerror: two\nfatal: one\n", "one; two"),
        (b"just this\n", "just this"),
        (b"", "it ended with 7 and said nothing"),
        (b"fatal: \xff\n", "\\udcff"),
        (b"fatal: " + b"x" * 1000, "x" * 400 + "…"),
        (b"fatal: Unable to create '.git/index.lock'", "Unable to create '.git/index.lock' "),
    ],
)
def test_a_cause_is_one_line(said: bytes, expected: str) -> None:
    """What git said becomes one line of bounded length, with a remedy where there is one."""
    line = explain_output(said, 7)

    assert line.startswith(expected)
    assert "\n" not in line


def runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_a_command_that_takes_too_long_ends_with_its_helpers(tmp_path: Path) -> None:
    """The time-out is kept though a helper still holds the output open, and the helper goes."""
    mark = tmp_path / "pid"
    git = Git(tmp_path, settings={"alias.slow": f"!echo $$ > {mark}; sleep 60 & wait"}, seconds=1)
    began = time.monotonic()

    with pytest.raises(GitTimeoutError, match="git slow: no answer within 1 s"):
        git.run("slow")

    assert time.monotonic() - began < 30
    poll(lambda: not runs(int(mark.read_text())))


def test_nothing_is_asked_of_a_terminal(tmp_path: Path) -> None:
    """A command has no terminal that it could ask, and is told not to."""
    shown = Git(tmp_path, settings={"alias.ask": "!(true < /dev/tty) || echo $GIT_TERMINAL_PROMPT"})

    assert shown.run("ask") == "0"


def test_failures_name_the_command(tmp_path: Path) -> None:
    """The line says which command it was, and what git found wrong."""
    with pytest.raises(GitError, match=r"^git rev-parse: not a git repository"):
        Git(tmp_path).run("rev-parse", "HEAD")
    with pytest.raises(GitError, match="no such folder"):
        Git(tmp_path / "gone").run("version")


def test_names_of_any_bytes_come_through(tmp_path: Path) -> None:
    """Output that is no UTF-8 is kept as file names keep it."""
    git = Git(tmp_path)

    assert (
        os.fsencode(git.run("hash-object", "--stdin", content=b"x"))
        == git.read_output("hash-object", "--stdin", content=b"x").strip()
    )
    assert git.copy_for(tmp_path, {"alias.odd": "!printf '\\377'"}).run("odd") == "\udcff"


def test_git_that_was_killed_gave_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system without memory says neither that a commit is there nor that it is not."""
    (tmp_path / "git").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(GitError, match="a signal ended it"):
        Git(tmp_path).is_success("rev-parse", "HEAD")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:{}/x@127.0.0.1:9/x.git",
        "https://{}/and@127.0.0.1:9/org/x.git",
        "https://{}@127.0.0.1:9/x.git",
        "https://user:y@{}@127.0.0.1:9/x.git",
        "https://127.0.0.1:9/x.git?token={}",
        "ssh://git:{}@127.0.0.1:9/x.git",
    ],
)
def test_no_error_of_git_shows_a_part_of_a_url(tmp_path: Path, url: str) -> None:
    """Git and curl take URLs apart, and show hosts, ports and passwords that they made of them."""
    secret = "s3cretw0rd"  # noqa: S105
    whole = url.format(secret)
    git = Git(tmp_path, secrets=find_secrets(whole))

    with pytest.raises(GitError) as failed:
        git.run("ls-remote", "--", whole)

    assert secret not in str(failed.value)
    assert secret not in mask_urls(f"cloning '{whole}' failed")
    name = Origin(whole, "", ()).make_folder_name(Shard(0, 1))
    assert secret not in name
    assert strip_credentials("https://a:b@host/x?y") == "https://host/x"
