"""A disk that fails once: one run for each question that a pass asks it, and each kind of errno."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.chaos.boundaries import Plan
from tests.chaos.oracles import violations
from tests.chaos.scenarios import SCENARIOS, Scenario, pass_made
from tests.chaos.sweep import Run, take
from tests.chaos.world import Universe, World, torn_sidecars, watched
from tests.support.manifests import ACCOUNT, manifest, spec, write

CLASSES = (errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE, errno.ENOMEM)
"""One errno of each kind: a broken disk, a server that is away, rights, and two limits."""
_INVALID = 4
_TAGS = [{"key": "team", "value": "support"}]


@dataclass(frozen=True, slots=True)
class Failure:
    """One question that fails: its number and name, and how."""

    number: int
    name: str
    errno: int

    def __str__(self) -> str:
        """Return what a person calls it."""
        return f"{errno.errorcode[self.errno]} at {self.number} {self.name}"


def ruled(world: World) -> None:
    """The fleet allows one role and requires a tag that the defaults set; one manifest is barred.

    A job of that one, or one without the tag, was submitted under weaker rules.
    """
    world.own("acme")
    allowed: str = spec()["roleArn"]
    rules = {"owner": "acme", "allow": {"roleArns": [allowed]}, "require": {"tags": ["team"]}}
    (world.folder / "bedrock-jobs.yaml").write_text(json.dumps(rules))
    defaults: dict[str, Any] = {"spec": {"jobTags": _TAGS, "vpcConfig": _vpc()}}
    (world.folder / "jobs" / "_defaults.yaml").write_text(json.dumps(defaults))
    for name in ("left", "right"):
        world.put(name, manifest(name, spec(jobTags=_TAGS, vpcConfig=_vpc())))
        write(world.folder / "jobs" / f"{name}.yaml", manifest(name))
    barred = spec(roleArn=f"arn:aws:iam::{ACCOUNT}:role/Other")
    write(world.folder / "jobs" / "barred.yaml", manifest("barred", barred))


def _vpc() -> dict[str, Any]:
    return {"subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": ["sg-0123456789abcdef0"]}


def _of(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"{scenario.name}, errnos")


_RULED = frozenset({"left", "right"})
FAILING: tuple[Scenario, ...] = (
    Scenario("rules, errnos", (ruled,), (), _RULED, codes=frozenset({_INVALID})),
    Scenario(
        "rules, errnos, once submitted",
        (ruled, pass_made),
        (),
        _RULED,
        codes=frozenset({_INVALID}),
    ),
    *(_of(one) for one in SCENARIOS if one.in_turn and one.deaths == 1),
)
"""What a pass does while the disk fails once."""


def failures(universe: Universe, scenario: Scenario) -> list[Failure]:
    """Return every failure that a scenario's pass can meet, in a fixed order.

    A question that is asked for the first time fails in every way, one that is asked again in one.
    """
    key = ("questions", scenario.before)
    if key not in universe.counted:
        universe.counted[key] = _asked(universe, scenario)
    return list(_each(universe.counted[key]))


def _each(names: list[str]) -> Iterator[Failure]:
    met: set[str] = set()
    for number, name in enumerate(names, 1):
        again = CLASSES[number % len(CLASSES)]
        for one in (again,) if name in met else CLASSES:
            yield Failure(number, name, one)
        met.add(name)


def _asked(universe: Universe, scenario: Scenario) -> list[str]:
    with universe.world() as world:
        take(world, scenario.before)
        record = world.folder.with_suffix(".questions")
        world.reconcile(Plan(questions=str(record)))
        return record.read_text().splitlines()


def failed(universe: Universe, scenario: Scenario, failure: Failure) -> Run:
    """Let one question of a pass fail, take the scenario's steps, settle, and return what broke."""
    with universe.world() as world:
        take(world, scenario.before)
        with watched(world) as torn:
            world.reconcile(Plan(question=failure.number, errno=failure.errno))
            torn += torn_sidecars(world)
        take(world, scenario.between)
        found = (*torn, *violations(world, scenario))
    return Run(scenario.name, str(failure), found)
