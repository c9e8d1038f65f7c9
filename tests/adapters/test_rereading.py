"""The tree read again and again: always what reading all of it gives, opening what changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.manifests import PathMissingError, load
from controller.adapters.rereading import TreeReader
from controller.core.fleet import Fleet
from controller.core.model import Target
from tests.support.manifests import as_yaml, manifest, spec, write

HOUR = 3_600_000_000_000
DEADLINE = 20.0


def later() -> int:
    """Return the time an hour from now: every file was written long ago."""
    return time.time_ns() + HOUR


def grown(folder: Path, count: int) -> Path:
    """Write some manifests, one in a file, and return their folder."""
    for number in range(count):
        write(folder / "jobs" / f"m{number}.yaml", manifest(f"job-{number}"))
    return folder / "jobs"


def pass_a_tick(folder: Path) -> None:
    """Return once the file system's clock has gone on, so that the next write has its own time."""
    probe, deadline = folder / ".probe", time.monotonic() + DEADLINE
    probe.touch()
    before = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == before:
        assert time.monotonic() < deadline
        probe.touch()


def test_unchanged_files_are_not_opened(tmp_path: Path) -> None:
    """A second read opens nothing and gives the very same manifests."""
    jobs, reader = grown(tmp_path, 4), TreeReader(later)
    first = reader.read([jobs])
    assert reader.reread == 4

    second = reader.read([jobs])

    assert reader.reread == 0
    assert second == first == load([jobs])
    assert all(old is new for old, new in zip(first.manifests, second.manifests, strict=True))


def test_changed_file_alone_is_opened(tmp_path: Path) -> None:
    """Of many files only the edited one is read again."""
    jobs, reader = grown(tmp_path, 4), TreeReader(later)
    reader.read([jobs])
    pass_a_tick(tmp_path)
    write(jobs / "m2.yaml", manifest("job-2", spec(hyperParameters={"epochCount": "3"})))

    tree = reader.read([jobs])

    assert reader.reread == 1
    assert tree == load([jobs])


