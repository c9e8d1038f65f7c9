"""Updates the output of the commands in the recipes' pages: ``python -m tests.recipes``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.recipes.run import PAGES, done
from tests.support.pages import masked

if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            text = done(page, Path(folder))
        # Other commits and times alone are no news.
        if masked(text) != masked(page.read_text(encoding="utf-8")):
            page.write_text(text, encoding="utf-8")
