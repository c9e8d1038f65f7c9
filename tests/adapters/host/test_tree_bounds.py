"""Which bedrock-jobs.yaml governs a path, what cannot change that, and where a tree ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.adapters.host.tree_bounds import locate_path
from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import load
from controller.core.fleet import Fleet
from controller.core.model import Tree
from tests.support.unreadable import failing

FILE = "bedrock-jobs.yaml"
VALID = (Path(__file__).parents[2] / "data" / "manifests" / "valid" / "least.yaml").read_text()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a repository whose root has a fleet file, with manifests at two depths."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    root = tmp_path / "repo"
    (root / FILE).write_text("owner: root\n")
    write(root / "jobs" / "top.yaml", "top")
    write(root / "jobs" / "sub" / "low.yaml", "low")
    return root


def write(path: Path, name: str) -> Path:
    """Write a valid manifest under a name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(VALID.replace("least", name))
    return path


def owner(path: Path) -> str:
    """Return the owner in the file that governs a path, which has no problem."""
    fleet, problems = load_fleet(None, path)
    assert problems == ()
    return fleet.owner


def invalid(tree: Tree) -> dict[str, list[str]]:
    """Return the codes of each manifest that may not be acted on."""
    return {
        one.key.name: [problem.code for problem in one.problems]
        for one in tree.manifests
        if one.spec is None
    }


def test_nested_file_replaces_nothing(repo: Path) -> None:
    """A file that a pull request adds below the root's makes invalid what lies under it."""
    (repo / "jobs" / "sub" / FILE).write_text("owner: stranger\n")

    for path in (repo / "jobs", repo / "jobs" / "sub", repo / "jobs" / "sub" / "low.yaml"):
        assert owner(path) == "root"
        assert invalid(load([path])) == {"low": ["BJ115"]}


@pytest.mark.parametrize("content", ["", "owner: [", "{}"])
def test_nested_file_is_a_problem_whatever_it_holds(repo: Path, content: str) -> None:
    """A nested file is not read, and told of at its own place."""
    nested = repo / "jobs" / FILE
    nested.write_text(content)

    tree = load([repo / "jobs"])

    assert invalid(tree) == {"top": ["BJ115"], "low": ["BJ115"]}
    assert {problem.source.path for problem in tree.problems} == {str(nested)}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_inner_repository_does_not_end_the_way(repo: Path, kind: str) -> None:
    """A submodule's or another nested .git does not cut its folder off from the root's rules."""
    inner = repo / "jobs" / "sub" / ".git"
    if kind == "file":
        inner.write_text("gitdir: ../../.git/modules/sub\n")
    else:
        inner.mkdir()

    assert owner(repo / "jobs" / "sub") == "root"
    assert invalid(load([repo / "jobs" / "sub"])) == {}


@pytest.mark.parametrize("name", ["bedrock-jobs.yml", "Bedrock-Jobs.yaml", "bedrock-jobs.json"])
@pytest.mark.parametrize("place", ["", "jobs", "jobs/sub"])
def test_other_spelling_is_an_error(repo: Path, name: str, place: str) -> None:
    """A file that is almost called as the fleet's is not passed over in silence."""
    (repo / FILE).unlink()
    (repo / place / name).write_text("owner: hidden\n")

    found = locate_path(repo / "jobs" / "sub").problems

    assert [problem.code for problem in found] == ["BJ116"]
    assert "low" in invalid(load([repo / "jobs"]))


def test_siblings_are_fleets_of_their_own(repo: Path) -> None:
    """In a monorepo without a common file each folder goes by its own rules."""
    (repo / FILE).unlink()
    for name in ("one", "two"):
        write(repo / name / "jobs" / "a.yaml", "a")
        (repo / name / FILE).write_text(f"owner: {name}\n")

    assert [owner(repo / name / "jobs") for name in ("one", "two")] == ["one", "two"]
    assert invalid(load([repo / "one"])) == {}
    assert owner(repo) == ""
    write(repo / "two" / "jobs" / "a.yaml", "b")
    assert invalid(load([repo])) == {"a": ["BJ115"], "b": ["BJ115"]}


def test_link_to_another_fleet_is_not_followed(repo: Path) -> None:
    """What another fleet governs is not run by this one through a link."""
    (repo / FILE).unlink()
    for name in ("one", "two"):
        write(repo / name / "jobs" / "a.yaml", f"of-{name}")
        (repo / name / FILE).write_text(f"owner: {name}\n")
    (repo / "one" / "jobs" / "more").symlink_to("../../two/jobs")

    tree = load([repo / "one" / "jobs"])

    assert [one.key.name for one in tree.manifests] == ["of-one"]
    assert [problem.code for problem in tree.problems] == ["BJ115"]


