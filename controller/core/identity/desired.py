"""What a manifest asks for, once its fleet and owner are known."""

from __future__ import annotations

from controller.core.identity.tokens import submission
from controller.core.kinds.kind import Kind
from controller.core.model import Desired, Manifest, Problem, Submission, Target
from controller.core.severity import errors


def desire(
    manifest: Manifest,
    kind: Kind,
    owner: str,
    fallback: Target,
    problems: tuple[Problem, ...] = (),
    path: str = "",
) -> Desired:
    """A manifest without errors has a submission; one with errors only has a name to look for.

    ``fallback`` fills the target's gaps; ``problems`` are those found outside the manifest itself.
    The submission is that of the attempt which policy names.
    """
    found = manifest.problems + problems
    made: Submission | None = None
    if manifest.spec is not None and not errors(found):
        attempt = manifest.policy.attempt
        made = submission(kind, manifest.spec, manifest.key.name, owner, attempt=attempt)
    guess = manifest.job_name or manifest.key.name
    written = (manifest.spec or {}).get(kind.name_member, guess)
    return Desired(
        key=manifest.key,
        source=manifest.source,
        target=manifest.target.over(fallback),
        policy=manifest.policy,
        name=made.name if made else str(written),
        submission=made,
        labels=manifest.labels,
        problems=found,
        spec=manifest.spec,
        path=path or manifest.source.path,
    )
