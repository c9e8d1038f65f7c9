"""``bedrock-jobs watch`` as a separate process, against a sandbox in this one."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.support import DEADLINE, poll
from tests.support.commands import environment, started
from tests.support.project import Project

QUICK = ("--listen", "", "--interval", "0.5s", "--calls-per-second", "0")


@dataclass
class Watch:
    """A running daemon; ``lines`` are the log lines so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event."""
        return [line for line in list(self.lines) if line["event"].startswith(event)]

    def ready(self) -> Watch:
        """Return once it watches and has read the tree."""
        poll(lambda: bool(self.said("watching")))
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr:
            for line in self.process.stderr:
                text = line.strip()
                self.lines.append(json.loads(text) if text[:1] == "{" else {"event": text})


@contextmanager
def watch(tree: Project, *arguments: str, **env: str) -> Iterator[Watch]:
    """Run a daemon with short intervals on a project's manifests, inside a context."""
    given = environment(tree.folder, **{"AWS_ENDPOINT_URL": tree.sandbox.url, **env})
    with started(tree.folder, "watch", *QUICK, *arguments, env=given) as process:
        yield Watch(process)


def names(tree: Project) -> list[str]:
    """Return the names of the created jobs, each as often as it was created."""
    return sorted(tree.sandbox.list_names())


def phase(tree: Project, name: str) -> str:
    """Return the phase in a job's sidecar, or an empty string without one."""
    try:
        return str(tree.entry(name)["phase"])
    except (OSError, KeyError, ValueError):
        return ""


def phases(tree: Project, *wanted: str) -> set[str]:
    """Return the phases in these jobs' sidecars."""
    return {phase(tree, name) for name in wanted}
