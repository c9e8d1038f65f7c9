"""Tags: what a manifest wants on its job and on the job's output, and what must be corrected.

Tags are not part of a job's identity, because they can change at any time. Keys that we never set,
and the service's own, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.fleet import Fleet
from controller.core.identity.tokens import get_owner_prefix
from controller.core.kinds.kind import Kind
from controller.core.model import (
    CallFailure,
    DesiredJob,
    Disposition,
    JobRecord,
    LiveJob,
    Submission,
)

STAMP = "bedrock-jobs/"
OWNER, MANIFEST, DIGEST = f"{STAMP}owner", f"{STAMP}manifest", f"{STAMP}digest"
_LONGEST_VALUE = 256
_UNFIT = re.compile(r"[^a-zA-Z0-9\s._:/=+@-]")
_LASTING = frozenset({Disposition.ABSENT, Disposition.DENIED, Disposition.REFUSED})
"""Failures of a tag listing that would fail the same way in the next pass."""

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Retag:
    """The correction of one resource's tags: tags to set and keys to remove.

    ``member`` is the member of the spec that declares its tags.
    """

    member: str
    arn: str
    put: Tags
    drop: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the correction for people: keys only, because values may be long."""
        parts = [f"set {', '.join(sorted(self.put))}"] if self.put else []
        parts += [f"remove {', '.join(self.drop)}"] if self.drop else []
        return f"{self.member}: {' and '.join(parts)}"


@dataclass(frozen=True, slots=True)
class TagState:
    """What is known of a job's tags: those that are as wanted, and what must be corrected.

    ``unread`` are the wanted tags of a job that ended, where the service refuses to list the actual
    ones.
    """

    matching: Mapping[str, Tags]
    retags: tuple[Retag, ...] = ()
    failure: CallFailure | None = None
    unread: Mapping[str, Tags] = field(default_factory=dict)


def build_stamp_tags(desired: DesiredJob, made: Submission, fleet: Fleet) -> Tags:
    """Return the tags that lead from a job in the console to its manifest, if enabled."""
    # Off by default: roles need the permission to tag jobs.
    if not fleet.stamp_tags:
        return {}
    # Tag values have a limited length and alphabet; the end of a path says most.
    manifest = _UNFIT.sub("_", desired.path)[-_LONGEST_VALUE:]
    return {OWNER: _UNFIT.sub("_", fleet.owner), MANIFEST: manifest, DIGEST: made.digest}


def add_stamp_tags(
    kind: Kind, desired: DesiredJob, made: Submission, fleet: Fleet
) -> Mapping[str, Any]:
    """Return the request as it is sent: the manifest's members, plus the stamp tags."""
    added = build_stamp_tags(desired, made, fleet)
    member = get_job_tag_member(kind)
    if not added or not member:
        return made.request
    tags = [{"key": key, "value": value} for key, value in added.items()]
    return {**made.request, member: [*(made.request.get(member) or ()), *tags]}


def recover_token(tags: Tags, owner: str) -> str | None:
    """Return the token that stamp tags prove, for a job whose Get response shows none.

    An owner with characters that tags cannot hold proves nothing: another owner could look the
    same.
    """
    if tags.get(OWNER) != owner or not tags.get(DIGEST):
        return None
    return get_owner_prefix(owner) + tags[DIGEST]


def collect_wanted_tags(
    kind: Kind, desired: DesiredJob, made: Submission, fleet: Fleet
) -> dict[str, dict[str, str]]:
    """Return the tags that a manifest wants, by the member that declares them."""
    found = {member: _convert_to_dict(made.request.get(member)) for member in kind.tagged}
    member = get_job_tag_member(kind)
    if member:
        found[member] |= build_stamp_tags(desired, made, fleet)
    return found


def get_job_tag_member(kind: Kind) -> str:
    """Return the member that tags the job itself, or an empty string if the kind has none."""
    on_job = (member for member, arn in kind.tagged.items() if arn == kind.arn_member)
    return next(on_job, "")


def iter_tags_to_read(
    kind: Kind, want: Mapping[str, Tags], live: LiveJob, recorded: JobRecord | None, *, full: bool
) -> Iterator[tuple[str, str]]:
    """Yield the member and ARN of each resource whose tags must be read.

    Resources whose tags the sidecar vouches for, or that never had tags of ours, are not read. The
    job's output exists once it has succeeded. Tags of an ended job that were refused once are read
    again only when ``full`` or edited.
    """
    known, refused = get_known_tags(live, recorded), get_refused_tags(kind, live, recorded)
    for member, tags in want.items():
        arn = live.members.get(kind.tagged[member])
        before = known.get(member, {})
        # The job's output has no ARN until the job has succeeded.
        if not isinstance(arn, str) or not arn or not (tags or before):
            continue
        if full or (before != tags and refused.get(member) != tags):
            yield member, arn


def get_known_tags(live: LiveJob, recorded: JobRecord | None) -> Mapping[str, Tags]:
    """Return the tags that the sidecar vouches for, if it records this job."""
    return recorded.tags if recorded is not None and recorded.arn == live.arn else {}


def get_refused_tags(kind: Kind, live: LiveJob, recorded: JobRecord | None) -> Mapping[str, Tags]:
    """Return the wanted tags of an ended job whose actual tags the service refused to list."""
    is_known = recorded is not None and recorded.arn == live.arn and live.status in kind.terminal
    return recorded.unread_tags if recorded is not None and is_known else {}


def compare_tags(
    kind: Kind,
    want: Mapping[str, Tags],
    live: LiveJob,
    recorded: JobRecord | None,
    read: Mapping[str, Tags | CallFailure],
) -> TagState:
    """Compare the tags that were read with those wanted; unreadable ones are never wrong."""
    known, refused = get_known_tags(live, recorded), get_refused_tags(kind, live, recorded)
    right: dict[str, Tags] = {}
    unread: dict[str, Tags] = {}
    retags: list[Retag] = []
    failure: CallFailure | None = None
    for member, tags in want.items():
        there = read.get(member)
        if isinstance(there, CallFailure):
            failure = there
        if _is_unreadable(kind, live, there) or (there is None and refused.get(member) == tags):
            unread[member] = tags
        # Nothing was read, so what the sidecar vouched for still holds.
        if there is None or isinstance(there, CallFailure):
            right |= {member: known[member]} if known.get(member) else {}
            continue
        # Keys that we set earlier and that are no longer wanted are removed, if they still exist.
        retag = _build_retag(member, str(live.members[kind.tagged[member]]), tags, there, known)
        if retag.put or retag.drop:
            retags.append(retag)
            right |= {member: known[member]} if known.get(member) else {}
        elif tags:
            right[member] = tags
    return TagState(right, tuple(retags), failure, unread)


def _is_unreadable(kind: Kind, live: LiveJob, there: Tags | CallFailure | None) -> bool:
    """Whether the tags of an ended job cannot be listed, now or in the next pass."""
    is_refused = isinstance(there, CallFailure) and there.disposition in _LASTING
    return is_refused and live.status in kind.terminal


def _build_retag(
    member: str, arn: str, tags: Tags, there: Tags, known: Mapping[str, Tags]
) -> Retag:
    put = {key: value for key, value in tags.items() if there.get(key) != value}
    ours = known.get(member, {})
    # A key that the manifest never had is somebody else's.
    drop = tuple(sorted(key for key in ours if key not in tags and key in there))
    return Retag(member, arn, put, drop)


def _convert_to_dict(tags: Any) -> dict[str, str]:
    if not isinstance(tags, list):
        return {}
    return {str(tag["key"]): str(tag["value"]) for tag in tags if isinstance(tag, Mapping)}
