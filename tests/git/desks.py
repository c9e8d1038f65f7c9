"""A place to write statuses back from: a clone, and passes that need no service."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.adapters.git.write_back import StatusWriter, WriteBackOptions, create_writer
from controller.core.kinds.registry import KINDS
from tests.git.entries import entry, record
from tests.git.support import Hub, git, install_hook, make_hub, publish
from tests.support.manifests import manifest, write

NAMES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Desk:
    """A clone of a hub; without a hub a repository that has no remote."""

    hub: Hub
    folder: Path

    @property
    def jobs(self) -> Path:
        """The folder of the manifests."""
        return self.folder / "jobs"

    def git(self, *arguments: str) -> str:
        """Run git here, as a person."""
        return git(self.folder, *arguments)

    def record(
        self, name: str, phase: str = "InProgress", minute: int = 0, *, file: str = "", **more: Any
    ) -> None:
        """Record a job's status as a pass would, by default beside the file of its own name."""
        record(self.jobs, name, entry(name, phase, minute, **more), file)

    def sidecar(self, name: str) -> Path:
        """Return where a job's status stands."""
        return self.jobs / f"{name}.status.json"

    def writer(self, *paths: Path, **options: Any) -> StatusWriter:
        """Return what writes back from here; who loses a race tries again at once."""
        made = create_writer(paths or [self.jobs], WriteBackOptions(**options), KINDS)
        return StatusWriter(made.repository, made.target, made.options, KINDS, pause=lambda _: None)

    def clean(self) -> bool:
        """Whether git finds nothing to tell of, and the branch is where its remote is."""
        return self.git("status", "--porcelain", "--branch") == "## main...origin/main"

    def edit(self, path: str, text: str, message: str = "Edit") -> None:
        """Commit and push another content of a file, as a person does."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.push(path, message=message)

    def delete(self, *paths: str) -> None:
        """Commit and push that files are gone."""
        self.git("rm", "-q", "--", *paths)
        self.push(message="Delete")

    def push(self, *paths: str, message: str = "Change") -> None:
        """Commit and push what is staged, and some paths besides."""
        if paths:
            self.git("add", "--force", "--", *paths)
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "HEAD")

    def hook(self, name: str, script: str) -> None:
        """Install a hook of this clone's user."""
        install_hook(self.folder / ".git" / "hooks" / name, script)

    def meanwhile(self, hook: str, other: Desk, times: int = 1) -> None:
        """Have another clone push what it has committed when a hook runs here, so many times.

        What it pushes each time is one commit more.
        """
        log = self.folder / ".git" / "meanwhile"
        self.hook(
            hook,
            f"""
            for name in $(git rev-parse --local-env-vars); do unset $name; done
            echo >> {log}
            [ $(wc -l < {log}) -le {times} ] || exit 0
            cd {other.folder}
            git commit -q --allow-empty -m Meanwhile && git push -q origin HEAD
            """,
        )

    def clone(self, name: str, *options: str) -> Desk:
        """Return another clone, beside this one."""
        return Desk(self.hub, self.hub.clone(self.folder.with_name(name), *options))


def desk_in(folder: Path, names: Iterable[str] = NAMES) -> Desk:
    """Make a hub and a clone whose manifests are pushed."""
    hub = make_hub(folder / "hub.git")
    made = Desk(hub, folder / "clone")
    for name in names:
        write(made.jobs / f"{name}.yaml", manifest(name))
    publish(hub, made.folder)
    return made


def copied(pattern: Desk, folder: Path) -> Desk:
    """Return a desk like another one, in a new place: faster than to make it anew."""
    made = Desk(Hub(folder / "hub.git"), folder / "clone")
    shutil.copytree(pattern.hub.bare, made.hub.bare)
    shutil.copytree(pattern.folder, made.folder)
    config = made.folder / ".git" / "config"
    config.write_text(config.read_text().replace(pattern.hub.url, made.hub.url))
    return made


def lone_desk(folder: Path, *, committed: bool = True) -> Desk:
    """Make a repository without a remote; its manifest may be its first commit."""
    made = Desk(Hub(folder / "none.git"), folder / "alone")
    write(made.jobs / "a.yaml", manifest("a"))
    made.git("init", "-q", "-b", "main")
    if committed:
        made.git("add", "--all")
        made.git("commit", "-q", "-m", "Begin")
    return made
