from __future__ import annotations

from pathlib import Path

from tests.bench import resyncs
from tests.bench.passes import settle, submitted

COUNT, TIMES = 3, 12


def test_resyncs_look_at_every_job_and_hold_nothing_more(tmp_path: Path) -> None:
    """Each resync asks for each job once, and no thread or open file stays behind."""
    with submitted(tmp_path / "tree", COUNT) as field:
        settle(field)
        first, *_, last = resyncs.weights(field.folder, field.service.url, TIMES)
        asked = field.service.calls()["bedrock"]

    assert (last.threads, last.files) == (first.threads, first.files)
    assert asked == COUNT * TIMES
