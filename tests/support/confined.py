"""Run a command with less than its user has: ``confined.py BYTES COMMAND...``.

No file can grow beyond so many bytes, and file permissions hold for root too.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1


def main() -> None:
    """Give up what the command shall not have, and become it."""
    limit, *command = sys.argv[1:]
    size = int(limit)
    # A truncated .pyc would outlive this command, and break every later one.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if os.geteuid() == 0:
        # What leaves the bounding set is gone from root's own set once it executes something.
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
    os.execv(command[0], command)  # noqa: S606 - the command under test, no shell between


if __name__ == "__main__":
    main()
