"""Loading a tree and connecting to AWS, which most commands begin with."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from controller.adapters.aws.connection import Connection
from controller.adapters.aws.deferred import create_deferred_cloud
from controller.adapters.host.clock import SystemClock
from controller.adapters.manifests.loader import load
from controller.adapters.sidecars.paths import get_sidecar_path
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.workspace.arguments import convert_errors, parse_arguments
from controller.cli.workspace.coverage import (
    check_file_names,
    check_whole_folders,
    compute_coverage,
)
from controller.cli.workspace.whole_tree import is_narrow, list_ledger_roots, read_other_manifests
from controller.core.documents.file_names import is_defaults
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, Manifest, Problem
from controller.core.planning.claims import TreeManifests, TreeScope
from controller.core.severity import apply_strict, filter_errors
from controller.engine.apply import PassContext
from controller.engine.garbage import Coverage
from controller.ports import Cloud

SANDBOX_FOLDER = Path(".bedrock-jobs")
# The sandbox accepts every region; ``init`` has the same default.
SANDBOX_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The selected manifests with their fleet, and the problems of both, warnings included.

    ``coverage`` says which jobs have no manifest any more, if that is known. ``others`` reads the
    whole tree; ``is_narrow`` says that the selection is a part of it. ``roots`` are the folders
    that may contain their entries.
    """

    paths: tuple[Path, ...]
    fleet: Fleet
    desired: tuple[DesiredJob, ...]
    problems: tuple[Problem, ...]
    coverage: Coverage | None = None
    roots: tuple[Path, ...] = ()
    others: Callable[[], TreeManifests] = TreeManifests
    is_narrow: bool = False

    @property
    def is_invalid(self) -> bool:
        """Whether any problem is an error."""
        return bool(filter_errors(self.problems))


def load_workspace(paths: Sequence[Path], given: dict[str, Any]) -> Workspace:
    """Read the manifests under some paths, and their fleet's file.

    Raises usage errors for arguments that do not fit together. With a broken fleet file no manifest
    is desired, because its rules are unknown.
    """
    wanted = parse_arguments(paths, given)
    check_whole_folders(wanted, given)
    check_file_names(wanted.paths)
    tree = convert_errors(
        lambda: load(wanted.paths, wanted.fleet, partial(_import_client_early, given))
    )
    tree = apply_strict(tree) if given.get("strict") else tree
    chosen = [one for one in tree.manifests if wanted.selector.is_match(one.labels)]
    fleet = set_max_submits(wanted.fleet, given.get("max_submits"))
    top = str(wanted.top.absolute()) if fleet.stamp_tags else ""
    desired = tuple(derive_desired(manifest, fleet, top) for manifest in chosen)
    # Problems of manifests that the selector excludes are not reported.
    left_out = {one.key for one in tree.manifests} - {one.key for one in chosen}
    # Both may have problems of the fleet file, which are reported once.
    found = dict.fromkeys((*wanted.problems, *tree.problems))
    reported = tuple(problem for problem in found if problem.key not in left_out)
    known = () if filter_errors(wanted.problems) else desired
    return Workspace(
        wanted.paths,
        fleet,
        known,
        reported,
        compute_coverage(wanted, tree),
        list_ledger_roots(wanted),
        partial(read_other_manifests, wanted, tree),
        is_narrow(wanted),
    )


def _import_client_early(given: Mapping[str, Any], files: Sequence[str]) -> None:
    """Import the AWS client early if a manifest without a sidecar will need a call.

    The import takes as long as other processes take to read a large tree; a settled tree needs
    no client.
    """
    manifests = (one for one in files if not is_defaults(Path(one).name))
    # Only commands with connection options can call AWS.
    if "endpoint_url" in given and not all(map(os.path.exists, map(get_sidecar_path, manifests))):
        importlib.import_module("controller.adapters.aws.bedrock")


def derive_desired(manifest: Manifest, fleet: Fleet, top: str) -> DesiredJob:
    """Return the desired job of a manifest; its path in the fleet only if that is sent."""
    path = Path(os.path.relpath(manifest.source.path, top)).as_posix() if top else ""
    kind = KINDS[manifest.key.kind]
    return build_desired(manifest, kind, fleet.owner, fleet.target, path=path)


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How to connect: the AWS options, or the sandbox."""

    options: Mapping[str, Any]
    sandbox: bool
    speed: float


@contextmanager
def open_ports(work: Workspace, reach: ConnectionOptions) -> Iterator[PassContext]:
    """Yield the ports of a pass over these manifests; a sandbox runs until the context ends."""
    with open_connection(reach) as connection:
        ledger = SidecarLedger(work.roots, KINDS)
        cloud = create_deferred_cloud(lambda: _create_bedrock(connection))
        around = TreeScope(work.others, work.is_narrow)
        yield PassContext(KINDS, cloud, ledger, SystemClock(), tree=around)


def _create_bedrock(connection: Connection) -> Cloud:
    """Return the AWS cloud; its client takes longer to import than a settled tree to read."""
    from controller.adapters.aws.bedrock import Bedrock

    return Bedrock(connection)


@contextmanager
def open_connection(reach: ConnectionOptions) -> Iterator[Connection]:
    """Yield the connection to AWS, or to a sandbox that runs until the context ends."""
    if not reach.sandbox:
        yield _build_connection(reach.options)
        return
    from controller.sandbox.http.server import start_sandbox
    from controller.sandbox.state.store import StoreUnusableError

    with ExitStack() as stack:
        try:
            endpoint = stack.enter_context(start_sandbox(SANDBOX_FOLDER, speed=reach.speed))
        except StoreUnusableError as error:
            raise click.ClickException(f"--sandbox: {error}") from None
        # A profile could bring the role or the region of a real account.
        given = {**reach.options, "endpoint_url": endpoint, "profile": None}
        given["region"] = given.get("region") or SANDBOX_REGION
        # The sandbox accepts any credentials, so none are looked up.
        yield _build_connection(given, static=True)


def _build_connection(options: Mapping[str, Any], *, static: bool = False) -> Connection:
    seconds = {
        name: options[option]
        for name, option in (
            ("read_timeout", "cli_read_timeout"),
            ("connect_timeout", "cli_connect_timeout"),
        )
        if options.get(option) is not None
    }
    return Connection(
        region=options.get("region"),
        profile=options.get("profile"),
        endpoint_url=options.get("endpoint_url"),
        ca_bundle=options.get("ca_bundle"),
        verify_ssl=not options.get("no_verify_ssl"),
        sign=not options.get("no_sign_request"),
        any_credentials=static,
        **seconds,
    )


def set_max_submits(fleet: Fleet, max_submits: int | None) -> Fleet:
    """Return a fleet with the submit limit of the command line, if set."""
    if max_submits is None:
        return fleet
    return replace(fleet, limits=replace(fleet.limits, max_submits=max_submits))
