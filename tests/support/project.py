"""A user's repository beside a sandbox: what most tests of the verbs begin with."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.sandbox.http.server import start_sandbox
from tests.sandbox.support import Sandbox, speaking_to
from tests.support.commands import COMMAND, Ran, call, environment, run, started
from tests.support.manifests import manifest, write

CONFINED = Path(__file__).with_name("confined.py")
UNLIMITED = 1 << 40
SETTLED = 7200.0
"""Seconds after which every job has ended."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with manifests under ``jobs/``, and the sandbox that their jobs run in."""

    folder: Path
    sandbox: Sandbox

    @property
    def jobs(self) -> Path:
        """The folder of the manifests."""
        return self.folder / "jobs"

    def add(self, name: str, spec: Mapping[str, Any] | None = None, **given: Any) -> Path:
        """Write one manifest into a file of its own name."""
        return write(self.jobs / f"{name}.yaml", manifest(name, spec, **given))

    def fleet(self, **rules: Any) -> None:
        """Write the fleet's own file."""
        (self.folder / "bedrock-jobs.yaml").write_text(json.dumps(rules))

    def call(self, verb: str, *arguments: str, **env: str) -> Ran:
        """Run a verb against the sandbox, in this process."""
        given = environment(self.folder, **{"AWS_ENDPOINT_URL": self.sandbox.url, **env})
        return call(self.folder, verb, *arguments, env=given)

    def confined(self, verb: str, *arguments: str, largest: int = UNLIMITED) -> Ran:
        """Run a verb in a process for which permissions hold and files have a largest size."""
        given = environment(self.folder, AWS_ENDPOINT_URL=self.sandbox.url)
        command = (sys.executable, str(CONFINED), str(largest), *COMMAND)
        return run(self.folder, verb, *arguments, env=given, command=command)

    def run(self, verb: str, *arguments: str, **env: str) -> Ran:
        """Run a verb against the sandbox, in a process of its own."""
        given = environment(self.folder, **{"AWS_ENDPOINT_URL": self.sandbox.url, **env})
        return run(self.folder, verb, *arguments, env=given)

    def piped_to_nobody(self, verb: str, *arguments: str) -> Ran:
        """Run a verb in a process whose stdout nobody reads any more."""
        given = environment(self.folder, AWS_ENDPOINT_URL=self.sandbox.url)
        with started(self.folder, verb, *arguments, env=given) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            said = process.stderr.read()
            return Ran(process.wait(), "", said)

    def settle(self) -> Ran:
        """Submit everything, let every job end, and record it."""
        self.call("reconcile")
        self.sandbox.advance(SETTLED)
        return self.call("reconcile")

    def entry(self, name: str, stem: str = "") -> dict[str, Any]:
        """Return a job's entry in the sidecar of a file, by default the file of its own name."""
        path = self.jobs / f"{stem or name}.status.json"
        found: dict[str, Any] = json.loads(path.read_text())["jobs"][name]
        return found

    def sidecars(self) -> dict[str, bytes]:
        """Return every sidecar's bytes."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*.status.json"))
        }

    def forget(self) -> None:
        """Delete every sidecar."""
        for path in self.folder.rglob("*.status.json"):
            path.unlink()

    def files(self) -> dict[str, tuple[int, int, bytes]]:
        """Return of every file when it changed, its inode and its bytes."""
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def calls(self, operation: str = "", service: str = "bedrock") -> list[dict[str, Any]]:
        """Return the journal's calls of a service, or of one operation that begins so."""
        return [
            entry
            for entry in self.sandbox.list_calls()
            if entry["service"] == service and entry["operation"].startswith(operation)
        ]

    def changes(self) -> list[str]:
        """Return the operations that were called and change something."""
        reading = ("Get", "List")
        return [
            entry["operation"]
            for entry in self.calls()
            if not entry["operation"].startswith(reading)
        ]

    def hush(self) -> None:
        """Start the journal anew."""
        self.sandbox.control("DELETE", "calls")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a manifest."""
        path = self.jobs / f"{name}.yaml"
        text = path.read_text()
        assert old in text, f"{old!r} does not stand in {path}"
        path.write_text(text.replace(old, new))

    def bystand(self, request: Mapping[str, Any], **more: str) -> str:
        """Submit a request as anybody else would, and return the job's ARN."""
        sent: Any = {**request, **more}
        arn: str = self.sandbox.bedrock().create_model_customization_job(**sent)["jobArn"]
        return arn


@contextmanager
def project(folder: Path, speed: float = 0.0) -> Iterator[Project]:
    """While the context lasts a sandbox serves beside an empty project; its clock stands still."""
    state = folder.parent / f"{folder.name}-state"
    (folder / "jobs").mkdir(parents=True)
    with start_sandbox(state, speed=speed) as url, speaking_to(url, state) as sandbox:
        yield Project(folder, sandbox)
