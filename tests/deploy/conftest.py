from __future__ import annotations

from tests.support.queues import moto

__all__ = ["moto"]
