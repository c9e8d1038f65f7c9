"""Invalid plan files, options that contradict them, and paths where none can be written."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.core.saved_plan.format import hash_value
from controller.version import __version__
from tests.cli.plans import FILE, carry, plan, refused
from tests.support.manifests import OTHER_ACCOUNT, spec
from tests.support.project import Project, project

LOCATION = "s3://acme-training/known-to-few/"
QUIET = [{"key": "team", "value": "quiet"}]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a tree whose plan submits a job; no test here applies it."""
    with project(tmp_path_factory.mktemp("world") / "project") as made:
        made.fleet(owner="acme-ml")
        declared = spec(outputDataConfig={"s3Uri": LOCATION}, jobTags=QUIET)
        made.add("new", declared, labels={"team": "support"})
        yield made


@pytest.fixture(scope="module")
def filed(world: Project) -> bytes:
    """Return the content of that tree's plan file."""
    plan(world)
    return (world.folder / FILE).read_bytes()


@pytest.fixture
def planned(world: Project, filed: bytes) -> Project:
    """Return that tree with its plan in a file, which a test may damage."""
    (world.folder / FILE).write_bytes(filed)
    world.hush()
    return world


Forge = Callable[[dict[str, Any]], object]


def forge(tree: Project, change: Forge, *, whole: bool = True) -> None:
    """Change the file's content, and its checksum too unless it should stay wrong."""
    path = tree.folder / FILE
    document = json.loads(path.read_text())
    change(document)
    if whole:
        rest = {name: value for name, value in document.items() if name != "checksum"}
        document["checksum"] = hash_value(rest)
    path.write_text(json.dumps(document))


def said(tree: Project, code: int, *arguments: str) -> str:
    """Return the line that refuses the plan; nothing is observed, done or written."""
    before = tree.files()
    ran = carry(tree, *arguments)
    assert (ran.code, ran.out, tree.sandbox.list_calls(), tree.files()) == (code, "", [], before)
    (line,) = [one for one in ran.said if "lan.json" in one]
    return line


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "is no plan file, or not the whole of one"),
        ("\x00\xff", "is no plan file, or not the whole of one"),
        ("[" * 100_000, "is no plan file, or not the whole of one"),
        ("[]", "it holds no JSON object"),
        ("{}", "it names no kind"),
        ('{"kind": "Plan"}', "it is a Plan. `plan --out FILE` writes one"),
        ('{"kind": ["PlanFile"]}', "it names no kind"),
        ('{"kind": "\\u001b[31m"}', "it names no kind"),
        ('{"kind": "PlanFile"}', "made by bedrock-jobs ? in the format ?"),
    ],
)
def test_what_is_no_plan_is_refused(planned: Project, content: str, text: str) -> None:
    """A file with other content, or none, is reported in one line."""
    (planned.folder / FILE).write_bytes(content.encode("latin-1"))
    assert text in said(planned, 5)


def test_a_part_of_a_plan_is_refused(planned: Project) -> None:
    """A truncated download is not valid JSON, wherever it was cut."""
    path = planned.folder / FILE
    whole = path.read_bytes()
    for length in (1, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:length])
        assert "is no plan file, or not the whole of one" in said(planned, 5)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda file: file.update(version="0.0.9"), "by bedrock-jobs 0.0.9 in the format bedroc"),
        (lambda file: file.update(apiVersion="bedrock-jobs/v2"), "in the format bedrock-jobs/v2"),
        (lambda file: file.update(version=None), "by bedrock-jobs ? in"),
        (lambda file: file.pop("asked"), "it does not keep the schema of plan files"),
        (lambda file: file.update(more=1), "it does not keep the schema of plan files"),
        (lambda file: file["actions"].append({}), "it does not keep the schema of plan files"),
        (lambda file: file["asked"].update(paths=[7]), "it does not keep the schema of plan files"),
        (lambda file: file["actions"][0].update(verb="DELETE"), "it does not keep the schema"),
    ],
)
def test_a_plan_of_another_form_is_refused(planned: Project, change: Forge, text: str) -> None:
    """Files of other releases or formats and damaged ones are refused, even with a checksum."""
    forge(planned, change)
    assert text in said(planned, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["actions"].clear(),
        lambda file: file["actions"][0].update(jobName="other"),
        lambda file: file["asked"].update(prune=True),
        lambda file: file.update(checksum="0" * 64),
        lambda file: file.pop("checksum"),
    ],
)
def test_a_plan_that_was_edited_is_refused(planned: Project, change: Forge) -> None:
    """Any value changed by hand is detected; the layout of the file is no value."""
    forge(planned, change, whole=False)
    assert "was changed after it was made: its checksum does not fit" in said(planned, 5)


