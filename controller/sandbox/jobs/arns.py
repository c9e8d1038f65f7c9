"""ARNs and identifiers, derived from what they name, so that they are equal in every run."""

from __future__ import annotations

import hashlib
import string

from controller.sandbox.state.caller import Caller

_DIGITS = string.digits + string.ascii_lowercase
_LENGTH = 12


def make_identifier(*parts: str) -> str:
    """Return twelve lower-case letters and digits, a hash of the parts and their order."""
    # Eight bytes exceed 36 ** 12, so every identifier of this length can occur.
    number = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
    return "".join(_DIGITS[number // 36**place % 36] for place in range(_LENGTH))


def build_resource_arn(caller: Caller, resource: str, model: str, name: str) -> str:
    """Return the ARN of a job or of its model, which includes the base model."""
    unique = make_identifier(resource, caller.account, caller.region, name)
    prefix = f"arn:{caller.partition}:bedrock:{caller.region}:{caller.account}"
    return f"{prefix}:{resource}/{model}/{unique}"


def build_model_arn(caller: Caller, model: str) -> str:
    """Return the ARN of a base model in the caller's region."""
    return f"arn:{caller.partition}:bedrock:{caller.region}::foundation-model/{model}"


def resolve_key_arn(caller: Caller, key: str) -> str:
    """Return the key ARN for a KMS key's ID, ARN or alias."""
    if ":key/" in key:
        return key
    # An alias resolves to a stable but fictitious key ID, since there are no keys.
    prefix = f"arn:{caller.partition}:kms:{caller.region}:{caller.account}:key/"
    alias = key[key.find("alias/") :] if "alias/" in key else ""
    return prefix + (_make_uuid(caller.account, caller.region, alias) if alias else key)


def _make_uuid(*parts: str) -> str:
    digits = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
