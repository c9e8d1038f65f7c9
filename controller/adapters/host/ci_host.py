"""The CI system that runs the command: where its repository is, and what its pages read."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import Enum
from pathlib import Path

from controller.core.model import Source

SUMMARY_BYTES = 1024 * 1024
"""What GitHub takes of the summary of one step."""

_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
_SUMMARY = "GITHUB_STEP_SUMMARY"


class Host(Enum):
    """Who runs the command."""

    NOBODY = "a person, or a system without pages of its own"
    GITHUB = "GitHub Actions"
    GITLAB = "GitLab CI"


def host() -> Host:
    """Return who runs the command, as the environment says."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return Host.GITHUB
    return Host.GITLAB if os.environ.get("GITLAB_CI") == "true" else Host.NOBODY


def root() -> Path:
    """Return the repository's root: the nearest checkout upward, else the CI system's workspace.

    Where there is neither, the present folder.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    given = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    return Path(given) if given else here


def from_root(source: Source, top: Path) -> Source:
    """Return a place with its path from the repository's root; one outside keeps its whole path."""
    # As plain text, because reports hold a place for each of a hundred thousand manifests.
    path = os.path.abspath(source.path)
    above = os.path.join(top, "")
    if not path.startswith(above):
        # Either may have been reached through a symbolic link.
        real, above = os.path.realpath(path), os.path.join(os.path.realpath(top), "")
        path = real if real.startswith(above) else path
    return replace(source, path=path.removeprefix(above))


def summary_room() -> int:
    """Return how many bytes this step's summary takes yet; 0 where there is none."""
    path = os.environ.get(_SUMMARY)
    if not path:
        return 0
    try:
        return max(SUMMARY_BYTES - Path(path).stat().st_size, 0)
    except OSError:
        return SUMMARY_BYTES


def add_to_summary(text: str) -> None:
    """Append to the job summary of GitHub; raises OSError where it cannot be written."""
    _write(Path(os.environ[_SUMMARY]), text, _APPENDING)


def leave(name: str, text: str) -> Path:
    """Write a report into GitLab's project folder, for the job's artifacts; return its path.

    Raises OSError where it cannot be written, which a link is too: the folder is a checkout, and
    whoever committed the link says where it leads.
    """
    path = Path(os.environ.get("CI_PROJECT_DIR") or ".") / name
    _write(path, text, _APPENDING & ~os.O_APPEND | os.O_TRUNC | os.O_NOFOLLOW)
    return path


def _write(path: Path, text: str, flags: int) -> None:
    """Write without ever waiting, as a pipe that nobody reads would have it."""
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(text)
