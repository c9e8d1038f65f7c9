"""Harm that somebody does behind the back of passes, for the oracles to see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from tests.chaos.boundaries import Plan
from tests.chaos.scenarios import pass_made
from tests.chaos.world import World

Harm = Callable[[World], None]


@dataclass
class Meddled(World):
    """A world in which somebody does harm behind the back of one of its passes."""

    harm: Harm = pass_made
    at: int = 0
    passes: int = 0

    def reconcile(self, plan: Plan | None = None) -> int:
        """Make a pass, and do the harm with it when it is the one."""
        code = super().reconcile(plan)
        self.passes += 1
        if self.passes == self.at:
            self.harm(self)
        return code


def meddled(world: World, harm: Harm, at: int) -> Meddled:
    """Return a world with harm done behind its n-th pass from now."""
    known = {each.name: getattr(world, each.name) for each in fields(world)}
    return Meddled(**known, harm=harm, at=at)


def sidecar_changed(stem: str, name: str, **members: Any) -> Harm:
    """Return the harm of changing members of an entry."""

    def change(world: World) -> None:
        path = world.sidecar(stem)
        document = json.loads(path.read_bytes())
        document["jobs"].setdefault(name, {}).update(members)
        path.write_text(json.dumps(document))

    return change
