"""What a benchmark found, as rows of one table."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN = "<!-- figures: written by `make bench` -->"
END = "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured row: ours, the rival's, and whether the bar is held."""

    what: str
    ours: str
    rival: str
    measured: str
    bar: str
    held: bool


def compared(what: str, ours: float, rival: tuple[str, float], bar: float) -> Result:
    """Return the row of a time that may be at most ``bar`` times the rival's."""
    name, seconds = rival
    ratio = ours / seconds
    return Result(
        what,
        duration(ours),
        f"{name}: {duration(seconds)}",
        f"{ratio:.2f} x",
        f"≤ {bar:g} x",
        ratio <= bar,
    )


def faster(what: str, ours: float, rival: tuple[str, float], bar: float) -> Result:
    """Return the row of a speed that must be at least ``bar`` times the rival's."""
    name, seconds = rival
    ratio = seconds / ours
    return Result(
        what,
        duration(ours),
        f"{name}: {duration(seconds)}",
        f"{ratio:.{1 if bar > 1 else 2}f} x the speed",
        f"≥ {bar:g} x",
        ratio >= bar,
    )


def duration(seconds: float) -> str:
    """Return seconds as people read them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def table(results: Sequence[Result]) -> str:
    """Return the rows as one table in Markdown."""
    lines = ["| what | ours | rival | measured | bar | held |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.rival} | {row.measured} | {row.bar} |"
        f" {'yes' if row.held else 'NO'} |"
        for row in results
    ]
    return "\n".join(lines)


def machine() -> str:
    """Return the size of this machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def write(path: Path, text: str) -> None:
    """Put the text between the marks of a page, and leave the rest of it as it is."""
    page = path.read_text(encoding="utf-8")
    head, found, rest = page.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not (found and closed):
        raise ValueError(f"{path}: the marks {BEGIN} and {END} are missing")
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")
