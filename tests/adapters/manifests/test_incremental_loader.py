"""The tree read again and again: always what reading all of it gives, opening what changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.manifests.incremental_loader import IncrementalLoader
from controller.adapters.manifests.loader import PathMissingError, load
from controller.core.fleet import Fleet
from controller.core.model import Target
from tests.adapters.tree_edits import Edit, edits, make, pass_a_tick
from tests.support.manifests import manifest, spec, write

HOUR = 3_600_000_000_000


def later() -> int:
    """Return the time an hour from now: every file was written long ago."""
    return time.time_ns() + HOUR


def grown(folder: Path, count: int) -> Path:
    """Write some manifests, one in a file, and return their folder."""
    for number in range(count):
        write(folder / "jobs" / f"m{number}.yaml", manifest(f"job-{number}"))
    return folder / "jobs"


def test_unchanged_files_are_not_opened(tmp_path: Path) -> None:
    """A second read opens nothing and gives the very same manifests."""
    jobs, reader = grown(tmp_path, 4), IncrementalLoader(later)
    first = reader.read([jobs])
    assert reader.reread == 4

    second = reader.read([jobs])

    assert reader.reread == 0
    assert second == first == load([jobs])
    assert all(old is new for old, new in zip(first.manifests, second.manifests, strict=True))


def test_changed_file_alone_is_opened(tmp_path: Path) -> None:
    """Of many files only the edited one is read again."""
    jobs, reader = grown(tmp_path, 4), IncrementalLoader(later)
    reader.read([jobs])
    pass_a_tick(tmp_path)
    write(jobs / "m2.yaml", manifest("job-2", spec(hyperParameters={"epochCount": "3"})))

    tree = reader.read([jobs])

    assert reader.reread == 1
    assert tree == load([jobs])


def test_young_file_is_opened_again(tmp_path: Path) -> None:
    """What was written a moment ago can change within one tick, so its bytes are read."""
    jobs = grown(tmp_path, 2)
    path = jobs / "m0.yaml"
    before = path.stat()
    reader = IncrementalLoader(lambda: before.st_ctime_ns + 50_000_000)
    reader.read([jobs])
    path.write_text(path.read_text().replace("epochCount: 2", "epochCount: 5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert reader.read([jobs]) == load([jobs])
    assert reader.reread == 2


def test_restored_time_hides_no_change(tmp_path: Path) -> None:
    """A file with new bytes, the old size and the old time of writing is read again."""
    jobs, reader = grown(tmp_path, 2), IncrementalLoader(later)
    reader.read([jobs])
    path = jobs / "m0.yaml"
    before = path.stat()
    pass_a_tick(tmp_path)
    path.write_text(path.read_text().replace("epochCount: 2", "epochCount: 5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size

    assert reader.read([jobs]) == load([jobs])


DEFAULTS = "spec:\n  hyperParameters:\n    epochCount: {count}\n"
Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "made in the folder": lambda top: (top / "jobs" / "_defaults.yaml").write_text(
        DEFAULTS.format(count=4)
    ),
    "made above": lambda top: (top / "_defaults.yml").write_text("policy: {priority: 3}\n"),
    "a link to nowhere": lambda top: (top / "jobs" / "_defaults.yaml").symlink_to("nowhere"),
    "broken": lambda top: (top / "jobs" / "_defaults.yaml").write_text("spec: ["),
    "a new top": lambda top: (top / "jobs" / "bedrock-jobs.yaml").write_text("owner: acme\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_defaults_concern_every_file_below(tmp_path: Path, change: Change) -> None:
    """Defaults that come, change or go are in every manifest that rests on them."""
    jobs, reader = grown(tmp_path, 3), IncrementalLoader(later)
    (tmp_path / "bedrock-jobs.yaml").write_text("owner: acme\n")
    (tmp_path / "_defaults.yaml").write_text("policy: {priority: 7}\n")
    reader.read([jobs])
    pass_a_tick(tmp_path)

    change(tmp_path)

    assert reader.read([jobs]) == load([jobs])
    assert reader.reread == 3


def test_fleet_concerns_every_file(tmp_path: Path) -> None:
    """Another fleet's rules are other rules for every manifest."""
    jobs, reader = grown(tmp_path, 3), IncrementalLoader(later)
    reader.read([jobs])
    fleet = Fleet(target=Target("eu-west-1"))

    assert reader.read([jobs], fleet) == load([jobs], fleet)
    assert reader.reread == 3


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    """A file that cannot be read is no memory: what hindered it may pass without a trace."""
    jobs, reader = grown(tmp_path, 2), IncrementalLoader(later)
    os.mkfifo(jobs / "pipe.yaml")

    for opened in (3, 1):
        assert reader.read([jobs]) == load([jobs])
        assert reader.reread == opened


def test_many_files_are_read_as_load_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many files that the work is shared out, found by a relative path, give the same tree."""
    jobs, reader = grown(tmp_path, 850), IncrementalLoader(later)
    (jobs / "_defaults.yaml").write_text("spec: {customizationType: NONE_SUCH}\n")
    monkeypatch.chdir(tmp_path)

    for opened in (850, 0):
        assert reader.read([Path("jobs")]) == load([Path("jobs")])
        assert reader.reread == opened


def test_clash_comes_and_goes(tmp_path: Path) -> None:
    """Two manifests with one name clash while both are there, though one has not changed."""
    jobs, reader = grown(tmp_path, 2), IncrementalLoader(later)
    alone = reader.read([jobs])
    write(jobs / "twin.yaml", manifest("job-1"))

    both = reader.read([jobs])
    assert both == load([jobs])
    assert len(both.problems) == 2

    (jobs / "twin.yaml").unlink()
    assert reader.read([jobs]) == alone


def test_missing_path_is_told(tmp_path: Path) -> None:
    """A path that went is told every time, and the tree is whole again when it comes back."""
    jobs, reader = grown(tmp_path, 2), IncrementalLoader(later)
    tree = reader.read([jobs])
    jobs.rename(tmp_path / "aside")

    with pytest.raises(PathMissingError):
        reader.read([jobs])

    (tmp_path / "aside").rename(jobs)
    assert reader.read([jobs]) == tree


@settings(max_examples=60, deadline=None)
@given(history=st.lists(st.lists(edits, max_size=3), min_size=2, max_size=7), ahead=st.booleans())
def test_any_history_reads_as_load_does(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[Edit]],
    ahead: bool,
) -> None:
    """Whatever happens to the files, each read gives exactly what a fresh one gives."""
    folder = tmp_path_factory.mktemp("history")
    top = folder / "tree"
    write(top / "a.yaml", manifest("first"))
    reader = IncrementalLoader(later if ahead else time.time_ns)
    for step in history:
        if ahead:
            pass_a_tick(folder)
        make(top, step)

        assert reader.read([top]) == load([top])
