"""Mutants of what reads and writes inside a tree."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

_READING = "controller/adapters/host/tree_files.py"
_WRITING = "controller/adapters/host/tree_writes.py"

MUTANTS = (
    Mutant(
        "a file that cannot be reached is taken for absent",
        _READING,
        "ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})",
        "ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EIO, errno.EACCES})",
    ),
    Mutant(
        "a link leads out of the tree",
        _READING,
        '        return real == self.path or real.startswith(os.path.join(self.path, ""))',
        "        return bool(real)",
    ),
    Mutant(
        "a folder beside the root is taken for one in it",
        _READING,
        'real.startswith(os.path.join(self.path, ""))',
        "real.startswith(self.path)",
    ),
    Mutant(
        "a link is followed unseen by a read",
        _READING,
        "_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK",
        "_READ: Final = os.O_RDONLY | os.O_NONBLOCK",
    ),
    Mutant(
        "a link to nothing is taken for absent",
        _READING,
        "        if real is None:\n            raise OutsideTreeError",
        "        if real is None:\n            return placed\n            raise OutsideTreeError",
    ),
    Mutant(
        "a work tree below is taken for the root",
        _READING,
        "            return TreeRoot.locate(tops[-1])",
        "            return TreeRoot.locate(tops[0])",
    ),
    Mutant(
        "a link by the usual name moves the root",
        _READING,
        "    for own in (folder, real):",
        "    for own in (real,):",
    ),
    Mutant(
        "a folder is resolved before it became a link",
        _WRITING,
        "    real = _require_path(TreeRoot(root.path).resolve_folder(path), path)",
        "    real = _require_path(root.resolve_folder(path), path)",
    ),
    Mutant(
        "a lock is opened through a link",
        _WRITING,
        "    refuse_link(root, path)\n    above",
        "    above",
    ),
    Mutant(
        "the sandbox's store is opened through a link",
        "controller/sandbox/state/store.py",
        '            refuse_link(root, f"{path}{ending}")',
        "            pass",
    ),
    Mutant(
        "a state that is unknown is taken for absence",
        "controller/adapters/host/file_stamp.py",
        "        return UNKNOWN_STAMP\n",
        "        return None\n",
    ),
)
