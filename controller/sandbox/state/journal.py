"""The journal of all calls to the simulated service, in order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Enough for any test, and bounded: a polling client must not fill the disk.
_MAX_LINES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One call: the caller, the request, and the response.

    ``body`` is the body's text as received. ``members`` are the request's members from path,
    query and body, empty if they could not be parsed. ``code`` is the error code, or None.
    ``fault`` lists the injected faults that applied, or is None; a call that was reset before it
    was carried out has status 0.
    """

    service: str
    operation: str
    account: str
    region: str
    method: str
    path: str
    query: str
    body: str
    status: int
    code: str | None
    at: str
    fault: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)


def write(rows: sqlite3.Connection, line: JournalLine) -> None:
    """Append a line, and delete the oldest ones beyond the limit."""
    text = json.dumps(asdict(line))
    number = rows.execute("INSERT INTO calls (entry) VALUES (?)", (text,)).lastrowid or 0
    # AUTOINCREMENT never reuses numbers, so the newest number gives the limit.
    rows.execute("DELETE FROM calls WHERE number <= ?", (number - _MAX_LINES,))


def read(rows: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return all lines, the oldest first, each with its number."""
    found = rows.execute("SELECT number, entry FROM calls ORDER BY number")
    return [{"number": row["number"], **json.loads(row["entry"])} for row in found]


def clear(rows: sqlite3.Connection) -> None:
    """Delete all lines; the numbering continues."""
    rows.execute("DELETE FROM calls")
