"""What `reconcile` does is what `plan` showed: compared call by call, over every policy."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

from tests.support.manifests import spec
from tests.support.project import SETTLED, Project

TEAM = [{"key": "team", "value": "support"}]
HEALS = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"})
LASTS = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail.jsonl"})
EDITED = spec(hyperParameters={"epochCount": "7"})
BEFORE: dict[str, Any] = {"heals": HEALS, "lasts": LASTS, "runs": spec(), "edited": spec()}
"""What was submitted before policies came to be as they are; anything else was not."""
AFTER = {**BEFORE, "edited": EDITED, "tagged": spec(jobTags=TEAM), "fresh": spec()}
POLICIES = [
    {"state": state, "onSpecChange": change, "onFailure": {"retries": retries}, "attempt": attempt}
    for state, change, retries, attempt in product(
        ("Submitted", "Suspended", "Stopped"), ("Hold", "NewRevision"), (0, 2), (0, 1)
    )
]


def grow(tree: Project) -> None:
    """Let jobs end and run, then let manifests ask for all that a policy can say."""
    tree.fleet(owner="acme-ml", limits={"maxSubmits": 500})
    tree.sandbox.change_settings(quota=None)
    named = [(word, f"{word}-{n:02}", one) for word in AFTER for n, one in enumerate(POLICIES)]
    for word, name, _ in named:
        if word in {"heals", "lasts"}:
            tree.add(name, BEFORE[word])
    tree.settle()
    for word, name, _ in named:
        if word in {"runs", "edited", "tagged"}:
            tree.add(name, BEFORE.get(word, spec()))
    tree.add("gone", policy={"onDelete": "Stop"})
    tree.call("reconcile")
    arn = tree.bystand(spec(jobName="elsewhere", customModelName="elsewhere"))
    for word, name, policy in named:
        tree.add(name, AFTER[word], policy=policy)
    tree.add(
        "adopted", spec(jobName="elsewhere", customModelName="elsewhere"), policy={"adopt": arn}
    )
    (tree.jobs / "gone.yaml").unlink()


def foretold(plan: Any) -> Counter[tuple[str, str]]:
    """Return the calls that a plan shows: what is created by name and token, the rest by ARN."""
    calls: Counter[tuple[str, str]] = Counter()
    for action in plan["actions"]:
        stops = [action["jobArn"]] if action["verb"] == "STOP" and "jobArn" in action else []
        calls.update(("Stop", arn) for arn in {*stops, *action["stops"]})
        calls.update(("Tag", one["arn"]) for one in action["retags"] if one["set"])
        calls.update(("Untag", one["arn"]) for one in action["retags"] if one["remove"])
        if action["verb"] == "SUBMIT":
            calls["Create", f"{action['jobName']} {action['token']}"] += 1
    return calls


def made(tree: Project) -> Counter[tuple[str, str]]:
    """Return the calls that changed something, in the same words."""
    calls: Counter[tuple[str, str]] = Counter()
    for call in tree.calls():
        operation, members = call["operation"], call["members"]
        if operation.startswith("Create"):
            calls["Create", f"{members['jobName']} {members['clientRequestToken']}"] += 1
        elif operation.startswith("Stop"):
            calls["Stop", members["jobIdentifier"]] += 1
        elif operation.startswith(("Tag", "Untag")):
            calls[operation.removesuffix("Resource"), members["resourceARN"]] += 1
    return calls


def test_nothing_happens_that_no_plan_said(tree: Project) -> None:
    """Under each policy, whatever became of the job, passes make the calls that plans showed.

    So it is until all is settled.
    """
    grow(tree)
    plans: list[Any] = []
    while len(plans) < 8:
        plans.append(tree.call("plan", "--prune", "--output", "json").data)
        tree.hush()
        tree.call("reconcile", "--prune")
        assert made(tree) == foretold(plans[-1])
        tree.sandbox.advance(SETTLED)
        if not foretold(plans[-1]):
            break

    assert 1 < len(plans) < 8
    assert {operation for operation, _ in foretold(plans[0])} == {"Create", "Stop", "Tag"}
    verbs = {action["verb"] for action in plans[0]["actions"]}
    assert verbs == {"SUBMIT", "STOP", "TAG", "WAIT", "HOLD", "NOOP", "ADOPT"}
    reasons = {action["reason"] for action in plans[0]["actions"] if action["verb"] == "SUBMIT"}
    assert reasons == {"NotSubmitted", "Retry", "NewRevision"}
