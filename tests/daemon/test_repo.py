from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands.test_watch import page
from tests.daemon.process import names, phase, watch
from tests.daemon.repo_shows import killed
from tests.daemon.repos import Box, boxed, hook, until
from tests.git.support import GIT, git
from tests.sandbox.support import poll
from tests.support.commands import call
from tests.support.project import SETTLED

RARELY = ("--pull-interval", "1h")
OFTEN = ("--pull-interval", "0.2s")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A repository with a fleet file, without a daemon."""
    with boxed(tmp_path) as made:
        yield made


def test_a_push_becomes_a_job_and_its_status_a_commit(box: Box) -> None:
    """A push becomes a job, each status change becomes a commit, and those commits wake nothing."""
    with box.watch(*RARELY, "--webhook", "0", "--interval", "0.2s") as daemon:
        daemon.ready()
        box.add("support-bot")
        assert hook(daemon) == 202
        until(lambda: box.phase("support-bot") == "InProgress")
        box.shared.project.sandbox.advance(SETTLED)
        until(lambda: box.phase("support-bot") == "Completed")
        until(lambda: git(box.clone, "rev-parse", "HEAD") == box.hub.head())
        assert git(box.clone, "status", "--porcelain") == ""
        passes = len(daemon.said("pass"))
        box.shared.project.hush()
        (box.shared.folder / "README").write_text("no manifest\n")
        box.push("Explain")
        assert hook(daemon) == 202
        until(lambda: git(box.clone, "rev-parse", "HEAD") == box.hub.head())
        assert daemon.end() == 0

    assert names(box.shared.project) == ["support-bot"]
    assert len(box.own_commits()) == 2
    assert "[skip ci]" in box.hub.message(box.own_commits()[0])
    assert len(daemon.said("pass")) == passes
    assert box.shared.project.calls("Get") == []
    box.check_manifests()


def test_a_person_wins_on_manifests(box: Box) -> None:
    """People's edits, moves and deletions are accepted, and statuses follow them."""
    box.add("a", "b", "c")
    jobs = box.shared.project.jobs
    with box.watch(*OFTEN) as daemon:
        until(lambda: box.phases("a", "b", "c") == {"InProgress"})
        box.shared.git("pull", "-q")
        box.shared.git("mv", "jobs/b.yaml", "jobs/moved.yaml")
        box.shared.git("rm", "-q", "jobs/c.yaml", "jobs/c.status.json")
        box.push("Tidy up")
        box.shared.project.sandbox.advance(SETTLED)
        until(lambda: box.phase("a") == "Completed")
        until(lambda: "jobs/moved.status.json" in box.hub.names())
        assert daemon.end() == 0

    assert "jobs/c.status.json" not in box.hub.names()
    assert not (jobs / "c.yaml").exists()
    assert names(box.shared.project) == ["a", "b", "c"]
    box.check_manifests()


def test_a_remote_that_cannot_be_read_removes_nothing(box: Box, tmp_path: Path) -> None:
    """While the remote or the branch is missing, jobs and statuses are kept; --prune stops none."""
    box.shared.project.add("support-bot", policy={"onDelete": "Stop"})
    box.push("Add")
    away = tmp_path / "away.git"
    with box.watch(*OFTEN, "--prune", "--interval", "0.2s") as daemon:
        until(lambda: box.phase("support-bot") == "InProgress")
        git(box.hub.bare, "update-ref", "refs/kept", "refs/heads/main")
        git(box.hub.bare, "update-ref", "-d", "refs/heads/main")
        poll(lambda: bool(daemon.said("pull failed")))
        seen = len(daemon.said("pass"))
        poll(lambda: len(daemon.said("pass")) > seen + 3)
        git(box.hub.bare, "update-ref", "refs/heads/main", "refs/kept")
        poll(lambda: bool(daemon.said("pull works again")))
        box.hub.bare.rename(away)
        box.shared.project.sandbox.advance(SETTLED)
        status = box.clone / "jobs" / "support-bot.status.json"
        poll(lambda: '"phase": "Completed"' in status.read_text())
        poll(lambda: len(daemon.said("pull failed")) == 2)
        poll(lambda: bool(daemon.said("write-back failed")))
        away.rename(box.hub.bare)
        until(lambda: box.phase("support-bot") == "Completed")
        assert daemon.end() == 0

    assert len(daemon.said("write-back failed")) == 1
    assert box.shared.project.calls("Stop") == []


def test_a_refused_push_keeps_the_status_for_the_next_daemon(box: Box) -> None:
    """A refused push is reported once and exits with 1; the next daemon pushes the status."""
    box.add("a")
    box.hub.hook("pre-receive", "echo protected >&2; exit 1")
    with box.watch(*OFTEN) as daemon:
        poll(lambda: bool(daemon.said("write-back failed")))
        assert "protected" in daemon.said("write-back failed")[0]["why"]
        assert daemon.end() == 1
    assert box.own_commits() == []
    box.hub.hook("pre-receive", "exit 0")
    box.add("b")
    box.shared.project.sandbox.inject_fault("delay", "Create", seconds=1.0)
    with box.watch(*RARELY) as daemon:
        until(lambda: "b" in names(box.shared.project))
        assert daemon.end() == 0

    assert box.phases("a", "b") == {"InProgress"}
    assert names(box.shared.project) == ["a", "b"]


