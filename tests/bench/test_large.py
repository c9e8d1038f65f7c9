from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.bench import large
from tests.bench.trees import bytes_of


def test_a_grown_tree_is_settled(tmp_path: Path) -> None:
    """What is measured is a pass that has nothing to do: no call, no byte written."""
    entry = large.settled_entry(tmp_path / "template")
    layout = replace(large.TOGETHER, documents=2, files=2)
    tree = large.grown(tmp_path / "tree", 7, layout, entry)
    before = bytes_of(tree)

    (taken,) = large.measured(tree, ["reconcile"], rounds=1)["reconcile"]

    assert bytes_of(tree) == before
    assert len(before) == 8
    assert taken.memory > 10_000_000
    assert taken.processor > 0
