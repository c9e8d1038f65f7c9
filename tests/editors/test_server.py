"""An editor shows our texts, where a language server is installed: ``python -m tests.editors``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.editors.checks import CHECKS, project
from tests.editors.client import Client, editing

SERVER = shutil.which("yaml-language-server")


@pytest.mark.skipif(SERVER is None, reason="no yaml-language-server is installed")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_real_language_server(check: Callable[[Client], str], tmp_path: Path) -> None:
    """Hover, completion and findings are those of our schemas."""
    assert SERVER is not None
    with editing([SERVER, "--stdio"], project(tmp_path / "project")) as client:
        assert check(client)
