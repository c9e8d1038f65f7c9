"""``schema --modelines`` reports manifests that lead editors to no schema, and fixes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from controller.adapters.schemas import shipped_schemas
from controller.core.kinds.registry import KINDS
from tests.house.source import ROOT
from tests.support.commands import Ran, call
from tests.support.unreadable import failing

KIND = next(iter(KINDS))
FILE = shipped_schemas.make_file_name(KIND)
PARTIAL = shipped_schemas.make_file_name(shipped_schemas.make_partial_stem(KIND))
LINE = f"# yaml-language-server: $schema=../schemas/{FILE}\n"
BODY = f"apiVersion: bedrock-jobs/v1\nkind: {KIND}\nmetadata: {{name: a}}  # kept\nspec: {{}}\n"


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    """Return a repository with its schemas and no manifest."""
    (tmp_path / "jobs").mkdir()
    shutil.copytree(shipped_schemas.find_schema_folder(), tmp_path / "schemas")
    return tmp_path


def write(tree: Path, text: str | bytes, name: str = "jobs/a.yaml") -> Path:
    """Write one file."""
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def check(tree: Path, *arguments: str) -> Ran:
    """Run the command in this process."""
    return call(tree, "schema", "--modelines", *arguments)


@pytest.mark.parametrize(
    "head",
    [
        LINE,
        f"# a note\n{LINE}",
        f"# $schema: ../schemas/{FILE}\n",
        f"# yaml-language-server: $schema=https://example.com/v1/{FILE}\n",
        f"# yaml-language-server: $schema=./../jobs/../schemas/{FILE}\n",
    ],
)
def test_a_line_that_leads_to_the_schema_is_right(tree: Path, head: str) -> None:
    """A line that reaches the kind's schema stays, however its path is written."""
    path = write(tree, head + BODY)
    ran = check(tree, "--fix")
    assert (ran.code, ran.out, ran.err) == (0, "", "0 lines written\n")
    assert path.read_text() == head + BODY
    assert check(tree).err == "editors find the schema of 1 of 1 document\n"


@pytest.mark.parametrize(
    ("head", "told", "after"),
    [
        ("", "jobs/a.yaml:1: editors find no schema", LINE),
        ("# a note\n", "jobs/a.yaml:1: editors find no schema", f"{LINE}# a note\n"),
        (
            f"# a note\n{LINE.replace('..', '../..')}",
            f"jobs/a.yaml:2: editors find ../../schemas/{FILE}",
            f"# a note\n{LINE}",
        ),
        (
            "# yaml-language-server: $schema=../schemas/bedrock-jobs.schema.json\n",
            "jobs/a.yaml:1: editors find ../schemas/bedrock-jobs.schema.json",
            LINE,
        ),
    ],
)
def test_a_missing_or_wrong_line_is_reported_and_fixed(
    tree: Path, head: str, told: str, after: str
) -> None:
    """The place and the right line are printed, with 1; --fix writes that line only."""
    path = write(tree, head + BODY)
    found = check(tree)
    assert found.code == 1
    assert found.out.startswith(f"{told}; write {LINE.strip()}\n")
    assert path.read_text() == head + BODY
    assert check(tree, "--fix").code == 0
    assert path.read_text() == after + BODY
    assert check(tree).code == 0


def test_each_document_has_its_own_line(tree: Path) -> None:
    """Later documents have their line below ---; without a free line the user is told."""
    path = write(tree, f"{BODY}---\n{BODY}--- {{kind: {KIND}, metadata: {{name: c}}}}\n")
    ran = check(tree, "--fix")
    assert ran.code == 1
    assert "start the document below its ---" in ran.out
    kept = path.read_text()
    assert kept.startswith(f"{LINE}{BODY}---\n{LINE}{BODY}--- {{kind")
    assert check(tree, "--fix").code == 1
    assert path.read_text() == kept


def test_bytes_and_permissions_are_kept(tree: Path) -> None:
    """A byte order mark, CRLF and the file's mode stay; the line uses the file's line ends."""
    text = BODY.replace("\n", "\r\n")
    path = write(tree, b"\xef\xbb\xbf" + text.encode())
    path.chmod(0o640)
    assert check(tree, "--fix").code == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + f"{LINE.strip()}\r\n{text}".encode()
    assert path.stat().st_mode & 0o777 == 0o640


def test_folders_and_the_fleet_have_their_own_ways(tree: Path) -> None:
    """A nested manifest is led up further, and the fleet's file to its own schema.

    A kind that only the defaults give is known too.
    """
    nested = write(tree, f"{BODY}".replace(f"kind: {KIND}\n", ""), "jobs/team/nlp/a.yaml")
    write(tree, f"kind: {KIND}\n", "jobs/team/_defaults.yaml")
    fleet = write(tree, "owner: acme\n", "bedrock-jobs.yaml")
    assert check(tree, "--fix").code == 0
    assert nested.read_text().startswith(LINE.replace("..", "../../.."))
    assert fleet.read_text().startswith("# yaml-language-server: $schema=schemas/bedrock-jobs.")
    assert check(tree, "jobs/team/nlp", "bedrock-jobs.yaml").code == 0


