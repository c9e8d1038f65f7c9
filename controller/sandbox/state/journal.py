"""The journal of every call that reached the simulated service, in order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Enough for any test; a watching client must not fill the disk.
_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One call: who made it, what came over the wire, and how it was answered.

    ``body`` is the body's text as received. ``members`` are the request's members as they were
    read from path, query and body; it is empty when they could not be read. ``code`` is the
    error's code, or None. ``fault`` names the faults on order that the call met, or is None; a
    call that was reset before it was carried out has the status 0.
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


def write(rows: sqlite3.Connection, entry: JournalLine) -> None:
    """Keep an entry, and let go of the oldest ones when there are very many."""
    text = json.dumps(asdict(entry))
    number = rows.execute("INSERT INTO calls (entry) VALUES (?)", (text,)).lastrowid or 0
    rows.execute("DELETE FROM calls WHERE number <= ?", (number - _KEPT,))


def read(rows: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return every entry, the oldest first, each with its number."""
    found = rows.execute("SELECT number, entry FROM calls ORDER BY number")
    return [{"number": row["number"], **json.loads(row["entry"])} for row in found]


def clear(rows: sqlite3.Connection) -> None:
    """Forget every entry; numbers go on from where they were."""
    rows.execute("DELETE FROM calls")
