"""Files written to cost a reader all they can: what reading them really takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.hostile import NAMED, NAMELESS, hostile
from tests.fuzz.measured import Measurer, measurer
from tests.fuzz.targets import MOST_BYTES, MOST_SECONDS, TARGETS

TRIES = 3
HOSTILE = [
    pytest.param(target, name, id=f"{target}-{name}")
    for target in TARGETS
    for name, _ in hostile(target)
]


@pytest.fixture(scope="module")
def measured() -> Iterator[Measurer]:
    """A process that forks for each file."""
    with measurer() as made:
        yield made


def check(measured: Measurer, target: str, folder: Path) -> None:
    """Hold the reading of a folder to its bounds: no error, seconds, bytes.

    The least of a few measures counts: what else a machine does only ever adds to one.
    """
    for _ in range(TRIES):
        found = measured.measure(target, folder)
        assert found.error == ""
        assert found.peak < MOST_BYTES
        if found.seconds < MOST_SECONDS:
            return
    assert found.seconds < MOST_SECONDS


@pytest.mark.parametrize(("target", "name"), HOSTILE)
def test_hostile_file_keeps_the_bounds(
    measured: Measurer, tmp_path: Path, target: str, name: str
) -> None:
    """A hostile file is read without a traceback, within a second and within 200 MiB."""
    TARGETS[target].fill(tmp_path, dict(hostile(target))[name])

    check(measured, target, tmp_path)


@pytest.mark.parametrize("name", ["as many as fit", "twins"])
def test_manifests_of_a_name_each_keep_the_bounds(
    measured: Measurer, tmp_path: Path, name: str
) -> None:
    """A file of as many manifests as fit, the defaults doing the rest, keeps the bounds too."""
    TARGETS["manifest"].fill(tmp_path, NAMED[name])
    (tmp_path / "_defaults.yaml").write_bytes(NAMELESS)

    check(measured, "manifest", tmp_path)


def test_measuring_sees_what_is_beyond(measured: Measurer, tmp_path: Path) -> None:
    """A reading that fails is told with its error, and its peak and seconds are real ones."""
    found = measured.measure("defaults", tmp_path)

    assert "AssertionError" in found.error
    assert 20 << 20 < found.peak < MOST_BYTES
