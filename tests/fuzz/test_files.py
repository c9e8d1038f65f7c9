"""Whatever stands in a file of ours, reading it ends soon, in values or problems."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from controller.adapters.fleet_file import load_fleet
from controller.adapters.manifests import load
from controller.adapters.sidecars import Sidecars
from controller.core.kinds import KINDS
from controller.core.model import JobKey, Source
from tests.fuzz.inputs import FLEET, MANIFEST, SIDECAR, anything

SECOND = 1.0
FUZZ = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for manifests."""
    (tmp_path / "jobs").mkdir()
    return tmp_path / "jobs"


@FUZZ
@given(content=anything(MANIFEST))
def test_any_manifest_is_read(folder: Path, content: bytes) -> None:
    """A manifest's file gives manifests and problems; the invalid ones carry theirs."""
    (folder / "any.yaml").write_bytes(content)
    began = time.perf_counter()

    tree = load([folder])

    assert time.perf_counter() - began < SECOND
    assert all(problem.source.path.endswith("any.yaml") for problem in tree.problems)
    assert all((manifest.spec is None) == bool(manifest.problems) for manifest in tree.manifests)


@FUZZ
@given(content=anything(MANIFEST))
def test_any_defaults_are_read(folder: Path, content: bytes) -> None:
    """Whatever the defaults of a folder hold, its manifests are valid or say why not."""
    (folder / "any.yaml").write_bytes(MANIFEST)
    (folder / "_defaults.yaml").write_bytes(content)
    began = time.perf_counter()

    tree = load([folder])

    assert time.perf_counter() - began < SECOND
    assert len(tree.manifests) == 1
    assert (tree.manifests[0].spec is None) == bool(tree.problems)


@FUZZ
@given(content=anything(FLEET))
def test_any_fleet_file_is_read(folder: Path, content: bytes) -> None:
    """A fleet's file gives rules or problems; with problems there is no owner to act as."""
    (folder / "bedrock-jobs.yaml").write_bytes(content)
    began = time.perf_counter()

    fleet, problems = load_fleet(None, folder)

    assert time.perf_counter() - began < SECOND
    assert not problems or fleet.owner == ""


@FUZZ
@given(content=anything(SIDECAR))
def test_any_sidecar_is_read_and_replaced(folder: Path, content: bytes) -> None:
    """A sidecar gives what can be trusted of it, and the next write makes it whole."""
    path, key = folder / "support-bot.status.json", JobKey(next(iter(KINDS)), "support-bot")
    source = Source(str(folder / "support-bot.yaml"))
    path.write_bytes(content)
    ledger = Sidecars([folder], KINDS)
    began = time.perf_counter()

    ledger.read({key: source})
    ledger.write(source, key, {"kind": key.kind, "phase": "Pending"})

    assert time.perf_counter() - began < SECOND
    assert ledger.read({key: source})[key].phase == "Pending"
