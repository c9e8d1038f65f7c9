"""What the verb ``import`` does in each of its ways, up to the files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from controller.adapters.authoring.cli_requests import STDIN, read_request
from controller.adapters.authoring.drafts import Made, made
from controller.adapters.host import tree_writes
from controller.adapters.host.tree_bounds import anywhere
from controller.adapters.host.tree_files import root_of
from controller.adapters.manifests.discovery import LARGEST, UnfitFileError, content
from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import scan
from controller.adapters.schemas import shipped_schemas
from controller.cli.commands.new import reference
from controller.cli.output.console import say
from controller.cli.output.exit_codes import Exit
from controller.cli.passes.passes import reach_of
from controller.cli.workspace.arguments import DEFAULT_PATH, usable
from controller.cli.workspace.loading import Work, outside, read_work
from controller.core.authoring.job_import import Draft, from_live, name_for, written_target
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Place, Problem, Source, Target
from controller.core.problems import Code
from controller.engine.apply import Outside
from controller.engine.fetch_jobs import Fetch, Fetched, Listing, claims, fetch, listed
from controller.ports import CloudError

_NAME_ROOM = 50
_ARN_TAIL = 12


@dataclass(frozen=True, slots=True)
class Imported:
    """The manifests that were made, and all that is to be told."""

    made: tuple[Made, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: int = 0
    failed: bool = False


def from_files(paths: Sequence[str], given: dict[str, Any]) -> Imported:
    """Return the manifests of requests; with any problem there are none, so that none is missed."""
    fleet, told = _fleet(given)
    problems: list[Problem] = list(told)
    notes: list[str] = []
    drafts: list[Made] = []
    for path in dict.fromkeys(paths):
        data = _data(path)
        if isinstance(data, Problem):
            problems.append(data)
            continue
        found = read_request(path, data, given["kind"], fleet)
        problems += found.problems
        notes += [f"{path}: {note}" for note in found.notes]
        if found.draft is not None:
            drafts.append(_made(found.draft, path, given, fleet))
            notes += [f"{path}: {note}" for note in found.draft.notes]
    problems += [problem for one in drafts for problem in one.problems]
    problems += _twins(drafts)
    problems += _taken(drafts, _folders(given), fleet)
    return Imported(() if problems else tuple(drafts), tuple(problems), tuple(notes))


def _data(path: str) -> bytes | Problem:
    if path == STDIN:
        data = sys.stdin.buffer.read(LARGEST + 1)
        hint = "give one request at a time"
        message = "stdin holds more than 1 MiB"
        too_large = Problem(Code.TOO_LARGE.code, message, Source(path), hint)
        return data if len(data) <= LARGEST else too_large
    if not Path(path).exists():
        raise click.UsageError(f"{path}: no such file; --live imports jobs by their names.")
    try:
        return content(path, anywhere())
    except UnfitFileError as error:
        return error.problem(path)


def _twins(drafts: Sequence[Made]) -> Iterable[Problem]:
    """Yield a problem for each request whose manifest another one has the name of."""
    origins: dict[JobKey, str] = {}
    for one in drafts:
        key = JobKey(one.draft.kind.name, one.draft.name)
        first = origins.setdefault(key, one.origin)
        if first != one.origin:
            message = f"{key} is made from {first} too"
            hint = "a job's name can be used once and never again; change one of them"
            code = Code.DUPLICATE_IDENTITY.code
            yield Problem(code, message, Source(one.origin), hint, key)


def _taken(drafts: Sequence[Made], folders: Sequence[Path], fleet: Fleet) -> Iterable[Problem]:
    """Yield a problem for each request whose manifest's name a manifest elsewhere has."""
    there = {entry.key: entry for entry in scan(folders, fleet, specs=False).entries}
    for one in drafts:
        key = JobKey(one.draft.kind.name, one.draft.name)
        other = there.get(key)
        if other and one.path and Path(other.path).resolve() != one.path.resolve():
            message = f"{key} is already in {other.place}"
            hint = "a job has one manifest; change that one, or rename the request's job"
            yield Problem(Code.DUPLICATE_IDENTITY.code, message, Source(one.origin), hint, key)


def from_jobs(names: Sequence[str], given: dict[str, Any]) -> Imported:
    """Return the manifests of live jobs; one that cannot be made stops no other."""
    fleet, told = _fleet(given)
    if told:
        return Imported(problems=told)
    work = _work(given, fleet)
    # The region that is asked for comes before the fleet's: it says where to look.
    target = replace(Target(region=given["region"]).over(fleet.target), account_id=None)
    with outside(work, reach_of(given)) as ports:
        try:
            return _from_jobs(names, given, work, ports, target)
        except CloudError as error:
            say(f"bedrock-jobs: {error.failure}")
            return Imported(failed=True)


