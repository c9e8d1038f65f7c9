"""Every place looked at side by side, and counted where jobs wait for its quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from controller.core.fleet import Fleet
from controller.core.kind import Kind
from controller.core.model import Desired, Existence, JobKey, Observation, Recorded, Target
from controller.core.queueing import Lane
from controller.observing import observe
from controller.ports import Cloud, CloudError


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pass saw of every job; ``active`` counts anybody's, where ours wait for the quota."""

    observations: Mapping[JobKey, Observation]
    active: Mapping[Lane, int]


def look_everywhere(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    cloud: Cloud,
    width: int,
    *,
    full: bool = False,
) -> Seen:
    """Every desired job is looked at; each target has ``width`` threads, and waits for no other."""
    groups: dict[tuple[str | None, str | None], list[Desired]] = defaultdict(list)
    for job in desired:
        groups[job.target.assume_role_arn, job.target.region].append(job)

    def one(jobs: list[Desired], executor: Executor) -> Seen:
        seen = observe(kinds, jobs, recorded, fleet, cloud, executor, full=full)
        return Seen(seen, _counted(kinds, jobs, seen, recorded, cloud))

    found = _side_by_side(one, list(groups.values()), width)
    return Seen(
        {key: observation for each in found for key, observation in each.observations.items()},
        {lane: count for each in found for lane, count in each.active.items()},
    )


def _side_by_side(
    look: Callable[[list[Desired], Executor], Seen], groups: list[list[Desired]], width: int
) -> tuple[Seen, ...]:
    """Look at each group in threads of its own; a signal leaves what has not been asked for."""
    with ExitStack() as pools, ThreadPoolExecutor(len(groups) or 1) as looking:
        executors = [pools.enter_context(ThreadPoolExecutor(width)) for _ in groups]
        try:
            return tuple(looking.map(look, groups, executors))
        except BaseException:
            for executor in executors:
                executor.shutdown(wait=False, cancel_futures=True)
            raise


def count_active(kind: Kind, target: Target, cloud: Cloud) -> int | None:
    """Return how many jobs of a kind are active where a target leads, anybody's; None if unknown.

    Also those that are being stopped, which take a slot until they are.
    """
    try:
        return sum(len(cloud.listing(kind, target, status=one)) for one in sorted(kind.active))
    except CloudError:
        return None


def _counted(
    kinds: Mapping[str, Kind],
    jobs: Iterable[Desired],
    seen: Mapping[JobKey, Observation],
    recorded: Mapping[JobKey, Recorded],
    cloud: Cloud,
) -> dict[Lane, int]:
    """Count each lane once in which the quota refused a job; most passes have none."""
    asked: dict[Lane, Target] = {}
    for job in jobs:
        known, observation = recorded.get(job.key), seen[job.key]
        if known is None or known.queue_active is None or job.removed:
            continue
        if observation.place is not None and observation.existence is not Existence.UNKNOWN:
            asked.setdefault(Lane(job.key.kind, observation.place), job.target)
    counts = {lane: count_active(kinds[lane.kind], asked[lane], cloud) for lane in asked}
    return {lane: count for lane, count in counts.items() if count is not None}
