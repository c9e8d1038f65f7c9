"""Turns a manifest into a desired job, given its fleet and owner."""

from __future__ import annotations

from controller.core.identity.tokens import derive_submission
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, Manifest, Problem, Submission, Target
from controller.core.severity import filter_errors


def build_desired(
    manifest: Manifest,
    kind: Kind,
    owner: str,
    fallback: Target,
    problems: tuple[Problem, ...] = (),
    path: str = "",
) -> DesiredJob:
    """Return the desired job of a manifest; one with errors has no submission, only a name.

    ``fallback`` fills gaps in the target; ``problems`` are those found outside the manifest itself.
    The submission is that of the attempt that policy names.
    """
    found = manifest.problems + problems
    made: Submission | None = None
    if manifest.spec is not None and not filter_errors(found):
        attempt = manifest.policy.attempt
        made = derive_submission(kind, manifest.spec, manifest.key.name, owner, attempt=attempt)
    # An invalid manifest's live job is still observed, under the name it most probably has.
    guess = manifest.job_name or manifest.key.name
    written = (manifest.spec or {}).get(kind.name_member, guess)
    return DesiredJob(
        key=manifest.key,
        source=manifest.source,
        target=manifest.target.fill_from(fallback),
        policy=manifest.policy,
        name=made.name if made else str(written),
        submission=made,
        labels=manifest.labels,
        problems=found,
        spec=manifest.spec,
        path=path or manifest.source.path,
    )
