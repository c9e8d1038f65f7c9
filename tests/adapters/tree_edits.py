"""Edits of a small tree, drawn at random, made on real files."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from tests.support.manifests import as_yaml, manifest, spec

DEADLINE = 60.0
Edit = tuple[str, str, str]

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
edits: st.SearchStrategy[Edit] = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(FILES), st.sampled_from(TEXTS)),
    st.tuples(st.just("replace"), st.sampled_from(FILES), st.sampled_from(TEXTS)),
    st.tuples(st.just("remove"), st.sampled_from(FILES), st.just("")),
    st.tuples(st.just("move"), st.sampled_from(FILES), st.sampled_from(FILES)),
    st.tuples(st.just("link"), st.sampled_from(FILES), st.sampled_from(FILES)),
    st.tuples(st.just("swap"), st.just("one"), st.just("aside")),
)


def make(top: Path, steps: list[Edit]) -> None:
    """Make some edits, each if it can be made on what is there."""
    for verb, name, other in steps:
        # A link in the way, or a folder that is not empty: then nothing was edited.
        with suppress(OSError):
            _make(top, verb, name, other)


def _make(top: Path, verb: str, name: str, other: str) -> None:
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


def pass_a_tick(folder: Path) -> None:
    """Return once the file system's clock has gone on, so that the next write has its own time."""
    probe, deadline = folder / ".probe", time.monotonic() + DEADLINE
    probe.touch()
    before = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == before:
        assert time.monotonic() < deadline
        probe.touch()
