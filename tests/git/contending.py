"""Many writers and a person push to one branch at the same time; and what must hold of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.git.desks import Desk
from tests.git.entries import entry
from tests.git.support import GIT, PERSON, Hub, git, make_hub, publish
from tests.git.worker import FLEETING, SHARED, document, own
from tests.support.manifests import as_yaml, manifest, write

ROOT = Path(__file__).parents[2]
DEADLINE = 1800.0
MACHINE = "Machine"
_AS_MACHINE = {"GIT_AUTHOR_NAME": MACHINE, "GIT_COMMITTER_NAME": MACHINE}
_SIDECAR = ".status.json"


@dataclass
class Tally:
    """What came of it; ``again`` counts write-backs that lost five races and were run again."""

    writers: int
    rounds: int
    commits: int = 0
    by_people: int = 0
    tries: list[int] = field(default_factory=list)
    again: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


def contend(folder: Path, writers: int, rounds: int, seed: int) -> Tally:
    """Let writers in processes of their own, and a person, push until all rounds are made."""
    hub = _begin(folder, writers)
    tally = Tally(writers, rounds)
    began = time.monotonic()
    person = _Person(Desk(hub, hub.clone(folder / "person")), random.Random(seed))  # noqa: S311 - no secret
    with ExitStack() as stack:
        for index in range(writers):
            clone = hub.clone(folder / f"writer-{index}")
            command = [
                sys.executable,
                "-m",
                "tests.git.worker",
                str(clone),
                str(index),
                str(rounds),
            ]
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **GIT, **_AS_MACHINE},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            person.others.append(stack.enter_context(process))
        person.thread.start()
        for index, process in enumerate(person.others):
            out, err = process.communicate(timeout=DEADLINE)
            if process.returncode:
                tally.violations.append(f"writer {index}: {err.decode()[-2000:]}")
                continue
            for failed, tries in json.loads(out):
                tally.again += failed
                tally.tries.append(tries)
        person.thread.join()
    tally.seconds = time.monotonic() - began
    tally.violations += [*person.violations, *_violations(hub, tally, person)]
    return tally


def _begin(folder: Path, writers: int) -> Hub:
    hub = make_hub(folder / "hub.git")
    git(hub.bare, "config", "core.logAllRefUpdates", "true")
    git(hub.bare, "config", "gc.auto", "0")
    jobs = folder / "first" / "jobs"
    for name in (*map(own, range(writers)), *FLEETING):
        write(jobs / f"{name}.yaml", manifest(name))
    write(jobs / f"{SHARED}.yaml", *(manifest(document(index)) for index in range(writers)))
    publish(hub, folder / "first")
    return hub


class _Person:
    """Somebody who edits, deletes and restores manifests, and pulls when a push is refused."""

    def __init__(self, desk: Desk, draw: random.Random) -> None:
        self.desk, self.draw = desk, draw
        self.others: list[subprocess.Popen[bytes]] = []
        self.wanted: dict[str, str | None] = {}
        self.commits = 0
        self.violations: list[str] = []
        self.thread = threading.Thread(target=self._live)

    def _live(self) -> None:
        while any(one.poll() is None for one in self.others):
            self._change(self.draw.choice(FLEETING))
            # A person is slower than a machine, this one still hasty: a push in some two seconds.
            time.sleep(4 * self.draw.random())

    def _change(self, name: str) -> None:
        path = f"jobs/{name}.yaml"
        deletes = self.wanted.get(path, "") is not None and self.draw.random() < 0.5
        text = None if deletes else as_yaml(manifest(name, labels={"edit": str(self.commits)}))
        if text is None:
            sidecar = self.desk.sidecar(name)
            gone = [path, *([f"jobs/{sidecar.name}"] if sidecar.exists() else [])]
            self.desk.git("rm", "-q", "--", *gone)
        else:
            (self.desk.folder / path).write_text(text)
            self.desk.git("add", path)
        self.desk.git("commit", "-q", "-m", f"{'Edit' if text else 'Delete'} {name}")
        self.wanted[path] = text
        self.commits += 1
        self._push(name)

    def _push(self, name: str) -> None:
        """Push as people do; where a sidecar that they deleted was changed, it stays deleted."""
        for _ in range(200):
            if self._tries("push", "-q", "origin", "HEAD"):
                return
            if not self._tries("pull", "-q", "--rebase"):
                self._tries("rm", "-q", "--", f"jobs/{name}{_SIDECAR}")
                if not self._tries("-c", "core.editor=true", "rebase", "--continue"):
                    self._tries("rebase", "--skip")
        self.violations.append("a person could not push in 200 tries")

    def _tries(self, *arguments: str) -> bool:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.desk.folder,
            env={**os.environ, **GIT},
            capture_output=True,
            check=False,
        )
        return done.returncode == 0


def _violations(hub: Hub, tally: Tally, person: _Person) -> Iterator[str]:
    """Yield what does not hold of the branch's whole history."""
    commits = list(reversed(hub.commits()))
    tally.commits, tally.by_people = len(commits), person.commits
    yield from _forced(hub)
    landed: dict[str, set[int]] = {}
    for commit in commits:
        author = git(hub.bare, "log", "-1", "--format=%an", commit)
        there = set(hub.names(commit))
        if author == MACHINE:
            yield from _of_machine(hub, commit, there)
        for path in there.intersection(hub.touched(commit)):
            if path.endswith(_SIDECAR) and not path.startswith("jobs/fleeting-"):
                _note(hub, commit, path, landed)
        if author not in {MACHINE, PERSON[0]}:
            yield f"{commit}: who is {author}?"
    yield from _lost(hub, tally, landed)
    for path, text in person.wanted.items():
        is_there = path in hub.names()
        if is_there != (text is not None) or (text and hub.read(path).decode() != text):
            yield f"{path}: it is not what its person made of it"


