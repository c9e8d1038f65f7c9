"""One write-back in a process of its own: ``python -m tests.git.once FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from controller.adapters.git.write_back import WriteBackOptions, create_writer
from controller.core.kinds.registry import KINDS

if __name__ == "__main__":
    sys.stdout.write(
        str(create_writer([Path(sys.argv[1]) / "jobs"], WriteBackOptions(), KINDS).write_back())
    )
