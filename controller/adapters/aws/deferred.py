"""A Cloud that its first call makes: a pass that calls nothing imports no AWS client."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from controller.ports import Cloud


def create_deferred_cloud(make: Callable[[], Cloud]) -> Cloud:
    """Return a Cloud that stands for the one that ``make`` returns, once the first call needs it.

    It is made once, also where several threads make their first calls at the same time.
    """
    return cast("Cloud", _DeferredCloud(make))


class _DeferredCloud:
    """Looks up every method at the real Cloud."""

    def __init__(self, make: Callable[[], Cloud]) -> None:
        self._make = make
        self._made: Cloud | None = None
        self._making = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._making:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)
