"""Push a commit, or update the local branch; never forced."""

from __future__ import annotations

import re

from controller.adapters.git.command import GitError, explained
from controller.adapters.git.remote import Heads
from controller.adapters.git.repository import HEADS, Aim, Repository

_REJECTED = re.compile(r"^!\t[^\t]*\t\[(?P<by>[^\]]*)\](?: \((?P<why>.*)\))?", re.MULTILINE)
_MOVED = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "lock",
    "failed to update ref",
    "incorrect old value",
    "already exists",
)
"""Reasons for a rejected push when somebody else pushed first."""


_MOVED_HERE = (b"but expected", b"already exists", b"File exists", b"unable to resolve reference")
"""Git's messages when another process moved, or is moving, a branch of this repository."""


class RefusedError(GitError):
    """The remote refuses this commit; trying again would not help."""


def land(repository: Repository, aim: Aim, heads: Heads, commit: str) -> bool:
    """Make a commit the branch's head; return False if somebody else was first.

    Raises PushRefusedError when the remote refuses it, GitError when it cannot be reached.
    """
    ref = f"{HEADS}{aim.branch}"
    if heads.here:
        why = ("-m", "bedrock-jobs: record statuses")
        # Compare-and-swap: all zeros means that the branch must not exist yet.
        before = heads.at or "0" * len(commit)
        code, out, err = repository.git.ask("update-ref", *why, ref, commit, before)
        if code and not any(mark in err for mark in _MOVED_HERE):
            raise GitError(f"git update-ref: {explained(err or out, code)}")
        return code == 0
    quietly = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no")
    # Not forced: the remote rejects it unless the branch is still an ancestor.
    code, out, err = repository.git.ask("push", *quietly, "--", aim.remote, f"{commit}:{ref}")
    if code == 0:
        return True
    rejected = _REJECTED.search(out.decode(errors="replace"))
    if rejected is None:
        raise GitError(f"git push: {explained(err or out, code)}")
    why_not = rejected["why"] or rejected["by"]
    if any(mark in why_not for mark in _MOVED):
        return False
    raise RefusedError(f"{aim} refused the commit ({why_not}){_said(err)}")


def _said(err: bytes) -> str:
    """Return the remote's own messages, for the person who can change its rules."""
    lines = [line for line in err.splitlines() if line.startswith(b"remote:")]
    told = b"\n".join(line for line in lines if line.removeprefix(b"remote:").strip())
    return f": {explained(told)}" if told else ""
