"""The shipped schemas are current, are read without botocore, and are written only where stale."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.adapters.schemas import schema_files, shipped_schemas


def test_shipped_schemas_are_current() -> None:
    """The checked-in files are what the generator makes of the installed service model."""
    files = schema_files.generate_schemas(shipped_schemas.STEMS)
    assert schema_files.diff_schemas(shipped_schemas.find_schema_folder(), files) == {}
    shipped = {
        path.name for path in shipped_schemas.find_schema_folder().iterdir() if path.is_file()
    }
    assert shipped == set(files)


@pytest.mark.parametrize("stem", shipped_schemas.STEMS)
def test_shipped_schemas_have_one_form(stem: str) -> None:
    """A shipped schema is UTF-8 with LF, two spaces, a last line end, and says it is generated."""
    text = (
        (shipped_schemas.find_schema_folder() / shipped_schemas.make_file_name(stem))
        .read_bytes()
        .decode("utf-8")
    )
    assert "\r" not in text
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert "Generated" in json.loads(text)["$comment"]


def test_reading_a_schema_loads_no_aws_code() -> None:
    """Validation stays quick: neither botocore nor boto3 is imported for a shipped schema."""
    script = (
        "import sys; from controller.adapters.schemas import shipped_schemas;"
        " from controller.core.kinds.registry import KINDS;"
        " [shipped_schemas.get_checker(kind) for kind in KINDS];"
        " sys.exit(any(name in sys.modules for name in ('botocore', 'boto3')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_schema_is_compiled_once() -> None:
    """Asking twice for a checker answers with the same one."""
    assert shipped_schemas.get_checker(shipped_schemas.FLEET) is shipped_schemas.get_checker(
        shipped_schemas.FLEET
    )


def test_a_schema_that_is_not_there_says_what_to_do() -> None:
    """A broken installation ends in a sentence with the file and the way out."""
    with pytest.raises(
        shipped_schemas.SchemaNotShippedError, match=r"Nothing\.schema\.json.*install"
    ):
        shipped_schemas.load_schema("Nothing")


def test_only_stale_files_are_written(tmp_path: Path) -> None:
    """A file that is current keeps its bytes and its time; a stale or missing one is written."""
    files = {"a.schema.json": "{}\n", "b.schema.json": "[]\n"}
    assert len(schema_files.write_schemas(tmp_path / "deep" / "er", files)) == len(files)
    (tmp_path / "deep" / "er" / "b.schema.json").write_text("[]\r\n", newline="")
    assert schema_files.write_schemas(tmp_path / "deep" / "er", files) == (
        tmp_path / "deep" / "er" / "b.schema.json",
    )
    assert schema_files.diff_schemas(tmp_path / "deep" / "er", files) == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "missing"), (b"\xff", "missing"), (b"{}\r\n", "line ends"), (b"[]\n", "-[]\n+{}")],
)
def test_differences_are_told_briefly(tmp_path: Path, content: bytes | None, told: str) -> None:
    """A file that is not current is named with what is wrong about it."""
    path = tmp_path / "a.schema.json"
    if content is not None:
        path.write_bytes(content)
    assert told in schema_files.diff_schemas(tmp_path, {path.name: "{}\n"})[path]


def test_a_long_difference_is_cut(tmp_path: Path) -> None:
    """Of a file that differs everywhere only the first lines are shown, and how many follow."""
    path = tmp_path / "a.schema.json"
    path.write_text("\n".join(map(str, range(500))), encoding="utf-8")
    told = schema_files.diff_schemas(tmp_path, {path.name: "{}\n"})[path].splitlines()
    assert len(told) < 30
    assert "more lines" in told[-1]
