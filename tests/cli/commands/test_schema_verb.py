"""The ``schema`` command writes, checks and prints the schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from controller.adapters.schemas import shipped_schemas
from controller.cli.main import root
from controller.core.kinds.registry import KINDS

KIND = next(iter(KINDS))


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(root, ["schema", *arguments])


def test_writes_every_kind_and_the_fleet(tmp_path: Path) -> None:
    """Without a KIND all schemas are written, with the bytes of the shipped ones."""
    assert run("--output-dir", str(tmp_path)).exit_code == 0
    names = {shipped_schemas.make_file_name(stem) for stem in shipped_schemas.STEMS}
    assert {path.name for path in tmp_path.iterdir()} == names
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (shipped_schemas.find_schema_folder() / path.name).read_bytes()


@pytest.mark.parametrize("stem", shipped_schemas.STEMS)
def test_writes_only_what_is_named(tmp_path: Path, stem: str) -> None:
    """A KIND, a kind's partial manifests, or the fleet's stem limits the work to it."""
    assert run(stem, "--output-dir", str(tmp_path)).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == [shipped_schemas.make_file_name(stem)]


def test_check_passes_on_current_files_and_writes_nothing(tmp_path: Path) -> None:
    """Current files exit with 0; missing ones are listed, exit with 1, and stay missing."""
    assert run("--check", "--output-dir", str(shipped_schemas.find_schema_folder())).exit_code == 0
    missing = run("--check", "--output-dir", str(tmp_path))
    assert missing.exit_code == 1
    assert shipped_schemas.make_file_name(KIND) in missing.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_shows_where_a_file_differs(tmp_path: Path) -> None:
    """A file edited by hand is reported with the lines that differ."""
    run(KIND, "--output-dir", str(tmp_path))
    path = tmp_path / shipped_schemas.make_file_name(KIND)
    path.write_text(path.read_text("utf-8").replace('"maxLength": 63', '"maxLength": 64', 1))
    told = run(KIND, "--check", "--output-dir", str(tmp_path))
    assert told.exit_code == 1
    lines = [line.split() for line in told.stdout.splitlines()]
    assert ["-", '"maxLength":', "64,"] in lines
    assert ["+", '"maxLength":', "63,"] in lines


def test_prints_to_stdout() -> None:
    """With - as the folder the schema is the only output on stdout."""
    printed = run(KIND, "--output-dir", "-")
    assert json.loads(printed.stdout) == shipped_schemas.load_schema(KIND)


def test_docs_add_the_service_own_words() -> None:
    """--docs adds the service's descriptions; the rules stay the same."""
    documented = json.loads(run(KIND, "--docs", "--output-dir", "-").stdout)
    role = documented["properties"]["spec"]["properties"]["roleArn"]
    shipped = shipped_schemas.load_schema(KIND)["properties"]["spec"]["properties"]["roleArn"]
    assert role["description"].startswith(shipped["description"] + "\n\n")
    assert "<" not in role["description"]
    assert role | {"description": ""} == shipped | {"description": ""}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file in the folder's place exits with 1 and one line that says what to do."""
    (tmp_path / "file").touch()
    told = run("--output-dir", str(tmp_path / "file"))
    assert told.exit_code == 1
    assert "--output-dir" in told.stderr
    assert "Traceback" not in told.output


@pytest.mark.parametrize("arguments", [["Nothing"], ["--check", "--output-dir", "-"]])
def test_wrong_use_is_refused(arguments: list[str]) -> None:
    """An unknown kind, and a check of nothing, are usage errors."""
    told = run(*arguments)
    assert told.exit_code not in {0, 1}
    assert "Usage" in told.stderr


@pytest.mark.parametrize(
    ("given", "begun", "offered"),
    [
        ([], KIND[:5], [("plain", KIND), ("plain", shipped_schemas.make_partial_stem(KIND))]),
        ([], "bed", [("plain", shipped_schemas.FLEET)]),
        (["--modelines"], "jo", [("file", "jo")]),
    ],
)
def test_shells_complete_kinds_and_files(
    given: list[str], begun: str, offered: list[tuple[str, str]]
) -> None:
    """Completion offers the kinds and the fleet file, or files where paths are expected."""
    completed = ShellComplete(root, {}, "bedrock-jobs", "_X").get_completions(
        ["schema", *given], begun
    )
    assert [(one.type, one.value) for one in completed] == offered
