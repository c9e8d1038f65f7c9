"""Files of the daemon's clone: written, removed and listed without following a link."""

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


def can_hold_sidecar(place: Path) -> bool:
    """Return whether a sidecar can be at a path: no folder has its name, no link its folder's."""
    if place.parent.resolve() != place.parent:
        return False  # a link leads elsewhere, where nothing of ours belongs
    try:
        return not stat.S_ISDIR(place.lstat().st_mode)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False


def update_sidecar(place: Path, before: bytes, after: bytes) -> None:
    """Write a sidecar's bytes if they differ; empty bytes remove the file."""
    if after == before:
        return
    if after:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, after)
    else:
        place.unlink(missing_ok=True)


def write_file(place: Path, content: bytes) -> None:
    """Write a file of the clone, completely or not at all."""
    replace(TreeRoot.locate(place.parent), str(place), content)


def read_sidecar(place: Path) -> bytes:
    """Return a regular file's bytes, else empty; raises OSError when that is unknown."""
    root = TreeRoot.locate(place.parent)
    found = root.lstat(str(place))
    is_file = found is not None and stat.S_ISREG(found.st_mode)
    return (root.read(str(place)) or b"") if is_file else b""


def ignore_attributes(tree: Path) -> bool:
    """Make git ignore .gitattributes on checkout; return whether that is new here.

    Files are then checked out exactly as committed, even after .gitattributes changed, and nobody
    who can push can start a filter that is installed on this machine.
    """
    path = tree / ".git" / "info" / "attributes"
    if path.exists() and path.read_bytes() == _ATTRIBUTES:
        return False
    path.parent.mkdir(exist_ok=True)
    write_file(path, _ATTRIBUTES)
    return True


def discard_tree(old: Path, tree: Path) -> None:
    """Remove a tree that another one replaced, once the new tree's statuses are on disk.

    Raises OSError when they cannot be flushed; the old tree then stays.
    """
    if old.exists():
        root, statuses = TreeRoot.locate(tree), find_statuses(tree)
        for path in statuses:
            with contextlib.suppress(FileNotFoundError):  # a pass has collected it
                flush(root, str(path))
        done = set[str]()
        for folder in {tree, *(path.parent for path in statuses)}:
            done |= {*flush_folders(root, str(folder), done)}
        remove_folder(old)


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours; of a link only the link."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        # What cannot be removed now does no harm; the next daemon tries again.
        shutil.rmtree(folder, ignore_errors=True)


def clear_folder(folder: Path) -> None:
    """Remove everything but statuses below a folder that may be missing; links are not followed.

    Raises OSError for a folder that cannot be read: old manifests would stay in it.
    """
    for place, folders, files in os.walk(folder, topdown=False, onerror=_raise_unless_absent):
        for name in files:
            if not name.endswith(SUFFIX):
                Path(place, name).unlink()
        for name in folders:
            inner = Path(place, name)
            if inner.is_symlink():
                inner.unlink()
            elif not any(inner.iterdir()):
                inner.rmdir()


def find_stale_locks(repository: Path) -> Iterator[Path]:
    """Yield the locks left by a git that was killed: no other git uses our clone.

    Raises OSError for a folder that cannot be read.
    """
    for folder, names, files in os.walk(repository, onerror=_raise_unless_absent):
        # Only refs hold locks below the top; objects would take long to list.
        if Path(folder) == repository:
            names[:] = [name for name in names if name == "refs"]
        yield from (Path(folder, name) for name in files if name.endswith(".lock"))


def find_statuses(tree: Path) -> Sequence[Path]:
    """Return the sidecars in a tree; raises OSError for a folder that cannot be read."""
    found = []
    for folder, names, files in os.walk(tree, onerror=_raise_unless_absent):
        names[:] = [name for name in names if name != ".git"]
        found += [Path(folder, name) for name in files if name.endswith(SUFFIX)]
    return found


def _raise_unless_absent(error: OSError) -> None:
    """Raise the error unless it says that the folder does not exist."""
    if error.errno not in ABSENT:
        raise error
