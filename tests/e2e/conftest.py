from __future__ import annotations

from tests.support.fixtures import moving, tree
from tests.support.queues import moto, queue

__all__ = ["moto", "moving", "queue", "tree"]
