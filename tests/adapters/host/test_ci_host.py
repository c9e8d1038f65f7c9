"""Places are told from the repository's root, however it was reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.adapters.host.ci_host import find_repository_root, make_relative
from controller.core.model import Source

VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with .git, and the present folder below it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "fleet" / ".git").mkdir(parents=True)
    (tmp_path / "fleet" / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "fleet" / "deep")
    return tmp_path / "fleet"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("er/a.yaml", "deep/er/a.yaml"),
        ("../jobs/a.yaml", "jobs/a.yaml"),
        ("./er/../a.yaml", "deep/a.yaml"),
        ("..jobs/a.yaml", "deep/..jobs/a.yaml"),
    ],
)
def test_a_path_is_told_from_the_root(checkout: Path, path: str, told: str) -> None:
    """From wherever the command runs, by relative and absolute paths; line and column stay."""
    assert find_repository_root() == checkout
    assert make_relative(Source(path, 3, 4), find_repository_root()) == Source(told, 3, 4)
    whole = str(checkout / "deep" / path)
    assert make_relative(Source(whole, 3, 4), find_repository_root()) == Source(told, 3, 4)


def test_a_link_leads_to_the_same_place(checkout: Path) -> None:
    """A checkout that is reached through a link, as a runner's workspace may be, is the same."""
    link = checkout.parent / "link"
    link.symlink_to(checkout)
    assert make_relative(Source(str(link / "jobs" / "a.yaml")), checkout).path == "jobs/a.yaml"
    assert make_relative(Source(str(checkout / "jobs" / "a.yaml")), link).path == "jobs/a.yaml"


def test_what_lies_outside_keeps_its_path(checkout: Path) -> None:
    """A file of no repository, and one whose folder's name begins alike, is told in full."""
    for name in ("elsewhere", "fleet-two"):
        path = str(checkout.parent / name / "a.yaml")
        assert make_relative(Source(path), checkout).path == path


@pytest.mark.parametrize("variable", VARIABLES)
def test_without_a_checkout_the_workspace_counts(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where no .git is found upward the CI system says where the root is; else it is here."""
    (checkout / ".git").rmdir()
    assert find_repository_root() == checkout / "deep"
    monkeypatch.setenv(variable, str(checkout.parent))
    assert find_repository_root() == checkout.parent
