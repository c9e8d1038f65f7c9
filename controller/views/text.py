"""Lines of text, columns and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.printable import escape_line


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output with its style; ``rest`` are parts with their own styles.

    The text is plain: the console escapes and colours it.
    """

    text: str
    colour: str | None = None
    bold: bool = False
    rest: tuple[Line, ...] = ()


def format_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return each row as one text, its cells padded to the widest of their column."""
    # Escapes are longer than the characters that they replace, and columns are of printed text.
    cells = [[escape_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 job``, ``2 jobs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
