"""The format of a saved plan: what identifies each action, and no value of any spec.

Digests and hashes tell only whether something is the same as when the plan was made. A file is read
only by the release that wrote it, so what is hashed, and how, may change in any release.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from controller.core.fleet import Fleet
from controller.core.identity.tags import Retag, stamped
from controller.core.kinds.kind import Kind
from controller.core.model import (
    API_VERSION,
    Desired,
    JobKey,
    Place,
    Target,
)
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.policy import Policy

KIND = "PlanFile"
CHANGES = frozenset({Verb.SUBMIT, Verb.ADOPT, Verb.STOP, Verb.TAG})
"""The verbs that change something; the others leave everything as it is."""
_POLICY, _TARGET = (tuple(one.name for one in fields(kind)) for kind in (Policy, Target))


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a plan as given on the command line; None and False mean not given."""

    paths: tuple[str, ...]
    selector: str | None = None
    config: str | None = None
    prune: bool = False
    force: bool = False
    full: bool = False
    max_submits: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedRetag:
    """The correction of one resource's tags: keys to set and remove, and a hash of the values."""

    member: str
    arn: str
    put: tuple[str, ...]
    drop: tuple[str, ...]
    values: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One job's action, as far as it identifies what would be done, and to what.

    ``manifest`` is a hash of everything that the manifest and its defaults say, except comments;
    ``sends`` is one of the whole request, tags included, where no job exists yet. ``stops`` are the
    ARNs of the jobs to stop. An empty string means that there is no such value.
    """

    key: JobKey
    path: str
    verb: Verb
    reason: Reason
    job_name: str
    removed: bool = False
    manifest: str = ""
    attempt: int = 0
    revision: str = ""
    digest: str = ""
    token: str = ""
    sends: str = ""
    place: Place | None = None
    role: str = ""
    arn: str = ""
    status: str = ""
    stops: tuple[str, ...] = ()
    retags: tuple[PlannedRetag, ...] = ()

    @property
    def change(self) -> tuple[object, ...] | None:
        """What would be done, for comparison; None for an action that changes nothing.

        The reason is not part of it: a Create whose response was lost is sent again for another
        reason.
        """
        where = (self.verb, self.place, self.role)
        match self.verb:
            case Verb.SUBMIT:
                return (*where, self.job_name, self.token, self.sends)
            case Verb.ADOPT:
                return (*where, self.arn, self.token)
            case Verb.STOP:
                return (*where, self.stops)
            case Verb.TAG:
                return (*where, self.retags)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A whole plan and the conditions it was made under; ``refused`` is a safeguard's refusal."""

    version: str
    sandbox: bool
    owner: str
    max_active: int | None
    asked: Asked
    refused: str | None
    actions: tuple[Planned, ...]

    @property
    def changes(self) -> dict[JobKey, Planned]:
        """The actions that change something, by job key."""
        return {one.key: one for one in self.actions if one.change is not None}


def planned(
    kinds: Mapping[str, Kind], made: Plan, fleet: Fleet, paths: Mapping[str, str]
) -> tuple[Planned, ...]:
    """Return a plan's actions as they are saved; ``paths`` maps sources to displayed paths."""
    return tuple(
        _planned(kinds[one.desired.key.kind], one, fleet, paths[one.desired.source.path])
        for one in made.actions
    )


def _planned(kind: Kind, action: Action, fleet: Fleet, path: str) -> Planned:
    desired, made, live = action.desired, action.desired.submission, action.live
    is_due = made is not None and live is None
    return Planned(
        key=desired.key,
        path=path,
        verb=action.verb,
        reason=action.reason,
        job_name=desired.name,
        removed=desired.removed,
        manifest="" if desired.removed else _manifest(desired),
        attempt=made.attempt if made else 0,
        revision=made.revision if made else "",
        digest=made.digest if made else "",
        token=made.token if made else "",
        sends=hashed(stamped(kind, desired, made, fleet)) if made and is_due else "",
        place=action.place,
        role=desired.target.assume_role_arn or "",
        arn=live.arn if live else "",
        status=live.status if live else "",
        stops=tuple(sorted(one.arn for one in action.stops)),
        retags=tuple(sorted(map(_retag, action.retags), key=lambda one: one.arn)),
    )


