"""Builds the situation of one job from a scenario's plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from controller.core.call_errors import make_failure
from controller.core.documents.envelope_values import parse_policy, parse_target
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.identity.tokens import SCHEME, build_token, compute_revision, derive_submission
from controller.core.jobs.attempts import Attempts, SearchResult
from controller.core.jobs.search import search_job
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.model import (
    SUBMITTING,
    CallFailure,
    DesiredJob,
    Existence,
    JobKey,
    JobRecord,
    LiveJob,
    Manifest,
    Observation,
    Place,
    Problem,
    Source,
    Submission,
    UnreadableRecord,
)
from controller.core.planning import orphaned_entries
from controller.core.planning.actions import Action, Outcome
from controller.core.status.entry import build_entry
from controller.core.status.parse import parse_entry
from tests.contract.showing import ACCOUNT, REGION, arn_of, shown

(OFFERED,) = KINDS.values()
# A kind whose names are not unique, and whose Get shows no token: the table's other half.
NAMESAKES = replace(
    OFFERED, name="Namesakes", unique_names=False, settle_seconds=60, echoes_token=False
)
UNSTOPPABLE = replace(OFFERED, name="Unstoppable", stoppable=False)
TEST_KINDS = {kind.name: kind for kind in (OFFERED, NAMESAKES, UNSTOPPABLE)}

PLACE = Place(ACCOUNT, REGION)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SPEC = {
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/BedrockCustomization",
    "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
    "customizationType": "FINE_TUNING",
    "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"},
    "hyperParameters": {"epochCount": "2"},
}
OTHER_DIGEST = "0123456789abcdef" * 4
FOREIGN_TOKEN = "351997e1-336f-40c9-99a7-e1fd05e819b3"  # noqa: S105 - nobody's
TIMES = {"creationTime": "2026-01-01T08:00:00.000Z", "lastModifiedTime": "2026-01-01T09:00:00.000Z"}


@dataclass(frozen=True, slots=True)
class Situation:
    """The inputs of a decision on one job."""

    kind: Kind
    desired: DesiredJob
    observation: Observation
    recorded: JobRecord | None
    failed: CallFailure | None = None
    """The failure that carrying the decision out would end in."""
    asked: tuple[str, ...] = ()
    """The jobs that a walk looked for, in order."""

    def entry(self, action: Action, owner: str) -> dict[str, Any]:
        """Return the sidecar's entry after the action, or after its failure."""
        return build_entry(self.kind, Outcome(action, action, self.failed), self.recorded, owner)


def situation(given: Mapping[str, Any], fleet: Fleet, name: str = "support-bot") -> Situation:
    """Build a situation; the default is a valid manifest without a job or a sidecar."""
    kind = TEST_KINDS[given.get("kind", OFFERED.name)]
    given = {**given, "policy": filled(given.get("policy"), arns(kind))}
    wanted = desired_of(given, fleet, kind, name)
    asked = derive_submission(kind, {**SPEC, **given.get("spec", {})}, name, fleet.owner)
    call = given.get("call")
    lineage = Attempts(kind, wanted, fleet)
    known = recorded_of(given, lineage, asked)
    if "removed" in given:
        wanted = removed_of(given["removed"], wanted, known, fleet)
        lineage = Attempts(kind, wanted, fleet)
    found: tuple[str, ...] = ()
    if "lives" in given:
        seen, found = walked(given, lineage, known)
    else:
        seen = observation_of(given, kind, asked, fleet.owner)
    return Situation(kind, wanted, seen, known, failure_of(call) if call else None, found)


def desired_of(given: Mapping[str, Any], fleet: Fleet, kind: Kind, name: str) -> DesiredJob:
    """Return the desired job of a manifest with the given parts."""
    source = Source(f"jobs/{name}.yaml", 4, 9)
    problems = tuple(
        Problem(problem["code"], problem["message"], source)
        for problem in given.get("problems", ())
    )
    manifest = Manifest(
        key=JobKey(kind.name, name),
        source=source,
        target=parse_target(given.get("target")),
        policy=parse_policy(given.get("policy")),
        spec=None if problems else {**SPEC, **given.get("spec", {})},
        problems=problems,
    )
    return build_desired(manifest, kind, fleet.owner, fleet.target)


def removed_of(
    given: Mapping[str, Any], written: DesiredJob, recorded: JobRecord | None, fleet: Fleet
) -> DesiredJob:
    """Return the job without its manifest; only a sidecar records it."""
    assert recorded is not None
    sidecar = f"jobs/{written.key.name}.status.json"
    stray = orphaned_entries.StrayEntry(sidecar, f"/{sidecar}", written.key, recorded)
    return orphaned_entries.build_removed_job(stray, fleet, {}, prunes=given.get("prune", False))


def observation_of(
    given: Mapping[str, Any], kind: Kind, asked: Submission, owner: str
) -> Observation:
    """Return the observation: the given live job, an absence, or a failed lookup."""
    place = given.get("place", {})
    where = Place(place.get("accountId", ACCOUNT), place.get("region", REGION))
    if "failure" in given:
        known = where if given.get("place", True) else None
        return Observation(Existence.UNKNOWN, known, failure=failure_of(given["failure"]))
    if "live" not in given:
        return Observation(Existence.ABSENT, where)
    return Observation(Existence.PRESENT, where, live_of(given["live"], kind, asked, owner))


