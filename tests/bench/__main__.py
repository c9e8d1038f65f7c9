"""`make bench`: measure against the rivals and print one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    keeping,
    large,
    noticing,
    passes,
    results,
    resyncs,
    startup,
    submitting,
    together,
    validation,
)
from tests.bench.results import Result


def say(text: str) -> None:
    """Tell on stderr what is being measured."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


GROUPS: dict[str, Callable[[Path, int], list[Result]]] = {
    "settled": lambda folder, repeats: passes.settled_rows(folder, repeats, say),
    "active": lambda folder, _repeats: passes.active_rows(folder, say),
    "validate": lambda folder, repeats: validation.rows(folder, repeats, say),
    "startup": startup.rows,
    "daemon": lambda folder, _repeats: keeping.rows(folder, say),
    "resyncs": lambda folder, _repeats: resyncs.rows(folder, say),
    "submits": lambda folder, repeats: submitting.rows(folder, repeats, say),
    "together": lambda folder, repeats: together.rows(folder, repeats, say),
    "large": lambda folder, repeats: large.rows(folder, repeats, say),
    "noticing": lambda folder, repeats: noticing.rows(folder, repeats, say),
}


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each timing")
    parser.add_argument("--only", choices=list(GROUPS), action="append", help="one group of rows")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write if asked to, and return 1 when a bar is missed."""
    asked = arguments()
    found: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="bedrock-jobs-bench-") as folder:
        for name in asked.only or GROUPS:
            say(name)
            found += GROUPS[name](Path(folder) / name, asked.repeats)
    text = f"{results.machine()}; medians of at least {asked.repeats} interleaved rounds.\n\n"
    text += results.table(found)
    sys.stdout.write(text + "\n")
    if asked.write:
        results.write(asked.write, text)
    return 0 if all(row.held for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
