"""The quota of active jobs, and when waiting jobs start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from controller.sandbox.jobs.behaviour import Behaviour, OverQuota

Lane = tuple[str, str, str]
"""A kind, an account and a region, which have one quota."""

# A job that was stopped while waiting never takes a slot.
_ACTIVE = """
SELECT coalesce(stop_due, ends) AS due, starts FROM jobs
WHERE kind = ? AND account = ? AND region = ? AND due > ?
AND (stop_asked IS NULL OR stop_asked >= starts)
"""
_WAITING = """
SELECT number, ends - starts AS lasts FROM jobs
WHERE kind = ? AND account = ? AND region = ? AND starts > ? AND stop_asked IS NULL
ORDER BY number
"""


def plan_start(rows: sqlite3.Connection, lane: Lane, behaviour: Behaviour, now: int) -> int | None:
    """Return when a new job starts, or None if the quota rejects it."""
    if behaviour.quota is None:
        return now
    dues = [row["due"] for row in rows.execute(_ACTIVE, (*lane, now))]
    if len(dues) >= behaviour.quota and behaviour.over_quota is OverQuota.REFUSE:
        return None
    return _find_free_slot(dues, behaviour.quota, now)


def schedule_queue(rows: sqlite3.Connection, lane: Lane, behaviour: Behaviour, now: int) -> None:
    """Schedule the waiting jobs again, in order, each as soon as a slot is free."""
    active = rows.execute(_ACTIVE, (*lane, now))
    # Waiting jobs are scheduled again below, so only running ones take a slot.
    dues = [row["due"] for row in active if row["starts"] <= now]
    for row in rows.execute(_WAITING, (*lane, now)).fetchall():
        begins = _find_free_slot(dues, behaviour.quota, now)
        dues.append(begins + row["lasts"])
        change = "UPDATE jobs SET starts = ?, ends = ? WHERE number = ?"
        rows.execute(change, (begins, dues[-1], row["number"]))


def schedule_all(rows: sqlite3.Connection, behaviour: Behaviour, now: int) -> None:
    """Schedule the waiting jobs of all queues again, after the quota changed."""
    queues = "SELECT DISTINCT kind, account, region FROM jobs WHERE starts > ?"
    for row in rows.execute(queues, (now,)).fetchall():
        schedule_queue(rows, (row["kind"], row["account"], row["region"]), behaviour, now)


def _find_free_slot(dues: Iterable[int], quota: int | None, now: int) -> int:
    """Return when a slot is free, if the active jobs end at ``dues``."""
    # A slot is free once all but quota - 1 of the active jobs have ended.
    late_first = sorted(dues, reverse=True)
    if quota is None or len(late_first) < quota:
        return now
    return max(now, late_first[quota - 1])