def test_a_broken_clone_is_replaced(box: Box) -> None:
    """A broken clone is replaced at the next pull, here after a SIGHUP."""
    box.add("a")
    before = box.hub.head()
    there = ("--repo", "../hub.git", "--write-back", "branch:statuses")
    with box.watch(*RARELY, *there, "--commit-message", "Tell of {count}") as daemon:
        until(lambda: box.phase("a", "statuses") == "InProgress")
        assert box.hub.head() == before
        (box.clone / ".git" / "HEAD").write_text("nonsense")
        box.add("b")
        daemon.process.send_signal(signal.SIGHUP)
        poll(lambda: bool(daemon.said("the clone is broken")))
        until(lambda: box.phase("b", "statuses") == "InProgress")
        assert daemon.end() == 0

    assert names(box.shared.project) == ["a", "b"]
    assert box.own_commits() == []
    assert box.hub.message("statuses").startswith("Tell of ")
    assert box.phase("a", "statuses") == "InProgress"


def test_a_hanging_remote_does_not_delay_the_stop(box: Box, tmp_path: Path) -> None:
    """A signal aborts a clone that hangs, and the health pages work meanwhile."""
    ssh, called = tmp_path / "ssh", tmp_path / "called"
    ssh.write_text(f"#!/bin/sh\ntouch {called}\nexec sleep 600\n")
    ssh.chmod(0o755)
    with box.watch("--repo", "ssh://host/x", "--listen", "0", GIT_SSH_COMMAND=str(ssh)) as daemon:
        poll(called.exists)
        url = daemon.said("serving")[0]["url"].removeprefix("http://")
        assert (page(url, "/healthz"), page(url, "/readyz")) == (200, 503)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--repo", "x", "jobs"), "name them with --path"),
        (("--repo", "x", "--path", "../x"), "is not in the repository"),
        (("--repo", "x", "--path", "/x"), "is not in the repository"),
        (("--repo", "x", "--status-dir", "s", "--write-back", "commit"), "--status-dir"),
        (("--repo", "x", "--prune", "-l", "a=b"), "--prune cannot be combined with -l"),
        (("--repo", "x", "-l", "a b"), "a b"),
        (("--repo", "x", "--webhook", "0"), "openssl rand -hex 32"),
        (("--repo", "x", "--webhook", "a:b"), "--webhook"),
        (("--repo", "x", "--webhook-secret-file", "f"), "needs --webhook"),
        (("--repo", "x", "--webhook", "0", "--webhook-secret-file", "f"), "cannot be read"),
        (("--repo", "x", "--work-dir", "."), "is another repository"),
        (("--repo", "x", "--pull-interval", "soon"), "is not a duration"),
        (("--repo", "ssh://git.example.com/fleet.git", "--sandbox"), "(--write-back files)"),
        (("--repo", "/none/fleet", "--sandbox"), "there is no repository /none/fleet"),
        (("--branch", "main"), "--branch needs --repo"),
        (("--path", "jobs"), "--path needs --repo"),
        (("--webhook", "0"), "--webhook needs --repo"),
        (("--pull-interval", "9s"), "--pull-interval needs --repo or --write-back commit"),
        (("--repo", "x", "--poll", "9s"), "--poll is for the files of PATHs"),
        (("--repo", "x", "--write-back", "files", "--skip-ci"), "--skip-ci needs --write-back"),
        (("--write-back", "sometimes"), "branch:NAME"),
        (("--commit-author", "A <a@example.com>"), "--commit-author needs --write-back"),
    ],
)
def test_invalid_options_are_reported(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    """A mistake in the command line exits at once, with what to write instead."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / ".git").mkdir()
    ran = call(tmp_path, "watch", "--listen", "", *arguments)

    assert ran.code == 64, ran.err
    assert told in ran.err


def test_a_slow_remote_delays_no_submit(box: Box, tmp_path: Path) -> None:
    """A slow push in the user's own checkout does not delay submits, which then share one push.

    A status is pushed only after its manifest.
    """
    begun, go = tmp_path / "begun", tmp_path / "go"
    project = box.shared.project
    with watch(project, "--write-back", "commit", *OFTEN, **GIT) as daemon:
        daemon.ready()
        project.add("a")
        box.shared.push("Add a")
        waits = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done"
        box.hub.hook("pre-receive", waits)
        poll(begun.exists)
        for name in "bcd":
            project.add(name)
        poll(lambda: {phase(project, name) for name in "abcd"} == {"InProgress"})
        go.touch()
        box.hub.hook("pre-receive", "exit 0")
        until(lambda: box.phase("a") == "InProgress")
        until(lambda: box.shared.git("rev-parse", "HEAD") == box.hub.head())
        box.shared.push("Add the others")
        until(lambda: box.phases(*"abcd") == {"InProgress"})
        assert daemon.end(signal.SIGINT) == 130

    assert len(box.own_commits()) == 2
    assert box.shared.git("status", "--porcelain") == ""
    box.check_manifests()


def test_killed_daemons_lose_no_status(box: Box) -> None:
    """A small run of `python -m tests.daemon --only repo` loses no status."""
    assert killed(box, 1).startswith("1 kills")
