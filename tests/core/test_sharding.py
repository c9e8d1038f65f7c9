from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import Target
from controller.core.sharding import MAX_SHARDS, Shard, compute_bucket, hash_target, parse_shard

TARGET = Target("us-east-1", "123456789012")
WORD = st.integers(0, (1 << 64) - 1)


def targets(count: int) -> list[Target]:
    """Return a target for each of some accounts."""
    return [Target("us-east-1", f"{number:012}") for number in range(count)]


@pytest.mark.parametrize(
    ("hashed", "count", "bucket"),
    [(1, 1, 0), (42, 57, 43), (0xDEAD10CC, 1, 0), (0xDEAD10CC, 666, 361), (256, 1024, 520)],
)
def test_buckets_are_those_of_the_published_algorithm(hashed: int, count: int, bucket: int) -> None:
    """The buckets match other implementations of the same paper."""
    assert compute_bucket(hashed, count) == bucket


def test_fingerprint_never_changes() -> None:
    """A target's shard is the same in every release, so that a rolling update moves none."""
    assert hash_target(TARGET) == 16509326129698960093


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16])
def test_every_target_is_in_exactly_one_shard(count: int) -> None:
    """For any number of shards, exactly one has a given target."""
    shards = [Shard(index, count) for index in range(count)]

    for target in targets(200):
        assert sum(shard.has_target(target) for shard in shards) == 1


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_one_more_shard_takes_its_share_and_no_more(count: int) -> None:
    """From n to n + 1 shards, about one target in n + 1 moves, always to the new shard."""
    before, after = (
        [compute_bucket(hash_target(target), many) for target in targets(3000)]
        for many in (count, count + 1)
    )
    moved = [new for old, new in zip(before, after, strict=True) if old != new]

    assert set(moved) == {count}
    assert abs(len(moved) / 3000 - 1 / (count + 1)) < 0.04


def test_one_place_in_any_spelling_is_one_target() -> None:
    """A role's ARN contains its account, and the role itself does not matter."""
    spelled = [Target("us-east-1", None, f"arn:aws:iam::123456789012:role/{role}") for role in "ab"]

    assert {hash_target(one) for one in [TARGET, *spelled]} == {hash_target(TARGET)}


def test_another_account_or_region_is_another_target() -> None:
    """Each account and region has its own limits and queues."""
    others = [Target("eu-west-1", "123456789012"), Target("us-east-1", "210987654321"), Target()]

    assert len({hash_target(one) for one in [TARGET, *others]}) == 4


@given(WORD, st.integers(1, MAX_SHARDS - 1))
@settings(deadline=None, max_examples=300)
def test_a_job_stays_or_moves_to_the_new_shard(hashed: int, count: int) -> None:
    """Adding a shard never moves a job between two old ones."""
    assert compute_bucket(hashed, count + 1) in {compute_bucket(hashed, count), count}


@pytest.mark.parametrize(("index", "count"), [(1, 1), (-1, 2), (0, 0), (0, MAX_SHARDS + 1)])
def test_an_index_outside_the_count_is_refused(index: int, count: int) -> None:
    """An index outside the count is refused."""
    with pytest.raises(ValueError, match="shards"):
        Shard(index, count)


@pytest.mark.parametrize(
    ("text", "host", "shard"),
    [
        ("0/1", "laptop", Shard(0, 1)),
        ("3/4", "pod-1", Shard(3, 4)),
        ("auto/4", "bedrock-jobs-2", Shard(2, 4)),
        ("auto/12", "bedrock-jobs-11", Shard(11, 12)),
    ],
)
def test_a_shard_is_named_or_taken_from_the_host(text: str, host: str, shard: Shard) -> None:
    """A StatefulSet's pod finds its index in its host name; elsewhere it is passed."""
    assert parse_shard(text, host) == shard


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("4/4", "counted from 0"),
        ("auto/4", "does not end in -NUMBER"),
        ("auto", "INDEX/COUNT"),
        ("-1/4", "INDEX/COUNT"),
        ("0/0", "counted from 0"),
    ],
)
def test_invalid_shard_is_reported(text: str, told: str) -> None:
    """The error for an invalid shard says what to write instead."""
    with pytest.raises(ValueError, match=told):
        parse_shard(text, "laptop")
