"""A disk on which one call about one path fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def failing(call: str, path: Path, number: str, patches: pytest.MonkeyPatch) -> Iterator[None]:
    """While the context lasts, a call of ``os`` about a path fails with an errno."""
    real, code = getattr(os, call), getattr(errno, number)

    def failed(target: Any, *more: Any, **given: Any) -> Any:
        if os.fspath(target) == str(path):
            raise OSError(code, os.strerror(code), target)
        return real(target, *more, **given)

    with patches.context() as patched:
        patched.setattr(os, call, failed)
        yield
