"""One of a daemon's batches as a command: some jobs by name, of all that its tree asks for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.adapters.host.clock import SystemClock
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.commands.watch import command
from controller.cli.watch.tree_reader import ManifestReader
from controller.core.kinds.registry import KINDS
from controller.core.planning.claims import TreeScope
from controller.core.sharding import Shard
from controller.engine.apply import PassContext
from controller.engine.reconcile import Mode, PassScope, reconcile

BATCH = "batch"
"""The word that comes first in the arguments; those after it name the jobs, ``--`` the options."""


def main() -> None:
    """Read the tree as a daemon does, and make one pass over the jobs that are named."""
    at = sys.argv.index("--")
    _make(sys.argv[2:at], sys.argv[at + 1 :])


def _make(names: Sequence[str], options: Sequence[str]) -> None:
    given = command.make_context("watch", list(options)).params
    paths = (Path("jobs"),)
    reading = ManifestReader(paths, given, Shard())
    intake = reading.read()
    desired = [job for key, job in intake.desired.items() if key.name in names]
    connection = Connection(region=os.environ["AWS_REGION"])
    around = TreeScope(reading.read_others, reading.is_narrow)
    outside = PassContext(
        KINDS, Bedrock(connection), SidecarLedger(paths, KINDS), SystemClock(), tree=around
    )
    if not intake.broken and not intake.unsettled:
        reconcile(
            desired, outside, intake.fleet, Mode.APPLY, PassScope(is_partial=True, identifies=True)
        )