def _from_jobs(
    names: Sequence[str], given: dict[str, Any], work: Work, ports: Outside, target: Target
) -> Imported:
    fleet = work.fleet
    place = ports.cloud.place(target)
    if fleet.target.account_id not in {None, place.account_id}:
        say(
            f"bedrock-jobs: the credentials act in {place}, but the fleet's file names account "
            f"{fleet.target.account_id}: use credentials of that account"
        )
        raise click.exceptions.Exit(Exit.UNSAFE)
    recorded = ports.ledger.read({job.key: job.source for job in work.desired})
    known = claims(KINDS, work.desired, recorded, place, fleet.owner)
    kinds = [KINDS[given["kind"]]] if given["kind"] else list(KINDS.values())
    listing = Listing(tuple((kind, name) for name in names for kind in kinds))
    if given["every"]:
        listing = listed(ports.cloud, target, kinds, known)
    with ThreadPoolExecutor(ports.width) as executor:
        found = fetch(ports.cloud, executor, target, listing.asked, known, named=not given["every"])
    drafts = _drafts(found, work, place, given)
    found = replace(found, failures=(*listing.failures, *found.failures))
    gathered = _gathered(found, drafts, str(place))
    return replace(gathered, skipped=gathered.skipped + listing.managed)


def _drafts(found: Fetch, work: Work, place: Place, given: dict[str, Any]) -> list[Made]:
    """Return each job's manifest, under a name that no other manifest has."""
    taken = {job.key.name for job in work.desired}
    target = written_target(place, work.fleet.target)
    drafts = []
    for job in found.jobs:
        name = _free_name(job, taken)
        taken.add(name)
        schema = shipped_schemas.shipped(job.kind.name)
        draft = from_live(job.kind, schema, job.live, job.tags, name, target)
        drafts.append(_made(draft, job.live.name, given, work.fleet))
    return drafts


def _free_name(job: Fetched, taken: set[str]) -> str:
    """Return a name that no other manifest has; the end of the ARN tells namesakes apart."""
    name = name_for(job.live.name)
    if name not in taken:
        return name
    return f"{name[:_NAME_ROOM].rstrip('-')}-{job.live.arn[-_ARN_TAIL:]}".lower()


def _gathered(found: Fetch, drafts: Sequence[Made], place: str) -> Imported:
    """Return what came of a fetch; what is only incomplete is written, to be completed."""
    notes = [f"bedrock-jobs: {name}: {failure}" for name, failure in found.failures]
    notes += [
        f"bedrock-jobs: there is no job {name} in {place}; --live --all takes every one"
        for name in found.missing
    ]
    notes += [f"{name}: left out, for {reason}" for name, reason in found.left_out]
    notes += [f"{job.live.name}: {note}" for job in found.jobs for note in job.notes]
    notes += [f"{one.origin}: {note}" for one in drafts for note in one.draft.notes]
    return Imported(
        made=tuple(one for one in drafts if one.draft.incomplete or not one.problems),
        problems=tuple(problem for one in drafts for problem in one.problems),
        notes=tuple(notes),
        skipped=len(found.left_out),
        failed=bool(found.failures or found.missing),
    )


def _fleet(given: dict[str, Any]) -> tuple[Fleet, tuple[Problem, ...]]:
    start = given["folder"] or DEFAULT_PATH
    return usable(lambda: load_fleet(given["config"], start))


def _work(given: dict[str, Any], fleet: Fleet) -> Work:
    """Return the manifests that there are already: those of jobs/, and of where new ones go."""
    paths = _folders(given)
    if not paths:
        return Work((), fleet, (), ())
    return read_work(paths, {**given, "selector": None})


def _folders(given: dict[str, Any]) -> list[Path]:
    return [path for path in (DEFAULT_PATH, given["folder"]) if path and path.exists()]


def _made(draft: Draft, origin: str, given: dict[str, Any], fleet: Fleet) -> Made:
    where = reference(draft.kind, given["folder"] or DEFAULT_PATH)
    return made(draft, origin, given["folder"], where, fleet)


def write(imported: Imported, *, force: bool) -> None:
    """Write each manifest into its file; raises click's errors before or at the first failure."""
    paths = [one.path for one in imported.made if one.path is not None]
    roots = {folder: root_of(folder) for folder in {path.parent for path in paths}}
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
