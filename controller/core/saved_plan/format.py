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
from controller.core.identity.tags import Retag, add_stamp_tags
from controller.core.kinds.kind import Kind
from controller.core.model import (
    API_VERSION,
    DesiredJob,
    JobKey,
    Place,
    Target,
)
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.policy import Policy

KIND = "PlanFile"
CHANGING_VERBS = frozenset({Verb.SUBMIT, Verb.ADOPT, Verb.STOP, Verb.TAG})
"""The verbs that change something; the others leave everything as it is."""
_POLICY, _TARGET = (tuple(one.name for one in fields(kind)) for kind in (Policy, Target))


@dataclass(frozen=True, slots=True)
class PlanArguments:
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
class PlannedAction:
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
    arguments: PlanArguments
    refused: str | None
    actions: tuple[PlannedAction, ...]

    @property
    def changes(self) -> dict[JobKey, PlannedAction]:
        """The actions that change something, by job key."""
        return {one.key: one for one in self.actions if one.change is not None}


def describe_actions(
    kinds: Mapping[str, Kind], plan: Plan, fleet: Fleet, paths: Mapping[str, str]
) -> tuple[PlannedAction, ...]:
    """Return a plan's actions as they are saved; ``paths`` maps sources to displayed paths."""
    return tuple(
        _describe_action(kinds[one.desired.key.kind], one, fleet, paths[one.desired.source.path])
        for one in plan.actions
    )


def _describe_action(kind: Kind, action: Action, fleet: Fleet, path: str) -> PlannedAction:
    desired, made, live = action.desired, action.desired.submission, action.live
    # Once the job exists, its request cannot change any more.
    is_due = made is not None and live is None
    return PlannedAction(
        key=desired.key,
        path=path,
        verb=action.verb,
        reason=action.reason,
        job_name=desired.name,
        removed=desired.removed,
        manifest="" if desired.removed else _hash_manifest(desired),
        attempt=made.attempt if made else 0,
        revision=made.revision if made else "",
        digest=made.digest if made else "",
        token=made.token if made else "",
        sends=hash_value(add_stamp_tags(kind, desired, made, fleet)) if made and is_due else "",
        place=action.place,
        role=desired.target.assume_role_arn or "",
        arn=live.arn if live else "",
        status=live.status if live else "",
        # Sorted, so that the order in which jobs were observed makes no difference.
        stops=tuple(sorted(one.arn for one in action.stops)),
        retags=tuple(sorted(map(_describe_retag, action.retags), key=lambda one: one.arn)),
    )


def _hash_manifest(desired: DesiredJob) -> str:
    policy = [getattr(desired.policy, name) for name in _POLICY]
    target = [getattr(desired.target, name) for name in _TARGET]
    # Labels are included because a selector may depend on them.
    return hash_value([desired.spec, policy, target, dict(desired.labels)])


def _describe_retag(retag: Retag) -> PlannedRetag:
    # Values are hashed, because tags may hold names of people or customers.
    keys = tuple(sorted(retag.put))
    return PlannedRetag(retag.member, retag.arn, keys, tuple(retag.drop), hash_value(retag.put))


def hash_value(value: Any) -> str:
    """Return the SHA-256, in hex, of a value's JSON with sorted keys and no whitespace."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode()).hexdigest()


def dump_plan_file(file: PlanFile) -> dict[str, Any]:
    """Return a plan file as plain data; its ``checksum`` covers everything else."""
    asked = file.arguments
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
        "actions": [_dump_action(one) for one in file.actions],
    }
    return made | {"checksum": hash_value(made)}


def _dump_action(one: PlannedAction) -> dict[str, Any]:
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
        "retags": [_dump_retag(retag) for retag in one.retags],
    }
    # The schema of plan files requires these, even when empty.
    always = {"kind", "name", "verb", "reason", "path", "jobName"}
    return {name: value for name, value in made.items() if value or name in always}


def _dump_retag(one: PlannedRetag) -> dict[str, Any]:
    keys = {"set": list(one.put), "remove": list(one.drop)}
    return {"member": one.member, "arn": one.arn, **keys, "values": one.values}


def is_intact(document: Mapping[str, Any]) -> bool:
    """Whether a document matches its checksum, which detects accidents, not forgery."""
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return document.get("checksum") == hash_value(rest)


def parse_plan_file(document: Mapping[str, Any]) -> PlanFile:
    """Return the plan file in a document that is valid by the schema of plan files."""
    asked = document["asked"]
    return PlanFile(
        version=document["version"],
        sandbox=document["sandbox"],
        owner=document["owner"],
        max_active=document["limits"]["maxActive"],
        arguments=PlanArguments(
            tuple(asked["paths"]),
            asked["selector"],
            asked["config"],
            asked["prune"],
            asked["force"],
            asked["full"],
            asked["maxSubmits"],
        ),
        refused=document["refused"],
        actions=tuple(map(_parse_action, document["actions"])),
    )


def _parse_action(data: Mapping[str, Any]) -> PlannedAction:
    target = data.get("target")
    same = ("removed", "manifest", "attempt", "revision", "digest", "token", "sends")
    return PlannedAction(
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
        retags=tuple(map(_parse_retag, data.get("retags", ()))),
    )


def _parse_retag(data: Mapping[str, Any]) -> PlannedRetag:
    put, drop = tuple(data["set"]), tuple(data["remove"])
    return PlannedRetag(data["member"], data["arn"], put, drop, data["values"])
