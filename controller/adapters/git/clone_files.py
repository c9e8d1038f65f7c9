"""Files of a clone that belongs to a daemon: put, removed and found without following a link."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from controller.adapters.host.tree_files import ABSENT, TreeRoot
from controller.adapters.host.tree_writes import flush, flush_folders, replace
from controller.adapters.sidecars.paths import SUFFIX

_ATTRIBUTES = b"* -text -ident -filter !eol !working-tree-encoding\n"


def may_stand(place: Path) -> bool:
    """Whether a sidecar can be there, in the clone: nothing else has its place, or its folder's."""
    if place.parent.resolve() != place.parent:
        return False  # a link leads elsewhere, where nothing of ours belongs
    try:
        return not stat.S_ISDIR(place.lstat().st_mode)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False


def put(place: Path, before: bytes, after: bytes) -> None:
    """Write a sidecar's bytes where they differ; no bytes are no file."""
    if after == before:
        return
    if after:
        place.parent.mkdir(parents=True, exist_ok=True)
        write(place, after)
    else:
        place.unlink(missing_ok=True)


def write(place: Path, content: bytes) -> None:
    """Write a file of the clone's, whole or not at all."""
    replace(TreeRoot.of(place.parent), str(place), content)


def held(place: Path) -> bytes:
    """Return a regular file's bytes, none of anything else; raises OSError where it is unknown."""
    root = TreeRoot.of(place.parent)
    found = root.lstat(str(place))
    is_file = found is not None and stat.S_ISREG(found.st_mode)
    return (root.read(str(place)) or b"") if is_file else b""


def ignore_attributes(tree: Path) -> bool:
    """Have a repository's .gitattributes change no byte; return whether that is new here.

    What is laid out is then what was committed, also after that file has changed, and no
    filter that this machine has is started by whoever can push.
    """
    path = tree / ".git" / "info" / "attributes"
    if path.exists() and path.read_bytes() == _ATTRIBUTES:
        return False
    path.parent.mkdir(exist_ok=True)
    write(path, _ATTRIBUTES)
    return True


def discard(old: Path, tree: Path) -> None:
    """Remove a tree that another one replaced, once the statuses of that one are on disk.

    Raises OSError where they cannot be flushed; the old tree stays then.
    """
    if old.exists():
        root, statuses = TreeRoot.of(tree), statuses_below(tree)
        for path in statuses:
            with contextlib.suppress(FileNotFoundError):  # a pass has collected it
                flush(root, str(path))
        done = set[str]()
        for folder in {tree, *(path.parent for path in statuses)}:
            done |= {*flush_folders(root, str(folder), done)}
        wipe(old)


def wipe(folder: Path) -> None:
    """Remove a folder of ours; what a link leads to is not."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        # What cannot be removed now is in nobody's way, and is tried again by the next daemon.
        shutil.rmtree(folder, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove all but statuses below a folder, which need not be there; links are not followed.

    Raises OSError for a folder that cannot be read: manifests of before would stay in it.
    """
    for place, folders, files in os.walk(folder, topdown=False, onerror=_raised):
        for name in files:
            if not name.endswith(SUFFIX):
                Path(place, name).unlink()
        for name in folders:
            inner = Path(place, name)
            if inner.is_symlink():
                inner.unlink()
            elif not any(inner.iterdir()):
                inner.rmdir()


def stale_locks(repository: Path) -> Iterator[Path]:
    """Yield the locks that a git which was killed left: no other is at work in a clone of ours.

    Raises OSError for a folder that cannot be read.
    """
    for folder, names, files in os.walk(repository, onerror=_raised):
        if Path(folder) == repository:
            names[:] = [name for name in names if name == "refs"]
        yield from (Path(folder, name) for name in files if name.endswith(".lock"))


def statuses_below(tree: Path) -> Sequence[Path]:
    """Return the sidecars below a tree; raises OSError for a folder that cannot be read."""
    found = []
    for folder, names, files in os.walk(tree, onerror=_raised):
        names[:] = [name for name in names if name != ".git"]
        found += [Path(folder, name) for name in files if name.endswith(SUFFIX)]
    return found


def _raised(error: OSError) -> None:
    """A folder that cannot be listed is not an empty one; only one that does not exist is."""
    if error.errno not in ABSENT:
        raise error
