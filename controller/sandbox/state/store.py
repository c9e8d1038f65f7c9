"""The sandbox's store: one SQLite file, shared by processes that may be killed at any time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.adapters.host.tree_files import (
    FileUnreadableError,
    OutsideTreeError,
    find_tree_root,
)
from controller.adapters.host.tree_writes import make_folder, refuse_link
from controller.sandbox.state.sim_clock import SimClock

FILE_NAME = "sandbox.sqlite3"
_VERSION = 2
_BUSY_TIMEOUT = 30.0
_RETRY_DELAY = 0.005
_JOBS = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, arn TEXT NOT NULL, token TEXT,
    product_name TEXT NOT NULL, product_arn TEXT NOT NULL, model TEXT NOT NULL,
    created INTEGER NOT NULL, length INTEGER NOT NULL, ends INTEGER NOT NULL,
    failure TEXT, stop_asked INTEGER, stop_due INTEGER,
    members TEXT NOT NULL,
    starts INTEGER NOT NULL, digest TEXT
) STRICT;
CREATE INDEX jobs_by_name ON jobs (kind, account, region, name);
CREATE UNIQUE INDEX jobs_by_arn ON jobs (arn);
CREATE INDEX jobs_by_product ON jobs (product_arn);
CREATE INDEX jobs_by_token ON jobs (kind, account, region, token);
CREATE INDEX jobs_by_time ON jobs (kind, account, region, created, number);
"""
_OTHER_TABLES = """
CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) STRICT;
CREATE TABLE calls (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL) STRICT;
CREATE TABLE clock (wall REAL NOT NULL, simulated REAL NOT NULL, speed REAL NOT NULL) STRICT;
"""
# New in version 2: the sandbox's settings, and names that need not be unique.
_SETTINGS = """
CREATE TABLE behaviour (changes TEXT NOT NULL) STRICT;
CREATE TABLE faults (
    number INTEGER PRIMARY KEY AUTOINCREMENT, spec TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0, fired INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
_RENAME_OLD_JOBS = """
DROP INDEX jobs_by_arn; DROP INDEX jobs_by_product; DROP INDEX jobs_by_token;
DROP INDEX jobs_by_time; ALTER TABLE jobs RENAME TO jobs_before;
"""
_COPY_OLD_JOBS = """
INSERT INTO jobs SELECT *, created, NULL FROM jobs_before; DROP TABLE jobs_before;
"""


class StoreUnusableError(RuntimeError):
    """This release cannot read the file as a store."""


class Store:
    """An open store; committed transactions survive a killed process."""

    def __init__(self, folder: Path) -> None:
        self.path = folder.absolute() / FILE_NAME
        _prepare_folder(self.path)
        self.rows = _open_database(self.path)
        try:
            _retry_while_busy(self._prepare)
        except StoreUnusableError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise _convert_error(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        self.rows.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction: commit or roll back; no other process writes meanwhile."""
        # Takes the write lock at once: an upgrade from a read lock could fail as busy.
        self.rows.execute("BEGIN IMMEDIATE")
        try:
            yield self.rows
            self.rows.commit()
        # Also for KeyboardInterrupt, which would leave the transaction open.
        except BaseException:
            self.rows.rollback()
            raise

    def get_clock(self) -> SimClock:
        """Return the current clock, which any process may have set."""
        row = self.rows.execute("SELECT wall, simulated, speed FROM clock").fetchone()
        return SimClock(row["wall"], row["simulated"], row["speed"])

    def set_clock(self, clock: SimClock) -> None:
        """Set the clock for all processes; call it within a transaction."""
        self.rows.execute("DELETE FROM clock")
        values = (clock.wall, clock.simulated, clock.speed)
        self.rows.execute("INSERT INTO clock VALUES (?, ?, ?)", values)

    def set_speed(self, wall: float, speed: float) -> None:
        """Continue the simulated time at another speed."""
        with self.transaction():
            clock = self.get_clock()
            if clock.speed != speed:
                self.set_clock(clock.change_speed(wall, speed))

    def _prepare(self) -> None:
        self.rows.execute("PRAGMA journal_mode = WAL")
        # With this setting a killed process loses nothing; only a power failure may.
        self.rows.execute("PRAGMA synchronous = NORMAL")
        with self.transaction():
            version = self.rows.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._create()
            elif version == 1:
                self._run(_RENAME_OLD_JOBS + _JOBS + _COPY_OLD_JOBS + _SETTINGS)
            elif version != _VERSION:
                raise StoreUnusableError(
                    f"{self.path}: written by another release (store version {version}, "
                    f"not {_VERSION}); move the file away to start with an empty store"
                )

    def _create(self) -> None:
        self._run(_JOBS + _OTHER_TABLES + _SETTINGS)
        now = time.time()
        self.set_clock(SimClock(wall=now, simulated=now, speed=1.0))

    def _run(self, statements: str) -> None:
        for statement in filter(str.strip, statements.split(";")):
            self.rows.execute(statement)
        self.rows.execute(f"PRAGMA user_version = {_VERSION}")


def _prepare_folder(path: Path) -> None:
    """Create the store's folder; reject links, through which SQLite would write to other files."""
    try:
        root = find_tree_root(path.parent.parent)
        make_folder(root, str(path.parent))
        for ending in ("", "-journal", "-wal", "-shm"):
            refuse_link(root, f"{path}{ending}")
    except (OutsideTreeError, FileUnreadableError) as error:
        raise StoreUnusableError(f"{error.path}: {error.text}") from None


def _open_database(path: Path) -> sqlite3.Connection:
    try:
        # One thread serves; another may close the store after that thread has ended.
        rows = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise _convert_error(path, error) from None
    rows.row_factory = sqlite3.Row
    return rows


def _retry_while_busy(prepare: Callable[[], None]) -> None:
    """Prepare, and retry while another process prepares the same new file.

    SQLite's own timeout does not apply when two processes change the journal mode at once.
    """
    deadline = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            return prepare()
        except sqlite3.OperationalError as error:
            # Any other error will not go away by waiting.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_DELAY)


def _convert_error(path: Path, error: sqlite3.Error) -> StoreUnusableError:
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnusableError(f"{path}: {error}; the folder and its files must be writable")
    return StoreUnusableError(f"{path}: {error}; move the file away to start with an empty store")
