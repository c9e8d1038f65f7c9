"""Run the system's git, with the user's credentials, signing and hooks.

This is the only module that starts git. Git never prompts on a terminal, and every command has a
time limit.
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

from controller.core.urls import HIDDEN, mask_urls

COMMAND_SECONDS = 60.0
"""Default time limit of a command, in seconds."""

# Git sets these for hooks; they would redirect our commands to the hook's repository.
_HOOK_VARIABLES = (
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
_OWN_VARIABLES = {
    # Nobody can answer a prompt, so fail at once instead of waiting.
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    # Its messages are parsed here, so they must not be translated.
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    # Our checkouts do not need the large files.
    "GIT_LFS_SKIP_SMUDGE": "1",
}
# A committed folder can look like a bare repository. Git would use it, with the programs that
# its configuration names: a pull request could run code here.
_FIXED_SETTINGS = {"safe.bareRepository": "explicit"}
_MESSAGE_PREFIX = re.compile(r"^(?:fatal|error|remote|ssh): *", re.IGNORECASE)
_MAX_MESSAGE = 400
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
    """A git command failed; the text is one line and holds no password."""


class NoAnswerError(GitError):
    """Git was not started, or did not end by itself: its answer is unknown."""


class GitTimeoutError(NoAnswerError):
    """A command exceeded its time limit and was killed."""


READ_ONLY_SETTINGS: Final = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "protocol.allow": "never",
}
"""Settings that keep a repository's configuration from running programs or using the network."""
OFFLINE_VARIABLES: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
"""The environment to use with READ_ONLY_SETTINGS."""


class Git:
    """Runs git in one folder.

    ``seconds`` limits every command; ``settings`` are configuration for these commands only, as
    with git's ``-c``; ``environment`` is added to this process's own. ``secrets`` are words that no
    error text contains.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float = COMMAND_SECONDS,
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

    def stop(self) -> None:
        """Kill the running commands, here and in copies; each of them then fails."""
        for process in tuple(self._running):
            _kill(process)

    def copy_for(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Git:
        """Return a Git for another folder, with further settings and environment."""
        inner = Git(
            folder,
            seconds=self.seconds,
            settings={**self._settings, **(settings or {})},
            environment={**self._environment, **(environment or {})},
            secrets=self._secrets,
        )
        # Shared, so that ``stop`` reaches the commands of every copy.
        inner._running = self._running
        return inner

    def run(self, *arguments: str, content: bytes = b"", seconds: float | None = None) -> str:
        """Run a command and return what it printed, without the final newline.

        ``content`` is its standard input. Raises GitError when it fails, GitTimeoutError when it
        takes longer than ``seconds``.
        """
        return os.fsdecode(self.read_output(*arguments, content=content, seconds=seconds)).rstrip(
            "\n"
        )

    def read_output(
        self, *arguments: str, content: bytes = b"", seconds: float | None = None
    ) -> bytes:
        """Run a command and return the bytes that it printed; raises as ``run`` does."""
        code, out, err = self.run_unchecked(*arguments, content=content, seconds=seconds)
        if code != 0:
            raise GitError(
                f"git {arguments[0]}: {explain_output(self._hide_secrets(err or out), code)}"
            )
        return out

    def _hide_secrets(self, said: bytes) -> bytes:
        """Mask secrets: git and curl print parts of a URL that do not look like one."""
        text = mask_urls(os.fsdecode(said))
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return os.fsencode(text)

    def is_success(self, *arguments: str) -> bool:
        """Return whether a command succeeds, for those that answer with their exit code."""
        return self.run_unchecked(*arguments)[0] == 0

    def run_unchecked(
        self, *arguments: str, content: bytes = b"", seconds: float | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run a command and return its exit code, stdout and stderr.

        Raises NoAnswerError for one that was not started or was killed by a signal, and GitError
        when git or the folder is missing.
        """
        limit = self.seconds if seconds is None else seconds
        settings = {**self._settings, **_FIXED_SETTINGS}
        set_here = [part for name, value in settings.items() for part in _make_setting(name, value)]
        try:
            process = subprocess.Popen(
                ["git", *set_here, *arguments],
                cwd=self.folder,
                env=_build_environment(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A session of its own: helpers can be killed with it, and cannot prompt on this
                # terminal.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise GitError(_explain_missing(self.folder)) from error
        except OSError as error:
            text = f"git cannot be run in {self.folder}: {error.strerror}"
            raise NoAnswerError(text) from error
        self._running.add(process)
        try:
            return _wait_for_output(process, arguments[0], content, limit)
        finally:
            self._running.discard(process)


def _make_setting(name: str, value: str) -> tuple[str, str]:
    return "-c", f"{name}={value}"


def _build_environment(more: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    return {**variables, **_OWN_VARIABLES, **more}


def _explain_missing(folder: Path) -> str:
    """Return why git could not be started: no folder, or no git."""
    if not folder.is_dir():
        return f"{folder}: no such folder"
    return "git was not found: install it, or do without --write-back and --repo"


def _wait_for_output(
    process: subprocess.Popen[bytes], verb: str, content: bytes, limit: float
) -> tuple[int, bytes, bytes]:
    """Wait for a command and return its result; kill it if waiting fails for any reason."""
    with process:
        try:
            out, err = process.communicate(content, timeout=limit)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            text = f"git {verb}: no answer within {limit:g} s; it was ended"
            raise GitTimeoutError(text) from error
        except BaseException:
            _kill(process)
            raise
    if process.returncode < 0:
        # Not a "no": a killed git says nothing about whether a branch or a commit exists.
        raise NoAnswerError(f"git {verb}: a signal ended it ({-process.returncode})")
    return process.returncode, out, err


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and the helpers that it started, which keep its pipes open."""
    if process.returncode is not None:
        return  # the process id may have been reused
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def explain_output(said: bytes, code: int = 1) -> str:
    """Return git's messages as one line: the causes, and a remedy for well-known ones."""
    text = mask_urls(os.fsdecode(said))
    lines = [line.strip() for line in text.splitlines()]
    told = [_MESSAGE_PREFIX.sub("", line) for line in lines if _MESSAGE_PREFIX.match(line)] or lines
    causes = list(dict.fromkeys(line for line in told if line and not line.isspace()))
    remedy = next((remedy for mark, remedy in _REMEDIES.items() if mark in text), "")
    line = "; ".join(causes) or f"it ended with {code} and said nothing"
    line = line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}…"
    line = line.encode(errors="backslashreplace").decode()
    return f"{line} ({remedy})" if remedy else line