def walked(
    given: Mapping[str, Any], lineage: Attempts, recorded: JobRecord | None
) -> tuple[Observation, tuple[str, ...]]:
    """Return what a search over the given jobs finds, and which jobs it looked up.

    Each job names the submission it was created from: ``attempt`` and ``revised`` name one of the
    manifest's, and ``spec`` holds what was different then.
    """
    there = [_job(one, lineage, number) for number, one in enumerate(given["lives"])]
    found, asked = trodden(lineage, recorded, there)
    tags = {
        member: failure_of(tags) if "code" in tags else tags
        for member, tags in given.get("tags", {}).items()
    }
    seen = Observation(
        Existence.PRESENT if found.live else Existence.ABSENT,
        PLACE,
        found.live,
        submission=found.submission,
        earlier=found.earlier,
        next_submission=found.next_submission,
        tags=tags,
    )
    return seen, asked


def trodden(
    lineage: Attempts, recorded: JobRecord | None, there: list[LiveJob]
) -> tuple[SearchResult, tuple[str, ...]]:
    """Return the result of a search over some jobs, and the names and ARNs that it looked up."""
    known = {live.name: live for live in there} | {live.arn: live for live in there}
    path = search_job(lineage, recorded)
    asked = [next(path)]
    try:
        while True:
            asked.append(path.send(known.get(asked[-1])))
    except StopIteration as end:
        return end.value, tuple(asked)


def _job(given: Mapping[str, Any], lineage: Attempts, number: int) -> LiveJob:
    arn = arn_of(lineage.kind, f"job{number:09}")
    made = made_of(given, lineage)
    return live_of({"arn": arn, **given}, lineage.kind, made, lineage.fleet.owner)


def made_of(given: Mapping[str, Any], lineage: Attempts) -> Submission:
    """Return the submission that ``attempt``, ``revised`` and ``spec`` name."""
    kind, name, owner = lineage.kind, lineage.desired.key.name, lineage.fleet.owner
    spec = {**(lineage.desired.spec or SPEC), **given.get("spec", {})}
    revision = compute_revision(kind, spec, name) if given.get("revised") else ""
    attempt = given.get("attempt", 0)
    return derive_submission(kind, spec, name, owner, attempt=attempt, revision=revision)


def live_of(given: Mapping[str, Any], kind: Kind, asked: Submission, owner: str) -> LiveJob:
    """Return a job as Get shows it: the manifest's own request unless members differ."""
    status = given.get("status", "InProgress")
    arn = given.get("arn", arn_of(kind, "abcdefghijkl"))
    known = token_named(given.get("token", "ours"), asked, owner) if kind.echoes_token else None
    members = {
        **shown(kind, asked.request),
        kind.arn_member: arn,
        kind.status_member: status,
        **TIMES,
        **({kind.token_member: known} if known else {}),
        **given.get("members", {}),
    }
    present = {member: value for member, value in members.items() if value is not None}
    return LiveJob(arn, str(present.get(kind.name_member, "")), status, known, present)


def token_named(word: str, asked: Submission, owner: str) -> str | None:
    """Return the token for a scenario's word."""
    tokens = {
        "ours": asked.token,
        "changed": build_token(owner, OTHER_DIGEST),
        "another-owner": build_token("somebody-else", asked.digest),
        "foreign": FOREIGN_TOKEN,
        "missing": None,
        "bare": SCHEME,
    }
    return tokens[word]


def recorded_of(given: Mapping[str, Any], lineage: Attempts, asked: Submission) -> JobRecord | None:
    """Return the record of the given sidecar entry, with placeholders replaced.

    ``of`` is the index in ``lives`` of the job that it was written for; ``intent`` holds the
    attempt, spec and so on of a Create with an unknown outcome.
    """
    if "doubt" in given:
        doubt = UnreadableRecord("jobs/bot.status.json", "Input/output error", **given["doubt"])
        without = {name: value for name, value in given.items() if name != "doubt"}
        return replace(recorded_of(without, lineage, asked) or JobRecord({}), doubt=doubt)
    if "sidecar" not in given:
        return None
    kind, owner = lineage.kind, lineage.fleet.owner
    words = {
        "$digest": asked.digest,
        "$token": asked.token,
        "$other-digest": OTHER_DIGEST,
        "$other-token": build_token(owner, OTHER_DIGEST),
        "$arn": arn_of(kind, "abcdefghijkl"),
        **arns(kind),
    }
    sidecar = dict(given["sidecar"])
    if "of" in sidecar:
        number = sidecar.pop("of")
        sidecar = _entry_of(given["lives"][number], lineage, number) | sidecar
    if "intent" in sidecar:
        sidecar = _intent_of(made_of(sidecar.pop("intent"), lineage)) | sidecar
    raw = filled({"kind": kind.name, **sidecar}, words)
    written = given.get("written")
    return parse_entry(kind, raw, datetime.fromisoformat(written) if written else NOW)


def _entry_of(given: Mapping[str, Any], lineage: Attempts, number: int) -> dict[str, Any]:
    live, made = _job(given, lineage, number), made_of(given, lineage)
    job = {"phase": live.status, "jobArn": live.arn, "live": live.members}
    return {"digest": made.digest, "token": made.token, "attempt": made.attempt, **job}


def _intent_of(made: Submission) -> dict[str, Any]:
    identity = {"digest": made.digest, "token": made.token, "attempt": made.attempt}
    return {"phase": SUBMITTING, "jobName": made.name, **identity}


def arns(kind: Kind) -> dict[str, str]:
    """Return the ARNs of a scenario's jobs, by their words."""
    return {f"$job{number}": arn_of(kind, f"job{number:09}") for number in range(10)}


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """Return a copy of a value with placeholders replaced."""
    if isinstance(value, dict):
        return {name: filled(member, words) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, words) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def failure_of(given: Mapping[str, Any]) -> CallFailure:
    """Return a failed call with the given code and message."""
    return make_failure(
        given["code"],
        given.get("message", ""),
        reading=given.get("reading", False),
        ambiguous=given.get("ambiguous", False),
    )
