"""How the simulated service behaves where it has a choice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One position of every choice; times are in simulated seconds."""

    life_seconds: float = 3600.0
    """How long a job runs, before its own deviation."""
    deviation: float = 0.1
    """How far a job's life may lie from ``life_seconds``, as a part of it."""
    failing_part: float = 0.45
    """After which part of its life a job that is to fail does so."""
    stop_seconds: float = 60.0
    """How long a job is Stopping."""
    page_size: int = 100
    """How many jobs a page of List holds when the caller names no number."""
    tags_per_resource: int = 50


AS_RECORDED = Behaviour()
