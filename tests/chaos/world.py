"""One run's surroundings: a small project in a region of its own, and the sandbox behind it."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from controller.sandbox.state.store import Store
from tests.chaos.boundaries import Plan
from tests.chaos.forge import Command, Forge, forge
from tests.chaos.wishes import Document, Wish, wishes
from tests.sandbox.support import Sandbox, process
from tests.support.commands import environment
from tests.support.manifests import write

SUFFIX = ".status.json"
JOBS = "/model-customization-jobs"
ANYBODY = "AWS4-HMAC-SHA256 Credential=any"
LONGEST_LAG = 5.0
"""Seconds that reads of a running world lag behind writes, at the very most."""
_PAUSE = 0.002


@dataclass
class World:
    """A project's folder, the region that its jobs run in, and what may run the command.

    ``stems`` says which documents stand in which file; ``wished`` is all that they, or others in
    their place, were ever to be submitted as. ``asked_to_stop`` are the manifests whose jobs' stop
    was asked for, ``pruned`` those of them that are gone, and ``foreign_tags`` what others tagged.
    ``kept`` is what a step lays by. Passes take ``options``, and are ``hurried`` where they would
    wait for a clock that stands still.
    """

    folder: Path
    region: str
    sandbox: Sandbox
    forges: tuple[Forge, ...]
    stems: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    wished: dict[tuple[str, str], list[Wish]] = field(default_factory=dict)
    specs: dict[str, list[Any]] = field(default_factory=dict)
    asked_to_stop: set[str] = field(default_factory=set)
    pruned: set[str] = field(default_factory=set)
    foreign_tags: set[str] = field(default_factory=set)
    kept: dict[str, bytes] = field(default_factory=dict)
    owner: str = ""
    options: tuple[str, ...] = ()
    hurried: bool = False

    def put(self, stem: str, *documents: Document) -> None:
        """Write manifests into a file, and note what they ask for; without any the file goes."""
        path = self.folder / "jobs" / f"{stem}.yaml"
        if not documents:
            del self.stems[stem]
            path.unlink()
            return
        write(path, *documents)
        self.stems[stem] = documents
        for document in documents:
            self._note(document)

    def _note(self, document: Document) -> None:
        name = document["metadata"]["name"]
        known = self.specs.setdefault(name, [])
        if document["spec"] not in known:
            known.append(document["spec"])
        for one in wishes(document, self.owner, edited=len(known) > 1):
            self.wished.setdefault((one.name, one.token), []).append(one)
        if document.get("policy", {}).get("state") == "Stopped":
            self.asked_to_stop.add(name)

    def own(self, owner: str) -> None:
        """Let the fleet's file name an owner, before any manifest is written."""
        self.owner = owner
        (self.folder / "bedrock-jobs.yaml").write_text(json.dumps({"owner": owner}))

    @property
    def documents(self) -> dict[str, Document]:
        """Every document that stands in a file now, by its name."""
        return {
            document["metadata"]["name"]: document
            for documents in self.stems.values()
            for document in documents
        }

    def sidecar(self, stem: str) -> Path:
        """Return where the sidecar of a file is, if it has one."""
        return self.folder / "jobs" / f"{stem}{SUFFIX}"

    def sidecars(self) -> dict[str, bytes]:
        """Return every sidecar's bytes by its name."""
        found = sorted((self.folder / "jobs").glob(f"*{SUFFIX}"))
        return {path.name: path.read_bytes() for path in found}

    def files(self) -> dict[str, tuple[int, int, bytes]]:
        """Return of every file when it changed, its inode and its bytes."""
        return {
            path.name: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return the entry that each manifest has in its own sidecar, by the job's name."""
        found: dict[str, dict[str, Any]] = {}
        for stem, documents in self.stems.items():
            path = self.sidecar(stem)
            jobs = json.loads(path.read_bytes())["jobs"] if path.exists() else {}
            names = [document["metadata"]["name"] for document in documents]
            found |= {name: jobs[name] for name in names if name in jobs}
        return found

    def command(self, plan: Plan | None = None, *more: str) -> Command:
        """Return one pass, under a plan and with more options."""
        variables = environment(
            self.folder.parent, AWS_ENDPOINT_URL=self.sandbox.url, AWS_REGION=self.region
        )
        arguments = ("reconcile", "--max-submits", "1000", *self.options, *more)
        folder, output = str(self.folder), str(self.output)
        return Command(folder, arguments, variables, output, plan, self.hurried)

    def reconcile(self, plan: Plan | None = None) -> int:
        """Make one pass in a process of its own, and return its exit code."""
        return self.forges[0].run(self.command(plan))

    def pace(self, speed: float) -> None:
        """Let the service's time run at a speed; it stands still otherwise."""
        store = Store(self.sandbox.folder)
        with contextlib.closing(store):
            store.set_speed(time.time(), speed)

    @property
    def output(self) -> Path:
        """The file that holds all that the commands said, on stdout and stderr."""
        return self.folder.with_suffix(".out")

    def said(self) -> str:
        """Return all that the commands said so far."""
        return self.output.read_text() if self.output.exists() else ""

    def calls(self) -> list[dict[str, Any]]:
        """Return the journal's calls of Bedrock in this region."""
        return [
            call
            for call in self.sandbox.list_calls()
            if call["service"] == "bedrock" and call["region"] == self.region
        ]

    def wire(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call the service in this region as anybody may, and return what it answers."""
        status, answer = self.answered(method, path, body)
        assert status < 300, answer
        return answer

    def answered(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Return the status too, whatever it is."""
        scope = f"{ANYBODY}/20260102/{self.region}/bedrock/aws4_request"
        headers = {"Authorization": scope, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return self.sandbox.wire(method, path, content, headers)

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a job, or of what it made."""
        listed = self.wire("POST", "/listTagsForResource", {"resourceARN": arn})["tags"]
        return {tag["key"]: tag["value"] for tag in listed}

    def jobs(self) -> list[dict[str, Any]]:
        """Return every job of the region as Get shows it, once it shows all that are listed."""
        deadline = time.monotonic() + LONGEST_LAG
        while True:
            listed = self.wire("GET", f"{JOBS}?maxResults=1000")["modelCustomizationJobSummaries"]
            paths = [f"{JOBS}/{quote(one['jobArn'], safe='')}" for one in listed]
            found = [self.answered("GET", path) for path in paths]
            if all(status == HTTPStatus.OK for status, _ in found):
                return [answer for _, answer in found]
            assert time.monotonic() < deadline, found


@dataclass
class Universe:
    """Makes worlds one after another, on one sandbox and with a few forges."""

    folder: Path
    sandbox: Sandbox
    forges: tuple[Forge, ...]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    counted: dict[Hashable, list[str]] = field(default_factory=dict)

    @contextlib.contextmanager
    def world(self) -> Iterator[World]:
        """While the context lasts a new, empty world stands."""
        number = next(self.numbers)
        made = World(self.folder / str(number), f"chaos-{number}", self.sandbox, self.forges)
        (made.folder / "jobs").mkdir(parents=True)
        for order in ("calls", "faults", "behaviour"):
            self.sandbox.control("DELETE", order)
        made.pace(0.0)
        try:
            yield made
        finally:
            shutil.rmtree(made.folder)
            made.output.unlink(missing_ok=True)


@contextlib.contextmanager
def universe(folder: Path, forges: int = 2) -> Iterator[Universe]:
    """While the context lasts a sandbox process and some forges run."""
    with contextlib.ExitStack() as stack:
        _, sandbox = stack.enter_context(process(folder / "state"))
        made = tuple(stack.enter_context(forge()) for _ in range(forges))
        yield Universe(folder, sandbox, made)


@contextlib.contextmanager
def watched(world: World) -> Iterator[list[str]]:
    """While the context lasts every sidecar is read again and again; those that are torn are told.

    A sidecar may be absent, but one that is there is a whole document.
    """
    torn: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_PAUSE):
            torn.extend(torn_sidecars(world))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield torn
    finally:
        over.set()
        thread.join()


def torn_sidecars(world: World) -> list[str]:
    """Return what is wrong with the sidecars as they are visible now."""
    found: list[str] = []
    for path in (world.folder / "jobs").glob(f"*{SUFFIX}"):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        try:
            whole = json.loads(content)["kind"] == "Status"
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            found.append(f"{path.name} is torn: {content[:60]!r}")
    return found
