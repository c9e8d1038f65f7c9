"""The user's own rules hold for our commits: hooks, signing, who commits."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from controller.adapters.git.command import GitError
from tests.git.desks import Desk
from tests.git.entries import entry
from tests.git.support import WHO, install_hook


def test_hooks_run_with_the_files_of_the_commit(desk: Desk) -> None:
    """A hook finds the whole tree as the commit has it, and nothing that is not committed."""
    desk.edit("scripts/check", "true\n")
    (desk.folder / "private").write_text("not committed")
    seen = desk.folder / ".git" / "seen"
    desk.hook("pre-commit", f"git diff --cached --name-only > {seen}; find . -type f >> {seen}")
    desk.record("a")

    desk.writer().write_back()

    lines = seen.read_text().splitlines()
    assert lines[0] == "jobs/a.status.json"
    assert {"./scripts/check", "./jobs/a.status.json"} <= set(lines)
    assert "./private" not in lines


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg", "pre-push"])
def test_a_hook_that_refuses_is_obeyed(desk: Desk, hook: str) -> None:
    """The line says what the hook said, and the status stays in the file."""
    desk.hook(hook, "echo 'error: not on a Friday' >&2; exit 1")
    before = desk.hub.head()
    desk.record("a")

    with pytest.raises(GitError, match="not on a Friday"):
        desk.writer().write_back()

    assert desk.hub.head() == before == desk.git("rev-parse", "HEAD")
    assert desk.sidecar("a").exists()
    assert desk.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("hook", "script"),
    [
        ("pre-commit", "echo x > jobs/b.yaml; git add jobs/b.yaml"),
        ("pre-commit", "git rm -q --cached jobs/b.yaml"),
        ("pre-commit", "echo '{}' > jobs/b.status.json; git add jobs/b.status.json"),
        ("post-commit", "[ -e .once ] || { touch .once; git commit -q --allow-empty -m More; }"),
    ],
    ids=["edits a manifest", "removes a manifest", "adds a sidecar", "commits more"],
)
def test_what_a_hook_adds_is_not_pushed(desk: Desk, hook: str, script: str) -> None:
    """Whatever a hook does, nothing but this pass's sidecars ever leaves."""
    desk.hook(hook, script)
    before = desk.hub.head()
    desk.record("a")

    with pytest.raises(GitError, match="nothing was pushed"):
        desk.writer().write_back()

    assert desk.hub.head() == before


def test_a_hook_may_lay_a_sidecar_out_anew(desk: Desk) -> None:
    """A formatter's layout is kept, and is no reason for a second commit."""
    layout = "tr -d '\\n' < $file > new; mv new $file; git add $file"
    script = f"for file in $(git diff --cached --name-only); do {layout}; done"
    desk.hook("pre-commit", script)
    desk.record("a")

    first = desk.writer().write_back()
    again = desk.writer().write_back()

    assert first.commit
    assert not again.commit
    assert desk.hub.entry("a") == entry("a")
    assert b"\n" not in desk.hub.read("jobs/a.status.json")


def test_a_relative_folder_of_hooks_is_the_checkouts(desk: Desk) -> None:
    """Hooks that a tool keeps in the work tree, tracked or not, run as for any commit."""
    desk.git("config", "core.hooksPath", ".husky/_")
    seen = desk.folder / ".git" / "seen"
    install_hook(desk.folder / ".husky" / "_" / "commit-msg", f"cp $1 {seen}")
    desk.record("a")

    desk.writer().write_back()

    assert "Record the status of a" in seen.read_text()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen to sign with")
def test_commits_are_signed_as_the_user_signs(desk: Desk, tmp_path: Path) -> None:
    """commit.gpgsign holds, and the signature is good."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"{WHO['GIT_COMMITTER_EMAIL']} {key.with_suffix('.pub').read_text()}")
    settings = {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgsign": "true"}
    for name, value in {**settings, "gpg.ssh.allowedSignersFile": str(signers)}.items():
        desk.git("config", name, value)
    desk.record("a")

    written = desk.writer().write_back()

    assert desk.git("log", "-1", "--format=%G?", written.commit) == "G"


def test_a_signature_that_cannot_be_made_is_told(desk: Desk) -> None:
    """Nothing is committed unsigned where commits are to be signed."""
    desk.git("config", "commit.gpgsign", "true")
    desk.git("config", "gpg.program", "false")
    desk.record("a")

    with pytest.raises(GitError, match="gpg failed to sign"):
        desk.writer().write_back()


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("", "bedrock-jobs <bedrock-jobs@localhost> bedrock-jobs <bedrock-jobs@localhost>"),
        ("Bot <bot@example.com>", "Bot <bot@example.com> Bot <bot@example.com>"),
    ],
    ids=["unasked", "asked"],
)
def test_a_runner_without_an_identity_still_commits(
    desk: Desk, author: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git knows nobody, the commit is ours or the author's that was named."""
    for name in WHO:
        monkeypatch.delenv(name)
    desk.record("a")

    written = desk.writer(author=author).write_back()

    assert desk.git("log", "-1", "--format=%an <%ae> %cn <%ce>", written.commit) == expected


def test_the_identity_of_the_configuration_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the repository's configuration says is used, part by part."""
    for name in WHO:
        monkeypatch.delenv(name)
    desk.git("config", "user.email", "team@example.com")
    desk.record("a")

    written = desk.writer().write_back()

    shown = desk.git("log", "-1", "--format=%an <%ae>", written.commit)
    assert shown == "bedrock-jobs <team@example.com>"