def _lost(hub: Hub, tally: Tally, landed: dict[str, set[int]]) -> Iterator[str]:
    """Yield the statuses that no commit has, and the last ones that the branch has not."""
    wanted = set(range(1, tally.rounds + 1))
    for index in range(tally.writers):
        for name in (own(index), document(index)):
            if missing := wanted - landed.get(name, set()):
                yield f"{name}: the statuses of {sorted(missing)} never landed"
            path = f"jobs/{SHARED if name == document(index) else name}{_SIDECAR}"
            if hub.entry(name, path) != entry(name, minute=tally.rounds):
                yield f"{name}: the last status is not the one on the branch"


def _forced(hub: Hub) -> Iterator[str]:
    """Every move of the branch was forward: the reflog tells of each."""
    log = (hub.bare / "logs" / "refs" / "heads" / "main").read_text().splitlines()
    for line in log[1:]:
        before, after = line.split(" ")[:2]
        done = subprocess.run(
            ["git", "merge-base", "--is-ancestor", before, after], cwd=hub.bare, check=False
        )
        if done.returncode:
            yield f"the branch was forced from {before} to {after}"


def _of_machine(hub: Hub, commit: str, there: set[str]) -> Iterator[str]:
    """A write-back touches sidecars alone, and adds none where no manifest stands."""
    shown = git(hub.bare, "diff-tree", "-r", "--no-commit-id", "--name-status", commit)
    for line in shown.splitlines():
        status, path = line.split("\t")
        if not path.endswith(_SIDECAR):
            yield f"{commit}: a write-back touched {path}"
        elif status == "A" and path.removesuffix(_SIDECAR) + ".yaml" not in there:
            yield f"{commit}: {path} came back beside a manifest that is gone"


def _note(hub: Hub, commit: str, path: str, landed: dict[str, set[int]]) -> None:
    for name, found in json.loads(hub.read(path, commit))["jobs"].items():
        changed = found["live"]["lastModifiedTime"]
        minute = int(changed[11:13]) * 60 + int(changed[14:16])
        landed.setdefault(name, set()).add(minute)