def test_young_file_is_opened_again(tmp_path: Path) -> None:
    """What was written a moment ago can change within one tick, so its bytes are read."""
    jobs, reader = grown(tmp_path, 2), TreeReader()
    reader.read([jobs])
    path = jobs / "m0.yaml"
    before = path.stat()
    path.write_text(path.read_text().replace("epochCount: 2", "epochCount: 5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert reader.read([jobs]) == load([jobs])
    assert reader.reread == 2


def test_restored_time_hides_no_change(tmp_path: Path) -> None:
    """A file with new bytes, the old size and the old time of writing is read again."""
    jobs, reader = grown(tmp_path, 2), TreeReader(later)
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
    jobs, reader = grown(tmp_path, 3), TreeReader(later)
    (tmp_path / "bedrock-jobs.yaml").write_text("owner: acme\n")
    (tmp_path / "_defaults.yaml").write_text("policy: {priority: 7}\n")
    reader.read([jobs])
    pass_a_tick(tmp_path)

    change(tmp_path)

    assert reader.read([jobs]) == load([jobs])
    assert reader.reread == 3


def test_fleet_concerns_every_file(tmp_path: Path) -> None:
    """Another fleet's rules are other rules for every manifest."""
    jobs, reader = grown(tmp_path, 3), TreeReader(later)
    reader.read([jobs])
    fleet = Fleet(target=Target("eu-west-1"))

    assert reader.read([jobs], fleet) == load([jobs], fleet)
    assert reader.reread == 3


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    """A file that cannot be read is no memory: what hindered it may pass without a trace."""
    jobs, reader = grown(tmp_path, 2), TreeReader(later)
    os.mkfifo(jobs / "pipe.yaml")

    for opened in (3, 1):
        assert reader.read([jobs]) == load([jobs])
        assert reader.reread == opened


def test_clash_comes_and_goes(tmp_path: Path) -> None:
    """Two manifests with one name clash while both are there, though one has not changed."""
    jobs, reader = grown(tmp_path, 2), TreeReader(later)
    alone = reader.read([jobs])
    write(jobs / "twin.yaml", manifest("job-1"))

    both = reader.read([jobs])
    assert both == load([jobs])
    assert len(both.problems) == 2

    (jobs / "twin.yaml").unlink()
    assert reader.read([jobs]) == alone


def test_missing_path_is_told(tmp_path: Path) -> None:
    """A path that went is told every time, and the tree is whole again when it comes back."""
    jobs, reader = grown(tmp_path, 2), TreeReader(later)
    tree = reader.read([jobs])
    jobs.rename(tmp_path / "aside")

    with pytest.raises(PathMissingError):
        reader.read([jobs])

    (tmp_path / "aside").rename(jobs)
    assert reader.read([jobs]) == tree


FILES = [
    "a.yaml",
    "b.yaml",
    "one/c.yml",
    "one/two/d.yaml",
    "_defaults.yaml",
    "one/_defaults.yaml",
    "one/_defaults.yml",
    "one/two/_defaults.yaml",
    "one/bedrock-jobs.yaml",
    ".hidden.yaml",
]
TEXTS = [
    as_yaml(manifest("first")),
    as_yaml(manifest("other")),
    as_yaml(manifest("other", spec(hyperParameters={"epochCount": "7"}))),
    as_yaml(manifest("first")) + "---\n" + as_yaml(manifest("third", policy={"priority": 4})),
    as_yaml(manifest("wrong", {"roleArn": "no"})),
    "policy: {priority: 1}\n",
    "policy: {priority: 2}\n",
    "metadata: {labels: {team: a}}\nspec: {customizationType: FINE_TUNING}\n",
    "kind: [",
    "",
]
edits = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(FILES), st.sampled_from(TEXTS)),
    st.tuples(st.just("replace"), st.sampled_from(FILES), st.sampled_from(TEXTS)),
    st.tuples(st.just("remove"), st.sampled_from(FILES), st.just("")),
    st.tuples(st.just("move"), st.sampled_from(FILES), st.sampled_from(FILES)),
    st.tuples(st.just("link"), st.sampled_from(FILES), st.sampled_from(FILES)),
    st.tuples(st.just("swap"), st.just("one"), st.just("aside")),
)


def edited(top: Path, verb: str, name: str, other: str) -> None:
    """Make one edit, if it can be made on what is there."""
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    match verb:
        case "write":
            path.write_text(other)
        case "replace":
            (top / "new.tmp").write_text(other)
            (top / "new.tmp").replace(path)
        case "remove":
            path.unlink(missing_ok=True)
        case "move" if path.is_file() and (top / other).parent.is_dir():
            path.replace(top / other)
        case "link" if not os.path.lexists(path):
            path.symlink_to(top / other)
        case "swap" if path.is_dir() or (top / other).is_dir():
            first, second = (path, top / other) if path.is_dir() else (top / other, path)
            if second.is_dir():
                second.rename(top / "third")
            first.rename(second)


@settings(max_examples=60, deadline=None)
@given(history=st.lists(st.lists(edits, max_size=3), min_size=2, max_size=7), ahead=st.booleans())
def test_any_history_reads_as_load_does(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[str, str, str]]],
    ahead: bool,
) -> None:
    """Whatever happens to the files, each read gives exactly what a fresh one gives."""
    folder = tmp_path_factory.mktemp("history")
    top = folder / "tree"
    write(top / "a.yaml", manifest("first"))
    reader = TreeReader(later if ahead else time.time_ns)
    for step in history:
        if ahead:
            pass_a_tick(folder)
        for verb, name, other in step:
            try:
                edited(top, verb, name, other)
            except OSError:
                continue  # a link in the way, a folder that is not empty: nothing was edited

        assert reader.read([top]) == load([top])
