"""The command under test: in a process of its own, or in this one where a process is no point."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.adapters.host.logs import ROOT
from controller.cli.main import main, root

COMMAND = (sys.executable, "-m", "controller")
DEADLINE = 60.0
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
"""What signs requests in tests; nothing ever checks it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command ended with and said."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed with --output json."""
        return json.loads(self.out)

    @property
    def said(self) -> list[str]:
        """The lines on stderr."""
        return self.err.splitlines()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without anything of AWS's but dummy credentials and a region.

    An empty value leaves a variable out.
    """
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        **CREDENTIALS,
        **more,
    }
    return {name: value for name, value in variables.items() if value}


def run(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    command: tuple[str, ...] = COMMAND,
) -> Ran:
    """Run the command in a folder as a process, and wait for its end."""
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=dict(env or environment(folder)),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def started(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """While the context lasts the command runs in a process; it does not outlive the context."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=dict(env or environment(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def call(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    err: io.StringIO | None = None,
) -> Ran:
    """Run the command in a folder without a process of its own: the same code, faster.

    ``err`` is its stderr, for who has to hear what it says while it runs.
    """
    out, err = io.StringIO(), err or io.StringIO()
    code = _called(folder, arguments, env or environment(folder), (out, err))
    return Ran(code, out.getvalue(), err.getvalue())


def shown(folder: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Return what such a command ends with, and all that it says, as a terminal has it in order."""
    said = io.StringIO()
    return _called(folder, arguments, env, (said, said)), said.getvalue()


def _called(
    folder: Path,
    arguments: tuple[str, ...],
    env: Mapping[str, str],
    streams: tuple[io.StringIO, io.StringIO],
) -> int:
    with (
        _as_process(folder, arguments, env),
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
    ):
        return _ended()


def understood(verb: str, *words: str) -> dict[str, Any]:
    """Return what a verb makes of its arguments, called as a part of the whole command.

    Called alone, a verb would remember for good that nobody gave it -h.
    """
    above = root.make_context("bedrock-jobs", [verb, *words])
    command = root.get_command(above, verb)
    assert command is not None, verb
    return command.make_context(verb, list(words), parent=above).params


def _ended() -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("main returned without ending the process")


@contextlib.contextmanager
def _as_process(folder: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> Iterator[None]:
    """Give this process another's folder, arguments and environment, and take them back.

    Handlers of signals and logs, which the command sets for its own process, are taken back too.
    """
    argv, variables = sys.argv, dict(os.environ)
    terminated = signal.getsignal(signal.SIGTERM)
    sys.argv = ["bedrock-jobs", *arguments]
    os.environ.clear()
    os.environ.update(env)
    try:
        with contextlib.chdir(folder), logs_taken_back():
            yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = argv
        signal.signal(signal.SIGTERM, terminated)


@contextlib.contextmanager
def logs_taken_back() -> Iterator[None]:
    """When the context is left, our logger is as it was: options of verbs set it up."""
    logger = logging.getLogger(ROOT)
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        # Which levels are on is remembered until this is called.
        logger.setLevel(level)
