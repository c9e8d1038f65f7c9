"""The CI system that runs the command: how to find its repository and write its reports."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import Enum
from pathlib import Path

from controller.core.model import Source

MAX_SUMMARY_BYTES = 1024 * 1024
"""GitHub's size limit for one step's summary."""

_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
_SUMMARY = "GITHUB_STEP_SUMMARY"


class CiHost(Enum):
    """The system that runs the command."""

    NONE = "a person, or a system without pages of its own"
    GITHUB = "GitHub Actions"
    GITLAB = "GitLab CI"


def detect_ci_host() -> CiHost:
    """Return which CI system runs the command, according to the environment."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return CiHost.GITHUB
    return CiHost.GITLAB if os.environ.get("GITLAB_CI") == "true" else CiHost.NONE


def find_repository_root() -> Path:
    """Return the repository's root: the nearest checkout upward, else the CI system's workspace.

    Without either, the working directory.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    given = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    return Path(given) if given else here


def make_relative(source: Source, top: Path) -> Source:
    """Return a source with its path relative to the root; one outside keeps its full path."""
    # Plain strings, because reports have a source for each of up to 100,000 manifests.
    path = os.path.abspath(source.path)
    above = os.path.join(top, "")
    if not path.startswith(above):
        # Either may have been reached through a symbolic link.
        real, above = os.path.realpath(path), os.path.join(os.path.realpath(top), "")
        path = real if real.startswith(above) else path
    return replace(source, path=path.removeprefix(above))


def get_summary_room() -> int:
    """Return how many bytes this step's summary can still take; 0 if there is none."""
    path = os.environ.get(_SUMMARY)
    if not path:
        return 0
    try:
        return max(MAX_SUMMARY_BYTES - Path(path).stat().st_size, 0)
    except OSError:
        return MAX_SUMMARY_BYTES


def add_to_summary(text: str) -> None:
    """Append to GitHub's job summary; raises OSError if it cannot be written."""
    _write(Path(os.environ[_SUMMARY]), text, _APPEND_FLAGS)


def write_report(name: str, text: str) -> Path:
    """Write a report into GitLab's project folder, where jobs pick up artifacts; return its path.

    Raises OSError if it cannot be written, also for a link: the folder is a checkout, and a commit
    could make the link point anywhere.
    """
    path = Path(os.environ.get("CI_PROJECT_DIR") or ".") / name
    _write(path, text, _APPEND_FLAGS & ~os.O_APPEND | os.O_TRUNC | os.O_NOFOLLOW)
    return path


def _write(path: Path, text: str, flags: int) -> None:
    """Write a text to a file that is opened with the given flags."""
    # The flags include O_NONBLOCK: opening a pipe without a reader fails instead of blocking.
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(text)
