"""One of many writers: ``python -m tests.git.worker FOLDER INDEX ROUNDS``, in a clone of its own.

Each round it records a status of its own job, of its document in a shared file and of every
fleeting manifest, and writes them back until they have landed. It prints one line for each round.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from controller.adapters.git.command import GitError
from controller.adapters.git.write_back import WriteBackOptions, create_writer
from controller.core.kinds.registry import KINDS
from tests.git.entries import entry, record

SHARED = "shared"
FLEETING = ("fleeting-0", "fleeting-1", "fleeting-2")


def own(index: int) -> str:
    """Return the name of a writer's own job."""
    return f"own-{index}"


def document(index: int) -> str:
    """Return the name of a writer's document in the shared file."""
    return f"shared-{index}"


def work(folder: Path, index: int, rounds: int) -> list[tuple[int, int]]:
    """Make the rounds; return how often each failed before it landed, and its last tries."""
    jobs = folder / "jobs"
    writes = create_writer([jobs], WriteBackOptions(), KINDS)
    made = []
    for number in range(1, rounds + 1):
        record(jobs, own(index), entry(own(index), minute=number))
        record(jobs, document(index), entry(document(index), minute=number), SHARED)
        for name in FLEETING:
            record(jobs, name, entry(name, minute=number))
        failed = 0
        while True:
            try:
                written = writes.write_back()
            except GitError as error:
                if "others pushed first" not in str(error):
                    raise
                failed += 1
            else:
                made.append((failed, written.tries))
                break
    return made


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