def test_named_file_counts_alone(repo: Path, tmp_path: Path) -> None:
    """With --config no file of the tree is a fleet's, and none is a problem."""
    (repo / "jobs" / "sub" / FILE).write_text("owner: stranger\n")
    (repo / "bedrock-jobs.yml").write_text("owner: stranger\n")
    config = tmp_path / "rules.yaml"
    config.write_text("owner: named\n")

    fleet, problems = load_fleet(config, repo / "jobs")

    assert (fleet.owner, problems) == ("named", ())
    assert invalid(load([repo / "jobs"], fleet)) == {}


def test_outside_git_the_working_directory_ends_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git the outermost file up to the working directory counts, else the nearest above."""
    write(tmp_path / "work" / "jobs" / "a.yaml", "a")
    for place, name in ((".", "above"), ("work", "work"), ("work/jobs", "nested")):
        (tmp_path / place / FILE).write_text(f"owner: {name}\n")
    jobs = tmp_path / "work" / "jobs"
    monkeypatch.chdir(tmp_path / "work")

    assert owner(Path("jobs")) == "work"
    assert invalid(load([Path("jobs")])) == {"a": ["BJ115"]}
    (jobs / FILE).unlink()
    (tmp_path / "work" / FILE).unlink()
    assert owner(Path("jobs")) == "above"
    assert invalid(load([jobs])) == {}


def test_link_into_a_repository_finds_its_rules(repo: Path, tmp_path: Path) -> None:
    """A path from outside that leads below a fleet's file goes by that file."""
    (tmp_path / "shortcut").symlink_to(repo / "jobs")

    assert owner(tmp_path / "shortcut") == "root"


def test_path_that_leads_out_of_its_repository_is_not_read(repo: Path, tmp_path: Path) -> None:
    """A folder of the repository that is a link to somewhere else is a problem, and not read."""
    write(tmp_path / "secret" / "a.yaml", "secret")
    (repo / "more").symlink_to(tmp_path / "secret")

    _, problems = load_fleet(None, repo / "more")
    tree = load([repo / "more"])

    assert [problem.code for problem in problems] == ["BJ113"]
    assert tree.manifests == ()
    assert {problem.code for problem in tree.problems} == {"BJ113"}


@pytest.mark.parametrize("target", ["outside", ".git/config"])
@pytest.mark.parametrize("name", ["_defaults.yaml", FILE, "jobs/strange.yaml"])
def test_link_out_of_the_tree_is_never_read(
    repo: Path, tmp_path: Path, name: str, target: str
) -> None:
    """Defaults, a fleet's file or a manifest that is a link out of the tree gives nothing away."""
    (tmp_path / "outside").write_text("canary: secret\n")
    (repo / ".git" / "config").write_text("canary: secret\n")
    place = repo / name
    place.unlink(missing_ok=True)
    place.symlink_to(tmp_path / "outside" if target == "outside" else repo / target)

    fleet, problems = load_fleet(None, repo / "jobs")
    tree = load([repo / "jobs"], fleet)

    found = (*problems, *tree.problems)
    assert {problem.code for problem in found} == {"BJ113"}
    assert "canary" not in str(found)


def test_links_that_stay_inside_are_followed(repo: Path) -> None:
    """A folder, defaults and jobs/ itself may be links to other places of the repository."""
    write(repo / "common" / "linked.yaml", "linked")
    (repo / "base.yaml").write_text("policy: {priority: 7}\n")
    (repo / "jobs" / "_defaults.yaml").symlink_to("../base.yaml")
    (repo / "jobs" / "folder").symlink_to("../common")
    (repo / "again").symlink_to("jobs")

    for path in (repo / "jobs", repo / "again"):
        tree = load([path])
        assert tree.problems == ()
        assert {one.key.name: one.policy.priority for one in tree.manifests} == {
            "top": 7,
            "low": 7,
            "linked": 7,
        }
        assert owner(path) == "root"


