"""The ``init`` command sets up a repository that works at once, and never removes anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.schemas import shipped_schemas
from controller.sandbox.http.server import start_sandbox as serving
from controller.version import __version__
from tests.support.commands import COMMAND, call, environment, run
from tests.support.laying import fates, files, folder, init, read
from tests.support.manifests import OTHER_ACCOUNT
from tests.support.project import CONFINED, UNLIMITED

__all__ = ["folder"]

PIPELINES = {
    "github": {
        ".github/CODEOWNERS",
        ".github/actions/bedrock-jobs/action.yml",
        ".github/bedrock-jobs.txt",
        ".github/workflows/bedrock-jobs-plan.yml",
        ".github/workflows/bedrock-jobs-reconcile.yml",
        ".github/workflows/bedrock-jobs-stop.yml",
    },
    "gitlab": {
        ".gitlab-ci.yml",
        ".gitlab/CODEOWNERS",
        ".gitlab/bedrock-jobs.txt",
        ".gitlab/bedrock-jobs.yml",
    },
    "none": {"CODEOWNERS"},
}
ALWAYS = {
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    ".vscode/extensions.json",
    ".vscode/settings.json",
    "bedrock-jobs.yaml",
    "jobs/example.yaml",
    *(f"schemas/{shipped_schemas.make_file_name(stem)}" for stem in shipped_schemas.STEMS),
}


@pytest.mark.parametrize("ci", PIPELINES)
def test_everything_is_there_after_one_run(folder: Path, ci: str) -> None:
    """An empty folder gets every file; a second run changes none, with or without --force."""
    assert init(folder, "--ci", ci).code == 0
    made = files(folder)

    assert set(made) == ALWAYS | PIPELINES[ci]
    for more in ([], ["--force"]):
        assert set(fates(folder, "--ci", ci, *more).values()) == {"current"}
    assert files(folder) == made


def test_a_new_repository_works_at_once(folder: Path) -> None:
    """After init the example is valid, and can be planned and applied in the sandbox."""
    init(folder)
    sandbox = ("--sandbox", "--speed", "36000")

    ran = [
        call(folder, *verb)
        for verb in (
            ("validate",),
            ("plan", *sandbox),
            ("reconcile", "--wait", *sandbox),
            ("plan", "--detailed-exitcode", *sandbox),
            ("schema", "--check"),
        )
    ]

    assert [one.code for one in ran] == [0] * 5, [one.err for one in ran]
    status = json.loads((folder / "jobs" / "example.status.json").read_text())
    assert status["jobs"]["example"]["phase"] == "Completed"


def test_the_example_is_submitted_nowhere_else(folder: Path) -> None:
    """In any real account the example is held: it names an account that does not exist."""
    init(folder)
    with serving(folder.parent / "state", account=OTHER_ACCOUNT) as url:
        env = environment(folder.parent, AWS_ENDPOINT_URL=url)
        planned, passed = (call(folder, verb, env=env) for verb in ("plan", "reconcile"))

    assert (planned.code, passed.code) == (5, 5)
    assert "WrongTarget" in planned.out
    assert "NotSubmitted" not in passed.out


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    """A dry run prints what would be created, and creates no file."""
    ran = init(folder, "--dry-run", "--output", "json")

    assert {one["fate"] for one in ran.data["files"]} == {"created"}
    assert "nothing was written" in ran.err
    assert files(folder) == {}


def test_what_differs_is_kept_and_reported(folder: Path) -> None:
    """An edited file keeps its bytes, and the output says how to replace it."""
    init(folder)
    fleet, workflow = folder / "bedrock-jobs.yaml", folder / ".github" / "bedrock-jobs.txt"
    for path in (fleet, workflow):
        path.write_text("{} # mine\n")

    ran = init(folder)

    assert ran.code == 0
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert [line for line in told if line.startswith("kept")] == [
        f"kept {path} it differs from what init writes; --force replaces it"
        for path in ("bedrock-jobs.yaml", ".github/bedrock-jobs.txt")
    ]
    assert (fleet.read_text(), workflow.read_text()) == ("{} # mine\n", "{} # mine\n")


def test_force_replaces_what_it_is_given(folder: Path) -> None:
    """--force rewrites a file, and with --only no other one."""
    init(folder)
    fleet, workflow = folder / "bedrock-jobs.yaml", folder / ".github" / "bedrock-jobs.txt"
    for path in (fleet, workflow):
        path.write_text("{} # mine\n")

    assert fates(folder, "--force", "--only", ".github")[".github/bedrock-jobs.txt"] == "replaced"

    assert workflow.read_text() != "{} # mine\n"
    assert fleet.read_text() == "{} # mine\n"


def test_the_owner_is_never_given_up(folder: Path) -> None:
    """A fleet's existing owner is kept in the new file, whatever the folder is called."""
    (folder / "bedrock-jobs.yaml").write_text("owner: first\nlimits: {maxSubmits: 3}\n")

    init(folder, "--force")

    fleet, problems = load_fleet(None, folder)
    assert (fleet.owner, problems) == ("first", ())
    assert fleet.limits.max_submits == 50


