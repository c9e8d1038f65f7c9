"""The sandbox's settings in its store: its behaviour and the injected faults."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from controller.sandbox.jobs import quota, switches
from controller.sandbox.jobs.behaviour import RECORDED_BEHAVIOUR, Behaviour
from controller.sandbox.jobs.faults import NO_FAULTS, Fault, FaultKind, InjectedFaults


def load_behaviour(rows: sqlite3.Connection) -> Behaviour:
    """Return the current behaviour, which any process may have set."""
    row = rows.execute("SELECT changes FROM behaviour").fetchone()
    return RECORDED_BEHAVIOUR if row is None else _parse_behaviour(row["changes"])


def save_behaviour(rows: sqlite3.Connection, wanted: Behaviour, now: int) -> None:
    """Set the behaviour for all processes, and apply a new quota to waiting jobs."""
    rows.execute("DELETE FROM behaviour")
    # Only differences are stored, so that later releases can change defaults.
    changes = json.dumps(switches.diff_from_recorded(wanted))
    rows.execute("INSERT INTO behaviour VALUES (?)", (changes,))
    quota.schedule_all(rows, wanted, now)


def add_faults(rows: sqlite3.Connection, faults: Sequence[Fault]) -> None:
    """Add faults after the existing ones; their calls are counted from now on."""
    specs = [(json.dumps(asdict(fault)),) for fault in faults]
    rows.executemany("INSERT INTO faults (spec) VALUES (?)", specs)


def clear_faults(rows: sqlite3.Connection) -> None:
    """Remove all faults."""
    rows.execute("DELETE FROM faults")


def list_faults(rows: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return all faults with their numbers, and the counts of matching and failed calls."""
    found = rows.execute("SELECT number, spec, seen, fired FROM faults ORDER BY number")
    return [
        {
            "number": row["number"],
            **json.loads(row["spec"]),
            "seen": row["seen"],
            "fired": row["fired"],
        }
        for row in found
    ]


def has_faults(rows: sqlite3.Connection) -> bool:
    """Whether there are any faults, including exhausted ones."""
    return rows.execute("SELECT 1 FROM faults LIMIT 1").fetchone() is not None


def pick_faults(rows: sqlite3.Connection, operation: str) -> InjectedFaults:
    """Return the faults that apply to a call, and count it.

    After a fault that prevents the call, later faults neither apply nor count it.
    """
    met: list[Fault] = []
    found = rows.execute("SELECT number, spec, seen, fired FROM faults ORDER BY number").fetchall()
    for row in found:
        fault = _parse_fault(row["spec"])
        if not fault.can_affect(operation):
            continue
        fires = fault.is_triggered(row["seen"] + 1, row["fired"])
        count = "UPDATE faults SET seen = seen + 1, fired = fired + ? WHERE number = ?"
        rows.execute(count, (int(fires), row["number"]))
        if fires:
            met.append(fault)
            # The call ends here; later faults have not seen it.
            if fault.is_preemptive:
                break
    return InjectedFaults(tuple(met)) if met else NO_FAULTS


@lru_cache(maxsize=64)
def _parse_behaviour(changes: str) -> Behaviour:
    return switches.change_behaviour(RECORDED_BEHAVIOUR, json.loads(changes))


@lru_cache(maxsize=1024)
def _parse_fault(spec: str) -> Fault:
    members = json.loads(spec)
    return Fault(**{**members, "kind": FaultKind(members["kind"])})
