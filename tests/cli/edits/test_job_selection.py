"""Arguments select jobs by name, path or label, and never all of them by default."""

from __future__ import annotations

import pytest

from tests.support.manifests import KIND, manifest, write
from tests.support.project import Project


@pytest.fixture
def several(tree: Project) -> Project:
    """Return a tree with manifests in folders, two in one file, and some elsewhere."""
    tree.add("alpha", labels={"team": "a"})
    tree.add("beta", labels={"team": "b"})
    write(tree.jobs / "deep" / "gamma.yaml", manifest("gamma"), manifest("delta"))
    write(tree.folder / "more" / "omega.yaml", manifest("omega", labels={"team": "a"}))
    return tree


def taken(tree: Project, *arguments: str) -> list[str]:
    """Return the names of the jobs that a command selects."""
    ran = tree.call("stop", *arguments, "--dry-run", "--query", "jobs[].name")
    assert ran.code == 0, ran.err
    return ran.out.split()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("alpha",), ["alpha"]),
        (("alpha", "delta"), ["alpha", "delta"]),
        ((f"{KIND}/beta",), ["beta"]),
        (("jobs",), ["alpha", "beta", "delta", "gamma"]),
        (("jobs/deep",), ["delta", "gamma"]),
        (("jobs/beta.yaml", "gamma"), ["beta", "gamma"]),
        (("more/omega.yaml", "alpha"), ["alpha", "omega"]),
        (("omega", "--in", "more"), ["omega"]),
        (("omega", "alpha", "--in", "more", "--in", "jobs"), ["alpha", "omega"]),
        (("-l", "team"), ["alpha", "beta"]),
        (("-l", "team=a", "--in", "more"), ["omega"]),
        (("jobs", "more", "-l", "team=a"), ["alpha", "omega"]),
        (("-l", "team=nobody"), []),
    ],
    ids=lambda value: " ".join(value),
)
def test_words_select(several: Project, arguments: tuple[str, ...], names: list[str]) -> None:
    """Names, paths, and kinds with names select exactly those jobs, and so do labels."""
    assert taken(several, *arguments) == names


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "this command has no default"),
        (("--in", "more"), "this command has no default"),
        (("-l", " , "), "this command has no default"),
        (("alhpa",), "did you mean alpha?"),
        (("zzz",), "no manifest under jobs is named zzz"),
        (("alpha", "omega"), "no manifest under jobs is named omega"),
        (("alpha", "-l", "team=a"), "not both"),
        (("alpha", "--in", "absent"), "absent"),
        (("jobs/absent.yaml",), "absent.yaml"),
        (("absent/alpha",), "absent/alpha"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("verb", ["stop", "retry", "adopt"])
def test_wrong_words_are_usage_errors(
    several: Project, verb: str, arguments: tuple[str, ...], told: str
) -> None:
    """Missing or unknown jobs are usage errors, before any call."""
    ran = several.call(verb, *arguments, "--yes")
    assert ran.code == 64
    assert told in ran.err
    assert several.sandbox.list_calls() == []


def test_problems_of_other_manifests_are_not_reported(several: Project) -> None:
    """A named job's problems alone are printed; with a path all of those under it."""
    several.add("broken", {"roleArn": "nonsense"})
    (several.jobs / "torn.yaml").write_text("{")
    named = several.call("stop", "alpha", "--dry-run")
    assert (named.code, named.err) == (0, "")
    under = several.call("stop", "jobs", "--dry-run")
    assert under.code == 4
    assert "torn.yaml" in under.err
    assert "broken.yaml" in under.err


def test_unreadable_files_are_reported_with_an_unknown_name(several: Project) -> None:
    """An unknown name may be in a file that cannot be read: both are reported."""
    (several.jobs / "torn.yaml").write_text("{")
    ran = several.call("stop", "zzz", "--yes")
    assert ran.code == 64
    assert "torn.yaml" in ran.err


def test_broken_fleet_file_is_reported(several: Project) -> None:
    """With a problem in the fleet file nothing is done: 4."""
    several.fleet(ownr="acme")
    ran = several.call("stop", "alpha", "--yes")
    assert ran.code == 4
    assert "ownr" in ran.err
    assert several.sandbox.list_calls() == []
