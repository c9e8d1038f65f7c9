"""The bars that count calls and bytes hold on small trees, so that they hold in every build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.passes import Field, active_pass, idle_pass, settle, submitted
from tests.bench.trees import names

COUNT = 5


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    """A few jobs, submitted by the real command to a real sandbox."""
    with submitted(tmp_path / "tree", COUNT) as made:
        yield made


def test_a_settled_tree_costs_nothing(field: Field) -> None:
    """A pass over jobs that have ended calls nothing, writes no byte and imports no AWS client."""
    settle(field)

    assert idle_pass(field, COUNT).measured == "0 / 0 / 0 / none"


def test_active_jobs_cost_a_page_and_a_get_for_each_change(field: Field) -> None:
    """A pass over active jobs lists them once, and looks closely at what changed alone."""
    assert active_pass(field, COUNT, changed=0).measured == "1"

    field.service.stop(names(2))

    assert active_pass(field, COUNT, changed=2).measured == "3"
