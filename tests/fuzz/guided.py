"""``python -m tests.fuzz.guided TARGET SECONDS CORPUS``: one target, its bytes chosen by coverage.

With atheris every branch of ``controller`` that new bytes reach makes them a beginning for others;
without it Hypothesis spoils sound files at random. Prints a line of JSON: files and violations.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_TOLD = 10
Judge = Callable[[bytes], None]


def main(name: str, seconds: float, corpus: str) -> None:
    """Read as many files as the time allows; never returns."""
    atheris: Any = importlib.import_module("atheris") if available() else None
    if atheris is None:
        from tests.fuzz.targets import TARGETS
    else:
        with atheris.instrument_imports(include=["controller"]):
            from tests.fuzz.targets import TARGETS
    from tests.fuzz.targets import MOST_SECONDS

    target, ends = TARGETS[name], time.monotonic() + seconds
    files, found = 0, list[str]()

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def judge(content: bytes) -> None:
            nonlocal files
            if time.monotonic() > ends or len(found) >= MOST_TOLD:
                _end(files, found)
            files += 1
            try:
                target.fill(folder, content)
                if (took := target.read(folder)) > MOST_SECONDS:
                    found.append(f"{took:.1f} s: {content[:200]!r}")
            except Exception as error:
                found.append(f"{error!r}: {content[:2_000]!r}")

        if atheris is None:
            _spoil(judge, target.sound)
        options = ["-verbosity=0", "-rss_limit_mb=2048", f"-max_len={1 << 14}", corpus]
        atheris.Setup([sys.argv[0], *options], judge)
        atheris.Fuzz()


def available() -> bool:
    """Whether atheris is installed here."""
    return importlib.util.find_spec("atheris") is not None


def _spoil(judge: Judge, sound: bytes) -> None:
    from hypothesis import HealthCheck, given, settings

    from tests.fuzz.inputs import anything

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(anything(sound))
    def spoil(content: bytes) -> None:
        judge(content)

    while True:
        spoil()


def _end(files: int, found: list[str]) -> None:
    """End at once: libFuzzer knows no other way to stop it from inside."""
    sys.stdout.write(json.dumps({"files": files, "found": found}) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