def _manifest(desired: Desired) -> str:
    policy = [getattr(desired.policy, name) for name in _POLICY]
    target = [getattr(desired.target, name) for name in _TARGET]
    # Labels are included because a selector may depend on them.
    return hashed([desired.spec, policy, target, dict(desired.labels)])


def _retag(retag: Retag) -> PlannedRetag:
    # Values are hashed, because tags may hold names of people or customers.
    keys = tuple(sorted(retag.put))
    return PlannedRetag(retag.member, retag.arn, keys, tuple(retag.drop), hashed(retag.put))


def hashed(value: Any) -> str:
    """Return the SHA-256, in hex, of a value's JSON with sorted keys and no whitespace."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode()).hexdigest()


def document_of(file: PlanFile) -> dict[str, Any]:
    """Return a plan file as plain data; its ``checksum`` covers everything else."""
    asked = file.asked
    made: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "version": file.version,
        "sandbox": file.sandbox,
        "owner": file.owner,
        "limits": {"maxActive": file.max_active},
        "asked": {
            "paths": list(asked.paths),
            "selector": asked.selector,
            "config": asked.config,
            "prune": asked.prune,
            "force": asked.force,
            "full": asked.full,
            "maxSubmits": asked.max_submits,
        },
        "refused": file.refused,
        "actions": [_action_data(one) for one in file.actions],
    }
    return made | {"checksum": hashed(made)}


def _action_data(one: Planned) -> dict[str, Any]:
    """Return an action as plain data; empty values are left out."""
    place = one.place and {"accountId": one.place.account_id, "region": one.place.region}
    made: dict[str, Any] = {
        "kind": one.key.kind,
        "name": one.key.name,
        "verb": str(one.verb),
        "reason": str(one.reason),
        "path": one.path,
        "jobName": one.job_name,
        "removed": one.removed,
        "attempt": one.attempt,
        "revision": one.revision,
        "digest": one.digest,
        "token": one.token,
        "target": place,
        "assumeRoleArn": one.role,
        "jobArn": one.arn,
        "liveStatus": one.status,
        "manifest": one.manifest,
        "sends": one.sends,
        "stops": list(one.stops),
        "retags": [_retag_data(retag) for retag in one.retags],
    }
    # The schema of plan files requires these, even when empty.
    always = {"kind", "name", "verb", "reason", "path", "jobName"}
    return {name: value for name, value in made.items() if value or name in always}


def _retag_data(one: PlannedRetag) -> dict[str, Any]:
    keys = {"set": list(one.put), "remove": list(one.drop)}
    return {"member": one.member, "arn": one.arn, **keys, "values": one.values}


def is_whole(document: Mapping[str, Any]) -> bool:
    """Whether a document matches its checksum, which detects accidents, not forgery."""
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return document.get("checksum") == hashed(rest)


def plan_file_of(document: Mapping[str, Any]) -> PlanFile:
    """Return the plan file in a document that is valid by the schema of plan files."""
    asked = document["asked"]
    return PlanFile(
        version=document["version"],
        sandbox=document["sandbox"],
        owner=document["owner"],
        max_active=document["limits"]["maxActive"],
        asked=Asked(
            tuple(asked["paths"]),
            asked["selector"],
            asked["config"],
            asked["prune"],
            asked["force"],
            asked["full"],
            asked["maxSubmits"],
        ),
        refused=document["refused"],
        actions=tuple(map(_action_of, document["actions"])),
    )


def _action_of(data: Mapping[str, Any]) -> Planned:
    target = data.get("target")
    same = ("removed", "manifest", "attempt", "revision", "digest", "token", "sends")
    return Planned(
        JobKey(data["kind"], data["name"]),
        data["path"],
        Verb(data["verb"]),
        Reason(data["reason"]),
        data["jobName"],
        **{name: data[name] for name in same if name in data},
        place=Place(target["accountId"], target["region"]) if target else None,
        role=data.get("assumeRoleArn", ""),
        arn=data.get("jobArn", ""),
        status=data.get("liveStatus", ""),
        stops=tuple(data.get("stops", ())),
        retags=tuple(map(_retag_of, data.get("retags", ()))),
    )


def _retag_of(data: Mapping[str, Any]) -> PlannedRetag:
    put, drop = tuple(data["set"]), tuple(data["remove"])
    return PlannedRetag(data["member"], data["arn"], put, drop, data["values"])
