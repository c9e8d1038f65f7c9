"""The tree of manifests: what is found, in which order, and what only all of it can show."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.adapters.manifests.loader import PathMissingError, load, scan
from controller.adapters.manifests.process_pool import ResultCodec, map_in_processes
from controller.core.fleet import Allow, Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import Target

DATA = Path(__file__).parents[2] / "data"
VALID = (DATA / "manifests" / "valid" / "least.yaml").read_text()
REAL: list[dict[str, Any]] = json.loads((DATA / "real_inputs.json").read_text())
KIND = next(iter(KINDS))


def write(path: Path, name: str, extra: str = "") -> Path:
    """Write a valid manifest under a name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(VALID.replace("least", name) + extra)
    return path


def wrapped(entry: dict[str, Any], style: bool | None) -> str:
    """Return a real input as a manifest, in YAML's block style or on one line."""
    document = {
        "apiVersion": "bedrock-jobs/v1",
        "kind": KIND,
        "metadata": {"name": "real-input"},
        "spec": entry["input"],
    }
    text: str = yaml.safe_dump(document, default_flow_style=style, sort_keys=False)
    return text


@pytest.mark.parametrize("style", [False, True], ids=["block", "flow"])
@pytest.mark.parametrize(
    "entry", [one for one in REAL if not one["defects"]], ids=lambda entry: entry["source"][-40:]
)
def test_real_input_reads_back_equal(tmp_path: Path, entry: dict[str, Any], *, style: bool) -> None:
    """A request that people really send is, as a manifest, read back as it is, order included."""
    (tmp_path / "real.yaml").write_text(wrapped(entry, style))

    (manifest,) = load([tmp_path]).manifests

    assert manifest.problems == ()
    assert json.dumps(manifest.spec) == json.dumps(entry["input"])


@pytest.mark.parametrize(
    "entry", [one for one in REAL if one["defects"]], ids=lambda entry: entry["source"][-40:]
)
def test_defective_real_input_is_refused(tmp_path: Path, entry: dict[str, Any]) -> None:
    """A defective request is refused with a place inside its spec, a code and a hint."""
    path = tmp_path / "real.yaml"
    path.write_text(wrapped(entry, False))
    spec = path.read_text().splitlines().index("spec:") + 1

    tree = load([path])

    assert tree.manifests[0].spec is None
    assert tree.problems
    for problem in tree.problems:
        assert problem.source.line > spec
        assert problem.source.column > 1
        assert problem.code.startswith("BJ2")
        assert problem.hint


