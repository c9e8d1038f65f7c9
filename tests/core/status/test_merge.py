"""Three-way merge of a sidecar: which entry wins, and what is never lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.kinds.registry import KINDS
from controller.core.status.merge import (
    ManifestFileState,
    SidecarVersions,
    choose_later,
    merge_concurrent,
    merge_entries,
)
from tests.git.entries import arn_of, entry, intent, item

CURRENT = ManifestFileState(exists=True, is_current=True)
EDITED = ManifestFileState(exists=True, is_current=False)
GONE = ManifestFileState(exists=False, is_current=True)

OLD = entry("a", "InProgress", 1)
NEWER = entry("a", "Completed", 9)
NEWEST = entry("a", "Stopped", 20)
OTHER = entry("b", "InProgress", 3)


def one(base: Any, ours: Any, theirs: Any, beside: ManifestFileState = CURRENT) -> Any:
    """Return the merged entry of one job; None means no entry, in arguments and result."""
    sides = [{} if side is None else {"a": side} for side in (base, ours, theirs)]
    return merge_entries(KINDS, SidecarVersions(*sides), beside).get("a")


@pytest.mark.parametrize("beside", [CURRENT, EDITED, GONE], ids=["current", "edited", "gone"])
@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (OLD, OLD, NEWER, NEWER),
        (OLD, OLD, None, None),
        (OLD, NEWER, OLD, NEWER),
        (OLD, NEWER, NEWER, NEWER),
        (OLD, NEWER, NEWEST, NEWEST),
        (OLD, NEWEST, NEWER, NEWEST),
        (None, NEWER, NEWEST, NEWEST),
        (OLD, None, NEWER, NEWER),
    ],
    ids=[
        "only they changed",
        "only they removed",
        "only we changed",
        "both alike",
        "theirs is later",
        "ours is later",
        "both new",
        "removed here, looked at there",
    ],
)
def test_later_change_wins(
    base: Any, ours: Any, theirs: Any, expected: Any, beside: ManifestFileState
) -> None:
    """A change on one side is taken; of two changes, the one with later service times."""
    assert one(base, ours, theirs, beside) == expected


@pytest.mark.parametrize(
    ("beside", "expected"), [(CURRENT, NEWER), (EDITED, NEWER), (GONE, None)], ids=str
)
def test_a_removed_sidecar_comes_back_only_beside_its_manifest(
    beside: ManifestFileState, expected: Any
) -> None:
    """An entry that they removed and we changed comes back only if its manifest still exists."""
    assert one(OLD, NEWER, None, beside) == expected


def test_no_entry_is_added_beside_a_removed_manifest() -> None:
    """If the manifest is gone, only existing entries are updated."""
    versions = SidecarVersions({"a": OLD}, {"a": NEWER, "b": OTHER}, {"a": OLD})

    assert merge_entries(KINDS, versions, GONE) == {"a": NEWER}


@pytest.mark.parametrize(
    ("beside", "expected"), [(CURRENT, None), (EDITED, OLD), (GONE, None)], ids=str
)
def test_collected_entry_stays_beside_an_unread_manifest(
    beside: ManifestFileState, expected: Any
) -> None:
    """An entry that we removed stays if its manifest is not the one that we read."""
    assert one(OLD, None, OLD, beside) == expected


@pytest.mark.parametrize("beside", [CURRENT, EDITED], ids=["current", "edited"])
def test_an_intent_never_replaces_its_outcome(beside: ManifestFileState) -> None:
    """Between an intent and the outcome of the same token, the outcome wins on either side."""
    outcome = entry("a", "InProgress", 1)

    assert one(None, intent("a"), outcome, beside) == outcome
    assert one(None, outcome, intent("a"), beside) == outcome


@pytest.mark.parametrize("beside", [CURRENT, EDITED], ids=["current", "edited"])
@pytest.mark.parametrize("phase", ["Queued", "Pending"])
def test_an_intent_is_not_replaced_by_no_job(beside: ManifestFileState, phase: str) -> None:
    """Under one token, an entry without a job does not replace an intent."""
    begun, unseen = intent("a"), {**intent("a"), "phase": phase}

    assert one(None, begun, unseen, beside) == begun
    assert one(None, unseen, begun, beside) == begun


def test_an_intent_that_came_meanwhile_stays() -> None:
    """A pass keeps another controller's later intent, and adds its own job to the history."""
    failed = entry("a", "Failed", 1, number=0)
    begun = {**intent("a"), "token": "bj1-other"}

    kept = merge_concurrent(KINDS, failed, begun)

    assert {**kept, "history": []} == {**begun, "history": []}
    assert [one["jobArn"] for one in kept["history"]] == [failed["jobArn"]]


def test_a_new_intent_is_written_beside_another() -> None:
    """An intent is always written before its call, whatever intent another controller wrote."""
    ours, theirs = intent("a"), {**intent("a"), "token": "bj1-other"}

    assert merge_concurrent(KINDS, ours, theirs)["token"] == ours["token"]


def test_a_later_job_that_came_meanwhile_stays() -> None:
    """The entry of a job does not replace that of the job that follows it."""
    failed = entry("a", "Failed", 1, number=0)
    followed = {**entry("a", "InProgress", 9, number=1), "attempt": 1}

    assert merge_concurrent(KINDS, failed, followed)["jobArn"] == followed["jobArn"]
    assert merge_concurrent(KINDS, followed, failed)["jobArn"] == followed["jobArn"]


