"""The jobs in the store: insert, find and filter."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from controller.core.kinds.kind import Kind
from controller.sandbox.jobs.timeline import Timeline
from controller.sandbox.state.caller import Caller


@dataclass(frozen=True, slots=True)
class Job:
    """A stored job: its immutable members, and the timeline that determines the rest.

    ``members`` is the JSON text of the immutable members. ``digest`` is that of the request, or
    None if an earlier release created the job.
    """

    number: int
    kind: str
    name: str
    arn: str
    product_arn: str
    model: str
    timeline: Timeline
    digest: str | None
    members: str

    def load_members(self) -> dict[str, Any]:
        """Return the immutable members."""
        fixed: dict[str, Any] = json.loads(self.members)
        return fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """The filters of a listing; ``after_position`` is that at which the last page ended."""

    newest_first: bool = True
    name_contains: str = ""
    after: int | None = None
    before: int | None = None
    after_position: tuple[int, int] | None = None


_INSERT = "INSERT INTO jobs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class JobTable:
    """The jobs of one kind that a caller can see, within a transaction.

    With ``seen`` they are shown as of that moment, without later jobs.
    """

    def __init__(
        self, rows: sqlite3.Connection, kind: Kind, caller: Caller, seen: int | None = None
    ) -> None:
        self._rows = rows
        self._seen = seen
        self.lane = (kind.name, caller.account, caller.region)

    def find_by_identifier(self, identifier: str) -> Job | None:
        """Return the job with a name or an ARN; if several have the name, the newest."""
        return self._find_newest("arn" if identifier.startswith("arn:") else "name", identifier)

    def find_by_token(self, token: str) -> Job | None:
        """Return the newest job that was created with a token."""
        return self._find_newest("token", token)

    def find_by_arn(self, arn: str) -> Job | None:
        """Return the job with an ARN, or the job whose model has it."""
        return self._find_newest("arn", arn) or self._find_newest("product_arn", arn)

    def list_by_product_name(self, product_name: str) -> Iterator[Job]:
        """Yield the jobs whose model has a name, the newest first."""
        where = "product_name = ? ORDER BY number DESC"
        yield from map(self._load_job, self._select(where, product_name))

    def count_by_name(self, name: str) -> int:
        """Return the number of jobs with a name."""
        return len(self._select("name = ?", name).fetchall())

    def list_jobs(self, query: JobQuery) -> Iterator[Job]:
        """Yield the jobs that match a listing, in its order."""
        where, values = _build_conditions(query)
        yield from map(self._load_job, self._select(where, *values))

    def add(self, job: Job, caller: Caller, token: str | None, product_name: str) -> None:
        """Insert a new job."""
        timeline = job.timeline
        values = (
            *(job.kind, caller.account, caller.region, job.name, job.arn, token),
            *(product_name, job.product_arn, job.model),
            # Two columns of a stop request, which a new job does not have.
            *(timeline.created, timeline.length, timeline.ends, timeline.failure, None, None),
            *(job.members, timeline.start_time, job.digest),
        )
        self._rows.execute(_INSERT, values)

    def stop(self, job: Job, now: int, due: int) -> None:
        """Mark a job as stopping now, and stopped at ``due``."""
        change = "UPDATE jobs SET stop_asked = ?, stop_due = ? WHERE number = ?"
        self._rows.execute(change, (now, due, job.number))

    def _find_newest(self, column: str, value: str) -> Job | None:
        newest = f"{column} = ? ORDER BY number DESC LIMIT 1"
        row = self._select(newest, value).fetchone()
        return None if row is None else self._load_job(row)

    def _load_job(self, row: sqlite3.Row) -> Job:
        job = _parse_row(row)
        if self._seen is None:
            return job
        return replace(job, timeline=job.timeline.view_at(self._seen))

    def _select(self, where: str, *values: object) -> sqlite3.Cursor:
        # Only constants of this module are part of the SQL; values from callers are bound.
        scoped = "SELECT * FROM jobs WHERE kind = ? AND account = ? AND region = ? AND "
        if self._seen is None:
            return self._rows.execute(scoped + where, (*self.lane, *values))
        return self._rows.execute(
            scoped + "created <= ? AND " + where, (*self.lane, self._seen, *values)
        )


def _build_conditions(query: JobQuery) -> tuple[str, list[object]]:
    """Return the SQL condition and order of a query, and the values to bind."""
    # The number breaks ties between jobs created in the same millisecond.
    direction, beyond = ("DESC", "<") if query.newest_first else ("ASC", ">")
    conditions: list[tuple[str, tuple[object, ...]]] = [("1", ())]
    if query.name_contains:
        conditions.append(("instr(name, ?) > 0", (query.name_contains,)))
    if query.after is not None:
        conditions.append(("created > ?", (query.after,)))
    if query.before is not None:
        conditions.append(("created < ?", (query.before,)))
    if query.after_position is not None:
        conditions.append((f"(created, number) {beyond} (?, ?)", query.after_position))
    where = " AND ".join(text for text, _ in conditions)
    order = f" ORDER BY created {direction}, number {direction}"
    return where + order, [value for _, values in conditions for value in values]


def _parse_row(row: sqlite3.Row) -> Job:
    timeline = Timeline(
        created=row["created"],
        length=row["length"],
        ends=row["ends"],
        failure=row["failure"],
        stop_requested=row["stop_asked"],
        stop_due=row["stop_due"],
        starts=row["starts"],
    )
    return Job(
        number=row["number"],
        kind=row["kind"],
        name=row["name"],
        arn=row["arn"],
        product_arn=row["product_arn"],
        model=row["model"],
        timeline=timeline,
        digest=row["digest"],
        members=row["members"],
    )
