"""Hover texts of the shapes that the service uses in several kinds, in our own words.

Keys are a shape and its member; ``[]`` after a list's shape means each item, ``{}`` after a map's
each value. A kind's row speaks first: what it says of a dotted member stands before these.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from controller.core.kinds.descriptions import Description

_EQUAL: Final = Description(
    "Takes an invocation whose metadata holds this key with this value.",
    ({"project": "support"},),
)
_NOT_EQUAL: Final = Description(
    "Takes an invocation unless its metadata holds this key with this value.",
    ({"stage": "test"},),
)
_CONDITION: Final = Description("One condition: either equals or notEquals.")

COMMON: Final[Mapping[str, Description]] = MappingProxyType(
    {
        "TagList[]": Description(
            "One tag: its key and its value.", ({"key": "team", "value": "ml"},)
        ),
        "Tag.key": Description("The tag's name, once in a list.", ("team",)),
        "Tag.value": Description("What the tag says; it may be empty.", ("ml",)),
        "VpcConfig.subnetIds": Description(
            "Ids of the subnets that the job's network interfaces are put into.",
            (["subnet-0123456789abcdef0"],),
        ),
        "SubnetIds[]": Description("The id of one subnet.", ("subnet-0123456789abcdef0",)),
        "VpcConfig.securityGroupIds": Description(
            "Ids of the security groups that guard those network interfaces.",
            (["sg-0123456789abcdef0"],),
        ),
        "SecurityGroupIds[]": Description(
            "The id of one security group.", ("sg-0123456789abcdef0",)
        ),
        "RequestMetadataFilters.equals": _EQUAL,
        "RequestMetadataFilters.notEquals": _NOT_EQUAL,
        "RequestMetadataFilters.andAll": Description(
            "Takes an invocation that every one of these conditions holds for.",
            ([{"equals": {"project": "support"}}, {"notEquals": {"stage": "test"}}],),
        ),
        "RequestMetadataFilters.orAll": Description(
            "Takes an invocation that at least one of these conditions holds for.",
            ([{"equals": {"project": "support"}}, {"equals": {"project": "sales"}}],),
        ),
        "RequestMetadataFiltersList[]": _CONDITION,
        "RequestMetadataBaseFilters.equals": _EQUAL,
        "RequestMetadataBaseFilters.notEquals": _NOT_EQUAL,
        "RequestMetadataMap{}": Description(
            "The value to compare with; never shown by us.", ("support",)
        ),
    }
)
