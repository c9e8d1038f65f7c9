"""A daemon in this process that looks twice at its tree and ends: for trees that stand still."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from tests.support.commands import Ran, call

IDLE = 0.3
"""Seconds that a daemon has for a tree of which it may make nothing."""


def watched(folder: Path, *arguments: str, env: Mapping[str, str]) -> Ran:
    """Run ``watch`` in a folder for two passes, and return what it ended with and said."""
    given = ("--listen", "", "--log-level", "debug", *arguments)
    with pytest.MonkeyPatch.context() as patch, Attended() as err:
        # A daemon that cannot end in order would take this process along.
        patch.setattr(os, "_exit", sys.exit)
        return call(folder, "watch", *given, env=env, err=err)


class Attended(io.StringIO):
    """The stderr of a daemon in this process, which has it look twice and then end."""

    def __enter__(self) -> Self:
        self._passes = 0
        self._patience = threading.Timer(IDLE, os.kill, (os.getpid(), signal.SIGTERM))
        return self

    def __exit__(self, *_: object) -> None:
        self._patience.cancel()

    def write(self, text: str) -> int:
        """Take in a line; a pass that ended is followed by a second one, and that by the end."""
        event = json.loads(text)["event"] if text.startswith("{") else ""
        if event == "watching":
            # Where nothing is valid there is no pass to wait for.
            self._patience.start()
        elif event == "pass":
            self._passes += 1
            os.kill(os.getpid(), signal.SIGHUP if self._passes == 1 else signal.SIGTERM)
        elif event.startswith("the tree cannot be read"):
            os.kill(os.getpid(), signal.SIGTERM)
        return super().write(text)
