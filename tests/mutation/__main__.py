"""``python -m tests.mutation``: breaks each load-bearing line in a copy, and runs the tests there.

Ends with 1 when a mutant lives, that is, when the tests do not notice that it is broken. A copy
in which nothing was changed must pass first, or a caught mutant would show nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation import (
    mutants_of_clones,
    mutants_of_flushes,
    mutants_of_idle,
    mutants_of_layout,
    mutants_of_plans,
    mutants_of_records,
    mutants_of_rules,
    mutants_of_slots,
    mutants_of_trees,
)
from tests.mutation.mutants import MUTANTS as MUTANTS_OF_ALL_ELSE
from tests.mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("controller", "tests", "schemas", "jobs", "docs", "pyproject.toml", "bedrock-jobs.yaml")
# The cheapest rooms first: most mutants die there. Houses and docs would notice any edit at all.
ROOMS = (
    "tests/core",
    "tests/contract",
    "tests/machine",
    "tests/adapters/aws/test_bedrock.py",
    "tests/adapters/aws/test_bedrock_lost.py",
    "tests/adapters/aws/test_wire_answers.py",
    "tests/adapters/host/test_tree_files.py",
    "tests/adapters/host/test_tree_writes.py",
    "tests/adapters/test_tree_flushes.py",
    "tests/adapters/host/test_file_stamp.py",
    "tests/sandbox/state/test_store.py",
    "tests/adapters/sidecars/test_store.py",
    "tests/adapters/sidecars/test_store_again.py",
    "tests/adapters/sidecars/test_store_atomic.py",
    "tests/adapters/sidecars/test_store_flushed.py",
    "tests/adapters/sidecars/test_shared_folders.py",
    "tests/adapters/manifests/test_missing_files.py",
    "tests/e2e/test_stopping_is_never_barred.py",
    "tests/daemon/test_daemon.py",
    "tests/git/test_races.py",
    "tests/git/test_hooks.py",
    "tests/git/test_checkouts.py",
    "tests/checkout",
    "tests/adapters/http/test_probes.py",
    "tests/adapters/watch/test_tree_watcher_anew.py",
    "tests/git/test_git.py",
    "tests/cli/watch/test_stable_reader.py",
    "tests/cli/watch/test_ledger.py",
    "tests/adapters/git/test_sync_thread.py",
    "tests/adapters/http/test_webhooks.py",
    "tests/e2e/test_settled.py",
    "tests/e2e/test_slots.py",
    "tests/e2e/test_targets.py",
    "tests/e2e/test_prune_unread.py",
    "tests/adapters/host/test_tree_bounds.py",
    "tests/adapters/manifests/test_fleet_file.py",
    "tests/adapters/manifests/test_loader.py",
    "tests/adapters/manifests/test_loader_defaults.py",
    "tests/cli/watch/test_tree_reader.py",
    "tests/e2e/test_lost_answers.py",
    "tests/chaos/test_power.py",
)
MUTANTS = (
    *MUTANTS_OF_ALL_ELSE,
    *mutants_of_clones.MUTANTS,
    *mutants_of_flushes.MUTANTS,
    *mutants_of_idle.MUTANTS,
    *mutants_of_layout.MUTANTS,
    *mutants_of_plans.MUTANTS,
    *mutants_of_records.MUTANTS,
    *mutants_of_rules.MUTANTS,
    *mutants_of_slots.MUTANTS,
    *mutants_of_trees.MUTANTS,
)
UNBROKEN = Mutant("nothing", "pyproject.toml", "", "")
WORKERS = 2
DEADLINE = 600


def broken_copy(mutant: Mutant, folder: Path) -> None:
    """Copy the project into a folder, with the mutant's change made."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    path = folder / mutant.path
    text = path.read_text(encoding="utf-8")
    changed = text.replace(mutant.before, mutant.after) if mutant.before else text
    path.write_text(changed, encoding="utf-8")


def killer(mutant: Mutant) -> str | None:
    """Return the test that notices a mutant, or None when all pass."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broken_copy(mutant, folder)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *ROOMS]
        env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=DEADLINE
        )
    if done.returncode == 0:
        return None
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0] if failed else f"exit code {done.returncode}"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(wanted: Sequence[str]) -> int:
    """Try every mutant whose name holds one of the words, or all, and print a table."""
    chosen = [one for one in MUTANTS if not wanted or any(word in one.name for word in wanted)]
    began = time.monotonic()
    sound = killer(UNBROKEN)
    if sound is not None:
        say(f"the tests fail on a copy that nothing was changed in: {sound}")
        return 1
    killers: list[str | None] = []
    with ThreadPoolExecutor(WORKERS) as executor:
        for mutant, found in zip(chosen, executor.map(killer, chosen), strict=True):
            say(f"{'caught' if found else 'LIVES ':6}  {mutant.name:45}  {found or ''}")
            killers.append(found)
    lives = killers.count(None)
    caught = len(chosen) - lives
    say(f"{len(chosen)} mutants, {caught} caught, {time.monotonic() - began:.0f} s")
    return 1 if lives else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
