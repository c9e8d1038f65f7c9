"""Create a commit beside the user's checkout, touching neither its files nor its index.

``git commit`` runs in a temporary work tree, so that signing and hooks apply.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from controller.adapters.git.command import Git, GitError
from controller.adapters.git.pending_statuses import SidecarChange
from controller.adapters.git.repository import Repository

DEFAULT_NAME, DEFAULT_EMAIL = "bedrock-jobs", "bedrock-jobs@localhost"
"""The committer when git has none configured, as on a CI runner."""

_FOLDER = "bedrock-jobs"
_FIRST_REF = "refs/heads/bedrock-jobs/first"
_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
_HOOK_SECONDS = 600.0
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.sparseCheckoutCone": "false",
    "core.untrackedCache": "false",
    "i18n.commitEncoding": "UTF-8",
    "index.sparse": "false",
    "submodule.recurse": "false",
}


def create_commit(
    repository: Repository,
    onto: str,
    changes: Sequence[SidecarChange],
    message: str,
    author: str = "",
    filtered: Iterable[str] = (),
) -> str:
    """Create one commit of the changes on top of a commit and return it; no branch moves.

    An empty ``onto`` creates a first commit. ``author`` is ``Name <email>``, by default the one
    that git knows; ``filtered`` are the paths that one of the user's filters applies to. Raises
    GitError, also when a hook changed anything but the sidecars.
    """
    with _open_work_tree(repository, onto) as git:
        # Only in the user's checkout does git know the attributes that select a filter.
        through = dict.fromkeys(filtered, repository.git)
        _update_index(git, changes, through, "0" * len(onto))
        by = (f"--author={author}",) if author else ()
        who = git.copy_for(git.folder, environment=_build_identity(git, author))
        patience = max(git.seconds, _HOOK_SECONDS)
        # The default cleanup would drop lines of the message that start with #.
        said = ("--quiet", "--cleanup=whitespace", "--file=-")
        who.run("commit", *said, *by, content=message.encode(errors="replace"), seconds=patience)
        made, *before = git.run("rev-parse", "HEAD", "HEAD^@").split()
        if before != ([onto] if onto else []):
            raise GitError("a hook made further commits: nothing was pushed; take the hook away")
        _check_changes(git, made, {one.path for one in changes})
    return made


@contextmanager
def _open_work_tree(repository: Repository, onto: str) -> Iterator[Git]:
    """Yield a Git in a temporary work tree at a commit.

    Leftovers of an earlier one are removed first. Only one may exist in a repository at a time.
    Files are checked out only if there are hooks, which may read them.
    """
    outer, folder = repository.git, repository.shared / _FOLDER
    hooks = _find_hooks(repository)
    settings = {**_SETTINGS, "core.sparseCheckout": "false" if hooks else "true"}
    if hooks is not None:
        # A relative hooks folder is relative to the user's checkout.
        settings["core.hooksPath"] = str(hooks)
    _remove_work_tree(outer, folder)
    try:
        start = onto or _create_empty_commit(outer)
        # Forced twice: an interrupted `worktree add` leaves the work tree registered and locked.
        quietly = ("--quiet", "--force", "--force", "--detach", "--no-checkout")
        outer.run("worktree", "add", *quietly, str(folder), start)
        git = outer.copy_for(folder, settings)
        pattern = _find_private_folder(git) / "info" / "sparse-checkout"
        pattern.parent.mkdir(exist_ok=True)
        pattern.write_text("/.bedrock-jobs/none\n", encoding="utf-8")
        # The pattern matches no file, so with sparse checkout nothing is written to disk.
        git.run("read-tree", "-m", "-u", "HEAD")
        if not onto:
            git.run("symbolic-ref", "HEAD", _FIRST_REF)
        yield git
    finally:
        _remove_work_tree(outer, folder)
        if not onto:
            outer.run_unchecked("update-ref", "-d", _FIRST_REF)


def _find_hooks(repository: Repository) -> Path | None:
    """Return the folder of the hooks that a commit would run, or None."""
    folder = repository.top / repository.git.run("rev-parse", "--git-path", "hooks")
    return folder if any(os.access(folder / name, os.X_OK) for name in _HOOKS) else None


def _find_private_folder(git: Git) -> Path:
    """Return the folder where git keeps this work tree's own data."""
    pointer = (git.folder / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    return git.folder / pointer.removeprefix("gitdir: ").rstrip("\n")


def _remove_work_tree(git: Git, folder: Path) -> None:
    """Remove a work tree, registered or not."""
    if folder.exists():
        git.run_unchecked("worktree", "remove", "--force", "--force", str(folder))
        # Git refuses to remove a folder that it does not know as a work tree.
        shutil.rmtree(folder, ignore_errors=True)


def _create_empty_commit(git: Git) -> str:
    """Create a commit without files: a work tree has to be at some commit."""
    tree = git.run("mktree")
    who = git.copy_for(git.folder, environment=_build_identity(git, ""))
    return who.run("commit-tree", "-m", "nothing", tree)


def _update_index(
    git: Git, changes: Sequence[SidecarChange], through: Mapping[str, Git], nothing: str
) -> None:
    """Put the changes into the work tree's own index, byte for byte."""
    written = {one.path: one.after for one in changes if one.after is not None}
    stored = _store_blobs(git, written, through)
    lines = [
        f"100644 {stored[one.path]}\t" if one.path in stored else f"0 {nothing}\t"
        for one in changes
    ]
    paths = [os.fsencode(one.path) + b"\0" for one in changes]
    info = b"".join(line.encode() + path for line, path in zip(lines, paths, strict=True))
    git.run("update-index", "-z", "--index-info", content=info)
    # Hooks may read the files themselves.
    for one in changes:
        with contextlib.suppress(OSError):
            (git.folder / one.path).unlink()
    files = b"".join(os.fsencode(path) + b"\0" for path in written)
    git.run("checkout-index", "-q", "-f", "-z", "--stdin", content=files)


def _store_blobs(
    git: Git, written: Mapping[str, bytes], through: Mapping[str, Git]
) -> dict[str, str]:
    """Store bytes as blobs and return their ids; only the user's own filters may change them."""
    stored = {}
    for path in written.keys() & through.keys():
        store = ("hash-object", "-w", "--stdin", f"--path={path}")
        stored[path] = through[path].run(*store, content=written[path])
    rest = [path for path in written if path not in stored]
    folder = _find_private_folder(git)
    files = [folder / f"status-{number}" for number in range(len(rest))]
    for file, path in zip(files, rest, strict=True):
        file.write_bytes(written[path])
    # Relative names: the absolute path may hold newlines or bytes that are not UTF-8.
    names = "".join(f"{os.path.relpath(file, git.folder)}\n" for file in files).encode()
    made = git.run("hash-object", "-w", "--no-filters", "--stdin-paths", content=names)
    return stored | dict(zip(rest, made.split(), strict=True))


def _build_identity(git: Git, author: str) -> dict[str, str]:
    """Return the environment variables for an identity that git does not know."""
    name, _, email = author.partition("<")
    given = {"name": name.strip() or DEFAULT_NAME, "email": email.strip("> ") or DEFAULT_EMAIL}
    found = git.run_unchecked("config", "--get-regexp", r"^(user|author|committer)\.(name|email)$")[
        1
    ]
    known = {line.split(" ")[0].lower() for line in os.fsdecode(found).splitlines()}
    made = {}
    for role in ("author", "committer"):
        for part, value in given.items():
            variable = f"GIT_{role}_{part}".upper()
            if not {f"user.{part}", f"{role}.{part}"} & known and not os.environ.get(variable):
                made[variable] = value
    return made


def _check_changes(git: Git, made: str, allowed: set[str]) -> None:
    """Raise GitError if a commit changes anything but the allowed paths, as a hook may do."""
    shown = git.read_output(
        "diff-tree", "--root", "-r", "-z", "--name-only", "--no-commit-id", made
    )
    more = sorted({os.fsdecode(path) for path in shown.split(b"\0")[:-1]} - allowed)
    if more:
        text = f"a hook changed {more[0]}, which is not a sidecar of this pass: nothing was pushed"
        raise GitError(text)