def test_discovery_takes_manifests_and_nothing_else(tmp_path: Path) -> None:
    """Hidden files, files kept for ourselves, sidecars and other files are no manifests."""
    for name in ("b.yaml", "a.yml", "deep/er/c.yaml"):
        write(tmp_path / name, Path(name).stem)
    for name in (".hidden.yaml", ".git/x.yaml", "_note.yaml", "a.status.json", "b.yaml.orig"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[")
    (tmp_path / "bedrock-jobs.yaml").write_text("owner: acme-ml\n")

    tree = load([tmp_path])

    assert tree.problems == ()
    assert tree.files == 3
    assert [manifest.key.name for manifest in tree.manifests] == ["a", "b", "c"]


def test_path_is_shown_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest's path begins with the path that it was found by."""
    write(tmp_path / "jobs" / "a.yaml", "a")
    monkeypatch.chdir(tmp_path)

    (manifest,) = load([Path("jobs")]).manifests

    assert str(manifest.source) == "jobs/a.yaml:4:9"


def test_file_counts_once_by_whatever_name(tmp_path: Path) -> None:
    """Paths that overlap, and links inside the tree, do not make two manifests of one."""
    path = write(tmp_path / "jobs" / "a.yaml", "a")
    (tmp_path / "jobs" / "again.yaml").symlink_to("a.yaml")
    (tmp_path / "jobs" / "loop").symlink_to(".")

    tree = load([path, tmp_path / "jobs", tmp_path])

    assert tree.problems == ()
    assert [manifest.source.path for manifest in tree.manifests] == [str(path)]


def test_link_inside_the_tree_is_followed(tmp_path: Path) -> None:
    """A link to a file that the tree hides is read, as a mounted volume lays them out."""
    write(tmp_path / "..data" / "a.yaml", "a")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")

    assert [manifest.key.name for manifest in load([tmp_path]).manifests] == ["a"]


def test_missing_path_is_the_caller_s_mistake(tmp_path: Path) -> None:
    """A path that does not exist is an error, not an empty tree."""
    with pytest.raises(PathMissingError, match="nowhere"):
        load([tmp_path / "nowhere"])


def test_one_identity_in_two_files_names_both(tmp_path: Path) -> None:
    """Each of two manifests with one identity is told where the other is, and neither counts."""
    write(tmp_path / "a.yaml", "same")
    write(tmp_path / "b.yaml", "same")

    tree = load([tmp_path])

    assert [problem.code for problem in tree.problems] == ["BJ301", "BJ301"]
    assert "b.yaml:4" in tree.problems[0].message
    assert "a.yaml:4" in tree.problems[1].message
    assert [manifest.spec for manifest in tree.manifests] == [None, None]


@pytest.mark.parametrize(
    ("first", "second", "fallback", "clash"),
    [
        ("us-east-1", "us-east-1", None, True),
        ("us-east-1", "us-west-2", None, False),
        ("us-east-1", None, "us-east-1", True),
        ("us-east-1", None, "us-west-2", False),
    ],
)
def test_job_name_is_unique_in_its_place(
    tmp_path: Path, first: str, second: str | None, fallback: str | None, *, clash: bool
) -> None:
    """Two jobs clash by name in one region, once the fleet's own target has filled the gaps."""
    for name, region in (("a", first), ("b", second)):
        write(tmp_path / f"{name}.yaml", name, "  jobName: same\n")
        if region:
            with (tmp_path / f"{name}.yaml").open("a") as file:
                file.write(f"target: {{region: {region}}}\n")

    tree = load([tmp_path], Fleet(target=Target(region=fallback)))

    assert [problem.code for problem in tree.problems] == ["BJ302"] * (2 * clash)


def test_what_the_fleet_forbids_makes_a_manifest_invalid(tmp_path: Path) -> None:
    """A rule of the fleet that is broken is a problem at the value that breaks it."""
    write(tmp_path / "a.yaml", "a")

    tree = load([tmp_path], Fleet(allow=Allow(base_models=("meta.*",))))

    assert [(one.code, one.source.line, one.source.column) for one in tree.problems] == [
        ("BJ404", 7, 24)
    ]
    assert tree.manifests[0].spec is None


def test_invalid_manifest_keeps_its_target(tmp_path: Path) -> None:
    """An invalid manifest still says where its live job is to be looked for."""
    write(tmp_path / "a.yaml", "a", "  extra: 1\ntarget: {region: us-east-1}\n")

    (manifest,) = load([tmp_path]).manifests

    assert manifest.spec is None
    assert manifest.target == Target(region="us-east-1")


def test_many_files_are_read_alike_by_any_number_of_processes(tmp_path: Path) -> None:
    """A large tree gives the same answer, in the same order, as its files do one by one."""
    for number in range(1_600):
        extra = "  extra: ~\n" if number % 400 == 7 else ""
        write(tmp_path / f"m{number:04}.yaml", f"m{number:04}", extra)

    whole = scan([tmp_path])
    parts = [scan([path]) for path in sorted(tmp_path.iterdir())]

    assert whole.entries == tuple(entry for part in parts for entry in part.entries)
    assert whole.problems == tuple(problem for part in parts for problem in part.problems)
    assert len(whole.problems) == 4


def test_share_of_a_process_that_dies_is_done_again() -> None:
    """Work whose process was killed is done by this one, so that nothing is missing."""
    parent = os.getpid()

    def work(share: Any) -> list[int]:
        if os.getpid() != parent:
            os.abort()
        return [number * 2 for number in share]

    results = map_in_processes(range(2_000), work, ResultCodec(str, int))

    assert results == list(range(0, 4_000, 2))


def test_what_is_done_meanwhile() -> None:
    """Where others share the work, this process does something else first, and once."""
    shares = threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1
    done: list[int] = []

    results = map_in_processes(
        range(1_000), list, ResultCodec(str, int), lambda: done.append(os.getpid())
    )

    assert results == list(range(1_000))
    assert done == ([os.getpid()] if shares else [])


@pytest.mark.parametrize("name", ["x.YAML", "x.Yml", "x.json", "x.JSON"])
def test_ending_in_letters_of_either_case_is_read(tmp_path: Path, name: str) -> None:
    """Every ending of YAML or JSON makes a manifest of a file that holds one."""
    document = yaml.safe_load(VALID)
    (tmp_path / name).write_text(json.dumps(document))

    assert [one.key.name for one in load([tmp_path]).manifests] == ["least"]


@pytest.mark.parametrize(
    "text",
    ["{}", "[1", '{"apiVersion": "bedrock-jobs/v1", "kind": "Status"}', '{"a": "' + "x" * 2**20],
    ids=["empty", "broken", "another kind", "large"],
)
def test_other_json_is_ignored(tmp_path: Path, text: str) -> None:
    """A JSON file that is no manifest is no problem, whatever its size."""
    write(tmp_path / "a.yaml", "a")
    (tmp_path / "data.json").write_text(text)

    tree = load([tmp_path])

    assert ([one.key.name for one in tree.manifests], tree.problems) == (["a"], ())
