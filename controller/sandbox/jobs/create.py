"""What Create derives from a request: the job's immutable members and its timeline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from controller.core.kinds.kind import Kind, Simulation
from controller.sandbox.jobs import arns
from controller.sandbox.jobs.base_models import BaseModel
from controller.sandbox.jobs.behaviour import Behaviour
from controller.sandbox.jobs.job_failures import find_failure
from controller.sandbox.jobs.jobs import Job
from controller.sandbox.jobs.timeline import Timeline
from controller.sandbox.state.caller import Caller


def build_job(
    kind: Kind,
    simulation: Simulation,
    request: Mapping[str, Any],
    model: BaseModel,
    caller: Caller,
    timeline: Timeline,
    namesakes: int,
) -> Job:
    """Return the job that a request creates, not yet stored; jobs of equal names differ in ARN."""
    name = str(request[kind.name_member])
    # Without namesakes the ARN does not depend on their number, so it is reproducible.
    unique = f"{kind.name}/{name}" + (f"/{namesakes}" if namesakes else "")
    job_arn = arns.build_resource_arn(caller, kind.resource, model.identifier, unique)
    return Job(
        number=0,
        kind=kind.name,
        name=name,
        arn=job_arn,
        product_arn=arns.build_resource_arn(caller, simulation.product, model.identifier, unique),
        model=model.identifier,
        timeline=timeline,
        digest=compute_digest(kind, request),
        members=json.dumps(
            {kind.arn_member: job_arn, **_derive_members(kind, simulation, request, model, caller)}
        ),
    )


def compute_digest(kind: Kind, request: Mapping[str, Any]) -> str:
    """Return a hash of the request without its token."""
    parameters = {name: value for name, value in request.items() if name != kind.token_member}
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


def plan_timeline(
    kind: Kind,
    simulation: Simulation,
    request: Mapping[str, Any],
    behaviour: Behaviour,
    *,
    now: int,
    starts: int,
) -> Timeline:
    """Return the timeline of a new job; its duration depends on its name only."""
    name = str(request[kind.name_member])
    # A hash instead of a random number: runs are reproducible, and so are retries of a test.
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    factor = 1 + behaviour.deviation * (2 * share - 1)
    length = round(behaviour.life_seconds * factor * 1000)
    failure = find_failure(name, request.get(simulation.data_member), behaviour)
    lasts = length if failure is None else round(length * behaviour.failing_part)
    return Timeline(now, length, starts + lasts, failure, starts=starts)


def _derive_members(
    kind: Kind,
    simulation: Simulation,
    request: Mapping[str, Any],
    model: BaseModel,
    caller: Caller,
) -> dict[str, Any]:
    """Return the request's members as Get and List show them, including defaults."""
    shown = {name: value for name, value in request.items() if name not in kind.tag_members}
    training = shown.setdefault(simulation.type_member, simulation.type_default)
    # Only some types of training have hyperparameters with defaults.
    defaults = model.defaults if training in simulation.settled_types else {}
    settings = request.get(simulation.settings_member, {})
    shown[simulation.settings_member] = dict(sorted({**defaults, **settings}.items()))
    for member, echo in kind.echoes.items():
        if member in request:
            shown[echo] = request[member]
    # The service resolves identifiers: it shows an ARN, whatever was sent.
    shown[kind.echoes[simulation.model_member]] = arns.build_model_arn(caller, model.identifier)
    if kind.kms_member and kind.kms_member in request:
        shown[kind.echoes[kind.kms_member]] = arns.resolve_key_arn(caller, request[kind.kms_member])
    return shown
