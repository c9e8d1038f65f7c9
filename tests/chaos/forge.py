"""Real processes of the command, quickly: a process that has imported it all, and forks.

A forge is single-threaded and knows no project; each command that it is told to run gets a fork
of its own, with its own folder, environment, output files and plan, and may be killed.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.boundaries import Boundaries, Plan, prepare

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run: where, with what, its output's file, and its plan if it has one.

    To a ``hurried`` one no time passes while it sleeps.
    """

    folder: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    output: str
    plan: Plan | None = None
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class Forge:
    """The client's side of a forge."""

    process: subprocess.Popen[bytes]

    def run(self, command: Command) -> int:
        """Return the exit code of a command, negative for the signal that ended it."""
        self.start(command)
        return self.ended()

    def start(self, command: Command) -> None:
        """Begin a command; ``answer`` says what becomes of it."""
        self._say(asdict(command))

    def resume(self) -> None:
        """Let a stopped command go on."""
        self._say({})

    def ended(self) -> int:
        """Return the exit code of the command that is under way."""
        answer = self.answer(DEADLINE)
        assert isinstance(answer, int), f"the command did not end: {answer}"
        return answer

    def answer(self, seconds: float) -> int | str | None:
        """Return an exit code, or that the command stopped; None when time is up."""
        stream = self.process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], seconds)
        found: int | str | None = json.loads(stream.readline()) if ready else None
        return found

    def _say(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def forge() -> Iterator[Forge]:
    """While the context lasts there is a forge."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.chaos.forge"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield Forge(process)
        finally:
            process.kill()


def main() -> None:
    """Run command after command until there are no more."""
    prepare()
    import controller.cli.commands.reconcile
    import controller.cli.main  # noqa: F401 - what every command imports

    _warm_up()
    for line in sys.stdin:
        _tell(_forked(json.loads(line)))


def _warm_up() -> None:
    """Read the service's shapes and the schemas once: by far the most of a small pass."""
    from controller.adapters.aws.clients import ClientCache
    from controller.adapters.aws.connection import Connection
    from controller.adapters.schemas.kind_readers import get_kind_reader
    from controller.core.kinds.registry import KINDS
    from controller.core.model import Target

    for kind in KINDS:
        get_kind_reader(kind)
    _inspect_once()
    clients = ClientCache(Connection(region="us-east-1", any_credentials=True))
    for service in ("bedrock", "sts"):
        clients.get_client(service, Target()).close()
    gc.freeze()


def _inspect_once() -> None:
    """Let botocore look once at handlers and events that are the same for every session."""
    from botocore import hooks

    method = "_alias_event_name"
    alias: Callable[[object, str], str] = getattr(hooks.EventAliaser, method)
    known: dict[str, str] = {}

    def aliased(emitter: object, name: str) -> str:
        if name not in known:
            known[name] = alias(emitter, name)
        return known[name]

    setattr(hooks.EventAliaser, method, aliased)
    setattr(hooks, "accepts_kwargs", functools.cache(hooks.accepts_kwargs))  # noqa: B010 - as elsewhere


def _forked(given: dict[str, Any]) -> int:
    process = os.fork()
    if not process:
        os._exit(_run(given))
    while True:
        _, status = os.waitpid(process, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        _tell(STOPPED)
        sys.stdin.readline()
        os.kill(process, signal.SIGCONT)


def _tell(answer: object) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def _run(given: dict[str, Any]) -> int:
    """Be the command, in a process that was forked for it."""
    from controller.cli.main import main as command
    from tests.chaos import batches

    output = os.open(given["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(given["folder"])
    os.environ.clear()
    os.environ.update(given["variables"])
    sys.argv = ["bedrock-jobs", *given["arguments"]]
    if given["hurried"]:
        time.sleep = lambda _: None
    if given["plan"]:
        Boundaries(Plan(**given["plan"]), given["folder"]).install()
    code = 1
    try:
        (batches.main if given["arguments"][0] == batches.BATCH else command)()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main()
