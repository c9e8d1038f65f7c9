"""What a process asks of the disk, numbered from outside, and one question answered by an errno.

Opens and listings come from the interpreter's own audit events, states and reads from wrapped
functions of the standard library. Nothing of the package is replaced.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_LISTINGS = {"os.scandir": "list", "os.listdir": "list"}


class Questions:
    """Counts the questions about a folder, and fails the one with a number, which counts from 1.

    Their names go into the file ``record``, where there is one.
    """

    def __init__(self, folder: str, number: int, errno: int, record: str) -> None:
        self._folder = folder.rstrip("/")
        self._number, self._errno = number, errno
        self._guard = threading.Lock()
        self._count = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._record = os.open(record, flags, 0o644) if record else None
        self._read_link = os.readlink

    def install(self) -> None:
        """From now on every question counts; there is no way back but the end of the process."""
        sys.addaudithook(self._audited)
        for name in ("lstat", "stat", "read"):
            setattr(os, name, self._around(name, getattr(os, name)))

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and not arguments[2] & _WRITES:
            self._meet("open", arguments[0])
        elif event in _LISTINGS:
            self._meet(_LISTINGS[event], arguments[0])

    def _around(self, verb: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(asked: Any, *arguments: Any, **named: Any) -> Any:
            self._meet(verb, self._path(asked) if isinstance(asked, int) else asked)
            return call(asked, *arguments, **named)

        return wrapped

    def _path(self, descriptor: int) -> str:
        try:
            return self._read_link(f"/proc/self/fd/{descriptor}")
        except OSError:
            return "/"

    def _meet(self, verb: str, path: object) -> None:
        path = os.fspath(path) if isinstance(path, os.PathLike) else path
        if not isinstance(path, str) or not self._is_inside(path):
            return
        with self._guard:
            self._count += 1
            mine = self._count
            if self._record is not None:
                shown = path.removeprefix(self._folder).lstrip("/")
                os.write(self._record, f"{verb} {shown or '.'}\n".encode())
        if mine == self._number:
            raise OSError(self._errno, os.strerror(self._errno), path)

    def _is_inside(self, path: str) -> bool:
        return not path.startswith("/") or f"{path}/".startswith(f"{self._folder}/")
