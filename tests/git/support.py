"""A bare repository on disk, clones of it, and a project whose folder is one of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.commands import Ran
from tests.support.project import Project, project

BRANCH = "main"
PERSON = ("Person", "user@example.com")
WHO = {
    "GIT_AUTHOR_NAME": PERSON[0],
    "GIT_AUTHOR_EMAIL": PERSON[1],
    "GIT_COMMITTER_NAME": PERSON[0],
    "GIT_COMMITTER_EMAIL": PERSON[1],
}
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""What keeps this machine's own configuration of git out of a test."""
# Repositories that live for a second need neither care nor a disk.
_HASTY = ("maintenance.auto=false", "gc.auto=0", "receive.autogc=false", "core.fsync=none")
_SET = [one.partition("=") for one in _HASTY]
HASTY = {
    "GIT_CONFIG_COUNT": str(len(_SET)),
    **{f"GIT_CONFIG_KEY_{number}": name for number, (name, _, _) in enumerate(_SET)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, _, value) in enumerate(_SET)},
}
GIT = {**ALONE, **HASTY, **WHO}
"""An environment in which git knows who commits, and nothing else of this machine."""


def git(folder: Path, *arguments: str, content: bytes = b"", **env: str) -> str:
    """Run git as a person would, and return what it printed; what fails tells why."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **GIT, **env},
        input=content,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode().rstrip("\n")


@dataclass(frozen=True, slots=True)
class Hub:
    """The bare repository that everybody pushes to."""

    bare: Path

    def head(self, branch: str = BRANCH) -> str:
        """Return the commit that a branch is at."""
        return git(self.bare, "rev-parse", f"refs/heads/{branch}")

    def commits(self, branch: str = BRANCH) -> list[str]:
        """Return a branch's commits, the newest first."""
        return git(self.bare, "rev-list", f"refs/heads/{branch}").split()

    def message(self, commit: str = BRANCH) -> str:
        """Return a commit's whole message."""
        return git(self.bare, "log", "-1", "--format=%B", commit)

    def names(self, commit: str = BRANCH) -> list[str]:
        """Return the paths that a commit's tree holds."""
        return git(self.bare, "ls-tree", "-r", "--name-only", commit).splitlines()

    def touched(self, commit: str = BRANCH) -> list[str]:
        """Return the paths that a commit changed against its first parent."""
        shown = ("diff-tree", "--no-commit-id", "--root", "--name-only", "-r", commit)
        return git(self.bare, *shown).splitlines()

    def read(self, path: str, commit: str = BRANCH) -> bytes:
        """Return a file's bytes as a commit holds them."""
        return subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{path}"],
            cwd=self.bare,
            env={**os.environ, **GIT},
            capture_output=True,
            check=True,
        ).stdout

    def entry(self, name: str, path: str = "", commit: str = BRANCH) -> dict[str, Any]:
        """Return a job's entry in a committed sidecar, by default that of its own file."""
        content = self.read(path or f"jobs/{name}.status.json", commit)
        found: dict[str, Any] = json.loads(content)["jobs"][name]
        return found

    def hook(self, name: str, script: str) -> None:
        """Install a hook on the server's side."""
        install_hook(self.bare / "hooks" / name, script)

    def clone(self, folder: Path, *options: str) -> Path:
        """Clone it into a folder; the URL is one that shallow clones honour."""
        git(self.bare, "clone", "-q", *options, self.url, str(folder))
        return folder

    @property
    def url(self) -> str:
        """The URL; a plain path would be copied, whatever depth was asked for."""
        return self.bare.as_uri()


@dataclass(frozen=True, slots=True)
class Shared:
    """A project that is a clone, and the repository that it shares with others.

    Its first commit, the one that makes the branch, is pushed.
    """

    hub: Hub
    project: Project

    @property
    def folder(self) -> Path:
        """The clone's folder."""
        return self.project.folder

    def git(self, *arguments: str) -> str:
        """Run git in the clone, as its user."""
        return git(self.folder, *arguments)

    def push(self, subject: str = "Change manifests", *paths: str) -> str:
        """Commit everything but the sidecars, or the paths that are given, push it, and tell it."""
        chosen = paths or (".", ":(exclude)*.status.json")
        self.git("add", "--all", "--", *chosen)
        self.git("commit", "-q", "-m", subject)
        self.git("push", "-q", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def call(self, verb: str, *arguments: str, **env: str) -> Ran:
        """Run a verb in the clone against the sandbox, in this process."""
        return self.project.call(verb, *arguments, **{**GIT, **env})

    def run(self, verb: str, *arguments: str, **env: str) -> Ran:
        """Run a verb in the clone against the sandbox, in a process of its own."""
        return self.project.run(verb, *arguments, **{**GIT, **env})

    def another(self, name: str, *options: str) -> Project:
        """Clone once more, beside the first; the clone's jobs run in the same sandbox."""
        folder = self.hub.clone(self.folder.with_name(name), *options)
        return Project(folder, self.project.sandbox)


def make_hub(folder: Path) -> Hub:
    """Make an empty bare repository."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", BRANCH)
    return Hub(folder)


def publish(hub: Hub, folder: Path) -> None:
    """Make a folder a repository, and push what it holds as the first commit."""
    git(folder, "init", "-q", "-b", BRANCH)
    git(folder, "remote", "add", "origin", hub.url)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(folder, "push", "-q", "-u", "origin", BRANCH)


@contextmanager
def shared(
    folder: Path, files: Mapping[str, str] | None = None, speed: float = 0.0
) -> Iterator[Shared]:
    """While the context lasts there is a shared project, beside a sandbox, in a new folder.

    ``files`` are those of the first commit; without a speed the sandbox's clock stands still.
    """
    hub = make_hub(folder / "hub.git")
    with project(folder / "clone", speed=speed) as made:
        for name, text in (files or {}).items():
            path = made.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        publish(hub, made.folder)
        yield Shared(hub, made)


def install_hook(path: Path, script: str) -> None:
    """Write a hook that runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
