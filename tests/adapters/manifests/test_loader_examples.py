"""Folders of manifests, each a test of its own: dropping a file in adds one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.adapters.manifests.loader import load

EXAMPLES = Path(__file__).parents[2] / "data" / "manifests"
EXPECTED = re.compile(r"^#! (\d+:\d+ BJ\d+)$", re.MULTILINE)


def files(folder: str) -> list[Path]:
    """Return a folder's examples."""
    found = sorted((EXAMPLES / folder).glob("*.yaml"))
    assert found
    return found


@pytest.mark.parametrize("path", files("valid"), ids=lambda path: path.stem)
def test_valid_example_has_no_problem(path: Path) -> None:
    """A valid example is read without a problem, and all of its manifests have a spec."""
    tree = load([path])

    assert tree.problems == ()
    assert all(manifest.spec for manifest in tree.manifests)


@pytest.mark.parametrize("path", files("invalid"), ids=lambda path: path.stem)
def test_invalid_example_has_its_problems(path: Path) -> None:
    """An invalid example has exactly the problems that its last lines list, each at its place."""
    expected = EXPECTED.findall(path.read_text())
    tree = load([path])

    assert expected
    assert [
        f"{problem.source.line}:{problem.source.column} {problem.code}" for problem in tree.problems
    ] == expected
    assert all(problem.message for problem in tree.problems)


@pytest.mark.parametrize("path", files("invalid"), ids=lambda path: path.stem)
def test_invalid_example_keeps_its_identity(path: Path) -> None:
    """A manifest with a problem is still a manifest, so that its live job can be looked after."""
    named = set(re.findall(r"^  name: ([a-z0-9-]+)$", path.read_text(), re.MULTILINE))
    kinds = "kind: ModelCustomizationJob" in path.read_text()

    met = {manifest.key.name for manifest in load([path]).manifests}

    assert met == (named if kinds else set())
