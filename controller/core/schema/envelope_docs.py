"""Hover texts of what is ours: a manifest's own keys, and those of the fleet's file.

Keys are dotted members; ``[]`` after one means each item of its list, ``{}`` each value of its map.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from controller.core.kinds.descriptions import Words

_ROLE: Final = "arn:aws:iam::123456789012:role"
_JOB: Final = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job"

_TARGET: Final = {
    "target": Words("Where the job belongs; else the fleet's file says, else the AWS environment."),
    "target.region": Words("The AWS region by its code.", ("us-east-1", "eu-central-1")),
    "target.accountId": Words(
        "The AWS account that must be acted in: with credentials of another nothing is done.",
        ("123456789012",),
    ),
    "target.assumeRoleArn": Words(
        "The IAM role to assume before any call.", (f"{_ROLE}/BedrockJobs",)
    ),
}

MANIFEST: Final[Mapping[str, Words]] = MappingProxyType(
    {
        **_TARGET,
        "apiVersion": Words("The manifest's format."),
        "kind": Words("The kind of job that the manifest describes."),
        "metadata": Words("What the manifest is called."),
        "metadata.name": Words(
            "Names the job in this tree, once per kind; the request's names default to it.",
            ("support-bot",),
        ),
        "metadata.labels": Words(
            "Labels that -l selects manifests by; they are never sent.", ({"team": "support"},)
        ),
        "metadata.labels{}": Words("The label's value; it may be empty.", ("support",)),
        "policy": Words("What the controller may do with the job; every key is optional."),
        "policy.state": Words(
            "What is wanted of the job.",
            values={
                "Submitted": "The job is submitted, and runs to its end.",
                "Suspended": "The job is not submitted; one that runs already goes on.",
                "Stopped": "The job is stopped if it runs, and never submitted.",
            },
        ),
        "policy.onSpecChange": Words(
            "What follows an edit of spec after the job was submitted.",
            values={
                "Hold": "Nothing is done; the changed members are named, and a person decides.",
                "NewRevision": "Another job runs, named with eight more hexadecimal digits.",
            },
        ),
        "policy.onFailure": Words("What follows a failed job."),
        "policy.onFailure.retries": Words(
            "How often a job is run again unasked after failures that can heal, such as lack of"
            " capacity. Each run is paid for.",
            (2,),
        ),
        "policy.attempt": Words(
            "Raise it by one to run a Failed or Stopped job again, its name followed by -r1, -r2"
            " and so on.",
            (1,),
        ),
        "policy.adopt": Words(
            "The ARN of a job made elsewhere that this manifest stands for from now on.",
            (f"{_JOB}/amazon.nova-micro-v1:0:128k/abcdefghijkl",),
        ),
        "policy.onDelete": Words(
            "What becomes of a job that runs when its manifest is removed; acted on only with"
            " --prune.",
            values={"Retain": "The job goes on.", "Stop": "The job is stopped."},
        ),
        "policy.priority": Words(
            "Goes before lower numbers when not all jobs may run at once.", (10,)
        ),
    }
)

FLEET: Final[Mapping[str, Words]] = MappingProxyType(
    {
        **_TARGET,
        "": Words(
            "What the owner of a fleet fixes for all of its manifests; no key is required. Of "
            "several files up to the repository's root the outermost one counts."
        ),
        "owner": Words(
            "Names this repository's fleet. It is part of every token, so never change it.",
            ("acme-ml",),
        ),
        "limits": Words("How much may happen."),
        "limits.maxSubmits": Words(
            "Jobs that one pass may submit; one that would submit more only stops jobs."
        ),
        "limits.maxActive": Words(
            "Jobs that may run at once in an account and region; the others wait as Queued.", (2,)
        ),
        "allow": Words(
            "What manifests may name. A list that is absent allows all; `*` stands for any text."
        ),
        "allow.accounts": Words("AWS accounts to act in, each in full.", (["123456789012"],)),
        "allow.accounts[]": Words("An account's id: twelve digits, quoted.", ("123456789012",)),
        "allow.regions": Words("AWS regions to act in.", (["us-east-1"],)),
        "allow.regions[]": Words("A region's code; `*` stands for any text.", ("us-east-1",)),
        "allow.roleArns": Words("IAM roles that a job may run as.", ([f"{_ROLE}/Bedrock*"],)),
        "allow.roleArns[]": Words("A role's ARN; `*` stands for any text.", (f"{_ROLE}/Bedrock*",)),
        "allow.baseModels": Words("Models that a job may start from.", (["amazon.nova-*"],)),
        "allow.baseModels[]": Words(
            "A model as manifests name it; `*` stands for any text.", ("amazon.nova-*",)
        ),
        "allow.s3Prefixes": Words("Where jobs may read and write.", (["s3://acme-*/"],)),
        "allow.s3Prefixes[]": Words(
            "How an S3 location begins; `*` stands for any text.", ("s3://acme-*/",)
        ),
        "require": Words("What every manifest must have."),
        "require.tags": Words("Keys of tags that each job must carry.", (["team"],)),
        "require.tags[]": Words("A tag's key.", ("team",)),
        "require.kms": Words("Whether each job must name a KMS key.", (True,)),
        "require.vpc": Words("Whether each job must run in a VPC.", (True,)),
        "failures": Words(
            "Which failures a retry can heal, where you know better than the built-in table."
        ),
        "failures.healing": Words(
            "Failures after which policy.onFailure.retries may run a job again.",
            (["*temporarily out of accelerators*"],),
        ),
        "failures.healing[]": Words(
            "A failed job's message; `*` stands for any text.",
            ("*temporarily out of accelerators*",),
        ),
        "failures.lasting": Words(
            "Failures after which no job is run again, whatever else matches them.",
            (["Encountered an unexpected error*"],),
        ),
        "failures.lasting[]": Words(
            "A failed job's message; `*` stands for any text.",
            ("Encountered an unexpected error*",),
        ),
        "stampTags": Words(
            "Whether each job is tagged with its owner, manifest and digest, so that whoever finds"
            " it in AWS finds its file.",
            (True,),
        ),
    }
)
