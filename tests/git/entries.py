"""Sidecars' entries as passes record them, and recording them where no service is a point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Source
from tests.support.manifests import ACCOUNT, KIND, REGION

ENDED = frozenset({"Completed", "Failed", "Stopped"})


def at(minute: int) -> str:
    """Return a time as the service shows it."""
    return f"2026-01-02T{minute // 60:02}:{minute % 60:02}:00.000Z"


def arn_of(name: str, number: int = 0) -> str:
    """Return the ARN of a manifest's job; ``number`` tells its further jobs apart."""
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/{name}/{number:012}"


def entry(
    name: str, phase: str = "InProgress", minute: int = 0, *, number: int = 0, **more: Any
) -> dict[str, Any]:
    """Return the entry of a job that was made at its number's hour and changed at a minute."""
    made, changed = at(60 * number), at(60 * number + minute)
    token = f"bj1-e3b0c442-{number:064x}"
    live = {"jobArn": arn_of(name, number), "jobName": name, "status": phase}
    live |= {"clientRequestToken": token, "creationTime": made, "lastModifiedTime": changed}
    live |= {"endTime": changed} if phase in ENDED else {}
    return {
        "kind": KIND,
        "phase": phase,
        "digest": f"{number:064x}",
        "token": token,
        "attempt": 0,
        "target": {"accountId": ACCOUNT, "region": REGION},
        "jobArn": arn_of(name, number),
        "conditions": [_synced(phase)],
        "live": live,
        "history": [],
        **more,
    }


def intent(name: str, *, number: int = 0) -> dict[str, Any]:
    """Return the entry that stands before Create has an answer."""
    made = entry(name, "Submitting", number=number)
    made["conditions"] = [_synced("IntentUnconfirmed")]
    return {key: value for key, value in made.items() if key not in {"live", "jobArn"}}


def item(name: str, number: int) -> dict[str, Any]:
    """Return how an earlier job stands in a history."""
    made = {"attempt": 0, "digest": f"{number:064x}", "jobName": name}
    return made | {"jobArn": arn_of(name, number), "phase": "Completed"}


def record(jobs: Path, name: str, made: dict[str, Any], file: str = "") -> None:
    """Write an entry into its sidecar, as a pass does."""
    ledger = SidecarLedger([jobs], KINDS)
    ledger.write(Source(str(jobs / f"{file or name}.yaml")), JobKey(KIND, name), made)


def _synced(reason: str) -> dict[str, str]:
    return {"type": "Synced", "status": "True", "reason": reason, "message": reason}
