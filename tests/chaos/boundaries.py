"""I/O boundaries of a real process, numbered from outside, and what befalls it at one of them.

``python -m tests.chaos.boundaries PLAN -- reconcile ...`` runs the command under a plan, which is
JSON as in ``Plan``. Nothing of the package is replaced: opens, renames, removals, locks and sends
come from the interpreter's own audit events, flushes and answers from two wrapped functions of the
standard library. What happens *after* a rename or a send is what happens before the next boundary.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.chaos.questions import Questions
from tests.chaos.recorder import Recorder

_PASSING = re.compile(r"\.\d+\.\d+\.tmp$")
_CREATE = "send POST /model-customization-jobs"
_REQUEST = re.compile(rb"([A-Z]+) ([^ ?]+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen at boundaries: ``record`` their names into a file, or a signal at one.

    Boundaries count from 1; 0 is never reached. ``in_turn`` lets the threads of a pass do their
    work one after another, so that the same pass always numbers alike. ``questions`` is the file
    that records what is asked of the disk, of which the one numbered ``question`` fails by
    ``errno``. Into ``aside`` goes what is done to the disk, of which ``unflushed`` is never
    flushed. A pass that is ``paid`` dies as soon as a Create was answered.
    """

    record: str = ""
    at: int = 0
    number: int = signal.SIGKILL
    in_turn: bool = True
    questions: str = ""
    question: int = 0
    errno: int = 0
    aside: str = ""
    unflushed: str = ""
    paid: bool = False


class Boundaries:
    """Counts the boundaries that this process meets below a folder, and keeps to a plan."""

    def __init__(self, plan: Plan, folder: str) -> None:
        self._plan = plan
        self._folder = folder.rstrip("/") + "/"
        self._guard = threading.RLock()
        self._count = 0
        self._is_paying = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._record = os.open(plan.record, flags, 0o644) if plan.record else None
        self._recorder = (
            Recorder(folder, plan.aside, self._guard, plan.unflushed) if plan.aside else None
        )

    def install(self) -> None:
        """From now on every boundary is met; there is no way back but the end of the process."""
        plan = self._plan
        _InTurn.active = plan.in_turn
        if plan.question or plan.questions:
            Questions(self._folder, plan.question, plan.errno, plan.questions).install()
        if self._recorder is not None:
            self._recorder.install()
        sys.addaudithook(self._audited)
        os.fsync = self._around(os.fsync, "flush", self._is_ours)
        begin = self._around(http.client.HTTPResponse.begin, "answer")
        setattr(http.client.HTTPResponse, "begin", begin)  # noqa: B010 - mypy knows no other way

    def _meet(self, name: str) -> None:
        with self._guard:
            self._count += 1
            mine = self._count
            if self._record is not None:
                os.write(self._record, f"{name}\n".encode())
            if self._recorder is not None:
                self._recorder.meet(name)
            if mine == self._plan.at or (self._plan.paid and self._was_paid(name)):
                # Under the lock: no other thread does anything unrecorded before all of them end.
                os.kill(os.getpid(), self._plan.number)

    def _was_paid(self, name: str) -> bool:
        """Whether a boundary is the first answer after a Create was sent."""
        self._is_paying = self._is_paying or name == _CREATE
        return self._is_paying and name == "after answer"

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "open":
                self._opened(arguments[0], arguments[2])
            case "os.rename" | "os.remove":
                self._touched(event.removeprefix("os."), arguments[0])
            case "fcntl.flock":
                self._meet("lock")
            case "http.client.connect":
                self._meet("connect")
            case "http.client.send":
                self._meet(_sent(arguments[1]))

    def _opened(self, path: object, flags: int) -> None:
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        self._touched("create" if writes else "read", path)

    def _touched(self, verb: str, path: object) -> None:
        """Only what lies in the project counts: the interpreter opens much else."""
        path = os.fspath(path) if isinstance(path, os.PathLike) else path
        if not isinstance(path, str):
            return
        if path.startswith("/") and not path.startswith(self._folder):
            return
        shown = _PASSING.sub(".tmp", path.removeprefix(self._folder))
        self._meet(f"{verb} {shown}")

    def _is_ours(self, descriptor: int) -> bool:
        """Whether a descriptor is of the project or what lies in it."""
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - as paths are met
        return f"{path}/".startswith(self._folder)

    def _around(
        self,
        call: Callable[..., Any],
        name: str,
        counts: Callable[[Any], bool] = lambda _: True,
    ) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            if not counts(arguments[0]):
                return call(*arguments)
            self._meet(f"before {name}")
            result = call(*arguments)
            self._meet(f"after {name}")
            return result

        return wrapped


class _InTurn(ThreadPoolExecutor):
    """A thread pool that can do its work at once, in the thread that asks for it."""

    active = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self.active:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def prepare() -> None:
    """Put the pool in place; to be called before the package is imported."""
    setattr(concurrent.futures, "ThreadPoolExecutor", _InTurn)  # noqa: B010 - as above


def _sent(data: object) -> str:
    found = _REQUEST.match(data) if isinstance(data, bytes) else None
    if found is None:
        return "send body"
    method, path = found[1].decode(), found[2].decode()
    return f"send {method} /{path.split('/')[1]}"


def main() -> None:
    """Run the command under the plan that the first argument is."""
    plan, _, *arguments = sys.argv[1:]
    prepare()
    from controller.cli.main import main as command

    sys.argv = ["bedrock-jobs", *arguments]
    Boundaries(Plan(**json.loads(plan)), os.getcwd()).install()  # noqa: PTH109 - as paths are met
    command()


if __name__ == "__main__":
    main()
