"""``python -m tests.mutation``: breaks each load-bearing line in a copy, and runs the tests there.

Ends with 1 when a mutant lives, that is, when the tests do not notice that it is broken. A copy
in which nothing was changed must pass first, or a caught mutant would show nothing. The tests that
caught a mutant last time, which ``--record`` writes down, are tried first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
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
    mutants_of_watched_files,
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
    "tests/adapters/manifests/test_unread_files.py",
    "tests/e2e/test_stopping_is_never_barred.py",
    "tests/daemon/test_daemon.py",
    "tests/git/test_races.py",
    "tests/git/test_hooks.py",
    "tests/git/test_checkouts.py",
    "tests/checkout",
    "tests/adapters/http/test_probes.py",
    "tests/adapters/watch/test_file_events.py",
    "tests/adapters/watch/test_tree_watcher.py",
    "tests/adapters/watch/test_tree_watcher_anew.py",
    "tests/adapters/watch/test_tree_watcher_polls.py",
    "tests/git/test_git.py",
    "tests/cli/watch/test_stable_reader.py",
    "tests/cli/watch/test_ledger.py",
    "tests/adapters/git/test_sync_thread.py",
    "tests/adapters/http/test_webhooks.py",
    "tests/e2e/test_settled.py",
    "tests/e2e/test_slots.py",
    "tests/e2e/test_targets.py",
    "tests/e2e/test_prune_unread.py",
    "tests/e2e/test_json_manifests.py",
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
    *mutants_of_watched_files.MUTANTS,
)
KILLERS = Path(__file__).with_name("killers.txt")
"""For each mutant, the file of the test that caught it last time."""
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


def killer(mutant: Mutant, known: Mapping[str, str]) -> str | None:
    """Return the test that notices a mutant, or None when all pass."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broken_copy(mutant, folder)
        likely = known.get(mutant.name, "")
        found = failed_test(folder, [likely]) if (folder / likely).is_file() else None
        return found or failed_test(folder, ROOMS)


def failed_test(folder: Path, tests: Sequence[str]) -> str | None:
    """Return the first test of a copy that fails, or None when all pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=DEADLINE
    )
    if done.returncode == 0:
        return None
    failed = [
        line
        for line in done.stdout.splitlines()
        if line.startswith(("FAILED tests", "ERROR tests"))
    ]
    return failed[0].split(" - ")[0] if failed else f"exit code {done.returncode}"


def known_killers() -> dict[str, str]:
    """Return the file of the test that caught each mutant last time, as far as it is known."""
    lines = KILLERS.read_text("utf-8").splitlines() if KILLERS.exists() else ()
    return dict(line.split("\t", 1) for line in lines)


def record_killers(found: Mapping[str, str]) -> None:
    """Write down which test files caught mutants; what is known of others stays."""
    names = {mutant.name for mutant in MUTANTS}
    known = {name: file for name, file in {**known_killers(), **found}.items() if name in names}
    KILLERS.write_text("".join(f"{name}\t{known[name]}\n" for name in sorted(known)), "utf-8")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Try every mutant whose name holds one of the words, or all, and print a table."""
    wanted = [word for word in arguments if word != "--record"]
    chosen = [one for one in MUTANTS if not wanted or any(word in one.name for word in wanted)]
    began, known = time.monotonic(), known_killers()
    sound = killer(UNBROKEN, known)
    if sound is not None:
        say(f"the tests fail on a copy that nothing was changed in: {sound}")
        return 1
    killers: dict[str, str | None] = {}
    with ThreadPoolExecutor(WORKERS) as executor:
        results = executor.map(lambda mutant: killer(mutant, known), chosen)
        for mutant, found in zip(chosen, results, strict=True):
            say(f"{'caught' if found else 'LIVES ':6}  {mutant.name:45}  {found or ''}")
            killers[mutant.name] = found
    if "--record" in arguments:
        files = {name: _file_of(found) for name, found in killers.items() if found}
        record_killers({name: file for name, file in files.items() if file})
    lives = list(killers.values()).count(None)
    say(f"{len(chosen)} mutants, {len(chosen) - lives} caught, {time.monotonic() - began:.0f} s")
    return 1 if lives else 0


def _file_of(killer: str) -> str:
    """Return the file of a test that pytest names as failed."""
    return killer.partition(" ")[2].partition("::")[0].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
