from __future__ import annotations

from tests.sandbox.conftest import sandbox
from tests.support.queues import moto

__all__ = ["moto", "sandbox"]
