"""Read what commits contain from git's object store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from controller.adapters.git.command import Git, GitError

_PLAIN = ("100644", "100755")
_SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a commit: the id of its bytes, and whether it is a regular file."""

    identity: str
    plain: bool


Tree = Mapping[str, Blob]
"""A commit's files, by their paths from the top."""


def read_tree(git: Git, commit: str, folders: Iterable[str]) -> dict[str, Blob]:
    """Return a commit's files below some folders; none if there is no commit."""
    if not commit:
        return {}
    chosen = [folder for folder in folders if folder]
    where = ("--", *(f"{folder}/" for folder in chosen)) if chosen else ()
    listed = git.read_output("ls-tree", "-r", "-z", "--full-tree", commit, *where)
    return dict(_parse_tree(listed))


def _parse_tree(output: bytes) -> Iterator[tuple[str, Blob]]:
    for line in output.split(b"\0")[:-1]:
        described, _, path = line.partition(b"\t")
        mode, _, identity = described.decode().split(" ")
        yield os.fsdecode(path), Blob(identity, mode in _PLAIN)


def read_blobs(git: Git, identities: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of blobs, with one command for all of them."""
    wanted = list(dict.fromkeys(identities))
    if not wanted:
        return {}
    output = git.read_output(
        "cat-file", "--batch", content="".join(f"{one}\n" for one in wanted).encode()
    )
    found, position = {}, 0
    for identity in wanted:
        # Each answer is "<id> <type> <size>", a newline, the bytes, and a newline.
        end = output.index(b"\n", position)
        answer = output[position:end].split(b" ")
        if answer[1] != b"blob":
            raise GitError(f"git cat-file: {identity} is {answer[-1].decode()}")
        start, size = end + 1, int(answer[2])
        found[identity] = output[start : start + size]
        position = start + size + 1
    return found


def is_blob(content: bytes, identity: str) -> bool:
    """Return whether bytes have a blob's id, without asking git."""
    # A repository uses SHA-1 or SHA-256 throughout; the length of an id shows which.
    algorithm = hashlib.sha1 if len(identity) == _SHA1_DIGITS else hashlib.sha256
    found = algorithm(b"blob %d\0" % len(content), usedforsecurity=False)
    found.update(content)
    return found.hexdigest() == identity


def find_filtered(git: Git, paths: Iterable[str]) -> frozenset[str]:
    """Return the paths that one of the user's filters (such as LFS) changes on checkout."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not asked:
        return frozenset()
    # The answers are triples of path, attribute and value.
    answers = git.read_output("check-attr", "-z", "--stdin", "filter", content=asked).split(b"\0")
    triples = zip(answers[::3], answers[2::3], strict=False)
    return frozenset(
        os.fsdecode(path) for path, value in triples if value not in (b"unspecified", b"unset")
    )


def find_ignored(git: Git, paths: Iterable[str]) -> frozenset[str]:
    """Return those of some paths that a .gitignore excludes."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not asked:
        return frozenset()
    # Exit code 1 means that none of them is ignored.
    code, out, _ = git.run_unchecked("check-ignore", "-z", "--stdin", content=asked)
    return frozenset(map(os.fsdecode, out.split(b"\0")[:-1])) if code == 0 else frozenset()


def find_sparse(git: Git, folders: Iterable[str]) -> frozenset[str]:
    """Return the paths that a sparse checkout leaves out of the work tree."""
    chosen = [f":(literal){folder}" for folder in folders if folder]
    listed = git.read_output("ls-files", "-t", "-z", "--", *chosen).split(b"\0")
    return frozenset(os.fsdecode(line[2:]) for line in listed if line.startswith(b"S "))
