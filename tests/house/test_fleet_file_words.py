"""All texts about which bedrock-jobs.yaml applies say the same: the outermost one."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from controller.adapters.schemas import shipped_schemas
from controller.cli.main import root
from tests.house.manifest_page import PAGE
from tests.support.commands import call
from tests.support.manifests import manifest, write

FILE = "bedrock-jobs.yaml"


def helps() -> dict[str, str]:
    """Return the help texts of --config of all commands."""
    context = click.Context(root)
    verbs = {name: root.get_command(context, name) for name in root.list_commands(context)}
    return {
        name: str(one.help)
        for name, verb in verbs.items()
        if verb is not None
        for one in verb.params
        if isinstance(one, click.Option) and one.name == "config"
    }


def test_texts_say_that_the_outermost_file_applies() -> None:
    """The help of each command, the schema for editors, and the manifest page agree."""
    described = str(shipped_schemas.load_schema(shipped_schemas.FLEET)["description"])
    page = PAGE.read_text(encoding="utf-8").partition(f"## {FILE}")[2].partition("\n|")[0]
    texts = {**helps(), "the schema": described, "the page": page}

    assert {"validate", "reconcile", "watch", "import"} <= texts.keys()
    assert [name for name, text in texts.items() if "outermost" not in text] == []
    assert [name for name, text in texts.items() if "upward" in text] == []


def test_modelines_use_the_file_that_applies(tmp_path: Path) -> None:
    """For a manifest in an inner repository, the file at the outer root is used."""
    shutil.copytree(shipped_schemas.find_schema_folder(), tmp_path / "schemas")
    for folder in (tmp_path, tmp_path / "teams" / "nlp"):
        (folder / ".git").mkdir(parents=True)
        (folder / FILE).write_text("owner: acme\n")
    write(tmp_path / "teams" / "nlp" / "jobs" / "a.yaml", manifest("a"))

    ran = call(tmp_path, "schema", "--modelines", "--fix", "teams/nlp/jobs")

    schema = f"$schema=schemas/{shipped_schemas.make_file_name(shipped_schemas.FLEET)}\n"
    assert ran.code == 0
    assert (tmp_path / FILE).read_text() == f"# yaml-language-server: {schema}owner: acme\n"
    assert (tmp_path / "teams" / "nlp" / FILE).read_text() == "owner: acme\n"