def test_another_layout_is_the_same_plan(planned: Project) -> None:
    """A plan file may have been reformatted."""
    path = planned.folder / FILE
    path.write_text(json.dumps(json.loads(path.read_text()), indent=8, sort_keys=True))
    assert "still holds: 1 change." in carry(planned, "--dry-run").err


def test_forged_plans_submit_nothing_of_their_own(planned: Project) -> None:
    """A plan is only compared: actions that it invents are never executed."""
    forge(planned, lambda file: file["actions"][0].update({"jobName": "mine", "token": "bj1-0-0"}))
    refused(planned, "new: planned SUBMIT NotSubmitted, now SUBMIT NotSubmitted")
    forge(planned, lambda file: file["actions"][0].update(name="other", kind="Other"))
    refused(planned, "other: planned SUBMIT", "new: not in the plan")


def test_a_plan_that_a_guard_refused_is_not_carried_out(planned: Project) -> None:
    """A plan that exceeded a limit is not applied from its file, whatever the limits are later."""
    ran = planned.call("plan", "--out", FILE, "--max-submits", "0")
    assert ran.code == 5
    assert "it was refused and cannot be applied" in ran.err
    planned.hush()
    assert "was refused when it was made: the plan has 1 submits" in said(planned, 5)


def test_a_plan_of_the_sandbox_is_not_for_aws(planned: Project) -> None:
    """A plan of the sandbox is refused against AWS before any call, and the other way round."""
    forge(planned, lambda file: file.update(sandbox=True))
    ran = carry(planned)
    assert (ran.code, planned.sandbox.list_calls()) == (5, [])
    assert "the plan was made on the sandbox, and this is AWS: add --sandbox" in ran.err


def test_other_credentials_are_another_plan(planned: Project) -> None:
    """Another region or account is reported once for all jobs."""
    there = "the plan is for account 123456789012, region us-east-1, and this is account"
    refused(planned, f"difference: {there} 123456789012, region eu-west-1", AWS_REGION="eu-west-1")
    forge(planned, lambda file: file["actions"][0]["target"].update(accountId=OTHER_ACCOUNT))
    refused(planned, f"difference: the plan is for account {OTHER_ACCOUNT}")


def test_a_job_that_cannot_be_looked_up_is_no_plan(planned: Project) -> None:
    """If a job cannot be observed, nothing is done, and a retry is safe."""
    refused(
        planned,
        "new: planned SUBMIT NotSubmitted, now HOLD ObservationFailed",
        code=1,
        AWS_PROFILE="nobody",
    )


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["jobs/other"], "PATH"),
        (["-l", "team=sales"], "-l"),
        (["--prune"], "--prune"),
        (["--full"], "--full"),
        (["--max-submits", "7"], "--max-submits"),
        (["--max-submits", "0"], "--max-submits"),
        (["--config", "bedrock-jobs.yaml"], "--config"),
    ],
)
def test_options_that_contradict_are_usage_errors(
    planned: Project, arguments: list[str], option: str
) -> None:
    """The plan's options are taken from its file; different ones are usage errors."""
    assert f"{option} differs from the options of {FILE}" in said(planned, 64, *arguments)


def test_options_that_agree_may_be_repeated(planned: Project) -> None:
    """The same paths and options as those of the plan are accepted."""
    asked = ["./jobs/", "-l", "team=support", "--max-submits", "7", "--config", "bedrock-jobs.yaml"]
    file = plan(planned, *asked)["asked"]
    assert file == {
        "paths": ["jobs"],
        "selector": "team=support",
        "config": "bedrock-jobs.yaml",
        "prune": False,
        "force": False,
        "full": False,
        "maxSubmits": 7,
    }
    for arguments in (asked, []):
        assert "still holds: 1 change." in carry(planned, "--dry-run", *arguments).err


