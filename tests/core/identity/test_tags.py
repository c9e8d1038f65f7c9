"""Tags: which are wanted, which are read, and which are corrected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import parse_fleet
from controller.core.identity.tags import (
    build_stamp_tags,
    collect_wanted_tags,
    compare_tags,
    iter_tags_to_read,
    recover_token,
)
from controller.core.identity.tokens import get_owner_prefix
from controller.core.model import JobRecord, LiveJob
from tests.contract.showing import arn_of, product_of
from tests.core.cases import OFFERED, desired_of

FLEET = parse_fleet({"owner": "acme-ml"})
ARN = arn_of(OFFERED, "abcdefghijkl")
PRODUCT = product_of(OFFERED, ARN)
RUNS = LiveJob(ARN, "support-bot", "InProgress", None, {"jobArn": ARN})
ENDED = LiveJob(ARN, "support-bot", "Completed", None, {"jobArn": ARN, "outputModelArn": PRODUCT})
NOTHING: dict[str, dict[str, str]] = {"jobTags": {}, "customModelTags": {}}

tags = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"))


def _recorded(known: dict[str, dict[str, str]]) -> JobRecord:
    return JobRecord({}, arn=ARN, tags=known)


def _read(want: Any, live: LiveJob, known: Any, *, full: bool = False) -> list[tuple[str, str]]:
    return list(iter_tags_to_read(OFFERED, NOTHING | want, live, _recorded(known), full=full))


def test_only_what_a_sidecar_does_not_vouch_for_is_read() -> None:
    """Tags known to be as wanted, and tags never set, need no call."""
    ours = {"jobTags": {"team": "a"}}

    assert _read(ours, RUNS, {}) == [("jobTags", ARN)]
    assert _read(ours, RUNS, ours) == []
    assert _read({}, RUNS, ours) == [("jobTags", ARN)]
    assert _read({}, RUNS, {}, full=True) == []
    assert _read(ours, RUNS, ours, full=True) == [("jobTags", ARN)]


def test_tags_of_the_output_wait_for_it() -> None:
    """The job's output has an ARN only once the job has succeeded."""
    want = {"customModelTags": {"team": "a"}}

    assert _read(want, RUNS, {}) == []
    assert _read(want, ENDED, {}) == [("customModelTags", PRODUCT)]


def test_record_of_another_job_vouches_for_nothing() -> None:
    """A retry starts without known tags."""
    known = JobRecord({}, arn=arn_of(OFFERED, "mnopqrstuvwx"), tags={"jobTags": {"team": "a"}})
    want = NOTHING | {"jobTags": {"team": "a"}}

    assert list(iter_tags_to_read(OFFERED, want, RUNS, known, full=False)) == [("jobTags", ARN)]


@settings(deadline=None, max_examples=300)
@given(want=tags, ours=tags, there=tags)
def test_correction_sets_wanted_tags_and_keeps_the_rest(
    want: dict[str, str], ours: dict[str, str], there: dict[str, str]
) -> None:
    """A correction sets every wanted tag, and removes only tags that we had set."""
    found = compare_tags(
        OFFERED,
        NOTHING | {"jobTags": want},
        RUNS,
        _recorded({"jobTags": ours}),
        {"jobTags": there},
    )

    after = dict(there)
    for retag in found.retags:
        assert retag.put or retag.drop
        after |= retag.put
        for key in retag.drop:
            del after[key]
    assert after == {key: value for key, value in there.items() if key not in ours} | want
    assert bool(found.retags) == (after != there)


def test_stamps_prove_no_owner_whose_name_they_cannot_hold() -> None:
    """Two owners that look the same in a tag are not confused."""
    shown = {"bedrock-jobs/owner": "acme_ml", "bedrock-jobs/digest": "ab"}

    assert recover_token(shown, "acme#ml") is None
    assert recover_token(shown, "acme_ml") == f"{get_owner_prefix('acme_ml')}ab"


@pytest.mark.parametrize("asked", [True, False])
def test_stamps_are_opt_in(*, asked: bool) -> None:
    """Stamp tags are set only if the fleet enables them, on the job and not on its output."""
    fleet = parse_fleet({"owner": "acme ml!", "stampTags": asked})
    desired = desired_of({}, fleet, OFFERED, "support-bot")
    assert desired.submission is not None

    want = collect_wanted_tags(OFFERED, desired, desired.submission, fleet)

    expected = {
        "bedrock-jobs/owner": "acme ml_",
        "bedrock-jobs/manifest": "jobs/support-bot.yaml",
        "bedrock-jobs/digest": desired.submission.digest,
    }
    assert want == NOTHING | {"jobTags": expected if asked else {}}
    assert build_stamp_tags(desired, desired.submission, FLEET) == {}
