"""Renews what the commands in docs/recipes print: ``python -m tests.recipes``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.recipes.run import PAGES, done

if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(done(page, Path(folder)), encoding="utf-8")
