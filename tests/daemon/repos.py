"""A daemon over its own repository, and the people and machines that push to it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from controller.adapters.http.webhook_signatures import KEY_VARIABLE, SIGNATURE_HEADER, sign_hex
from tests.daemon.process import Watch, watch
from tests.git.support import BRANCH, GIT, Hub, Shared, shared

SECRET = "a secret of sixteen or more"  # noqa: S105 - of these tests alone
DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Box:
    """A shared project, and the folder in which daemons keep their clone."""

    shared: Shared
    work: Path

    @property
    def hub(self) -> Hub:
        """The repository that everybody pushes to."""
        return self.shared.hub

    @property
    def clone(self) -> Path:
        """The work tree of the daemon's clone."""
        (folder,) = self.work.iterdir()
        return folder / "tree"

    def watch(self, *arguments: str, **env: str) -> AbstractContextManager[Watch]:
        """Run a daemon on the repository's URL for the duration of the context."""
        given = ("--repo", self.hub.url, "--work-dir", str(self.work), *arguments)
        return watch(self.shared.project, *given, **{**GIT, KEY_VARIABLE: SECRET, **env})

    def add(self, *names: str) -> None:
        """Let a person write, commit and push manifests, on top of what others pushed."""
        for name in names:
            self.shared.project.add(name)
        self.push(f"Add {', '.join(names)}")

    def push(self, subject: str) -> None:
        """Let the person commit and push all changes."""
        git = self.shared.git
        git("add", "--all", "--", ".", ":(exclude)*.status.json")
        git("commit", "-q", "-m", subject)
        while True:
            git("pull", "-q", "--rebase")
            # Somebody else may be faster, as happens to people.
            with suppress(AssertionError):
                git("push", "-q", "origin", "HEAD")
                return

    def phase(self, name: str, branch: str = BRANCH) -> str:
        """Return the phase in a job's status on a branch, or an empty string without one."""
        try:
            return str(self.hub.entry(name, commit=branch)["phase"])
        except (subprocess.CalledProcessError, KeyError):
            return ""

    def phases(self, *names: str) -> set[str]:
        """Return the phases in some jobs' statuses on the branch."""
        return {self.phase(name) for name in names}

    def own_commits(self) -> list[str]:
        """Return the commits that no person made, newest first."""
        return [one for one in self.hub.commits() if "Bedrock-Jobs-Pass" in self.hub.message(one)]

    def check_manifests(self) -> None:
        """Assert that no commit of statuses changed anything else."""
        touched = {path for one in self.own_commits() for path in self.hub.touched(one)}
        assert [path for path in touched if not path.endswith(".status.json")] == []


@contextmanager
def boxed(folder: Path) -> Iterator[Box]:
    """Provide a repository with a fleet file, without a daemon, for the duration of the context."""
    with shared(folder, {"bedrock-jobs.yaml": "owner: acme-ml\n"}) as made:
        yield Box(made, folder / "work")


def hook(daemon: Watch, body: bytes = b"{}") -> int:
    """Send a signed push webhook to a daemon, and return the response."""
    (line,) = daemon.said("taking webhooks")
    headers = {SIGNATURE_HEADER: sign_hex(SECRET, body)}
    request = Request(line["url"], body, headers)  # noqa: S310 - an address on loopback
    with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310 - as above
        return int(answer.status)


def until(holds: Callable[[], bool], *, every: float = 0.15) -> None:
    """Return once a condition that is expensive to check holds; fail after a timeout."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(every)
