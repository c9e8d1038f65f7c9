from __future__ import annotations

from tests.support.fixtures import tree

__all__ = ["tree"]
