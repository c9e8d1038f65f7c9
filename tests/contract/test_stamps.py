"""Stamp tags show whose a job is where Get shows no token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from controller.core.call_errors import make_failure
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.identity.tags import DIGEST, OWNER, STAMP, add_stamp_tags
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, JobKey, Manifest, Place, Source
from controller.core.planning.actions import Action
from controller.core.planning.plan import decide_action
from controller.engine.observe import Observer
from tests.contract.fake import Fake
from tests.contract.showing import ACCOUNT, REGION
from tests.core.cases import NOW, SPEC

(KIND,) = KINDS.values()
FLEET = Fleet(owner="acme-ml", stamp_tags=True)
DENIED = make_failure("AccessDeniedException", "not authorized", reading=True)


def _desired(spec: dict[str, Any]) -> DesiredJob:
    manifest = Manifest(JobKey(KIND.name, "chat"), Source("jobs/chat.yaml"), spec=spec)
    return build_desired(manifest, KIND, FLEET.owner, FLEET.target)


def _submitted(job: DesiredJob) -> tuple[Fake, str]:
    """Return a cloud that has the job with its stamps, and whose Get omits the token."""
    cloud = Fake()
    assert job.submission is not None
    request = add_stamp_tags(KIND, job, job.submission, FLEET)
    arn = cloud.create(KIND, job.target, request, job.submission.token)
    jobs = cloud.jobs[Place(ACCOUNT, REGION)]
    live = jobs[job.name]
    members = {name: value for name, value in live.members.items() if name != KIND.token_member}
    jobs[job.name] = replace(live, token=None, members=members)
    return cloud, arn


def _decided(cloud: Fake, job: DesiredJob, fleet: Fleet = FLEET) -> Action:
    with ThreadPoolExecutor(1) as executor:
        seen = Observer(KINDS, {}, fleet, cloud).observe([job], executor)
    return decide_action(KIND, job, seen[job.key], None, fleet, NOW)


def test_job_without_a_token_is_known_by_its_stamps() -> None:
    """A job with this owner's and digest's stamps is this manifest's."""
    job = _desired(SPEC)
    cloud, _ = _submitted(job)

    assert str(_decided(cloud, job).reason) == "InProgress"


def test_stamps_show_that_a_spec_was_edited() -> None:
    """A job of ours with another digest was created from another spec."""
    cloud, _ = _submitted(_desired(SPEC))

    action = _decided(cloud, _desired({**SPEC, "hyperParameters": {"epochCount": "3"}}))

    assert str(action.reason) == "SpecChanged"
    assert [change.member for change in action.changes] == ["hyperParameters.epochCount"]


@pytest.mark.parametrize("spoilt", [{OWNER: "somebody-else"}, {OWNER: ""}, {DIGEST: ""}])
def test_missing_or_foreign_stamps_prove_nothing(spoilt: dict[str, str]) -> None:
    """Without this owner's name and a digest, a job is not ours."""
    job = _desired(SPEC)
    cloud, arn = _submitted(job)
    cloud.kept_tags[arn] |= spoilt

    assert str(_decided(cloud, job).reason) == "NotOwned"


def test_stamps_that_cannot_be_read_leave_it_unknown() -> None:
    """If tags cannot be listed, the job is unknown, not foreign."""
    job = _desired(SPEC)
    cloud, _ = _submitted(job)
    cloud.failing["Tags"] = DENIED

    assert str(_decided(cloud, job).reason) == "ObservationFailed"


def test_fleet_without_stamps_reads_no_tags() -> None:
    """Stamps are read only if the fleet sets them."""
    job = _desired(SPEC)
    cloud, _ = _submitted(job)

    action = _decided(cloud, job, replace(FLEET, stamp_tags=False))

    assert str(action.reason) == "NotOwned"
    assert "Tags" not in cloud.count()


def test_stamps_lead_from_a_job_to_its_manifest() -> None:
    """A job's stamps have its owner, its manifest's path and its digest."""
    job = _desired({**SPEC, "jobTags": [{"key": "team", "value": "support"}]})
    cloud, arn = _submitted(job)

    assert job.submission is not None
    assert cloud.kept_tags[arn] == {
        "team": "support",
        f"{STAMP}owner": "acme-ml",
        f"{STAMP}manifest": "jobs/chat.yaml",
        f"{STAMP}digest": job.submission.digest,
    }
