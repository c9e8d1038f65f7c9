"""Row 5: how quickly the command says who it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.bench.results import Result, compared
from tests.bench.timing import AWS, COMMAND, Contender, environment, medians

BAR = 0.25
HEAVY = ("boto3", "botocore", "jsonschema", "jsonschema_rs", "rich")


def rows(folder: Path, repeats: int) -> list[Result]:
    """Return the time of --help and --version against the rival's, and what they import."""
    folder.mkdir(parents=True, exist_ok=True)
    rival = Contender("aws --version", [AWS, "--version"], folder)
    flags = ("--version", "--help")
    ours = [Contender(flag, [COMMAND, flag], folder) for flag in flags]
    *mine, theirs = medians([*ours, rival], repeats * 3)
    return [
        row
        for flag, seconds in zip(flags, mine, strict=True)
        for row in (
            compared(f"`bedrock-jobs {flag}`", seconds, ("`aws --version`", theirs), BAR),
            _imports(folder, flag),
        )
    ]


def imported(folder: Path, *arguments: str) -> set[str]:
    """Return the top-level modules that the command imports for these arguments."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "controller", *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        check=True,
        text=True,
    )
    return {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if re.match(r"import time:\s+\d", line)
    }


def _imports(folder: Path, flag: str) -> Result:
    heavy = sorted(imported(folder, flag) & set(HEAVY))
    found = ", ".join(heavy) or "none"
    return Result(
        f"`{flag}` imports boto3, jsonschema, rich", found, "none", found, "none", not heavy
    )
