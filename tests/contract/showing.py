"""Builds what Get shows of a request, by its kind; tests of several packages use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.core.kinds.kind import Comparison, Kind

REGION = "us-east-1"
ACCOUNT = "123456789012"


def arn_of(kind: Kind, serial: str, account: str = ACCOUNT, region: str = REGION) -> str:
    """Return an ARN in the service's format."""
    return (
        f"arn:aws:bedrock:{region}:{account}:{kind.resource}/amazon.nova-micro-v1:0:128k/{serial}"
    )


def product_of(kind: Kind, arn: str) -> str:
    """Return the ARN of a job's output."""
    product = kind.simulation.product if kind.simulation else "product"
    return arn.replace(f":{kind.resource}/", f":{product}/")


def shown(kind: Kind, request: Mapping[str, Any], region: str = REGION) -> dict[str, Any]:
    """Return a request's members with the names and in the forms that Get uses."""
    outside = {kind.token_member, *kind.tag_members}
    return {
        kind.echoes.get(member, member): _form(kind, member, value, region)
        for member, value in request.items()
        if member not in outside
    }


def _form(kind: Kind, member: str, value: Any, region: str) -> Any:
    match kind.comparisons.get(member, Comparison.EXACT):
        case Comparison.BASE_MODEL:
            return f"arn:aws:bedrock:{region}::foundation-model/{value.rpartition('/')[2]}"
        case Comparison.KMS_KEY:
            return f"arn:aws:kms:{region}:{ACCOUNT}:key/{value.rpartition('/')[2]}"
        case _:
            return value
