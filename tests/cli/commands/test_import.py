"""The ``import`` command converts AWS CLI requests to manifests that send the same request."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.utils import ArgumentGenerator
from click.testing import CliRunner, Result

from controller.adapters.manifests.loader import load
from controller.cli.main import root
from controller.core.identity.tokens import fill_names
from controller.core.kinds.registry import KINDS
from tests.support.commands import run
from tests.support.manifests import KIND, manifest, spec

DATA = Path(__file__).parents[2] / "data"
ROW = KINDS[KIND]
REAL = [one for one in json.loads((DATA / "real_inputs.json").read_text()) if not one["defects"]]
REQUEST = {"jobName": "support-bot", "customModelName": "support-bot-v2", **spec()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*arguments: str, stdin: str | bytes = "") -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(root, ["import", *arguments], input=stdin)


def write(path: str, request: Any) -> str:
    """Write a request into a file."""
    text = request if isinstance(request, str) else json.dumps(request, indent=2)
    Path(path).write_text(text, encoding="utf-8")
    return path


def sent(path: Path) -> dict[str, Any]:
    """Return the request that the only manifest sends."""
    (manifest,) = load([path]).manifests
    assert manifest.problems == ()
    return fill_names(ROW, manifest.spec or {}, manifest.key.name)


def skeleton() -> dict[str, Any]:
    """Return what the AWS CLI's --generate-cli-skeleton prints."""
    service = botocore.session.get_session().get_service_model("bedrock")
    shape = service.operation_model(ROW.get_operation("Create")).input_shape
    assert shape is not None
    made: dict[str, Any] = json.loads(json.dumps(ArgumentGenerator().generate_skeleton(shape)))
    return made


@pytest.mark.parametrize("style", ["json", "yaml"])
@pytest.mark.parametrize("real", REAL, ids=lambda one: str(one["source"])[-40:])
def test_manifest_sends_the_very_request(folder: Path, real: dict[str, Any], style: str) -> None:
    """A real request is converted member by member and value by value."""
    request = {"jobName": "real-input", "customModelName": "real-input", **real["input"]}
    text = json.dumps(request) if style == "json" else yaml.safe_dump(request)

    result = ran("--from-cli-json", write("request", text), "-o", "jobs")

    assert result.exit_code == 0, result.stderr
    token = ROW.token_member
    assert sent(folder / "jobs") == {key: one for key, one in request.items() if key != token}
    assert (token in request) == (token in result.stderr)


def test_numbers_become_the_text_that_was_written(folder: Path) -> None:
    """If text is expected, a number is sent as it is written in the file."""
    settings = '{"a": 1e-05, "b": 1E-5, "c": "2", "d": 012, "e": true, "f": "no"}'
    text = json.dumps({**REQUEST, "hyperParameters": "HERE"}).replace('"HERE"', settings)

    assert ran("--from-cli-json", write("r.json", text), "-o", "jobs").exit_code == 0

    assert sent(folder / "jobs")["hyperParameters"] == {
        "a": "1e-05",
        "b": "1E-5",
        "c": "2",
        "d": "012",
        "e": "true",
        "f": "no",
    }


