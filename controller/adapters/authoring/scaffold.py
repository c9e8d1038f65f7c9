"""A repository's first files: taken from the shipped ones, and laid beside what is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.adapters.git.command import Git, GitError
from controller.adapters.host.tree_files import TreeRoot
from controller.adapters.host.tree_writes import make_folder, rewrite
from controller.adapters.manifests.discovery import discover_files
from controller.adapters.schemas import shipped_schemas
from controller.core.authoring.scaffold_merge import (
    CHANGES,
    FileOutcome,
    FileOwnership,
    MergedFile,
    ScaffoldFile,
    format_plain_scalar,
    merge_file,
)
from controller.core.documents.file_names import FLEET_FILE
from controller.version import __version__

HOSTS: Final = ("github", "gitlab")
"""Whose pipelines can be laid out."""

_PACKAGE: Final = Path(__file__).resolve().parents[2]
_REPOSITORY: Final = "repository"
_OWNERS: Final = "CODEOWNERS"
_INCLUDE: Final = "include.yml"
_JOBS: Final = "jobs"


@dataclass(frozen=True, slots=True)
class ScaffoldOptions:
    """What is particular to one repository.

    ``host`` is one of HOSTS, or empty for no pipeline; ``codeowners`` names who protects the
    fleet's file, and is empty where nobody is named; ``requirement`` is what pipelines install.
    """

    owner: str
    region: str = "us-east-1"
    branch: str = "main"
    host: str = ""
    codeowners: str = ""
    requirement: str = f"bedrock-jobs=={__version__}"


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """What a folder's repository tells: its top, its remote's URL, and its main branch.

    Each is empty or None where it is not known.
    """

    top: Path | None = None
    remote: str = ""
    branch: str = ""


def inspect_repository(folder: Path) -> RepositoryInfo:
    """Return what is known of the repository that a folder lies in; no git is no repository."""
    own = folder.resolve()
    top = next((one for one in (own, *own.parents) if os.path.lexists(one / ".git")), None)
    if top is None:
        return RepositoryInfo()
    git = Git(top, seconds=10)
    remote = _run_git(git, "remote", "get-url", "origin")
    head = _run_git(git, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    return RepositoryInfo(top, remote, head.partition("/")[2])


def _run_git(git: Git, *arguments: str) -> str:
    with contextlib.suppress(GitError):
        return git.run(*arguments)
    return ""


def infer_host(folder: Path, remote: str) -> str:
    """Return whose pipelines a repository has or would have; empty where nothing tells."""
    if (folder / ".gitlab-ci.yml").exists() or "gitlab" in remote:
        return "gitlab"
    return "github" if (folder / ".github").exists() or "github" in remote else ""


def find_template_folder() -> Path:
    """Return where the shipped files are: in the package, or beside it in a checkout."""
    inside = _PACKAGE / "scaffold"
    return inside if inside.is_dir() else _PACKAGE.parent / "deploy" / "ci"


def build_pieces(folder: Path, wanted: ScaffoldOptions) -> tuple[ScaffoldFile, ...]:
    """Return every file that a repository gets, in the order in which people read them."""
    return tuple(
        ScaffoldFile(piece.path, _fill_template(piece.text, wanted), piece.how, piece.mark)
        for piece in (
            ScaffoldFile(FLEET_FILE, _read_template(_REPOSITORY, FLEET_FILE)),
            *_build_example(folder),
            *_build_schemas(),
            *_build_repository_files(folder, wanted),
            *_build_pipeline(wanted.host),
        )
    )


def _read_template(*parts: str) -> str:
    return find_template_folder().joinpath(*parts).read_text(encoding="utf-8")


def _build_example(folder: Path) -> Iterator[ScaffoldFile]:
    """Yield a first manifest, unless there are others already."""
    path = f"{_JOBS}/example.yaml"
    jobs = folder / _JOBS
    if (folder / path).exists() or not jobs.is_dir() or not discover_files([jobs]).files:
        yield ScaffoldFile(path, _read_template(_REPOSITORY, path))


def _build_schemas() -> Iterator[ScaffoldFile]:
    for stem in shipped_schemas.STEMS:
        name = shipped_schemas.make_file_name(stem)
        yield ScaffoldFile(
            f"schemas/{name}", (shipped_schemas.find_schema_folder() / name).read_text("utf-8")
        )


def _build_repository_files(folder: Path, wanted: ScaffoldOptions) -> Iterator[ScaffoldFile]:
    """Yield what git, editors and reviewers go by."""
    yield ScaffoldFile(
        ".gitattributes", _read_template(_REPOSITORY, "gitattributes"), FileOwnership.SHARED
    )
    yield ScaffoldFile(".gitignore", _read_template(_REPOSITORY, "gitignore"), FileOwnership.SHARED)
    yield _build_codeowners(folder, wanted)
    yield ScaffoldFile(
        ".editorconfig", _read_template(_REPOSITORY, "editorconfig"), FileOwnership.THEIRS
    )
    hooks = _read_template(_REPOSITORY, "pre-commit-config.yaml")
    yield ScaffoldFile(
        ".pre-commit-config.yaml", hooks, FileOwnership.THEIRS, "bedrock-jobs-validate"
    )
    for name in ("settings.json", "extensions.json"):
        yield ScaffoldFile(
            f".vscode/{name}", _read_template(_REPOSITORY, "vscode", name), FileOwnership.THEIRS
        )


def _build_codeowners(folder: Path, wanted: ScaffoldOptions) -> ScaffoldFile:
    """Return the file of code owners; while nobody is named its rules are comments."""
    text = _read_template(_REPOSITORY, "codeowners")
    if wanted.host:
        # Who writes these, acts with the pipelines' roles.
        text += text.splitlines()[-1].replace(FLEET_FILE, f".{wanted.host}/") + "\n"
    if not wanted.codeowners:
        text = text.replace("\n/", "\n#/")
    there = [place for place in list_codeowners_paths(wanted.host) if (folder / place).is_file()]
    return ScaffoldFile(
        next(iter(there), list_codeowners_paths(wanted.host)[0]), text, FileOwnership.SHARED
    )


def list_codeowners_paths(host: str) -> tuple[str, ...]:
    """Return where a host looks for code owners, the usual place first."""
    hosts = [f".{one}/{_OWNERS}" for one in HOSTS if one == host]
    return (*hosts, _OWNERS, f"docs/{_OWNERS}")


def is_protected(folder: Path, host: str) -> bool:
    """Whether a file of code owners has a rule for the fleet's file."""
    texts = []
    for place in list_codeowners_paths(host):
        # What cannot be read protects nothing.
        with contextlib.suppress(OSError):
            texts.append(_read_existing(folder, folder / place) or "")
    words = [line.split()[:1] for text in texts for line in text.splitlines()]
    return [f"/{FLEET_FILE}"] in words or [FLEET_FILE] in words