@pytest.mark.parametrize(
    ("beside", "number"), [(CURRENT, 1), (EDITED, 0)], ids=["current", "edited"]
)
def test_an_intent_of_another_token_counts_by_its_manifest(
    beside: ManifestFileState, number: int
) -> None:
    """A new job's intent replaces the old job's entry if it comes from the current manifest."""
    found = one(None, intent("a", number=1), entry("a", "Completed", 5), beside)

    assert found["token"].endswith(str(number))


def test_the_later_attempt_wins() -> None:
    """Of two attempts the later one wins, even if the earlier changed after it."""
    first, second = entry("a", "Stopped", 90), entry("a", "InProgress", 1, number=1, attempt=1)

    found = one(None, first, second)

    assert found["jobArn"] == arn_of("a", 1)
    assert [earlier["jobArn"] for earlier in found["history"]] == [arn_of("a", 0)]


@pytest.mark.parametrize(
    ("beside", "number"), [(CURRENT, 0), (EDITED, 1)], ids=["current", "edited"]
)
def test_of_two_revisions_the_manifests_own_wins(beside: ManifestFileState, number: int) -> None:
    """A manifest that went back to its first spec is about the first job again."""
    found = one(None, entry("a", "Completed", 9), entry("a", "Completed", 9, number=1), beside)

    assert found["jobArn"] == arn_of("a", number)
    assert [earlier["jobArn"] for earlier in found["history"]] == [arn_of("a", 1 - number)]


def test_an_ended_job_wins_over_a_running_one() -> None:
    """With equal times, the terminal status wins."""
    runs, ended = entry("a", "InProgress", 5), entry("a", "Stopped", 5)
    ended["live"].pop("endTime")

    assert one(None, runs, ended)["phase"] == "Stopped"
    assert one(None, ended, runs, EDITED)["phase"] == "Stopped"


@pytest.mark.parametrize(
    ("beside", "reason"), [(CURRENT, "ours"), (EDITED, "theirs")], ids=["current", "edited"]
)
def test_equal_times_leave_it_to_the_manifest(beside: ManifestFileState, reason: str) -> None:
    """If times do not decide, the side with the current manifest wins."""
    ours, theirs = (
        {**OLD, "conditions": [{"type": "Synced", "reason": one}]} for one in ("ours", "theirs")
    )

    assert one(None, ours, theirs, beside)["conditions"][0]["reason"] == reason


def test_histories_are_merged() -> None:
    """A merged history has the jobs of both sides."""
    rebuilt = entry("a", "Completed", 9, number=6)
    known = {**rebuilt, "history": [item("a", number) for number in range(5)]}

    assert one(None, rebuilt, known) == known
    assert one(None, known, rebuilt, EDITED) == known


def test_histories_keep_the_last_five() -> None:
    """Merged histories keep the limit and the latest jobs."""
    ours = entry("a", number=9, history=[item("a", number) for number in range(2, 7)])
    theirs = entry("a", number=9, history=[item("a", number) for number in range(5)])

    assert one(None, ours, theirs)["history"] == [item("a", number) for number in range(2, 7)]


@pytest.mark.parametrize(
    "broken", [{}, {"kind": "Other"}, {"kind": 5}, {**OLD, "live": {"status": 5}}], ids=str
)
def test_malformed_entries_never_stop_a_merge(broken: dict[str, Any]) -> None:
    """Of two malformed entries, one side's is taken."""
    for found in (one(None, OLD, broken), one(None, broken, OLD, EDITED)):
        assert found["kind"] in {OLD["kind"], broken.get("kind")}


entries = (
    st.none()
    | st.builds(
        entry,
        st.just("a"),
        st.sampled_from(["InProgress", "Stopping", "Completed", "Failed", "Stopped"]),
        st.integers(0, 90),
        number=st.integers(0, 2),
    )
    | st.builds(intent, st.just("a"), number=st.integers(0, 2))
)
places = st.builds(ManifestFileState, exists=st.booleans(), is_current=st.booleans())


@settings(max_examples=300, deadline=None)
@given(base=entries, ours=entries, theirs=entries, beside=places)
def test_a_merge_settles(base: Any, ours: Any, theirs: Any, beside: ManifestFileState) -> None:
    """Merging a result again changes nothing, from either side's view."""
    found = one(base, ours, theirs, beside)

    assert one(base, ours, found, beside) == found
    assert one(found, found, found, beside) == found


@settings(max_examples=300, deadline=None)
@given(base=entries, ours=entries, theirs=entries, beside=places)
def test_a_merge_never_goes_back(
    base: Any, ours: Any, theirs: Any, beside: ManifestFileState
) -> None:
    """A merge never replaces the remote's job with an earlier state."""
    found = one(base, ours, theirs, beside)

    if theirs is None or found is None or "live" not in theirs or ours == base or theirs == base:
        return
    if found.get("jobArn") == theirs["jobArn"]:
        times = [side["live"]["lastModifiedTime"] for side in (found, theirs)]
        assert times[0] >= times[1]
    assert choose_later(KINDS, found, theirs, ours_is_current=True)["phase"] == found["phase"]
