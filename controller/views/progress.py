"""Progress while passes run: a live table on a terminal, a line per change elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from controller.core.kinds.kind import Kind
from controller.core.printable import escape_line
from controller.core.status.conditions import STALLED, SUSPENDED
from controller.views.plan import format_sandbox_note
from controller.views.status import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, Group
    from rich.table import Table
    from rich.text import Text

_MAX_ROWS = 20


class Progress(Protocol):
    """Receives the results of jobs as they come; safe to call from several threads."""

    def update(self, status: JobStatus) -> None:
        """Update one job."""

    def update_all(self, statuses: Sequence[JobStatus]) -> None:
        """Update every job, after a pass."""


class LineProgress:
    """Prints one line whenever a job's phase changes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown: dict[str, str] = {}
        self._lock = threading.Lock()

    def update(self, status: JobStatus) -> None:
        """Print a job's phase, and its message if it needs attention."""
        name, phase = str(status.key), status.phase
        with self._lock:
            if self._shown.get(name) == phase:
                return
            self._shown[name] = phase
        message = f": {status.get_condition('Synced').get('message')}" if phase == STALLED else ""
        self._say(f"{status.key.name}: {phase}{message}")

    def update_all(self, statuses: Sequence[JobStatus]) -> None:
        """Print the phases that changed."""
        for status in statuses:
            self.update(status)


class LiveProgress:
    """Draws the jobs that have not ended, and a bar of those that have."""

    def __init__(
        self, kinds: Mapping[str, Kind], total: int, console: Console, *, sandbox: bool
    ) -> None:
        # rich is slow to import, and needed on a terminal only.
        from rich.live import Live

        self._kinds = kinds
        self._sandbox = sandbox
        self._total = total
        self._known: dict[str, JobStatus] = {}
        self._lock = threading.Lock()
        # Transient, because the command prints the final result itself.
        self.live = Live(console=console, refresh_per_second=8, transient=True)

    def update(self, status: JobStatus) -> None:
        """Redraw with one job changed."""
        self.update_all([status])

    def update_all(self, statuses: Sequence[JobStatus]) -> None:
        """Redraw with these jobs changed."""
        with self._lock:
            self._known |= {str(status.key): status for status in statuses}
            self.live.update(self._draw())

    def _draw(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        ended = sum(self._has_ended(status) for status in self._known.values())
        summary = f"{ended} of {self._total} ended{format_sandbox_note(self._sandbox)}"
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(self._total or 1, ended, width=40), _make_cell(summary))
        return Group(self._build_table(), bar)

    def _build_table(self) -> Table:
        from rich.table import Table

        table = Table("name", "phase", "message", box=None, header_style="bold", pad_edge=False)
        moving = [one for one in self._known.values() if not self._has_ended(one)]
        for status in moving[:_MAX_ROWS]:
            message = str(status.get_condition("Synced").get("message", ""))
            table.add_row(*map(_make_cell, (status.key.name, status.phase, message)))
        if len(moving) > _MAX_ROWS:
            table.add_row(f"and {len(moving) - _MAX_ROWS} more", "", "")
        return table

    def _has_ended(self, status: JobStatus) -> bool:
        kind = self._kinds[status.key.kind]
        # A stalled or suspended job does not move until a person acts.
        return status.phase in kind.terminal or status.phase in {STALLED, SUSPENDED}


def _make_cell(text: str) -> Text:
    """Return a text as a cell: rich would take brackets in plain strings for markup."""
    from rich.text import Text

    return Text(escape_line(text))


@contextmanager
def show_progress(
    kinds: Mapping[str, Kind],
    total: int,
    say: Callable[[str], None],
    console: Console | None,
    *,
    sandbox: bool,
) -> Iterator[Progress]:
    """Yield the progress display: on a console a screen that is cleared at the end, else lines."""
    if console is None:
        yield LineProgress(say)
        return
    screen = LiveProgress(kinds, total, console, sandbox=sandbox)
    with screen.live:
        yield screen