def test_git_sync_layout_is_read(tmp_path: Path) -> None:
    """A worktree behind git-sync's link is read with its own fleet's file."""
    tree = tmp_path / "git" / ".worktrees" / "0a1b"
    write(tree / "jobs" / "a.yaml", "a")
    (tree / ".git").write_text("gitdir: ../../.git/worktrees/0a1b\n")
    (tree / FILE).write_text("owner: synced\n")
    (tmp_path / "git" / ".git").mkdir()
    (tmp_path / "git" / "current").symlink_to(".worktrees/0a1b")
    jobs = tmp_path / "git" / "current" / "jobs"

    assert owner(jobs) == "synced"
    found = load([jobs])
    assert found.problems == ()
    assert [one.source.path for one in found.manifests] == [str(jobs / "a.yaml")]


def test_config_map_layout_is_read(tmp_path: Path) -> None:
    """A volume whose files are links through a hidden folder is read, defaults and fleet too."""
    real = tmp_path / "config" / "..2026_01"
    write(real / "a.yaml", "a")
    (real / FILE).write_text("owner: mounted\n")
    (real / "_defaults.yaml").write_text("policy: {priority: 3}\n")
    (tmp_path / "config" / "..data").symlink_to("..2026_01")
    for name in ("a.yaml", FILE, "_defaults.yaml"):
        (tmp_path / "config" / name).symlink_to(f"..data/{name}")

    assert owner(tmp_path / "config") == "mounted"
    found = load([tmp_path / "config"])
    assert found.problems == ()
    assert [one.policy.priority for one in found.manifests] == [3]


def test_link_above_the_tree_is_trusted(repo: Path, tmp_path: Path) -> None:
    """The prefix of a path may be a link, as /tmp is on macOS."""
    (tmp_path / "alias").symlink_to(tmp_path)
    jobs = tmp_path / "alias" / "repo" / "jobs"

    assert owner(jobs) == "root"
    assert invalid(load([jobs])) == {}


@pytest.mark.parametrize("text", ["", "# later\n", "---\n", "null\n"])
def test_defaults_that_say_nothing_are_an_error(repo: Path, text: str) -> None:
    """Defaults that were cut off make invalid what rests on them; an empty mapping does not."""
    (repo / "jobs" / "sub" / "_defaults.yaml").write_text(text)
    assert invalid(load([repo / "jobs"])) == {"low": ["BJ117"]}

    (repo / "jobs" / "sub" / "_defaults.yaml").write_text("{}\n")
    assert invalid(load([repo / "jobs"])) == {}


def test_defaults_are_found_however_they_end(repo: Path) -> None:
    """The letters of an ending may be of either case."""
    (repo / "jobs" / "_defaults.YAML").write_text("policy: {priority: 5}\n")

    assert {one.policy.priority for one in load([repo / "jobs"]).manifests} == {5}


@pytest.mark.parametrize("number", ["EIO", "ESTALE", "EACCES", "EMFILE"])
def test_unknown_is_not_absent(repo: Path, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be listed leaves no manifest below it valid, and no rules to go by."""
    (repo / "jobs" / "sub" / "_defaults.yaml").write_text("{}\n")
    with failing("scandir", repo / "jobs" / "sub", number, monkeypatch):
        tree = load([repo / "jobs" / "sub" / "low.yaml"])
    assert invalid(tree) == {"low": ["BJ101"]}

    with failing("scandir", repo, number, monkeypatch):
        fleet, problems = load_fleet(None, repo / "jobs")
    expected = ("root", []) if number == "EACCES" else ("", ["BJ101"])
    assert (fleet.owner, [problem.code for problem in problems]) == expected


def test_folder_that_cannot_be_listed_is_not_empty(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may contain manifests that cannot be seen; a pass over all above it reports that."""
    with failing("scandir", repo / "jobs" / "sub", "EIO", monkeypatch):
        tree = load([repo / "jobs"])

    assert [problem.code for problem in tree.problems] == ["BJ101"]


def test_open_is_unknown_too(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet's file or defaults that cannot be opened are not taken for none."""
    with failing("open", repo / FILE, "EIO", monkeypatch):
        fleet, problems = load_fleet(None, repo / "jobs")
    assert (fleet, [problem.code for problem in problems]) == (Fleet(), ["BJ101"])

    (repo / "jobs" / "_defaults.yaml").write_text("{}\n")
    with failing("open", repo / "jobs" / "_defaults.yaml", "ESTALE", monkeypatch):
        tree = load([repo / "jobs"])
    assert invalid(tree) == {"top": ["BJ101"], "low": ["BJ101"]}


def test_ground_of_a_path_that_does_not_exist(repo: Path) -> None:
    """A folder that is yet to be made has the rules of where it will lie."""
    assert owner(repo / "new" / "folder") == "root"
    assert os.path.realpath(locate_path(repo / "new").bounds.top) == str(repo.resolve())
