"""Large trees: what a verb takes of memory, and whether its time grows as the tree does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from controller.adapters.manifests.loader import load
from controller.adapters.sidecars.document import render_sidecar
from controller.adapters.sidecars.paths import get_sidecar_path
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import Manifest
from controller.sandbox.http.server import start_sandbox
from tests.bench.passes import settle, submitted
from tests.bench.results import Result, duration
from tests.bench.service import Service
from tests.bench.timing import COMMAND, Contender
from tests.bench.trees import KIND, MANIFEST, names
from tests.bench.weighing import Taken, weighed

SIZES = (1_000, 10_000, 100_000)
MOST_BYTES = 1_000_000_000
MOST_TIMES = 12.0
"""Ten times the manifests may take ten times as long, and a fifth of that for a busy machine."""
ROUNDS = 3
_FLEET = Fleet()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tree lies: documents to a file, and files to a folder."""

    name: str
    documents: int
    files: int


APART = Layout("each in a file of its own", 1, 500)
TOGETHER = Layout("100 to a file", 100, 20)
MEASURED = (
    ("reconcile", APART),
    ("plan", APART),
    ("validate", APART),
    ("reconcile", TOGETHER),
)


def rows(folder: Path, repeats: int, say: Callable[[str], None]) -> list[Result]:
    """Return a row for each verb and layout: memory of the largest tree, and time by size."""
    found: dict[tuple[str, Layout], list[list[Taken]]] = {one: [] for one in MEASURED}
    entry = settled_entry(folder / "template")
    for layout in (APART, TOGETHER):
        for size in SIZES:
            say(f"{size:,} manifests, {layout.name}")
            tree = grown(folder / f"{layout.documents}-{size}", size, layout, entry)
            verbs = [verb for verb, its in MEASURED if its is layout]
            rounds = 1 if size == SIZES[-1] else min(repeats, ROUNDS)
            for verb, taken in measured(tree, verbs, rounds).items():
                found[verb, layout].append(taken)
    return [_row(verb, layout, taken) for (verb, layout), taken in found.items()]


def grown(folder: Path, count: int, layout: Layout, entry: str) -> Path:
    """Write a tree of settled jobs with their sidecars, and return the folder around ``jobs/``."""
    texts = [MANIFEST.format(kind=KIND, number=number) for number in range(count)]
    for first in range(0, count, layout.documents):
        file = first // layout.documents
        team = folder / "jobs" / f"team-{file // layout.files:03d}"
        team.mkdir(parents=True, exist_ok=True)
        text = "---\n".join(texts[first : first + layout.documents])
        (team / f"m{file:05d}.yaml").write_text(text, encoding="utf-8")
    manifests = load([folder / "jobs"], _FLEET).manifests
    for path, beside in groupby(manifests, lambda one: one.source.path):
        jobs = {one.key.name: _entry(one, entry) for one in beside}
        Path(get_sidecar_path(path)).write_bytes(render_sidecar(jobs))
    return folder


def settled_entry(folder: Path) -> str:
    """Return what a pass records of the first job of a tree when it has ended, as JSON."""
    with submitted(folder, 1) as field:
        settle(field)
        (path,) = (field.folder / "jobs").glob("*.status.json")
    (entry,) = json.loads(path.read_bytes())["jobs"].values()
    return json.dumps(entry)


def _entry(manifest: Manifest, like: str) -> Mapping[str, Any]:
    """Return another job's entry as it would be, had it run like the first one."""
    (first,) = names(1)
    number = manifest.key.name.removeprefix(first.rstrip("0"))
    text = like.replace(first, manifest.key.name).replace("train-00000", f"train-{number}")
    made = build_desired(manifest, KINDS[KIND], _FLEET.owner, _FLEET.target).submission
    entry: dict[str, Any] = json.loads(text)
    if made is not None:
        entry |= {"digest": made.digest, "token": made.token}
        entry["live"]["clientRequestToken"] = made.token
    return entry


def measured(tree: Path, verbs: Sequence[str], rounds: int) -> dict[str, list[Taken]]:
    """Return what each run of some verbs takes, in turns.

    The sandbox knows the account and no job. Raises RuntimeError when it is asked for one.
    """
    with start_sandbox(tree / ".bedrock-jobs") as url:
        runs = {
            verb: Contender(verb, [COMMAND, verb, "jobs", *_connecting(verb, url)], tree)
            for verb in verbs
        }
        taken = [{verb: weighed(run) for verb, run in runs.items()} for _ in range(rounds)]
        if Service(url).calls()["bedrock"]:
            raise RuntimeError(f"{tree}: the tree is not settled")
    return {verb: [one[verb] for one in taken] for verb in verbs}


def _connecting(verb: str, url: str) -> list[str]:
    return [] if verb == "validate" else ["--endpoint-url", url]


def _row(verb: str, layout: Layout, taken: list[list[Taken]]) -> Result:
    seconds = [median(one.seconds for one in rounds) for rounds in taken]
    before, last = (median(one.processor for one in rounds) for rounds in taken[-2:])
    memory, times = max(one.memory for one in taken[-1]), last / before
    sizes = " / ".join(f"{size:,}" for size in SIZES)
    return Result(
        f"whole `{verb}`, {sizes} settled manifests, {layout.name}",
        " / ".join(map(duration, seconds)),
        "none",
        f"{times:.1f} x the processor time for ten times as many, {memory / 1e6:.0f} MB",
        f"≤ {MOST_TIMES:g} x, ≤ {MOST_BYTES / 1e6:.0f} MB",
        times <= MOST_TIMES and memory <= MOST_BYTES,
    )
