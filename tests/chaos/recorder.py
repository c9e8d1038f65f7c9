"""What a process does to the files of a folder, recorded from outside, with all their contents.

Each change is made and recorded under one lock, under which the process also dies: the record has
all that was done and nothing else. New files are linked aside, so that their contents outlive
their names. Nothing of the package is replaced.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOG, BEFORE = "log", "before"
FILES, FOLDERS = "files", "folders"


class Recorder:
    """Records into ``aside`` what this process changes below a folder, after what is there already.

    ``aside`` holds the tree as it was ``before``, linked. Flushes of what ``unflushed`` names,
    files or folders, are left out, as a broken product leaves them out.
    """

    def __init__(
        self, folder: str, aside: str, guard: threading.RLock | None, unflushed: str
    ) -> None:
        self._folder = os.path.realpath(folder)
        self._aside = Path(aside)
        self._guard = guard or threading.RLock()
        self._unflushed = unflushed
        self._files = {
            path.stat().st_ino: str(path.relative_to(aside))
            for path in self._aside.rglob("*")
            if path.is_file() and path.name != LOG
        }
        self._log = os.open(self._aside / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def install(self) -> None:
        """From now on everything is recorded; there is no way back but the end of the process."""
        ways: dict[str, Callable[..., Any]] = {
            "open": self._open,
            "mkdir": self._make,
            "rename": self._rename,
            "replace": self._rename,
            "unlink": self._remove,
            "remove": self._remove,
            "fsync": self._flush,
        }
        for name, way in ways.items():
            setattr(os, name, self._around(getattr(os, name), way))

    def meet(self, name: str) -> None:
        """Record a boundary; the caller holds the lock."""
        self._say("met", name)

    def _around(self, call: Callable[..., Any], way: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            with self._guard:
                return way(call, *given, **named)

        return wrapped

    def _open(self, call: Callable[..., int], path: Any, flags: int, *given: Any, **of: Any) -> int:
        place = self._place(path, of.get("dir_fd")) if flags & os.O_CREAT else None
        is_new = place is not None and not os.path.lexists(self._whole(place))
        descriptor = call(path, flags, *given, **of)
        if is_new and place is not None:
            name = str(len(self._files))
            os.link(self._whole(place), self._aside / name)
            self._files[os.fstat(descriptor).st_ino] = name
            self._say("create", place, name)
        return descriptor

    def _make(self, call: Callable[..., None], path: Any, *given: Any, **of: Any) -> None:
        place = self._place(path, of.get("dir_fd"))
        call(path, *given, **of)
        self._say("mkdir", place)

    def _rename(self, call: Callable[..., None], old: Any, new: Any, **of: Any) -> None:
        before = self._place(old, of.get("src_dir_fd"))
        after = self._place(new, of.get("dst_dir_fd"))
        call(old, new, **of)
        if after is not None:
            file = self._files.get(os.lstat(self._whole(after)).st_ino, "")
            self._say("rename", after, file, before or "")

    def _remove(self, call: Callable[..., None], path: Any, **of: Any) -> None:
        place = self._place(path, of.get("dir_fd"))
        call(path, **of)
        self._say("remove", place)

    def _flush(self, call: Callable[..., None], descriptor: int) -> None:
        found = os.fstat(descriptor)
        is_folder = stat.S_ISDIR(found.st_mode)
        if self._unflushed == (FOLDERS if is_folder else FILES):
            return
        call(descriptor)
        if is_folder:
            self._say("sync", self._place(".", descriptor))
        elif found.st_ino in self._files:
            self._say("flush", "", self._files[found.st_ino])

    def _place(self, path: Any, folder: int | None) -> str | None:
        """Return a path as it is below the folder, or None for one elsewhere."""
        above = os.getcwd() if folder is None else os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH109, PTH115 - as strings
        whole = os.path.normpath(os.path.join(above, os.fspath(path)))  # noqa: PTH118 - as a string
        if whole == self._folder:
            return ""
        return whole[len(self._folder) + 1 :] if whole.startswith(f"{self._folder}/") else None

    def _whole(self, place: str) -> str:
        return f"{self._folder}/{place}"

    def _say(self, verb: str, path: str | None, file: str = "", old: str = "") -> None:
        if path is not None:
            os.write(self._log, f"{json.dumps([verb, path, file, old])}\n".encode())
