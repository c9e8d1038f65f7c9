"""Identifiers of base models."""

from __future__ import annotations

_FOUNDATION_MODEL = ":foundation-model/"


def get_foundation_model(arn: str) -> str:
    """Return the id that the ARN of a foundation model ends with; empty for any other text."""
    return arn.partition(_FOUNDATION_MODEL)[2]
