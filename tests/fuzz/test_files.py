"""Whatever stands in a file of ours, reading it ends soon, in values or problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import anything
from tests.fuzz.targets import MOST_SECONDS, TARGETS

FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", TARGETS)
@FUZZ
@given(data=st.data())
def test_any_bytes_are_read(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """Any bytes in any file of ours are values or problems within a second."""
    target = TARGETS[name]
    target.fill(tmp_path, data.draw(anything(target.sound)))

    assert target.read(tmp_path) < MOST_SECONDS
