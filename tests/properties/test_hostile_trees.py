"""Whatever a repository holds, reading it stays inside it and by the root's rules."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import load

CANARY = "canary-4711"
VALID = (Path(__file__).parents[1] / "data" / "manifests" / "valid" / "least.yaml").read_text()
NAMES = ("a.yaml", "b.json", "_defaults.yaml", "_Defaults.YML", "bedrock-jobs.yaml", "x\u202e.yaml")
TEXTS = (VALID, "owner: stranger\n", "{}\n", "", "policy: {priority: 1}\n", "::stop-commands::x\n")


def grow(draw: random.Random, root: Path, outside: Path) -> None:
    """Fill a repository with folders, files and links to places inside and outside."""
    folders = [root / "jobs"]
    for number in range(draw.randint(1, 6)):
        folders.append(draw.choice(folders) / f"d{number}")
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    targets = (outside, outside / "_defaults.yaml", root / ".git" / "config", root, *folders)
    for number in range(draw.randint(3, 20)):
        place = draw.choice(folders) / draw.choice((*NAMES, f"link{number}"))
        if os.path.lexists(place):
            continue
        if draw.random() < 0.5:
            place.symlink_to(draw.choice(targets))
        else:
            place.write_text(draw.choice(TEXTS))


@pytest.mark.parametrize("seed", range(60))
def test_hostile_tree_reads_nothing_outside(tmp_path: Path, seed: int) -> None:
    """No generated tree shows a byte from outside, changes one, or replaces the root's rules."""
    outside, root = tmp_path / "outside", tmp_path / "repo"
    outside.mkdir()
    (root / ".git").mkdir(parents=True)
    for secret in (outside / "_defaults.yaml", outside / "s.yaml", root / ".git" / "config"):
        secret.write_text(f"{CANARY}: 1\n{VALID.replace('least', CANARY)}")
    (root / "bedrock-jobs.yaml").write_text("owner: root\n")
    grow(random.Random(seed), root, outside)  # noqa: S311 - any numbers will do
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()}

    fleet, problems = load_fleet(None, root / "jobs")
    tree = load([root / "jobs"], fleet)

    assert (fleet.owner, problems) == ("root", ())
    assert CANARY not in repr(tree)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()}
    assert after == before
