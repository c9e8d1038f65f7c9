"""The table of all that was done: rows, totals, and what did not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.parts import Done


@dataclass(frozen=True, slots=True)
class Row:
    """What one way showed of one scenario: how many points it has and how many runs were made."""

    way: str
    scenario: str
    points: int
    runs: int
    seconds: float
    violations: int

    def __str__(self) -> str:
        """Return the row as the table has it."""
        cells = (self.way, self.scenario, self.points, self.runs, f"{self.seconds:.0f}")
        return f"| {' | '.join(map(str, cells))} | {self.violations} |"


def rows(done: Iterable[Done]) -> list[Row]:
    """Return a row for each way and scenario; a point counts once in each position."""
    groups: dict[tuple[str, str], list[Done]] = defaultdict(list)
    for one in done:
        groups[one.part.way, one.part.row].append(one)
    return [_row(way, row, group) for (way, row), group in groups.items()]


def _row(way: str, scenario: str, group: Sequence[Done]) -> Row:
    points: dict[tuple[str, str], int] = {}
    for one in group:
        name = one.part.scenario.name if one.part.scenario else str(one.part.first)
        key = name, str(one.part.position)
        points[key] = max(points.get(key, 0), one.points)
    runs = [run for one in group for run in one.runs]
    broken = sum(bool(run.violations) for run in runs)
    seconds = sum(one.seconds for one in group)
    return Row(way, scenario, sum(points.values()), len(runs), seconds, broken)


def lines(found: Sequence[Row]) -> list[str]:
    """Return the table, with a row of totals."""
    total = Row(
        "all",
        "",
        sum(row.points for row in found),
        sum(row.runs for row in found),
        sum(row.seconds for row in found),
        sum(row.violations for row in found),
    )
    head = ["| way | scenario | points | runs | seconds | violations |", "|---|---|" + "--:|" * 4]
    return [*head, *map(str, found), str(total)]


def violated(done: Iterable[Done]) -> Iterator[str]:
    """Yield a line for every run in which something did not hold."""
    for one in done:
        for run in one.runs:
            if run.violations:
                place = f"{one.part.way}: {one.part.position}: {run.scenario}"
                yield f"{place}: {run.boundary}: {run.violations}"
