from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.sandbox.http.server import start_sandbox
from tests.sandbox.support import Sandbox, speaking_to


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of this process, whose clock does not advance by itself."""
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        yield sandbox
