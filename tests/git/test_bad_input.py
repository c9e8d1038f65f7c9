"""What cannot work: one clear line, the right exit code, and no status lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from controller.adapters.git.command import GitError
from controller.adapters.manifests.unread_files import find_unread
from controller.core.fleet import Fleet
from tests.git.desks import Desk
from tests.git.support import Shared, git, shared
from tests.support.commands import Ran

COMMIT = ("--write-back", "commit")


@pytest.fixture
def busy(team: Shared) -> Shared:
    """A team with a manifest that is pushed, and whose job is to be submitted."""
    team.project.add("support-bot")
    team.push()
    return team


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The same for tests that change nothing at all."""
    with shared(tmp_path_factory.mktemp("calm")) as team:
        team.project.add("support-bot")
        team.push()
        yield team


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a remote that takes every call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/hub.git"


class _Refusing(BaseHTTPRequestHandler):
    """Wants credentials, whatever it is shown."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it so
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The URL of a remote that refuses the user and password that stand in it."""
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://someone:hunter2@127.0.0.1:{server.server_address[1]}/hub.git"
        server.shutdown()
        thread.join()


def failed_once(ran: Ran, team: Shared) -> str:
    """Check that the pass ended with 1 and kept the status; return the line that says why."""
    lines = [line for line in ran.said if "not written back" in line]
    assert ran.code == 1
    assert len(lines) == 1
    assert lines[0].endswith("; the statuses are in the files")
    assert team.project.entry("support-bot")["phase"] == "InProgress"
    assert len(team.project.changes()) == 1
    return lines[0]


def told(desk: Desk, **options: Any) -> str:
    """Check that a write-back fails and keeps the status; return the line that says why."""
    desk.record("a")
    kept = desk.sidecar("a").read_bytes()
    with pytest.raises(GitError) as failed:
        desk.writer(**options).write_back()
    assert desk.sidecar("a").read_bytes() == kept
    line = str(failed.value)
    assert "\n" not in line
    return line


def test_a_protected_branch_ends_in_1_with_the_status_kept(busy: Shared) -> None:
    """The job is submitted once, its status stays in the file, and a later pass lands it."""
    busy.hub.hook("pre-receive", "echo protected branch >&2; exit 1")
    before = busy.hub.head()

    ran = busy.call("reconcile", *COMMIT)

    assert "pre-receive hook declined): protected branch" in failed_once(ran, busy)
    assert busy.hub.head() == before == busy.git("rev-parse", "HEAD")
    (busy.hub.bare / "hooks" / "pre-receive").unlink()
    assert busy.call("reconcile", *COMMIT).code == 0
    assert busy.hub.entry("support-bot") == busy.project.entry("support-bot")


def test_a_remote_that_hangs_is_left(desk: Desk, silent: str) -> None:
    """It is waited for as long as --git-timeout says."""
    desk.git("remote", "set-url", "origin", silent)

    assert "git fetch: no answer within 0.3 s" in told(desk, seconds=0.3)


def test_refused_credentials_are_told_without_them(desk: Desk, refusing: str) -> None:
    """The cause is one line, the password is not in it, and nobody is asked for another."""
    desk.git("remote", "set-url", "origin", refusing)

    line = told(desk)

    assert "git fetch: Authentication failed for 'http://" in line
    assert "hunter2" not in line


def test_missing_credentials_are_told(desk: Desk, refusing: str) -> None:
    """Where git would ask a terminal it fails at once, and the line says what is missing."""
    desk.git("remote", "set-url", "origin", refusing.replace("someone:hunter2@", ""))

    assert "the remote wants credentials and git has none" in told(desk)


def test_a_remote_that_is_gone_is_told(desk: Desk) -> None:
    """The line names what git could not find."""
    desk.git("remote", "set-url", "origin", str(desk.folder / "nowhere.git"))

    assert "does not appear to be a git repository" in told(desk)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--write-back", "push"], "'push' is not one of files, commit and branch:NAME"),
        (["--write-back", "branch:"], "'branch:' is not one of"),
        (["--write-back", "branch:a..b"], "'a..b' is not a valid branch name"),
        (["--write-back", "branch:-d"], "'-d' is not a valid branch name"),
        ([*COMMIT, "--commit-message", "{job}"], "there is no {job} to fill in"),
        ([*COMMIT, "--commit-author", "Bot"], "'Bot' is not of the form"),
        ([*COMMIT, "--remote", "upstream"], "there is no remote 'upstream' here: it has origin"),
        ([*COMMIT, "--git-timeout", "0"], "--git-timeout"),
        (["--remote", "origin"], "--remote needs --write-back commit or branch:NAME"),
        (["--no-skip-ci"], "--no-skip-ci needs --write-back commit or branch:NAME"),
        (["--git-timeout", "9"], "--git-timeout needs --write-back commit or branch:NAME"),
        (["--timeout", "9"], "--timeout needs --wait"),
        (["--speed", "9"], "--speed needs --sandbox"),
        (
            ["--sandbox", "--endpoint-url", "http://x"],
            "--endpoint-url cannot be combined with --sandbox",
        ),
        (["--endpoint-url", "localhost:9"], "'localhost:9' is not a URL: it must begin with http"),
        (["support-bto"], "support-bto: no such file or folder\n"),
        (["support-bot"], "no such file or folder; did you mean jobs/support-bot.yaml?"),
        (["job"], "job: no such file or folder; did you mean jobs?"),
        (["jobs/suport-bot.yaml"], "folder; did you mean jobs/support-bot.yaml?"),
        (["--force"], "--force needs --prune"),
    ],
)
def test_what_cannot_be_meant_is_told_first(
    calm: Shared, arguments: list[str], expected: str
) -> None:
    """A mistake in the command line ends with 64 before any job is submitted."""
    ran = calm.call("reconcile", *arguments)

    assert ran.code == 64
    assert expected in ran.err
    assert calm.project.calls() == []


