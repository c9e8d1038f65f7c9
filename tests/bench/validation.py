"""Row 4: `validate` against ajv-cli and check-jsonschema, on the same files and schema.

Most manifests of a tree are copies of each other, and ours reads those faster; what it takes where
no two are shaped alike is told as well.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.bench.results import Result, duration, faster
from tests.bench.timing import BIN, COMMAND, Contender, medians
from tests.bench.trees import KIND, grow

RIVALS = Path(__file__).parent / ".rivals"
AJV = RIVALS / "node_modules" / ".bin" / "ajv"
AJV_PACKAGE = "ajv-cli@5.0.0"
SCHEMA = Path(__file__).parents[2] / "schemas" / f"{KIND}.schema.json"
COUNT = 10_000


def rows(folder: Path, repeats: int, say: Callable[[str], None]) -> list[Result]:
    """Return our speed against each rival's; one that cannot be installed is left out, aloud."""
    jobs = grow(folder / "validated", COUNT)
    ours = Contender("bedrock-jobs validate", [COMMAND, "validate", "jobs"], jobs.parent)
    rivals = [(_check_jsonschema(jobs), 20.0)]
    if _install_ajv(say):
        rivals.insert(0, (_ajv(jobs), 1.5))
    say(f"validation of {COUNT:,} manifests, {repeats} rounds")
    mine, *theirs = medians([ours, *(rival for rival, _ in rivals)], repeats)
    found = [
        faster(f"`validate`, {COUNT:,} manifests", mine, (rival.name, seconds), bar)
        for (rival, bar), seconds in zip(rivals, theirs, strict=True)
    ]
    return [*found, _unlike(jobs, [ours, rivals[0][0]], repeats)]


def _unlike(jobs: Path, contenders: list[Contender], repeats: int) -> Result:
    """Return our speed against the fastest rival's once each file has a line of its own."""
    for path in jobs.iterdir():
        path.write_text(f"# The manifest {path.stem}.\n{path.read_text()}", encoding="utf-8")
    mine, theirs = medians(contenders, repeats)
    what = f"`validate`, {COUNT:,} manifests, no two shaped alike"
    shown = f"{contenders[1].name}: {duration(theirs)}"
    return Result(what, duration(mine), shown, f"{theirs / mine:.1f} x the speed", "none", True)


def _ajv(jobs: Path) -> Contender:
    command = [str(AJV), "validate", "--spec=draft7", "--strict=false"]
    return Contender(
        "ajv-cli", [*command, "-s", str(SCHEMA), "-d", f"{jobs.name}/*.yaml"], jobs.parent
    )


def _check_jsonschema(jobs: Path) -> Contender:
    files = [f"{jobs.name}/{path.name}" for path in sorted(jobs.iterdir())]
    command = [str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA)]
    return Contender("check-jsonschema", [*command, *files], jobs.parent)


def _install_ajv(say: Callable[[str], None]) -> bool:
    npm = shutil.which("npm")
    if npm is None:
        say("no npm: ajv-cli is left out")
        return False
    if not AJV.exists():
        say("installing ajv-cli")
        RIVALS.mkdir(exist_ok=True)
        quiet = ["--no-save", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(
            [npm, "install", *quiet, "--prefix", str(RIVALS), AJV_PACKAGE],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return True
