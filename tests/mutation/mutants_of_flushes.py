"""Mutants of what a power failure must not lose."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

_WRITING = "controller/adapters/host/tree_writes.py"
_FOLDER = "controller/adapters/host/folder_writes.py"
_SHARED = "controller/adapters/sidecars/shared_folders.py"
_SIDECARS = "controller/adapters/sidecars/store.py"

MUTANTS = (
    Mutant(
        "a Create relies on what is not flushed",
        _SIDECARS,
        "            (self._flushes.flush_folders if result else self._flushes.flush_file)(path)\n",
        "            del path\n",
    ),
    Mutant(
        "an intent that another process left is not flushed",
        _SIDECARS,
        "(self._flushes.flush_folders if result else self._flushes.flush_file)(path)",
        "self._flushes.flush_folders(path)",
    ),
    Mutant(
        "equal bytes that another process wrote meanwhile are not flushed",
        "controller/adapters/sidecars/writes.py",
        "                    flush(tree, path)  #",
        "                    pass  #",
    ),
    Mutant(
        "a file is flushed without its name",
        _WRITING,
        "            os.close(descriptor)\n        folder.flush()\n",
        "            os.close(descriptor)\n",
    ),
    Mutant(
        "folders above an intent are not flushed",
        _WRITING,
        "    for folder in walk_up(real):\n",
        "    for folder in (real,):\n",
    ),
    Mutant(
        "what was flushed in one pass is not flushed in the next",
        _SIDECARS,
        "        self._flushes.reset()\n",
        "",
    ),
    Mutant(
        "a new file's name is not flushed",
        _SHARED,
        "        if mine.outcome:\n            self._flush(failures)\n",
        "",
    ),
    Mutant(
        "a replaced sidecar's name is not flushed",
        _SHARED,
        "        self.folder.replace(name, content)\n        self._flush(failures)\n",
        "        self.folder.replace(name, content)\n",
    ),
    Mutant(
        "a replaced file's name is not flushed",
        _WRITING,
        "        if folder.has_changed:\n",
        "        if not path:\n",
    ),
    Mutant(
        "a rename that came after a flush began counts as flushed",
        _SHARED,
        "                self._flush_up_to(self._renames)\n",
        "                self._flush_up_to(self._renames + 100)\n",
    ),
    Mutant(
        "a rename whose flush failed for another thread counts as flushed",
        _SHARED,
        "            if self._failures != failures:\n",
        "            if failures < 0:\n",
    ),
    Mutant(
        "a flush that was interrupted is no failure",
        _SHARED,
        "        except BaseException as error:\n",
        "        except OSError as error:\n",
    ),
    Mutant(
        "threads go on writing into a folder that was replaced",
        _SHARED,
        "            if shared is None or not shared.folder.is_at(path):\n",
        "            if shared is None:\n",
    ),
    Mutant(
        "a file gets its name before its content is flushed",
        _FOLDER,
        "                os.fsync(descriptor)\n",
        "",
    ),
    Mutant(
        "a new folder is not flushed in its parent",
        _WRITING,
        "        # What is flushed inside is lost with a folder that is not on disk itself.\n"
        "        folder.flush()\n",
        "",
    ),
    Mutant(
        "a broken clone goes before the statuses of the new one are flushed",
        "controller/adapters/git/clone_files.py",
        "        for folder in {tree, *(path.parent for path in statuses)}:\n",
        "        for folder in (old,):\n",
    ),
    Mutant(
        "an old entry goes before its new place is flushed",
        _SIDECARS,
        "            if own is not None:\n",
        "            if own == path:\n",
    ),
)