def test_sidecars_are_collected_without_a_plan(planned: Project) -> None:
    """--gc cannot be combined with --plan, because a plan does not include it."""
    ran = carry(planned, "--gc")
    assert ran.code == 64
    assert "run `reconcile --gc` afterwards" in ran.err


@pytest.mark.parametrize(
    ("name", "text"),
    [("none.json", "No such file or directory"), ("jobs", "Is a directory")],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(
    planned: Project, name: str, text: str
) -> None:
    """A plan file that cannot be read is a usage error."""
    ran = planned.call("reconcile", "--plan", name)
    assert ran.code == 64
    assert f"--plan: {name} cannot be read: {text}" in ran.err


def test_the_file_holds_no_values_of_specs(planned: Project) -> None:
    """The file has hashes instead of spec values; only names and tag keys are readable."""
    text = (planned.folder / FILE).read_text()
    for value in (LOCATION, "s3://", "amazon.nova", "0.00001", "quiet", "BedrockCustomization"):
        assert value not in text


def test_one_state_makes_one_file(planned: Project) -> None:
    """Two plans of the same tree and jobs have the same bytes."""
    path = planned.folder / FILE
    first = path.read_bytes()
    plan(planned)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in planned.folder.iterdir() if FILE in one.name] == [FILE]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("-", "the plan is printed to stdout"),
        ("jobs", "jobs is a folder"),
        ("none/plan.json", "there is no folder none"),
        ("jobs/new.yaml", "exists and is no plan file"),
    ],
)
def test_places_where_no_plan_can_be(planned: Project, place: str, text: str) -> None:
    """Nothing is observed if the plan could not be written, and no other file is overwritten."""
    before = planned.files()
    ran = planned.call("plan", "--out", place)
    assert ran.code == 64
    assert "--out" in ran.err
    assert text in ran.err
    assert (planned.sandbox.list_calls(), planned.files()) == ([], before)


def test_links_and_pipes_stay_what_they_are(planned: Project, tmp_path: Path) -> None:
    """A link inside the tree, or a pipe, is written through."""
    (planned.folder / "linked.json").touch()
    (planned.folder / "link.json").symlink_to("linked.json")
    assert planned.call("plan", "--out", "link.json").code == 0
    assert (planned.folder / "link.json").is_symlink()
    linked = (planned.folder / "linked.json").read_bytes()
    assert json.loads(linked)["version"] == __version__
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert planned.call("plan", "--out", str(pipe)).code == 0
    written = os.read(reader, 65536)
    os.close(reader)
    assert written == linked
    assert pipe.is_fifo()


@pytest.mark.parametrize("content", [None, "", "notes"])
def test_no_plan_is_written_or_read_through_a_link_out(
    planned: Project, tmp_path: Path, content: str | None
) -> None:
    """A link out of the tree is refused, whether or not its target exists."""
    target = tmp_path / "profile"
    if content is not None:
        target.write_text(content)
    (planned.folder / "link.json").unlink(missing_ok=True)
    (planned.folder / "link.json").symlink_to(target)
    assert planned.call("plan", "--out", "link.json").code == 64
    assert (target.read_text() if target.exists() else None) == content
    target.write_bytes((planned.folder / FILE).read_bytes())
    ran = planned.call("reconcile", "--plan", "link.json")
    assert (ran.code, planned.sandbox.list_calls()) == (64, [])
    assert "leads out of the tree" in ran.err


def test_a_plan_that_cannot_be_written_is_a_failure(planned: Project) -> None:
    """The plan is still printed, and the old file stays complete."""
    before = (planned.folder / FILE).read_bytes()
    ran = planned.confined("plan", "--out", FILE, largest=64)
    assert ran.code == 1
    assert f"{FILE}: the plan cannot be written: File too large" in ran.err
    assert "Plan: 1 job: 1 to submit" in ran.out
    assert (planned.folder / FILE).read_bytes() == before
