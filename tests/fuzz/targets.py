"""What is fuzzed: each target has a file of ours, reads its folder as we do, and checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import load
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from controller.ports import LedgerError
from tests.fuzz.inputs import FLEET, MANIFEST, SIDECAR

MEBIBYTE = 1 << 20
MOST_SECONDS = 1.0
MOST_BYTES = 200 * MEBIBYTE
STEM = "support-bot"


def manifest(folder: Path) -> float:
    """A manifest's file gives manifests and problems; the invalid ones carry theirs."""
    began = time.process_time()

    tree = load([folder])

    took = time.process_time() - began
    assert all(problem.source.path.endswith(f"{STEM}.yaml") for problem in tree.problems)
    assert all((one.spec is None) == bool(one.problems) for one in tree.manifests)
    return took


def defaults(folder: Path) -> float:
    """Whatever the defaults of a folder hold, its manifests are valid or say why not."""
    began = time.process_time()

    tree = load([folder])

    took = time.process_time() - began
    assert len(tree.manifests) == 1
    assert (tree.manifests[0].spec is None) == bool(tree.problems)
    return took


def fleet(folder: Path) -> float:
    """A fleet's file gives rules or problems; with problems there is no owner to act as."""
    began = time.process_time()

    rules, problems = load_fleet(None, folder)
    tree = load([folder], rules)

    took = time.process_time() - began
    assert not problems or rules.owner == ""
    assert len(tree.manifests) == 1
    return took


def sidecar(folder: Path) -> float:
    """A sidecar gives what can be trusted of it; one in doubt is replaced only by a rebuild."""
    key, source = JobKey(next(iter(KINDS)), STEM), Source(str(folder / f"{STEM}.yaml"))
    ledger, entry = SidecarLedger([folder], KINDS), {"kind": key.kind, "phase": "Pending"}
    began = time.process_time()

    known = ledger.read({key: source}).get(key)
    (written,) = ledger.write_all([(source, key, entry)])
    if isinstance(written, LedgerError):
        if known is None or known.doubt is None:
            # Written with the indentation that we use, its other entries would not fit.
            assert "would be larger" in str(written)
            return time.process_time() - began
        ledger.allow_rebuild()
        ledger.write(source, key, entry)

    took = time.process_time() - began
    assert ledger.read({key: source})[key].phase == "Pending"
    return took


@dataclass(frozen=True, slots=True)
class Target:
    """One file that may hold any bytes: its name, what it should hold, and who reads it.

    ``read`` takes the folder and returns how many seconds of the processor the reading took, for
    others use it too; what does not hold is an AssertionError.
    """

    file: str
    sound: bytes
    read: Callable[[Path], float]

    def fill(self, folder: Path, content: bytes) -> None:
        """Put a sound manifest into a folder, and any bytes into the target's file."""
        (folder / f"{STEM}.yaml").write_bytes(MANIFEST)
        (folder / self.file).write_bytes(content)


TARGETS: Mapping[str, Target] = {
    "manifest": Target(f"{STEM}.yaml", MANIFEST, manifest),
    "defaults": Target("_defaults.yaml", MANIFEST, defaults),
    "fleet": Target("bedrock-jobs.yaml", FLEET, fleet),
    "sidecar": Target(f"{STEM}.status.json", SIDECAR, sidecar),
}
"""Every target by its name."""
