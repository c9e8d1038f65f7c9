"""Push a commit, or update the local branch; never forced."""

from __future__ import annotations

import re

from controller.adapters.git.command import GitError, explain_output
from controller.adapters.git.remote import BaseCommits
from controller.adapters.git.repository import BRANCH_PREFIX, PushTarget, Repository

_REJECTED = re.compile(r"^!\t[^\t]*\t\[(?P<by>[^\]]*)\](?: \((?P<why>.*)\))?", re.MULTILINE)
_MOVED_REMOTELY = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "lock",
    "failed to update ref",
    "incorrect old value",
    "already exists",
)
"""Reasons for a rejected push when somebody else pushed first."""


_MOVED_LOCALLY = (
    b"but expected",
    b"already exists",
    b"File exists",
    b"unable to resolve reference",
)
"""Git's messages when another process moved, or is moving, a branch of this repository."""


class PushRefusedError(GitError):
    """The remote refuses this commit; trying again would not help."""


def push_commit(repository: Repository, aim: PushTarget, heads: BaseCommits, commit: str) -> bool:
    """Make a commit the branch's head; return False if somebody else was first.

    Raises PushRefusedError when the remote refuses it, GitError when it cannot be reached.
    """
    ref = f"{BRANCH_PREFIX}{aim.branch}"
    if heads.is_local:
        why = ("-m", "bedrock-jobs: record statuses")
        # Compare-and-swap: all zeros means that the branch must not exist yet.
        before = heads.at or "0" * len(commit)
        code, out, err = repository.git.run_unchecked("update-ref", *why, ref, commit, before)
        if code and not any(mark in err for mark in _MOVED_LOCALLY):
            raise GitError(f"git update-ref: {explain_output(err or out, code)}")
        return code == 0
    quietly = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no")
    # Not forced: the remote rejects it unless the branch is still an ancestor.
    code, out, err = repository.git.run_unchecked(
        "push", *quietly, "--", aim.remote, f"{commit}:{ref}"
    )
    if code == 0:
        return True
    rejected = _REJECTED.search(out.decode(errors="replace"))
    if rejected is None:
        raise GitError(f"git push: {explain_output(err or out, code)}")
    why_not = rejected["why"] or rejected["by"]
    if any(mark in why_not for mark in _MOVED_REMOTELY):
        return False
    raise PushRefusedError(f"{aim} refused the commit ({why_not}){_extract_remote_message(err)}")


def _extract_remote_message(err: bytes) -> str:
    """Return the remote's own messages, for the person who can change its rules."""
    lines = [line for line in err.splitlines() if line.startswith(b"remote:")]
    told = b"\n".join(line for line in lines if line.removeprefix(b"remote:").strip())
    return f": {explain_output(told)}" if told else ""
