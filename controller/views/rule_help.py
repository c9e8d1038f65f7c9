"""Help texts: what each problem and each reason to hold means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.core.planning.actions import Reason
from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class RuleHelp:
    """What a problem code or reason means, and what to do about it."""

    meaning: str
    advice: str


ADVICE: Mapping[Code, str] = MappingProxyType(
    {
        Code.NOT_READABLE: (
            "The path is not a regular file (a pipe, a socket, a device, a folder), or its "
            "permissions or its disk prevent reading it. Such a file is never waited for. Also "
            "reported for a name so long that no sidecar fits beside it."
        ),
        Code.TOO_LARGE: (
            "Also reported for a file with more YAML nodes than 1 MiB of manifests has, and for "
            "one with more than 2,000 manifests, of which the first 2,000 are processed. Split "
            "the file."
        ),
        Code.NOT_UTF8: (
            "Save the file as UTF-8. A byte order mark at its start and Windows line endings are "
            "allowed."
        ),
        Code.NOT_YAML: (
            "The message says what the parser expected and where. The documents before and after "
            "it in the same file are still checked."
        ),
        Code.TAB: "Indent with spaces: YAML does not allow tabs.",
        Code.DUPLICATE_KEY: (
            "Parsers differ in which of the two they use, so neither is used. Delete one, or "
            "write a list."
        ),
        Code.TOO_DEEP: "Aliases count as if they were written out.",
        Code.TOO_MANY_ALIASES: (
            "A document may have at most 1,000 aliases, which may expand to at most 100,000 "
            "values, and no alias may occur inside the value that it refers to."
        ),
        Code.MERGE_KEY: (
            "The spec is sent exactly as written, so `spec` must be written out. Put shared "
            "members into `_defaults.yaml`. Outside `spec` a merge key takes a mapping or a list "
            "of mappings."
        ),
        Code.TAG: (
            "The schema determines the type of each value. Only YAML's own `!!str`, `!!int`, "
            "`!!float`, `!!bool`, `!!null`, `!!map` and `!!seq` are allowed, and only where they "
            "agree with the value."
        ),
        Code.CONTROL_CHARACTER: (
            "Delete it, or write it as an escape in double quotes. This includes a byte order "
            "mark inside the text, and U+0085, U+2028 and U+2029, which some parsers treat as "
            "line breaks."
        ),
        Code.NOT_A_MAPPING: (
            "A manifest, a `_defaults.yaml` and a `bedrock-jobs.yaml` are mappings of keys to "
            "values; the latter two hold one document each."
        ),
        Code.OUTSIDE_TREE: (
            "Links may lead to other places in the same tree: the outermost git repository, or "
            "else the folder that was passed. Nothing outside it, and nothing in a `.git` folder, "
            "is read. Put the file itself into the tree, or delete the link."
        ),
        Code.NESTED_FLEET: (
            "Only the outermost file between a manifest and the root of its repository counts, so "
            "that no pull request can replace its rules. Delete the inner file. Also reported "
            "when a folder with a file of its own is read together with others: run once for "
            "each, or name the file with `--config`."
        ),
        Code.FLEET_NAME: (
            "Its extension or its letter case differs, so its rules would be ignored. Rename it."
        ),
        Code.SAYS_NOTHING: (
            "A `bedrock-jobs.yaml` or `_defaults.yaml` that is empty, or has only comments, may "
            "have been truncated while it was written. Write `{}` if it is meant to be empty, or "
            "delete it."
        ),
        Code.NOT_ON_DISK: (
            "The index or HEAD has a `_defaults.yaml` or a `bedrock-jobs.yaml` that is missing "
            "from this work tree. Restore it (`git restore`, or a wider sparse checkout), or "
            "commit its removal."
        ),
        Code.KEY_NOT_TEXT: (
            "Keys are strings. Quote a key that is meant to be `null` or `~`; a list or a mapping "
            "cannot be a key."
        ),
        Code.UNKNOWN_KIND: "The hint lists the supported kinds.",
        Code.UNKNOWN_VERSION: (
            "Every document under the manifests' folder is a manifest. Keep other YAML elsewhere, "
            "or under a name that begins with `_`."
        ),
        Code.UNKNOWN_KEY: (
            "The hint suggests what was probably meant. In `_defaults.yaml` this is also reported "
            "for a key that can belong to one job only."
        ),
        Code.MISSING_KEY: "The position is that of the mapping that lacks the key.",
        Code.WRONG_TYPE: (
            "Numbers and booleans follow YAML 1.2: `yes` is a string, `012` is twelve, and `32.0` "
            "is not an integer."
        ),
        Code.NULL_VALUE: "Write a value, delete the line, or quote the text if it is meant.",
        Code.NOT_ALLOWED: "The message lists the allowed values.",
        Code.PATTERN: (
            "The message describes the required form. A name that the spec omits is taken from "
            "`metadata.name`, and the problem is reported there."
        ),
        Code.OUT_OF_BOUNDS: (
            "The message states the bounds. Also reported for a number that JSON cannot represent "
            "exactly."
        ),
        Code.NOT_EXACTLY_ONE: "Delete all but one, or add one.",
        Code.COMBINATION: "The message says which members belong together.",
        Code.TOKEN_GIVEN: (
            "Delete the line: the token that keeps a job from being paid for twice is derived "
            "from the manifest."
        ),
        Code.SCHEMA_BEHIND: (
            "A warning of `validate` only. The message lists the members and values that a "
            "manifest cannot use yet. Install a newer `bedrock-jobs`; `schema --check` compares "
            "the two member by member."
        ),
        Code.DUPLICATE_IDENTITY: (
            "The problem is reported at each, with the location of the other. Rename one."
        ),
        Code.DUPLICATE_JOB_NAME: (
            "In one account and region a job name can be used only once, and never again."
        ),
        Code.NAME_TOO_LONG: (
            "Retries and revisions add a suffix to the name. Shorten the name, or change the "
            "policy."
        ),
        Code.SUFFIX_UNFIT: (
            "A suffix begins with a dash, and some names do not allow two separators in a row. "
            "End the name with a letter or a digit."
        ),
        Code.SUFFIXES_MEET: (
            "Retries end a job's name with `-r1`, `-r2` and so on, revisions with eight "
            "hexadecimal digits. The problem is reported at both manifests. Rename one, or change "
            "the policy."
        ),
        Code.CONTRADICTION: (
            "An adopted job represents the spec as it is, so `adopt` requires `onSpecChange: Hold`."
        ),
        Code.ADOPTED_ELSEWHERE: (
            "It is the ARN of another kind of resource, or of another account or region than the "
            "manifest's. The manifest's target, else that of `bedrock-jobs.yaml`, says which "
            "these are."
        ),
        Code.ADOPTED_TWICE: "A job belongs to one manifest. Delete `policy.adopt` from the others.",
        Code.TAG_RESERVED: (
            "Keys that begin with `aws:` can be set by AWS only, and those with `bedrock-jobs/` "
            "by `stampTags` only."
        ),
        Code.TOO_MANY_TAGS: (
            "AWS allows 50 per resource. `stampTags` adds three of its own to the job, which "
            "leaves 47."
        ),
        Code.TAG_TWICE: "A resource has one value per key. Delete one of the two.",
        Code.FORBIDDEN_ACCOUNT: (
            "`allow.accounts` of `bedrock-jobs.yaml` lists the allowed accounts."
        ),
        Code.FORBIDDEN_REGION: "`allow.regions` lists the allowed regions.",
        Code.FORBIDDEN_ROLE: "`allow.roleArns` lists the allowed roles.",
        Code.FORBIDDEN_MODEL: (
            "`allow.baseModels` lists the allowed models. A foundation model's ARN is compared by "
            "its model ID, a custom model by its whole ARN."
        ),
        Code.FORBIDDEN_LOCATION: (
            "`allow.s3Prefixes` lists the allowed locations. Every S3 location of the spec must "
            "match one; a `*` does not match a slash."
        ),
        Code.TAG_REQUIRED: "`require.tags` lists the keys that the job's tags must have.",
        Code.KMS_REQUIRED: "`require.kms` requires a customer managed key.",
        Code.VPC_REQUIRED: "`require.vpc` requires subnets and security groups.",
    }
)
"""What to do about each problem, as in docs/reference/problems.md."""

HOLDS: Mapping[Reason, RuleHelp] = MappingProxyType(
    {
        Reason.INVALID: RuleHelp(
            "The manifest has problems, or requests what `bedrock-jobs.yaml` does not allow.",
            "Fix the problems that `validate` lists.",
        ),
        Reason.OBSERVATION_FAILED: RuleHelp(
            (
                "The service could not be reached, or the response was not its own, so it is "
                "unknown whether the job exists."
            ),
            (
                "Nothing if it is temporary; else fix what the message names: credentials, "
                "network, permissions."
            ),
        ),
        Reason.RECORD_UNREADABLE: RuleHelp(
            (
                "The job's record may be in a sidecar that cannot be read or parsed: an I/O error, "
                "a truncated file, conflict markers, an invalid entry."
            ),
            (
                "Restore the sidecar; or, if no such job was submitted, run `reconcile "
                "--forget-record NAME` or delete the file."
            ),
        ),
        Reason.WRONG_TARGET: RuleHelp(
            (
                "The credentials belong to another account or region than the manifest, "
                "`bedrock-jobs.yaml` or the sidecar says; or the manifest declares another one "
                "than the sidecar records. The credentials are checked once one of their jobs must "
                "be looked up or changed."
            ),
            "Use the right credentials, or correct `target`.",
        ),
        Reason.SUBMIT_REFUSED: RuleHelp(
            (
                "The service rejected this very request; or, in ten consecutive passes, reported a "
                "conflict although no job of that name is visible."
            ),
            (
                "Fix the spec as the service's message says, or what it depends on; to send the "
                "same spec again, delete the sidecar's entry."
            ),
        ),
        Reason.LIVE_MISSING: RuleHelp(
            (
                "The sidecar records a job, or `policy.adopt` names one, that the service does not "
                "have; a job younger than ten minutes is not considered missing yet "
                "(`IntentUnconfirmed`)."
            ),
            (
                "Check account and region; if the job is gone for good, delete the sidecar's entry "
                "(or `policy.adopt`) to submit again."
            ),
        ),
        Reason.SPEC_CHANGED: RuleHelp(
            "The spec was edited after its job was submitted.",
            (
                "Restore the spec, set `policy.onSpecChange: NewRevision` to submit it under its "
                "own name, or rename the manifest."
            ),
        ),
        Reason.NOT_OWNED: RuleHelp(
            (
                "A job of this name exists that this fleet did not submit, or that may belong to "
                "another manifest. The best proof in the whole tree wins: a token before a name, a "
                "name before a sidecar."
            ),
            (
                "Rename the manifest; or set `policy.adopt` to the job's ARN, with a spec equal to "
                "the job's."
            ),
        ),
        Reason.TOKEN_REPLAY: RuleHelp(
            "Create returned another job than the requested one.",
            "Rename the manifest, and report it.",
        ),
    }
)
"""For each reason that holds a job: what it means and what to do (docs/reference/reasons.md)."""


def find_rule_help(name: str) -> RuleHelp | None:
    """Return the help of a problem code or a reason; None for any other name."""
    for code in Code:
        if code.code == name:
            return RuleHelp(code.meaning, ADVICE[code])
    return next((rule for reason, rule in HOLDS.items() if reason == name), None)