@pytest.mark.parametrize(
    "url", ["https://person:secret@git.example.com/acme/fleet.git", "git@git.example.com:fleet.git"]
)
def test_simulated_statuses_go_to_no_other_machine(calm: Shared, url: str) -> None:
    """The sandbox's statuses would be taken for real ones by whoever pulls them."""
    ran = calm.call("reconcile", "--sandbox", *COMMIT, "--remote", url, AWS_ENDPOINT_URL="")

    assert ran.code == 64
    assert "the sandbox's statuses are not real, and are not pushed to " in ran.err
    assert "secret" not in ran.err
    assert not list(calm.project.jobs.glob("*.status.json"))


def test_a_folder_without_a_repository_is_told_first(busy: Shared, tmp_path: Path) -> None:
    """Nothing is submitted where the status could not be committed."""
    (busy.folder / ".git").rename(tmp_path / "away")

    ran = busy.call("reconcile", *COMMIT)

    assert ran.code == 64
    assert "jobs is not in a git repository: run `git init` there" in ran.err
    assert busy.project.calls() == []


def test_a_detached_head_is_told_first(busy: Shared) -> None:
    """Nothing is submitted where nobody knows the branch."""
    busy.git("checkout", "-q", "--detach")

    ran = busy.call("reconcile", *COMMIT)

    assert ran.code == 64
    assert "--write-back branch:NAME" in ran.err
    assert busy.project.calls() == []


def test_a_machine_without_git_is_told_first(busy: Shared, tmp_path: Path) -> None:
    """Nothing is submitted; files alone need no git."""
    empty = tmp_path / "bin"
    empty.mkdir()

    ran = busy.call("reconcile", *COMMIT, PATH=str(empty))

    assert (ran.code, busy.project.calls()) == (1, [])
    assert "git was not found: install it" in ran.err
    assert busy.call("reconcile", PATH=str(empty)).code == 0


def test_somebody_elses_repository_is_told_first(calm: Shared) -> None:
    """What git does not trust is named with the setting that would trust it."""
    ran = calm.call("reconcile", *COMMIT, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")

    assert (ran.code, calm.project.calls()) == (1, [])
    assert "git config --global --add safe.directory" in ran.err
    assert len([line for line in ran.said if line.startswith("Error")]) == 1


def test_two_remotes_are_not_chosen_between(busy: Shared) -> None:
    """Without an origin or a branch's own remote, the one to push to has to be named."""
    busy.git("branch", "--unset-upstream")
    busy.git("remote", "rename", "origin", "one")
    busy.git("remote", "add", "two", busy.hub.url)

    assert "name it with --remote (it has one, two)" in busy.call("reconcile", *COMMIT).err
    assert busy.call("reconcile", *COMMIT, "--remote", "two").code == 0
    assert busy.hub.touched() == ["jobs/support-bot.status.json"]


def test_an_environment_of_a_hook_leads_nowhere_else(busy: Shared, tmp_path: Path) -> None:
    """Called from a hook of another repository, it writes to the one of the manifests."""
    git(tmp_path, "init", "-q", "other")
    other = str(tmp_path / "other" / ".git")

    ran = busy.call("reconcile", *COMMIT, GIT_DIR=other, GIT_INDEX_FILE=f"{other}/index")

    assert ran.code == 0, ran.err
    assert busy.hub.touched() == ["jobs/support-bot.status.json"]


def test_folder_that_looks_like_a_repository_runs_nothing(desk: Desk, tmp_path: Path) -> None:
    """Git's own files among the manifests name no remote, no hook and no program to run."""
    ran = tmp_path / "ran"
    git(desk.folder, "init", "-q", "--bare", "jobs")
    program = desk.jobs / "hooks" / "reference-transaction"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for name, value in (("bare", "false"), ("worktree", "."), ("fsmonitor", str(program))):
        git(desk.folder, "config", "--file", "jobs/config", f"core.{name}", value)
    git(desk.folder, "config", "--file", "jobs/config", "remote.origin.url", "ext::false")
    desk.record("a")

    with pytest.raises(GitError, match="bareRepository"):
        desk.writer().write_back()

    assert find_unread([desk.jobs], Fleet()).unknown == {str(desk.jobs)}
    assert not ran.exists()
