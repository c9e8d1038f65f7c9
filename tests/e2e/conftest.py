from __future__ import annotations

from tests.support.fixtures import moving, tree

__all__ = ["moving", "tree"]
