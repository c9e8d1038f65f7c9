"""Tags, kept apart from the jobs and products that carry them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

Tag = Mapping[str, str]


def merged(rows: sqlite3.Connection, arn: str, tags: Iterable[Tag]) -> dict[str, str]:
    """Return what a resource's tags would be with these added; nothing is kept yet."""
    kept = {tag["key"]: tag["value"] for tag in listed(rows, arn)}
    return kept | {tag["key"]: tag["value"] for tag in tags}


def put(rows: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Give a resource tags; a key that it has gets the new value."""
    values = [(arn, key, value) for key, value in tags.items()]
    rows.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", values)


def drop(rows: sqlite3.Connection, arn: str, keys: Iterable[str]) -> None:
    """Take tags from a resource; keys that it does not have are no matter."""
    rows.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])


def listed(rows: sqlite3.Connection, arn: str) -> list[dict[str, str]]:
    """Return a resource's tags in the order of their keys."""
    found = rows.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,))
    return [dict(row) for row in found]
