"""The tags of jobs and models, stored separately from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from controller.sandbox.state import api_errors

Tag = Mapping[str, str]


def add(rows: sqlite3.Connection, arn: str, tags: Iterable[Tag], *, most: int) -> None:
    """Add a caller's tags to a resource, all of them or none; raises ApiError."""
    new = {tag["key"]: tag["value"] for tag in tags}
    _refuse_reserved(new)
    current = {tag["key"]: tag["value"] for tag in list_tags(rows, arn)}
    # Checked for the result, not the request: replacing a tag needs no room.
    counted = [key for key in current | new if not _is_reserved(key)]
    if len(counted) > most:
        raise api_errors.too_many_tags(most, arn)
    put(rows, arn, new)


def remove(rows: sqlite3.Connection, arn: str, keys: Sequence[str]) -> None:
    """Remove tags from a resource for a caller; raises ApiError.

    Keys that the resource does not have are ignored.
    """
    _refuse_reserved(keys)
    rows.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])


def put(rows: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Set tags of a resource; existing keys get the new value."""
    values = [(arn, key, value) for key, value in tags.items()]
    rows.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", values)


def list_tags(rows: sqlite3.Connection, arn: str) -> list[dict[str, str]]:
    """Return a resource's tags in the order of their keys."""
    found = rows.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,))
    return [dict(row) for row in found]


def _refuse_reserved(keys: Iterable[str]) -> None:
    for key in keys:
        if _is_reserved(key):
            raise api_errors.reserved_key(key)


def _is_reserved(key: str) -> bool:
    """Whether a key is reserved for AWS; such tags do not count towards the limit either."""
    return key.lower().startswith("aws:")