def test_an_owner_that_cannot_be_read_is_asked_for(folder: Path) -> None:
    """A fleet file with problems is replaced only if --owner is set."""
    (folder / "bedrock-jobs.yaml").write_text("owner: first\nlimit: 3\n")

    refused, done = init(folder, "--force"), init(folder, "--force", "--owner", "first")

    assert (refused.code, done.code) == (64, 0)
    assert "--owner" in refused.err
    assert load_fleet(None, folder)[0].owner == "first"


def test_what_is_asked_for_goes_in(folder: Path) -> None:
    """Owner, region, branch, requirement and code owners are written where they belong."""
    given = ("--owner", "acme: ml", "--region", "eu-west-1", "--branch", "release/2")
    tool = "bedrock-jobs @ git+https://git.example.com/acme/bedrock-jobs@" + "0" * 40

    init(
        folder, *given, "--requirement", tool, "--codeowner", "@acme/ml", "--codeowner", "@acme/it"
    )

    fleet, problems = load_fleet(None, folder)
    workflow = read(folder / ".github" / "workflows" / "bedrock-jobs-reconcile.yml")
    hooks = read(folder / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    owners = (folder / ".github" / "CODEOWNERS").read_text("utf-8").splitlines()
    assert (problems, fleet.owner, fleet.target.region) == ((), "acme: ml", "eu-west-1")
    assert read(folder / "jobs" / "example.yaml")["target"]["region"] == "eu-west-1"
    assert workflow[True]["push"]["branches"] == ["release/2"]
    assert workflow["jobs"]["reconcile"]["if"].startswith("github.ref_name == 'release/2' &&")
    assert tool in (folder / ".github" / "bedrock-jobs.txt").read_text("utf-8").splitlines()
    assert hooks[0]["additional_dependencies"] == [tool]
    assert owners[1:] == ["/bedrock-jobs.yaml @acme/ml @acme/it", "/.github/ @acme/ml @acme/it"]
    assert "us-east-1" not in "".join(
        path.read_text("utf-8") for path in (folder / ".github").rglob("*.yml")
    )


def test_pipelines_install_this_release(folder: Path) -> None:
    """By default CI and hooks install the release that created them."""
    init(folder)

    lines = (folder / ".github" / "bedrock-jobs.txt").read_text("utf-8").splitlines()
    assert lines[-1] == f"bedrock-jobs=={__version__}"


def test_an_example_is_for_those_who_have_no_manifest(folder: Path) -> None:
    """With existing manifests no example is created, nor again once it was replaced."""
    init(folder)
    (folder / "jobs" / "example.yaml").rename(folder / "jobs" / "ours.yaml")

    assert "jobs/example.yaml" not in fates(folder)


def test_files_of_others_are_extended(folder: Path) -> None:
    """Rules for git and reviewers are added to existing files, wherever those are."""
    (folder / ".gitignore").write_text("node_modules/\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "CODEOWNERS").write_text("* @acme/all\n")

    made = fates(folder, "--codeowner", "@acme/ml")

    assert {made[".gitignore"], made["docs/CODEOWNERS"]} == {"extended"}
    assert (folder / ".gitignore").read_text().startswith("node_modules/\n\n# ")
    assert "/bedrock-jobs.yaml @acme/ml" in (folder / "docs" / "CODEOWNERS").read_text()


def test_settings_of_others_are_left_with_advice(folder: Path) -> None:
    """Existing editor settings and hooks stay, even with --force; missing lines are printed."""
    settings = folder / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('// mine\n{"files.eol": "\\n"}\n')
    (folder / ".pre-commit-config.yaml").write_text("repos: []\n")

    ran = init(folder, "--force")

    assert settings.read_text().startswith("// mine\n")
    assert (folder / ".pre-commit-config.yaml").read_text() == "repos: []\n"
    assert "- id: bedrock-jobs-validate" in ran.err
    assert '"yaml.schemas": {' in ran.err


def test_missing_code_owner_is_reported(folder: Path) -> None:
    """Until the fleet file has a code owner, each run says so."""
    unprotected, protected = init(folder), init(folder, "--codeowner", "@acme/ml")

    assert "--codeowner" in unprotected.err
    assert "--codeowner" not in protected.err + init(folder).err


@pytest.mark.parametrize("name", [".gitignore", "jobs", ".github"])
def test_links_are_not_followed(folder: Path, name: str) -> None:
    """The target of a symbolic link is not changed; the rest is done, and the exit code is 1."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / name).symlink_to(elsewhere)

    ran = init(folder)

    assert ran.code == 1
    assert f"{name} is a symbolic link" in ran.out
    assert list(elsewhere.iterdir()) == []
    assert (folder / "bedrock-jobs.yaml").is_file()


def test_what_cannot_be_written_stops_nothing_else(folder: Path) -> None:
    """A file in the place of a folder, or the other way round, is reported in one line."""
    (folder / "schemas").write_text("")
    (folder / ".gitignore").mkdir()

    ran = init(folder)

    failed = [line for line in ran.out.splitlines() if line.startswith("failed")]
    assert ran.code == 1
    assert len(failed) == 1 + len(shipped_schemas.STEMS)
    assert "Traceback" not in ran.err
    assert (folder / "jobs" / "example.yaml").is_file()


def test_a_read_only_folder_is_reported(folder: Path) -> None:
    """If nothing can be written, each file has a line of its own, and the exit code is 1."""
    folder.chmod(0o500)
    command = (sys.executable, str(CONFINED), str(UNLIMITED), *COMMAND)

    ran = run(folder.parent, "init", str(folder), command=command)

    folder.chmod(0o700)
    told = [line for line in ran.out.splitlines() if "cannot be written: Permission denied" in line]
    assert (ran.code, len(told)) == (1, len(ran.out.splitlines()))
    assert files(folder) == {}


def test_an_impossible_folder_is_reported(folder: Path) -> None:
    """A name that no file system accepts, or a file in the folder's place, is one line."""
    (folder / ".github" / "CODEOWNERS").mkdir(parents=True)

    told = [init(folder, "x" * 300), init(folder)]

    assert [one.code for one in told] == [1, 1]
    assert "File name too long" in told[0].err
    assert not any("Traceback" in one.err for one in told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--owner", " x"], "--owner"),
        (["--region", "moon"], "--region"),
        (["--branch", "a b"], "--branch"),
        (["--codeowner", "nobody"], "--codeowner"),
        (["--requirement", "a\nb"], "--requirement"),
        (["--only", "nothing"], "--only"),
        (["--ci", "jenkins"], "github"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder: Path, arguments: list[str], told: str) -> None:
    """A value that no file can contain exits with 64, before anything is written."""
    ran = init(folder, *arguments)

    assert ran.code == 64
    assert told in ran.err
    assert files(folder) == {}


def test_a_new_folder_is_made(folder: Path) -> None:
    """A folder that does not exist is created, and its name becomes the owner."""
    assert init(folder, "New Fleet").code == 0

    assert read(folder / "New Fleet" / "bedrock-jobs.yaml")["owner"] == "new-fleet"
