"""Plans of random trees: mixed situations of the scenarios, some with hostile texts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from controller.core.fleet import Fleet, parse_fleet
from controller.core.model import JobKey, Problem, Severity, Source
from controller.core.planning.actions import Action, Plan
from controller.core.planning.plan import build_plan, check_submit_limit
from controller.core.problems import Code
from controller.views.status import JobStatus
from tests.core.cases import NOW, TEST_KINDS, Situation, situation
from tests.core.test_scenarios import FILES, fleet_in, scenario_of

HOSTILE = (
    "<script>alert(1)</script>",
    "</code></td></table><details open>",
    "| a | b |\n|---|---|\n",
    "@everyone look at #1 and !2",
    "![x](https://example.com/x.png) [y](javascript:alert(1))",
    "`unclosed *bold* _it_ ~~gone~~ \\",
    "::error file=a::b\n::set-output name=x::y ##[add-mask]z",
    "&lt;b&gt; &#64; &amp;",
    "www.example.com https://example.com someone@example.com",
    "\x1b[31mred\x00\u202egnp.exe\u2028\ufeff\udcff",
    "]]> <!-- --> <![CDATA[ <?xml ?>",
    "ü 漢字 🦊 ﷽",
    "100% :smile: $x$ ~label %1 a,b:c",
    "",
)
_FLEETS: tuple[dict[str, Any], ...] = (
    {},
    {"limits": {"maxActive": 1}},
    {"limits": {"maxSubmits": 1}},
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan and the data that belongs to it."""

    plan: Plan
    problems: tuple[Problem, ...]
    refused: str | None
    statuses: tuple[JobStatus, ...]


def seeded(seed: int) -> random.Random:
    """Return a deterministic random generator."""
    return random.Random(seed)  # noqa: S311 - trees to test with, no secrets


@cache
def situations() -> tuple[Situation, ...]:
    """Return every situation of every scenario, each under its own name."""
    return tuple(
        situation(job.get("given") or {}, fleet_in(scenario), f"{path.stem}-{number}")
        for path in FILES
        for scenario in [scenario_of(path)]
        for number, job in enumerate(scenario["jobs"].values())
    )


def drawn(dice: random.Random) -> Drawn:
    """Return the plan of a random tree of up to twelve jobs."""
    fleet = parse_fleet({"owner": "acme-ml", **dice.choice(_FLEETS)})
    chosen = dice.sample(situations(), dice.randrange(13))
    made = build_plan(
        TEST_KINDS,
        [one.desired for one in chosen],
        {one.desired.key: one.observation for one in chosen},
        {one.desired.key: one.recorded for one in chosen if one.recorded is not None},
        fleet,
        NOW,
    )
    actions = tuple(_harmed(action, dice) for action in made.actions)
    problems = tuple(_problem(dice) for _ in range(dice.randrange(4)))
    refused = check_submit_limit(made, fleet.limits.max_submits)
    return Drawn(Plan(actions), problems, refused, _statuses(chosen, actions, fleet))


def _statuses(
    chosen: Sequence[Situation], actions: Sequence[Action], fleet: Fleet
) -> tuple[JobStatus, ...]:
    by_key = {one.desired.key: one for one in chosen}
    entries: list[tuple[Action, dict[str, Any]]] = [
        (action, by_key[action.desired.key].entry(action, fleet.owner)) for action in actions
    ]
    return tuple(
        JobStatus(action.desired.key, action.desired.source, entry) for action, entry in entries
    )


def _harmed(action: Action, dice: random.Random) -> Action:
    """Return the action, in one of three cases with a hostile message and path."""
    if dice.randrange(3):
        return action
    source = replace(action.desired.source, path=f"jobs/{dice.choice(HOSTILE)}.yaml")
    desired = replace(action.desired, source=source)
    return replace(action, message=dice.choice(HOSTILE), desired=desired)


def _problem(dice: random.Random) -> Problem:
    line = dice.randrange(3)
    source = Source(f"jobs/{dice.choice(HOSTILE)}.yaml", line, line and dice.randrange(1, 9))
    key = dice.choice([None, JobKey(next(iter(TEST_KINDS)), "some-job")])
    code = dice.choice(list(Code)).code
    severity = dice.choice(list(Severity))
    return Problem(code, dice.choice(HOSTILE) or "?", source, dice.choice(HOSTILE), key, severity)
