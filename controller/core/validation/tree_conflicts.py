"""What only the whole tree can show: manifests that cannot stand beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain, islice

from controller.core.documents.entries import ManifestDocument
from controller.core.documents.envelope_values import parse_policy, parse_target
from controller.core.identity.tokens import is_suffixed, iter_stems
from controller.core.model import (
    Problem,
    Target,
)
from controller.core.policy import OnSpecChange, Policy
from controller.core.problems import Code

_NAMED = 5
"""How many of the others a problem names."""
_ONCE = "a job's name can be used once and never again; change one of them"

_Found = Iterator[tuple[int, Problem]]


def find_conflicts(
    entries: Sequence[ManifestDocument], fallback: Target
) -> dict[int, tuple[Problem, ...]]:
    """Return, by position, the problems of entries that cannot stand beside each other.

    Two with one identity clash, two that adopt one job, and two whose jobs would have one name in
    one place, now or after a retry or a revision; ``fallback`` fills the gaps of their targets.
    """
    found: defaultdict[int, tuple[Problem, ...]] = defaultdict(tuple)
    for index, problem in chain(
        _find_duplicates(entries),
        _find_shared_names(entries, fallback),
        _find_reachable_names(entries, fallback),
        _find_shared_adoptions(entries),
    ):
        found[index] = (*found[index], problem)
    return dict(found)


def _find_duplicates(entries: Sequence[ManifestDocument]) -> _Found:
    for group in _group_by_key([(entry.kind, entry.name) for entry in entries]):
        for index in group:
            message = f"{entries[index].key} stands in {_locate_others(entries, index, group)} too"
            hint = "give one of them another metadata.name"
            yield index, _make_problem(Code.DUPLICATE_IDENTITY, entries[index], message, hint)


def _find_shared_names(entries: Sequence[ManifestDocument], fallback: Target) -> _Found:
    for namesakes in _group_by_key([(entry.kind, entry.job_name) for entry in entries]):
        # Targets are compared only among namesakes, of which there are few or none.
        targets = [
            parse_target(entries[index].target).fill_from(fallback).known_place
            for index in namesakes
        ]
        for inner in _group_by_key(targets):
            group = [namesakes[position] for position in inner]
            if len({entries[index].name for index in group}) > 1:
                for index in group:
                    message = (
                        f"the job name {entries[index].job_name} is also that of"
                        f" {_locate_others(entries, index, group)}, in the same account and region"
                    )
                    yield (
                        index,
                        _make_problem(Code.DUPLICATE_JOB_NAME, entries[index], message, _ONCE),
                    )


def _find_reachable_names(entries: Sequence[ManifestDocument], fallback: Target) -> _Found:
    """Yield the problems of names that another manifest's retry or revision could take."""
    reaching: defaultdict[int, list[int]] = defaultdict(list)
    for taken, reacher in _iter_reached_entries(entries, fallback):
        reaching[reacher].append(taken)
        message = (
            f"the job name {entries[taken].job_name} is one that a retry or a new revision of"
            f" {entries[reacher].place} could take"
        )
        yield taken, _make_problem(Code.SUFFIXES_MEET, entries[taken], message, _ONCE)
    for reacher, others in reaching.items():
        message = (
            "a retry or a new revision could take the job name of"
            f" {_locate_others(entries, reacher, others)}"
        )
        yield reacher, _make_problem(Code.SUFFIXES_MEET, entries[reacher], message, _ONCE)


def _iter_reached_entries(
    entries: Sequence[ManifestDocument], fallback: Target
) -> Iterator[tuple[int, int]]:
    """Yield each entry whose job name another one can reach, and the position of that one."""
    ending = [index for index, entry in enumerate(entries) if is_suffixed(entry.job_name)]
    if not ending:
        return
    by_name: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        by_name[entry.kind, entry.job_name].append(index)
    for index in ending:
        entry = entries[index]
        place = parse_target(entry.target).fill_from(fallback).known_place
        for stem, attempt, revised in iter_stems(entry.job_name):
            for other in by_name.get((entry.kind, stem), ()):
                reacher = entries[other]
                if (
                    reacher.name != entry.name
                    and can_reach(parse_policy(reacher.policy), attempt, revised=revised)
                    and parse_target(reacher.target).fill_from(fallback).known_place == place
                ):
                    yield index, other


def can_reach(policy: Policy, attempt: int, *, revised: bool) -> bool:
    """Whether a policy can lead to an attempt; the digits of a revision can be any."""
    if revised and policy.on_spec_change is not OnSpecChange.NEW_REVISION:
        return False
    return attempt <= policy.attempt + policy.retries


def _find_shared_adoptions(entries: Sequence[ManifestDocument]) -> _Found:
    adopting = [index for index, entry in enumerate(entries) if (entry.policy or {}).get("adopt")]
    for inner in _group_by_key([str((entries[index].policy or {})["adopt"]) for index in adopting]):
        group = [adopting[position] for position in inner]
        for index in group:
            message = f"{_locate_others(entries, index, group)} adopts the same job"
            hint = "a job stands for one manifest; delete policy.adopt from the others"
            yield index, _make_problem(Code.ADOPTED_TWICE, entries[index], message, hint)


def _group_by_key(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the groups of positions that share a key."""
    if len(set(keys)) == len(keys):
        return []
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _locate_others(entries: Sequence[ManifestDocument], index: int, group: Iterable[int]) -> str:
    """Return where the others of a group stand, the first few of them."""
    others = [other for other in islice(group, _NAMED + 2) if other != index]
    places = [entries[other].place for other in others[:_NAMED]]
    return ", ".join([*places, "others"] if len(others) > _NAMED else places)


def _make_problem(code: Code, entry: ManifestDocument, message: str, hint: str) -> Problem:
    return Problem(code.code, message, entry.source, hint, entry.key)
