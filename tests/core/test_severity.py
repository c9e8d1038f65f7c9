"""A warning is only reported; an error makes its manifest invalid."""

from __future__ import annotations

from dataclasses import replace

from controller.core.documents.entries import ManifestDocument, add_problems, build_manifest
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import Problem, Severity, Source, Target, Tree
from controller.core.severity import apply_strict, convert_to_errors, filter_errors

SOURCE = Source("jobs/a.yaml", 3, 1)
ERROR = Problem("BJ203", "wrong", SOURCE)
WARNING = Problem("BJ203", "unusual", SOURCE, severity=Severity.WARNING)
SPEC = {
    "roleArn": "arn:aws:iam::123456789012:role/R",
    "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
    "trainingDataConfig": {"s3Uri": "s3://acme/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://acme/out/"},
}
ENTRY = ManifestDocument("ModelCustomizationJob", "a", SOURCE.path, 3, 1, "a", spec=SPEC)


def test_only_errors_count() -> None:
    """Only errors are kept; under --strict all problems are errors."""
    assert filter_errors((WARNING, ERROR)) == (ERROR,)
    assert filter_errors(convert_to_errors((WARNING, ERROR))) == (
        replace(WARNING, severity=Severity.ERROR),
        ERROR,
    )


def test_a_manifest_with_warnings_is_submitted() -> None:
    """A manifest with warnings keeps its spec and submission; one with errors loses both."""
    kind = KINDS["ModelCustomizationJob"]
    warned, wrong = (build_manifest(add_problems(ENTRY, [one])) for one in (WARNING, ERROR))
    assert (warned.spec, wrong.spec) == (SPEC, None)
    assert [one.severity for one in warned.problems] == [Severity.WARNING]
    made, held = (build_desired(one, kind, "", Target()) for one in (warned, wrong))
    assert made.submission is not None
    assert held.submission is None


def test_strict_makes_a_warned_manifest_invalid() -> None:
    """Under --strict a warning removes the spec; manifests without problems stay unchanged."""
    warned, fine = build_manifest(add_problems(ENTRY, [WARNING])), build_manifest(ENTRY)
    made = apply_strict(Tree((warned, fine), warned.problems, 1))
    assert [one.spec for one in made.manifests] == [None, SPEC]
    assert filter_errors(made.problems) == made.problems
    settled = Tree((fine,), (), 1)
    assert apply_strict(settled) is settled
