"""Plan files on disk: whatever is in them, they are read or refused, and never break a command."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.adapters.plan_files import (
    InvalidPlanError,
    PlanPathError,
    check_path,
    read_plan,
    write_plan,
)
from controller.core.saved_plan.drift import compare_plans
from controller.core.saved_plan.format import dump_plan_file, hash_value
from tests.core.cases import TEST_KINDS
from tests.core.saved_plan.test_drift import FLEET, TREE, moment

VERSION = "0"
MADE, FILE = moment(TREE, FLEET)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a plan file may be."""
    return tmp_path_factory.mktemp("plans") / "plan.json"


def holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield everything that holds a value, with the value's name or number in it."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from holders(inner)


def test_what_is_written_is_read(place: Path) -> None:
    """A plan comes back from its file as it went there."""
    write_plan(place, FILE)
    assert read_plan(place, VERSION) == FILE
    assert len(place.read_text().splitlines()) == 13 + len(FILE.actions)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_forged_files_are_read_or_refused(place: Path, data: st.DataObject) -> None:
    """Whatever is replaced, with the checksum set right, the file is refused or compared."""
    document = json.loads(json.dumps(dump_plan_file(FILE)))
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(list(holders(document))))
        holder[key] = data.draw(values)
    rest = {name: value for name, value in document.items() if name != "checksum"}
    place.write_text(json.dumps({**rest, "checksum": hash_value(rest)}))
    with contextlib.suppress(InvalidPlanError):
        found = read_plan(place, VERSION)
        compare_plans(TEST_KINDS, found, FILE, MADE)


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=40) | values.map(lambda value: json.dumps(value).encode()))
def test_other_content_is_refused(place: Path, content: bytes) -> None:
    """Bytes, and JSON of something else, are no plan."""
    place.write_bytes(content)
    with pytest.raises(InvalidPlanError, match="is no plan file"):
        read_plan(place, VERSION)


def test_an_empty_file_may_be_replaced(place: Path) -> None:
    """What `mktemp` made is no file of anybody's; a plan cut off by a full disk is a plan."""
    for content in ("", "\n", (document := json.dumps(dump_plan_file(FILE)))[:99], document):
        place.write_text(content)
        check_path(place)
    place.write_text("notes")
    with pytest.raises(PlanPathError, match="exists and is no plan file"):
        check_path(place)