@pytest.mark.parametrize(
    ("defaults", "best"),
    [
        ("spec: {roleArn: x}\n", [PARTIAL, FILE]),
        ("metadata: {labels: {team: ml}}\n", [FILE, PARTIAL]),
        ("# nothing yet\n", [FILE, PARTIAL]),
        (None, [FILE]),
    ],
)
def test_what_rests_on_defaults_may_be_a_part(
    tree: Path, defaults: str | None, best: list[str]
) -> None:
    """A manifest that defaults complete should refer to the schema of parts."""
    if defaults is not None:
        write(tree, defaults, "jobs/_defaults.yaml")
    for name in (FILE, PARTIAL):
        path = write(tree, LINE.replace(FILE, name) + BODY)
        assert (check(tree, "jobs/a.yaml").code == 0) is (name in best)
    path.write_text(BODY)
    check(tree, "--fix")
    assert path.read_text() == LINE.replace(FILE, best[0]) + BODY


def test_defaults_are_parts(tree: Path) -> None:
    """A defaults file refers to the schema of parts, whether it names its kind or not."""
    for text in (f"kind: {KIND}\n", "spec: {}\n"):
        path = write(tree, text, "jobs/team/_defaults.yaml")
        write(tree, text, "jobs/.hidden/_defaults.yaml")
        assert check(tree).code == 1
        assert check(tree, "--fix").err.endswith("1 line written\n")
        assert path.read_text() == LINE.replace("..", "../..").replace(FILE, PARTIAL) + text
        assert check(tree, str(path)).code == 0


@pytest.mark.parametrize("text", ["a: [\n", "a: 1\n", "kind: Other\n", "- a\n", b"\xff\n", ""])
def test_what_is_no_manifest_is_passed_over(tree: Path, text: str | bytes) -> None:
    """Files that `validate` reports are ignored by this check."""
    path = write(tree, text)
    ran = check(tree, "--fix")
    assert (ran.code, ran.err) == (0, "0 lines written\n")
    assert path.read_bytes() == (text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("name", ["jobs", "jobs/deep"])
def test_a_folder_that_cannot_be_listed_is_reported(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """If a folder's files are unknown, the check does not succeed."""
    write(tree, LINE + BODY)
    write(tree, "spec: {}\n", "jobs/deep/_defaults.yaml")
    monkeypatch.chdir(tree)

    with failing("scandir", tree / name, "EACCES", monkeypatch):
        ran = check(tree)

    assert (ran.code, ran.out) == (1, "")
    assert f"bedrock-jobs: {name}: the folder cannot be listed: Permission denied" in ran.err


def test_a_folder_that_leads_out_of_the_tree_is_reported(tree: Path) -> None:
    """Nothing outside the repository is read."""
    (tree / ".git").mkdir()
    (tree / "away").symlink_to("/usr")

    ran = check(tree, "away")

    assert ran.code == 1
    assert "away: the folder cannot be listed: the symbolic link leads out of the tree" in ran.err


def test_a_missing_schema_is_reported(tree: Path) -> None:
    """No line refers to a missing schema; the message says how to write it."""
    path = write(tree, BODY)
    (tree / "schemas" / FILE).unlink()
    ran = check(tree, "--fix")
    assert ran.code == 1
    assert "`bedrock-jobs schema` writes it" in ran.err
    assert path.read_text() == BODY


@pytest.mark.parametrize(
    "arguments",
    [
        ("schema", "--fix"),
        ("schema", "--modelines", "--check"),
        ("schema", "--modelines", "--docs"),
        ("schema", "--modelines", "--output-dir", "-"),
        ("schema", "--modelines", "nowhere"),
        ("schema", "jobs"),
    ],
)
def test_wrong_use_ends_with_64(tree: Path, arguments: tuple[str, ...]) -> None:
    """Contradicting options, and a path that does not exist, are usage errors."""
    ran = call(tree, *arguments)
    assert ran.code == 64
    assert "Usage" in ran.err


def test_the_examples_lead_to_their_schema(tree: Path) -> None:
    """Every manifest in jobs/ has its line; without lines they are fixed to the same bytes."""
    assert call(ROOT, "schema", "--modelines").code == 0
    shutil.rmtree(tree / "jobs")
    shutil.copytree(ROOT / "jobs", tree / "jobs", ignore=shutil.ignore_patterns("*.json"))
    paths = sorted(tree.rglob("*.yaml"))
    whole = {path: path.read_text() for path in paths}
    for path, text in whole.items():
        lines = text.splitlines(keepends=True)
        path.write_text("".join(x for x in lines if "yaml-language-server" not in x))
    assert check(tree, "--fix").code == 0
    assert {path: path.read_text() for path in paths} == whole
    assert all([*yaml.safe_load_all(text)] for text in whole.values())
