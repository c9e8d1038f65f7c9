"""The system's git, run as a program: the user's credentials, signing and hooks hold.

This is the only place that starts it. Nothing is ever asked of a terminal, and nothing is waited
for without end.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from controller.core.urls import HIDDEN, masked

PATIENCE = 60.0
"""Seconds that one command may take, unless it is told otherwise."""

# Set by git for its hooks: from there they would lead our commands into another repository.
_OF_A_HOOK = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_OURS = {
    # A question nobody can answer is a failure, at once.
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    # What it says is read here.
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    # The copies that we check out have no use for large files.
    "GIT_LFS_SKIP_SMUDGE": "1",
}
# A folder of the tree may look like a repository without files. Git would take it for one, with
# all the programs that its configuration names: whoever opens a pull request would run them.
_ALWAYS = {"safe.bareRepository": "explicit"}
_TELLING = re.compile(r"^(?:fatal|error|remote|ssh): *", re.IGNORECASE)
_LONGEST = 400
_REMEDIES = {
    "dubious ownership": "the repository belongs to another user: if you trust it, run `git config "
    "--global --add safe.directory <its folder>`",
    "terminal prompts disabled": "the remote wants credentials and git has none: set up a "
    "credential helper, a deploy key or a token",
    "safe.bareRepository": "it holds HEAD, objects and refs as git's own folder does: if nobody "
    "wants a repository there, delete them",
    "index.lock": "another git command is at work there; if none is, remove the file",
}


class GitError(Exception):
    """Git could not do what was asked of it; the text is one line, without anybody's password."""


class NoAnswerError(GitError):
    """Git was not started, or did not end by itself: nothing follows from that."""


class TimedOutError(NoAnswerError):
    """A command took too long and was ended."""


READING: Final = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "protocol.allow": "never",
}
"""Settings to read a repository with: nothing that it sets runs a program or reaches a remote."""
OFFLINE: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
"""The environment that belongs to them."""


class Git:
    """Runs git in one folder.

    ``seconds`` bounds every command; ``settings`` are configuration for these commands alone, as
    git's ``-c`` takes it; ``environment`` is what they see besides this process's own. ``secrets``
    are words that no error shows.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float = PATIENCE,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.seconds = seconds
        self._settings = dict(settings or {})
        self._environment = dict(environment or {})
        self._secrets = tuple(secrets)
        self._running: set[subprocess.Popen[bytes]] = set()

    def end(self) -> None:
        """End what runs now, here and ``within`` other folders; each command of it then fails."""
        for process in tuple(self._running):
            _end(process)

    def within(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Git:
        """Return the same git for another folder, with further settings and environment."""
        inner = Git(
            folder,
            seconds=self.seconds,
            settings={**self._settings, **(settings or {})},
            environment={**self._environment, **(environment or {})},
            secrets=self._secrets,
        )
        inner._running = self._running
        return inner

    def run(self, *arguments: str, content: bytes = b"", seconds: float | None = None) -> str:
        """Run a command and return what it printed, without the last line's end.

        ``content`` is its standard input. Raises GitError when it fails, TimedOutError when it
        takes longer than ``seconds``.
        """
        return os.fsdecode(self.read(*arguments, content=content, seconds=seconds)).rstrip("\n")

    def read(self, *arguments: str, content: bytes = b"", seconds: float | None = None) -> bytes:
        """Run a command and return the bytes that it printed; raises as ``run`` does."""
        code, out, err = self.ask(*arguments, content=content, seconds=seconds)
        if code != 0:
            raise GitError(f"git {arguments[0]}: {explained(self._hide(err or out), code)}")
        return out

    def _hide(self, said: bytes) -> bytes:
        """Mask the parts of a URL that git, or curl, shows without the rest of it."""
        text = masked(os.fsdecode(said))
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return os.fsencode(text)

    def holds(self, *arguments: str) -> bool:
        """Return whether a command that answers with its exit code says yes."""
        return self.ask(*arguments)[0] == 0

    def ask(
        self, *arguments: str, content: bytes = b"", seconds: float | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run a command and return its exit code and what it printed on both streams.

        Raises NoAnswerError for one that was not started or that a signal ended, and GitError
        where git or the folder is missing.
        """
        limit = self.seconds if seconds is None else seconds
        settings = {**self._settings, **_ALWAYS}
        set_here = [part for name, value in settings.items() for part in _set(name, value)]
        try:
            process = subprocess.Popen(
                ["git", *set_here, *arguments],
                cwd=self.folder,
                env=_environment(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Its helpers end with it, and none of them can ask this terminal anything.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise GitError(_missing(self.folder)) from error
        except OSError as error:
            text = f"git cannot be run in {self.folder}: {error.strerror}"
            raise NoAnswerError(text) from error
        self._running.add(process)
        try:
            return _answer(process, arguments[0], content, limit)
        finally:
            self._running.discard(process)


def _set(name: str, value: str) -> tuple[str, str]:
    return "-c", f"{name}={value}"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return {**variables, **_OURS, **more}


def _missing(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder}: there is no such folder"
    return "git was not found: install it, or do without --write-back and --repo"


def _answer(
    process: subprocess.Popen[bytes], verb: str, content: bytes, limit: float
) -> tuple[int, bytes, bytes]:
    """Return what a command answers; whatever ends the wait ends the command too."""
    with process:
        try:
            out, err = process.communicate(content, timeout=limit)
        except subprocess.TimeoutExpired as error:
            _end(process)
            text = f"git {verb}: no answer within {limit:g} s; it was ended"
            raise TimedOutError(text) from error
        except BaseException:
            _end(process)
            raise
    if process.returncode < 0:
        # Taken for a no, it would tell of a branch or a commit that it is not there.
        raise NoAnswerError(f"git {verb}: a signal ended it ({-process.returncode})")
    return process.returncode, out, err


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with the helpers that it started: they hold its streams open."""
    if process.returncode is not None:
        return  # its number may be another's by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def explained(said: bytes, code: int = 1) -> str:
    """Return what git said as one line for a person: its causes, and what helps against some."""
    text = masked(os.fsdecode(said))
    lines = [line.strip() for line in text.splitlines()]
    told = [_TELLING.sub("", line) for line in lines if _TELLING.match(line)] or lines
    causes = list(dict.fromkeys(line for line in told if line and not line.isspace()))
    remedy = next((remedy for mark, remedy in _REMEDIES.items() if mark in text), "")
    line = "; ".join(causes) or f"it ended with {code} and said nothing"
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    line = line.encode(errors="backslashreplace").decode()
    return f"{line} ({remedy})" if remedy else line
