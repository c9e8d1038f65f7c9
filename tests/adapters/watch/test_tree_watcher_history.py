"""Whatever happens to a tree, who reads it when told to ends up with what is there."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from controller.adapters.manifests.incremental_loader import IncrementalLoader
from controller.adapters.manifests.loader import PathMissingError, load
from controller.core.model import Tree
from tests.adapters.tree_edits import Edit, edits, make
from tests.adapters.watches import eventually, woken
from tests.support.manifests import manifest, write


class Reader:
    """Keeps what the tree said when it was last told of."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._reader = IncrementalLoader()
        self.tree: Tree | None = None

    def __call__(self) -> None:
        """Read the tree, if it is there."""
        try:
            self.tree = self._reader.read([self._top])
        except PathMissingError:
            self.tree = None


@pytest.mark.parametrize("files", [True, False], ids=["heard", "looked at"])
@settings(max_examples=12, deadline=None, phases=[Phase.generate])  # to shrink takes too long here
@given(history=st.lists(st.lists(edits, min_size=1, max_size=3), min_size=1, max_size=4))
def test_reader_ends_up_with_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[Edit]], *, files: bool
) -> None:
    """By events alone, and by looks alone, a reader that is told converges on the tree."""
    top = tmp_path_factory.mktemp("history") / "tree"
    write(top / "a.yaml", manifest("first"))
    reader = Reader(top)
    reader()
    with woken(top, files=files, debounce=0.002, reading=reader) as (_, watch):
        for step in history:
            make(top, step)
            # What is written through a link into a hidden file is no event that counts.
            if not files or any(other == ".hidden.yaml" for _, _, other in chain(*history)):
                watch.request_poll()

            eventually(partial(_agree, reader, load([top])))


def _agree(reader: Reader, wanted: Tree) -> bool:
    return reader.tree == wanted