@pytest.mark.parametrize("way", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
def test_skeleton_leaves_no_trace(folder: Path, way: Any) -> None:
    """Members that were not filled in are removed and listed; the others are sent."""
    filled = {
        **REQUEST,
        "clientRequestToken": "mine",
        "customizationType": "FINE_TUNING",
        "jobTags": [{"key": "team", "value": ""}],
    }
    made = {**skeleton(), **filled}
    made["trainingDataConfig"] = {
        **skeleton()["trainingDataConfig"],
        **spec()["trainingDataConfig"],
    }

    result = ran("--from-cli-json", write("r", way(made)), "-o", "jobs")

    assert result.exit_code == 0, result.stderr
    assert sent(folder / "jobs") == {
        key: one for key, one in filled.items() if key != "clientRequestToken"
    }
    assert "r: clientRequestToken is left out" in result.stderr
    for member in ("vpcConfig", "customModelTags", "trainingDataConfig.invocationLogsConfig"):
        assert member in result.stderr
    assert "customizationType stays FINE_TUNING" in result.stderr


def test_untouched_skeleton_is_reported_by_what_it_lacks() -> None:
    """A skeleton that was not filled in lacks every required member and is no manifest."""
    result = ran("--from-cli-json", write("r.json", skeleton()))

    assert (result.exit_code, result.stdout) == (4, "")
    for member in ("jobName", "roleArn", "baseModelIdentifier", "outputDataConfig"):
        assert member in result.stderr


def test_numbers_beside_filled_in_ones_are_kept(folder: Path) -> None:
    """A zero in a structure that was filled in is a value, and reported as one."""
    config = {"rftConfig": skeleton()["customizationConfig"]["rftConfig"]}
    grader = {"lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:reward"}
    config["rftConfig"]["graderConfig"]["lambdaGrader"] = grader
    config["rftConfig"]["hyperParameters"]["epochCount"] = 2
    request = {
        **REQUEST,
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "customizationConfig": config,
    }

    result = ran("--from-cli-json", write("r.json", request))

    assert result.exit_code == 4
    assert "batchSize` is 0" in result.stderr
    del config["rftConfig"]["hyperParameters"]
    assert ran("--from-cli-json", write("r.json", request)).exit_code == 0


def test_several_files_are_documents_of_one_text(folder: Path) -> None:
    """Without a folder the manifests are printed to stdout as documents of one file."""
    paths = [write(f"{name}.json", {**REQUEST, "jobName": name}) for name in ("a-1", "b-2")]

    result = ran("--from-cli-json", *paths)
    Path("all.yaml").write_text(result.stdout, encoding="utf-8")

    assert result.exit_code == 0
    assert [one.key.name for one in load([folder / "all.yaml"]).manifests] == ["a-1", "b-2"]
    assert result.stderr.splitlines()[-1] == "2 manifests"


def test_stdin_is_a_file_too() -> None:
    """A dash reads the request from stdin, with or without a byte order mark."""
    plain = ran("--from-cli-json", "-", stdin=json.dumps(REQUEST))
    marked = ran("--from-cli-json", "-", stdin=b"\xef\xbb\xbf" + json.dumps(REQUEST).encode())

    assert plain.exit_code == 0
    assert "name: support-bot\n" in plain.stdout
    assert marked.stdout == plain.stdout


def test_editors_find_the_schema(folder: Path) -> None:
    """The first line leads from the manifest's folder to the schemas."""
    ran("--from-cli-json", write("r.json", REQUEST), "-o", "jobs/team")

    first = (folder / "jobs" / "team" / "support-bot.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema=../../schemas/{KIND}.schema.json"


def test_no_file_is_overwritten_unasked(folder: Path) -> None:
    """If a manifest exists, no file is written, unless --force is set."""
    (folder / "jobs").mkdir()
    there = folder / "jobs" / "support-bot.yaml"
    there.write_text("mine\n")
    paths = [
        write("a.json", {**REQUEST, "jobName": "another"}),
        write("b.json", REQUEST),
    ]

    refused = ran("--from-cli-json", *paths, "-o", "jobs")

    assert refused.exit_code == 2
    assert "exists already" in refused.stderr
    assert there.read_text() == "mine\n"
    assert list((folder / "jobs").iterdir()) == [there]
    assert ran("--from-cli-json", *paths, "-o", "jobs", "--force").exit_code == 0
    assert "name: support-bot" in there.read_text()
    assert stat.S_IMODE(there.stat().st_mode) & stat.S_IRUSR


def test_two_requests_of_one_name_are_refused(folder: Path) -> None:
    """Two requests for one manifest are refused."""
    paths = [write("a.json", REQUEST), write("b.json", {**REQUEST, "jobName": "Support.Bot"})]

    result = ran("--from-cli-json", *paths, "-o", "jobs")

    assert result.exit_code == 4
    assert f"BJ301 {KIND}/support-bot is made from a.json too" in result.stderr
    assert not (folder / "jobs").exists()


@pytest.mark.parametrize("there", ["support-bot.json", "other.yaml", "deep/x.json"])
def test_name_that_a_manifest_has_is_refused(folder: Path, there: str) -> None:
    """A request never becomes a second manifest of one name: both would be invalid."""
    path = folder / "jobs" / there
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(manifest("support-bot")))

    result = ran("--from-cli-json", write("r.json", REQUEST), "-o", "jobs", "--force")

    assert result.exit_code == 4
    assert f"r.json: BJ301 {KIND}/support-bot is already in jobs/{there}:1" in result.stderr
    assert not (folder / "jobs" / "support-bot.yaml").exists()


def test_request_may_lie_beside_its_manifest(folder: Path) -> None:
    """A JSON file of the same name that is not a manifest is no conflict."""
    (folder / "jobs").mkdir()

    request = write("jobs/support-bot.json", REQUEST)
    assert ran("--from-cli-json", request, "-o", "jobs").exit_code == 0

    assert sent(folder / "jobs")["jobName"] == "support-bot"


def test_folders_defaults_may_not_change_the_request(folder: Path) -> None:
    """If the folder's defaults would add to the request, no manifest is written."""
    (folder / "jobs").mkdir()
    (folder / "jobs" / "_defaults.yaml").write_text("spec: {customModelKmsKeyId: alias/x}\n")

    result = ran("--from-cli-json", write("r.json", REQUEST), "-o", "jobs")

    assert result.exit_code == 4
    assert "_defaults.yaml would change the request" in result.stderr


def test_fleets_rules_hold(folder: Path) -> None:
    """A request that the fleet forbids is reported at the request's own line."""
    (folder / "bedrock-jobs.yaml").write_text("allow: {baseModels: [amazon.titan-*]}\n")

    result = ran("--from-cli-json", write("r.json", REQUEST))

    line = 1 + list(REQUEST).index("baseModelIdentifier") + 1
    assert result.exit_code == 4
    assert result.stderr.startswith(f"r.json:{line}:")
    assert "BJ404" in result.stderr


def test_as_data(folder: Path) -> None:
    """With --output json the manifests and their files are data."""
    result = ran("--from-cli-json", write("r.json", REQUEST), "-o", "jobs", "--output", "json")

    (made,) = json.loads(result.stdout)["manifests"]
    assert made["file"] == "jobs/support-bot.yaml"
    assert made["from"] == "r.json"
    assert made["manifest"]["spec"]["roleArn"] == REQUEST["roleArn"]

    refused = ran("--from-cli-json", write("r.json", [REQUEST]), "--output", "json")

    (problem,) = json.loads(refused.stdout)["problems"]
    assert f"{problem['path']}:{problem['line']}" in refused.stderr
    assert problem["message"] in refused.stderr


MISTAKES = {
    "no JSON": ('{"jobName": "a",\n', "a request is JSON or YAML"),
    "no YAML": ("jobName: a\n  b: c\n", "r.json:2:"),
    "no mapping": ("just words", "a request is a mapping of members"),
    "nothing": ("", "there is no request"),
    "a list": ([REQUEST], "a request is a mapping of members"),
    "two documents": ("a: 1\n---\nb: 2\n", "a file holds one request"),
    "an answer": ({"jobArn": "arn:x", "jobName": "x", "status": "Failed"}, "import --live"),
    "a listing": ({ROW.summaries_member: []}, "import --live"),
    "another operation": (
        {"jobName": "x", "roleArn": "y", "evaluationConfig": {}, "inferenceConfig": {}},
        f"no request of {ROW.get_operation('Create')}",
    ),
    "a misspelt member": (
        {**REQUEST, "roleARN": REQUEST["roleArn"]},
        "did you mean",
    ),
    "a member twice": ('{"jobName": "a", "jobName": "b"}', "stands twice"),
    "a wrong type": ({**REQUEST, "vpcConfig": "vpc-1"}, "vpcConfig"),
    "a bad value": ({**REQUEST, "roleArn": "nobody"}, "IAM role's ARN"),
}


@pytest.mark.parametrize("case", list(MISTAKES))
def test_mistakes_in_a_file_are_reported(folder: Path, case: str) -> None:
    """An invalid request is reported with its place, exits with 4, and writes nothing."""
    request, message = MISTAKES[case]

    result = ran("--from-cli-json", write("r.json", request), "-o", "jobs")

    assert (result.exit_code, result.stdout) == (4, "")
    assert message in result.stderr
    assert result.stderr.startswith("r.json")
    assert not (folder / "jobs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--from-cli-json FILE"),
        (("support-bot",), "--live NAME"),
        (("--from-cli-json", "--live", "x"), "choose one"),
        (("--from-cli-json", "--all"), "choose one"),
        (("--live",), "add --all"),
        (("--live", "--all", "x"), "leave out the names"),
        (("--from-cli-json",), "- for stdin"),
        (("--from-cli-json", "gone.json"), "gone.json: no such file"),
        (("--from-cli-json", "-", "--force"), "-o DIR"),
    ],
)
def test_mistakes_in_the_command_are_reported(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    """A usage error exits with 64 and says what to write instead."""
    done = run(folder, "import", *arguments)

    assert (done.code, done.out) == (64, "")
    assert message in done.err
