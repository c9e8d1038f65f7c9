"""The steps of ``import``: from requests or live jobs to manifest files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.authoring.cli_requests import STDIN, read_request
from controller.adapters.authoring.drafts import RenderedDraft, render_draft
from controller.adapters.host import tree_writes
from controller.adapters.host.tree_bounds import get_filesystem_root
from controller.adapters.host.tree_files import find_tree_root
from controller.adapters.manifests.discovery import (
    MAX_MANIFEST_BYTES,
    UnusableFileError,
    read_content,
)
from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import scan
from controller.adapters.schemas import shipped_schemas
from controller.cli.commands.new import find_schema_path
from controller.cli.output.console import say
from controller.cli.output.exit_codes import ExitCode
from controller.cli.passes.passes import parse_connection_options
from controller.cli.workspace.arguments import DEFAULT_PATH, convert_errors
from controller.cli.workspace.loading import Workspace, load_workspace, open_ports
from controller.core.authoring.job_import import (
    ManifestDraft,
    build_target,
    derive_name,
    draft_from_job,
)
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Place, Problem, Source, Target
from controller.core.problems import Code
from controller.engine.apply import PassContext
from controller.engine.fetch_jobs import (
    FetchedJob,
    FetchResult,
    JobListing,
    fetch_jobs,
    find_managed_jobs,
    list_unmanaged_jobs,
)
from controller.ports import CloudError

_MAX_NAME_PREFIX = 50
_ARN_TAIL = 12


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The manifests that were created, and the problems and notes to report."""

    made: tuple[RenderedDraft, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: int = 0
    failed: bool = False


def import_requests(paths: Sequence[str], given: dict[str, Any]) -> ImportResult:
    """Return the manifests of requests; none if there is any problem, so that none is missed."""
    fleet, fleet_problems = _load_fleet(given)
    problems: list[Problem] = list(fleet_problems)
    notes: list[str] = []
    drafts: list[RenderedDraft] = []
    # A file that is named twice, as by overlapping globs, is one request.
    for path in dict.fromkeys(paths):
        data = _read_bytes(path)
        if isinstance(data, Problem):
            problems.append(data)
            continue
        found = read_request(path, data, given["kind"], fleet)
        problems += found.problems
        notes += [f"{path}: {note}" for note in found.notes]
        if found.draft is not None:
            drafts.append(_build_draft(found.draft, path, given, fleet))
            notes += [f"{path}: {note}" for note in found.draft.notes]
    problems += [problem for one in drafts for problem in one.problems]
    problems += _find_duplicates(drafts)
    problems += _find_taken_names(drafts, _list_folders(given), fleet)
    return ImportResult(() if problems else tuple(drafts), tuple(problems), tuple(notes))


def _read_bytes(path: str) -> bytes | Problem:
    if path == STDIN:
        # One more byte distinguishes a text that is too large from one that just fits.
        data = sys.stdin.buffer.read(MAX_MANIFEST_BYTES + 1)
        hint = "pass one request at a time"
        message = "stdin holds more than 1 MiB"
        too_large = Problem(Code.TOO_LARGE.code, message, Source(path), hint)
        return data if len(data) <= MAX_MANIFEST_BYTES else too_large
    if not Path(path).exists():
        raise click.UsageError(f"{path}: no such file; --live imports jobs by their names.")
    try:
        return read_content(path, get_filesystem_root())
    except UnusableFileError as error:
        return error.make_problem(path)


def _find_duplicates(drafts: Sequence[RenderedDraft]) -> Iterable[Problem]:
    """Yield a problem for each request whose manifest would have the name of another one."""
    origins: dict[JobKey, str] = {}
    for one in drafts:
        key = JobKey(one.draft.kind.name, one.draft.name)
        first = origins.setdefault(key, one.origin)
        if first != one.origin:
            message = f"{key} is made from {first} too"
            hint = "a job's name can be used once and never again; change one of them"
            code = Code.DUPLICATE_IDENTITY.code
            yield Problem(code, message, Source(one.origin), hint, key)


def _find_taken_names(
    drafts: Sequence[RenderedDraft], folders: Sequence[Path], fleet: Fleet
) -> Iterable[Problem]:
    """Yield a problem for each request whose manifest would have the name of an existing one."""
    there = {entry.key: entry for entry in scan(folders, fleet, specs=False).entries}
    for one in drafts:
        key = JobKey(one.draft.kind.name, one.draft.name)
        other = there.get(key)
        # The manifest at the target path is no conflict: --force overwrites it.
        if other and one.path and Path(other.path).resolve() != one.path.resolve():
            message = f"{key} is already in {other.place}"
            hint = "a job has one manifest; change that one, or rename the request's job"
            yield Problem(Code.DUPLICATE_IDENTITY.code, message, Source(one.origin), hint, key)


def import_live_jobs(names: Sequence[str], given: dict[str, Any]) -> ImportResult:
    """Return the manifests of live jobs; a job that cannot be imported does not stop the others."""
    fleet, fleet_problems = _load_fleet(given)
    if fleet_problems:
        return ImportResult(problems=fleet_problems)
    work = _load_existing(given, fleet)
    # The requested region overrides the fleet's: it says where the jobs are.
    target = replace(Target(region=given["region"]).fill_from(fleet.target), account_id=None)
    with open_ports(work, parse_connection_options(given)) as ports:
        try:
            return _fetch_and_convert(names, given, work, ports, target)
        except CloudError as error:
            say(f"bedrock-jobs: {error.failure}")
            return ImportResult(failed=True)


def _fetch_and_convert(
    names: Sequence[str], given: dict[str, Any], work: Workspace, ports: PassContext, target: Target
) -> ImportResult:
    fleet = work.fleet
    place = ports.cloud.get_place(target)
    # With this fleet file a manifest of another account's job could never be reconciled.
    if fleet.target.account_id not in {None, place.account_id}:
        say(
            f"bedrock-jobs: the credentials act in {place}, but the fleet's file names account "
            f"{fleet.target.account_id}: use credentials of that account"
        )
        raise click.exceptions.Exit(ExitCode.UNSAFE)
    recorded = ports.ledger.read({job.key: job.source for job in work.desired})
    known = find_managed_jobs(KINDS, work.desired, recorded, place, fleet.owner)
    kinds = [KINDS[given["kind"]]] if given["kind"] else list(KINDS.values())
    # A name does not show its kind, so each kind is tried.
    listing = JobListing(tuple((kind, name) for name in names for kind in kinds))
    if given["every"]:
        listing = list_unmanaged_jobs(ports.cloud, target, kinds, known)
    with ThreadPoolExecutor(ports.width) as executor:
        found = fetch_jobs(
            ports.cloud, executor, target, listing.identifiers, known, named=not given["every"]
        )
    drafts = _build_drafts(found, work, place, given)
    found = replace(found, failures=(*listing.failures, *found.failures))
    gathered = _collect_result(found, drafts, str(place))
    return replace(gathered, skipped=gathered.skipped + listing.managed)


def _build_drafts(
    found: FetchResult, work: Workspace, place: Place, given: dict[str, Any]
) -> list[RenderedDraft]:
    """Return each job's manifest, under a name that no other manifest has."""
    taken = {job.key.name for job in work.desired}
    target = build_target(place, work.fleet.target)
    drafts = []
    for job in found.jobs:
        name = _choose_free_name(job, taken)
        taken.add(name)
        schema = shipped_schemas.load_schema(job.kind.name)
        draft = draft_from_job(job.kind, schema, job.live, job.tags, name, target)
        drafts.append(_build_draft(draft, job.live.name, given, work.fleet))
    return drafts


def _choose_free_name(job: FetchedJob, taken: set[str]) -> str:
    """Return a name that no other manifest has; the end of the ARN distinguishes namesakes."""
    name = derive_name(job.live.name)
    if name not in taken:
        return name
    return f"{name[:_MAX_NAME_PREFIX].rstrip('-')}-{job.live.arn[-_ARN_TAIL:]}".lower()


def _collect_result(
    found: FetchResult, drafts: Sequence[RenderedDraft], place: str
) -> ImportResult:
    """Return the result of a fetch; incomplete manifests are written, to be completed by hand."""
    notes = [f"bedrock-jobs: {name}: {failure}" for name, failure in found.failures]
    notes += [
        f"bedrock-jobs: there is no job {name} in {place}; --live --all takes every one"
        for name in found.missing
    ]
    notes += [f"{name}: skipped, for {reason}" for name, reason in found.skipped]
    notes += [f"{job.live.name}: {note}" for job in found.jobs for note in job.notes]
    notes += [f"{one.origin}: {note}" for one in drafts for note in one.draft.notes]
    return ImportResult(
        made=tuple(one for one in drafts if one.draft.incomplete or not one.problems),
        problems=tuple(problem for one in drafts for problem in one.problems),
        notes=tuple(notes),
        skipped=len(found.skipped),
        failed=bool(found.failures or found.missing),
    )


def _load_fleet(given: dict[str, Any]) -> tuple[Fleet, tuple[Problem, ...]]:
    start = given["folder"] or DEFAULT_PATH
    return convert_errors(lambda: load_fleet(given["config"], start))


def _load_existing(given: dict[str, Any], fleet: Fleet) -> Workspace:
    """Return the existing manifests: those in jobs/, and those where new ones are written."""
    paths = _list_folders(given)
    if not paths:
        return Workspace((), fleet, (), ())
    # Names must be unique among all manifests, whatever their labels.
    return load_workspace(paths, {**given, "selector": None})


def _list_folders(given: dict[str, Any]) -> list[Path]:
    return [path for path in (DEFAULT_PATH, given["folder"]) if path and path.exists()]


def _build_draft(
    draft: ManifestDraft, origin: str, given: dict[str, Any], fleet: Fleet
) -> RenderedDraft:
    where = find_schema_path(draft.kind, given["folder"] or DEFAULT_PATH)
    return render_draft(draft, origin, given["folder"], where, fleet)


def write_manifests(imported: ImportResult, *, force: bool) -> None:
    """Write each manifest to its file; raises click errors before or at the first failure."""
    paths = [one.path for one in imported.made if one.path is not None]
    roots = {folder: find_tree_root(folder) for folder in {path.parent for path in paths}}
    # All paths are checked before the first write, so that a conflict writes nothing at all.
    there = [path for path in paths if roots[path.parent].exists(str(path))]
    if there and not force:
        raise click.BadParameter(
            f"{there[0]} exists already; choose another folder, or overwrite it with --force.",
            param_hint="-o",
        )
    for one, path in zip(imported.made, paths, strict=True):
        try:
            tree_writes.make_folder(roots[path.parent], str(path.parent))
            tree_writes.replace(roots[path.parent], str(path), one.text.encode())
        except OSError as error:
            raise click.FileError(str(path), error.strerror or str(error)) from error
        say(f"wrote {path}")
