"""Hover texts of what is ours: a manifest's own keys, and those of the fleet's file.

Keys are dotted members; ``[]`` after one means each item of its list, ``{}`` each value of its map.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from controller.core.kinds.descriptions import Description

_ROLE: Final = "arn:aws:iam::123456789012:role"
_JOB: Final = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job"

_TARGET: Final = {
    "target": Description(
        "Where the job belongs; else the fleet's file says, else the AWS environment."
    ),
    "target.region": Description("The AWS region by its code.", ("us-east-1", "eu-central-1")),
    "target.accountId": Description(
        "The AWS account that must be acted in: with credentials of another nothing is done.",
        ("123456789012",),
    ),
    "target.assumeRoleArn": Description(
        "The IAM role to assume before any call.", (f"{_ROLE}/BedrockJobs",)
    ),
}

MANIFEST: Final[Mapping[str, Description]] = MappingProxyType(
    {
        **_TARGET,
        "apiVersion": Description("The manifest's format."),
        "kind": Description("The kind of job that the manifest describes."),
        "metadata": Description("What the manifest is called."),
        "metadata.name": Description(
            "Names the job in this tree, once per kind; the request's names default to it.",
            ("support-bot",),
        ),
        "metadata.labels": Description(
            "Labels that -l selects manifests by; they are never sent.", ({"team": "support"},)
        ),
        "metadata.labels{}": Description("The label's value; it may be empty.", ("support",)),
        "policy": Description("What the controller may do with the job; every key is optional."),
        "policy.state": Description(
            "What is wanted of the job.",
            values={
                "Submitted": "The job is submitted, and runs to its end.",
                "Suspended": "The job is not submitted; one that runs already goes on.",
                "Stopped": "The job is stopped if it runs, and never submitted.",
            },
        ),
        "policy.onSpecChange": Description(
            "What follows an edit of spec after the job was submitted.",
            values={
                "Hold": "Nothing is done; the changed members are named, and a person decides.",
                "NewRevision": "Another job runs, named with eight more hexadecimal digits.",
            },
        ),
        "policy.onFailure": Description("What follows a failed job."),
        "policy.onFailure.retries": Description(
            "How often a job is run again unasked after failures that can heal, such as lack of"
            " capacity. Each run is paid for.",
            (2,),
        ),
        "policy.attempt": Description(
            "Raise it by one to run a Failed or Stopped job again, its name followed by -r1, -r2"
            " and so on.",
            (1,),
        ),
        "policy.adopt": Description(
            "The ARN of a job made elsewhere that this manifest stands for from now on.",
            (f"{_JOB}/amazon.nova-micro-v1:0:128k/abcdefghijkl",),
        ),
        "policy.onDelete": Description(
            "What becomes of a job that runs when its manifest is removed; acted on only with"
            " --prune.",
            values={"Retain": "The job goes on.", "Stop": "The job is stopped."},
        ),
        "policy.priority": Description(
            "Goes before lower numbers when not all jobs may run at once.", (10,)
        ),
    }
)

FLEET: Final[Mapping[str, Description]] = MappingProxyType(
    {
        **_TARGET,
        "": Description(
            "What the owner of a fleet fixes for all of its manifests; no key is required. Of "
            "several files up to the repository's root the outermost one counts."
        ),
        "owner": Description(
            "Names this repository's fleet. It is part of every token, so never change it.",
            ("acme-ml",),
        ),
        "limits": Description("How much may happen."),
        "limits.maxSubmits": Description(
            "Jobs that one pass may submit; one that would submit more only stops jobs."
        ),
        "limits.maxActive": Description(
            "Jobs that may run at once in an account and region; the others wait as Queued.", (2,)
        ),
        "allow": Description(
            "What manifests may name. A list that is absent allows all; `*` stands for any text."
        ),
        "allow.accounts": Description("AWS accounts to act in, each in full.", (["123456789012"],)),
        "allow.accounts[]": Description(
            "An account's id: twelve digits, quoted.", ("123456789012",)
        ),
        "allow.regions": Description("AWS regions to act in.", (["us-east-1"],)),
        "allow.regions[]": Description("A region's code; `*` stands for any text.", ("us-east-1",)),
        "allow.roleArns": Description("IAM roles that a job may run as.", ([f"{_ROLE}/Bedrock*"],)),
        "allow.roleArns[]": Description(
            "A role's ARN; `*` stands for any text.", (f"{_ROLE}/Bedrock*",)
        ),
        "allow.baseModels": Description("Models that a job may start from.", (["amazon.nova-*"],)),
        "allow.baseModels[]": Description(
            "A model as manifests name it; `*` stands for any text.", ("amazon.nova-*",)
        ),
        "allow.s3Prefixes": Description("Where jobs may read and write.", (["s3://acme-*/"],)),
        "allow.s3Prefixes[]": Description(
            "How an S3 location begins; `*` stands for any text.", ("s3://acme-*/",)
        ),
        "require": Description("What every manifest must have."),
        "require.tags": Description("Keys of tags that each job must carry.", (["team"],)),
        "require.tags[]": Description("A tag's key.", ("team",)),
        "require.kms": Description("Whether each job must name a KMS key.", (True,)),
        "require.vpc": Description("Whether each job must run in a VPC.", (True,)),
        "failures": Description(
            "Which failures a retry can heal, where you know better than the built-in table."
        ),
        "failures.healing": Description(
            "Failures after which policy.onFailure.retries may run a job again.",
            (["*temporarily out of accelerators*"],),
        ),
        "failures.healing[]": Description(
            "A failed job's message; `*` stands for any text.",
            ("*temporarily out of accelerators*",),
        ),
        "failures.lasting": Description(
            "Failures after which no job is run again, whatever else matches them.",
            (["Encountered an unexpected error*"],),
        ),
        "failures.lasting[]": Description(
            "A failed job's message; `*` stands for any text.",
            ("Encountered an unexpected error*",),
        ),
        "stampTags": Description(
            "Whether each job is tagged with its owner, manifest and digest, so that whoever finds"
            " it in AWS finds its file.",
            (True,),
        ),
    }
)