def _build_pipeline(host: str) -> Iterator[ScaffoldFile]:
    if not host:
        return
    top = find_template_folder() / host
    for path in sorted(top.rglob("*")):
        if path.is_file() and path.name != _INCLUDE:
            place = path.relative_to(top).as_posix()
            yield ScaffoldFile(f".{host}/{place}", path.read_text(encoding="utf-8"))
    if (top / _INCLUDE).is_file():
        mark = ".gitlab/bedrock-jobs.yml"
        yield ScaffoldFile(
            ".gitlab-ci.yml", _read_template(host, _INCLUDE), FileOwnership.THEIRS, mark
        )


def _fill_template(text: str, wanted: ScaffoldOptions) -> str:
    """Put in what is particular, for what the shipped files hold in its place."""
    slots = {
        "owner: acme-fleet\n": f"owner: {format_plain_scalar(wanted.owner)}\n",
        "us-east-1": wanted.region,
        "branches: [main]": f"branches: [{format_plain_scalar(wanted.branch)}]",
        "github.ref_name == 'main'": f"github.ref_name == '{wanted.branch}'",
        "@acme/ml-platform": wanted.codeowners or "@acme/ml-platform",
        f"[bedrock-jobs=={__version__}]": f"[{_format_requirement(wanted.requirement)}]",
        f"bedrock-jobs=={__version__}\n": f"{wanted.requirement}\n",
    }
    for held, given in slots.items():
        text = text.replace(held, given)
    return text


def _format_requirement(requirement: str) -> str:
    default = requirement == f"bedrock-jobs=={__version__}"
    return requirement if default else format_plain_scalar(requirement)


def write_pieces(
    folder: Path, wanted: Iterable[ScaffoldFile], *, force: bool, dry_run: bool
) -> tuple[MergedFile, ...]:
    """Lay every piece that can be laid; one that cannot is told, and stops no other."""
    return tuple(_write_piece(folder, piece, force=force, dry_run=dry_run) for piece in wanted)


def _write_piece(folder: Path, piece: ScaffoldFile, *, force: bool, dry_run: bool) -> MergedFile:
    path = folder / piece.path
    link = _find_link(folder, path)
    if link is not None:
        note = f"{link.relative_to(folder)} is a symbolic link: put the file itself there"
        return MergedFile(piece, FileOutcome.FAILED, note=note)
    try:
        done = merge_file(piece, _read_existing(folder, path), force=force)
        if done.fate in CHANGES and not dry_run:
            root = TreeRoot.locate(folder)
            make_folder(root, str(path.parent))
            rewrite(root, str(path), (done.text or "").encode("utf-8", "surrogateescape"))
    except OSError as error:
        note = f"it cannot be written: {error.strerror or error}"
        return MergedFile(piece, FileOutcome.FAILED, note=note)
    return done


def _find_link(folder: Path, path: Path) -> Path | None:
    """Return the first link on the way to a file: what lies behind it may be somebody else's."""
    inner = [path, *path.parents[: len(path.relative_to(folder).parts) - 1]]
    return next((one for one in reversed(inner) if one.is_symlink()), None)


def _read_existing(folder: Path, path: Path) -> str | None:
    content = TreeRoot.locate(folder).read(str(path))
    return None if content is None else content.decode("utf-8", "surrogateescape")
