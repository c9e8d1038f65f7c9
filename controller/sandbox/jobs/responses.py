"""A job as shown by Get and List at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from controller.core.kinds.kind import Kind, Simulation
from controller.sandbox.jobs.jobs import Job
from controller.sandbox.jobs.timeline import Stage, list_stages
from controller.sandbox.state.sim_clock import format_moment


def describe_job(job: Job, kind: Kind, simulation: Simulation, now: int) -> dict[str, Any]:
    """Return all members of a job at a moment; Get and List show those of their shapes."""
    timeline = job.timeline
    fixed = job.load_members()
    status = timeline.get_status(kind, now)
    shown = fixed | {
        kind.status_member: status,
        kind.created_member: format_moment(timeline.created),
        kind.modified_member: format_moment(timeline.get_modified_time(now)),
        simulation.stages_member: _describe_stages(job, kind, simulation, now),
        simulation.validation_metric[0]: [],
    }
    ended = timeline.get_end_time(now)
    if ended is not None:
        shown[kind.ended_member] = format_moment(ended)
    if status in kind.failed:
        shown[kind.failure_member] = timeline.failure
    if status in kind.succeeded:
        shown |= _describe_results(job, simulation, fixed)
    return shown


def _describe_stages(job: Job, kind: Kind, simulation: Simulation, now: int) -> dict[str, Any]:
    names = simulation.stages
    found = list_stages(job.timeline, kind, len(names), now)
    return {name: _describe_stage(stage, kind) for name, stage in zip(names, found, strict=True)}


def _describe_stage(stage: Stage, kind: Kind) -> dict[str, str]:
    shown = {kind.status_member: stage.status}
    if stage.begun is not None and stage.modified is not None:
        shown[kind.created_member] = format_moment(stage.begun)
        shown[kind.modified_member] = format_moment(stage.modified)
    return shown


def _describe_results(job: Job, simulation: Simulation, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a completed job only: its model and its metrics."""
    results: dict[str, Any] = dict.fromkeys(simulation.product_arn_members, job.product_arn)
    training, loss = simulation.training_metric
    # Derived from the name: Get returns the same metrics each time.
    results[training] = {loss: _compute_loss(job.name, training)}
    member, items = simulation.validators
    validation, loss = simulation.validation_metric
    validators = fixed.get(member, {}).get(items, [])
    results[validation] = [
        {loss: _compute_loss(job.name, f"{validation}{index}")}
        for index, _ in enumerate(validators)
    ]
    return results


def _compute_loss(*parts: str) -> float:
    """Return a plausible loss between 0.2 and 1.2, derived from the arguments."""
    share = hashlib.sha256("\0".join(parts).encode()).digest()[0] / 256
    return round(0.2 + share, 4)
