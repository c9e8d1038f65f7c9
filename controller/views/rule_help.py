"""What a person should do about each problem and each hold: the words of docs/ for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.core.planning.actions import Reason
from controller.core.problems import Code


@dataclass(frozen=True, slots=True)
class Rule:
    """What one name for a finding means, and what a person should do about it."""

    meaning: str
    advice: str


ADVICE: Mapping[Code, str] = MappingProxyType(
    {
        Code.NOT_READABLE: (
            "The path is no regular file (a pipe, a socket, a device, a folder), or its "
            "permissions or its disk do not let it be read. Such a file is never waited for. Also "
            "reported for a name so long that no sidecar fits beside it."
        ),
        Code.TOO_LARGE: (
            "Also told of a file with more parts than 1 MiB of a manifest has, and of one with "
            "more than 2,000 manifests, whose first 2,000 are served. Split it: none of this size "
            "is written by people."
        ),
        Code.NOT_UTF8: (
            "Save the file as UTF-8. A byte order mark at its start is fine, and so are Windows' "
            "line ends."
        ),
        Code.NOT_YAML: (
            "The message says what the parser expected, and the place is where the mistake shows. "
            "The documents before and behind it in the same file are still checked."
        ),
        Code.TAB: "Indent with spaces: YAML does not take tabs.",
        Code.DUPLICATE_KEY: (
            "Parsers differ in which of the two they take, so neither is taken. Delete one, or "
            "write a list."
        ),
        Code.TOO_DEEP: "Aliases count as if they were written out.",
        Code.TOO_MANY_ALIASES: (
            "At most 1,000 aliases stand in a document, they expand to at most 100,000 values, and"
            " none stands inside the value that it names."
        ),
        Code.MERGE_KEY: (
            "What is sent is what is written, so `spec` is written out. Shared members go into "
            "`_defaults.yaml`. Outside `spec` a merge key takes a mapping or a list of mappings."
        ),
        Code.TAG: (
            "The schema says what each value is. Only YAML's own `!!str`, `!!int`, `!!float`, "
            "`!!bool`, `!!null`, `!!map` and `!!seq` are taken, where they tell the truth."
        ),
        Code.CONTROL_CHARACTER: (
            "Delete it, or write it as an escape in double quotes. This includes a byte order mark"
            " inside the text, and U+0085, U+2028 and U+2029, which some parsers take for line "
            "breaks."
        ),
        Code.NOT_A_MAPPING: (
            "A manifest, a file of defaults and the fleet's file are mappings of keys to values; "
            "the latter two are one document each."
        ),
        Code.OUTSIDE_TREE: (
            "Links may lead to other places of the same tree: the outermost git repository, or "
            "else the folder that was given. Nothing outside it, and nothing in a `.git` folder, "
            "is read. Put the file itself into the tree, or delete the link."
        ),
        Code.NESTED_FLEET: (
            "The outermost file between a manifest and the root of its repository counts alone, "
            "so that no pull request can replace its rules. Delete the inner file. Also reported "
            "when a folder with a file of its own is read together with others: run once for "
            "each, or name the file with `--config`."
        ),
        Code.FLEET_NAME: (
            "Its ending or the case of its letters differs, so its rules would not count. Rename "
            "it."
        ),
        Code.SAYS_NOTHING: (
            "An empty `bedrock-jobs.yaml` or `_defaults.yaml`, or one with comments alone, may "
            "have been cut off while it was written. Write `{}` if it is to say nothing, or "
            "delete it."
        ),
        Code.NOT_ON_DISK: (
            "The index or HEAD holds a `_defaults.yaml` or a `bedrock-jobs.yaml` that this work "
            "tree lacks. Restore it (`git restore`, or a wider sparse checkout), or commit its "
            "removal."
        ),
        Code.KEY_NOT_TEXT: (
            "Keys are text. Quote a key that is meant to be `null` or `~`; a list or a mapping "
            "cannot be a key."
        ),
        Code.UNKNOWN_KIND: "The hint names the kinds that are offered.",
        Code.UNKNOWN_VERSION: (
            "Every document under the manifests' folder is a manifest. Keep other YAML elsewhere, "
            "or under a name that begins with `_`."
        ),
        Code.UNKNOWN_KEY: (
            "The hint names what was probably meant. In `_defaults.yaml` this is also told of a "
            "key that can belong to one job only."
        ),
        Code.MISSING_KEY: "The place is the mapping that lacks the key.",
        Code.WRONG_TYPE: (
            "Numbers and booleans follow YAML 1.2: `yes` is text, `012` is twelve, and `32.0` is "
            "no whole number."
        ),
        Code.NULL_VALUE: "Give a value, delete the line, or quote the text if it is meant.",
        Code.NOT_ALLOWED: "The message lists the values.",
        Code.PATTERN: (
            "The message says what form is asked for. A name that the spec leaves out is taken "
            "from `metadata.name`, and told there."
        ),
        Code.OUT_OF_BOUNDS: (
            "The message says the bounds. It is also told of a number that JSON cannot carry "
            "exactly."
        ),
        Code.NOT_EXACTLY_ONE: "Delete all but one, or add one.",
        Code.COMBINATION: "The message says which members belong together.",
        Code.TOKEN_GIVEN: (
            "Delete the line: the token that keeps a job from being paid for twice is a function "
            "of the manifest."
        ),
        Code.SCHEMA_BEHIND: (
            "A warning of `validate` alone. The message lists the members and values that a "
            "manifest cannot use yet. Install a newer `bedrock-jobs`; `schema --check` compares "
            "both member by member."
        ),
        Code.DUPLICATE_IDENTITY: "Each is told where the other is. Rename one.",
        Code.DUPLICATE_JOB_NAME: (
            "In one account and region a job's name can be used once, and never again."
        ),
        Code.NAME_TOO_LONG: (
            "Retries and revisions add a suffix to the names. Shorten the name, or change the "
            "policy."
        ),
        Code.SUFFIX_UNFIT: (
            "A suffix begins with a dash, and some names take no two separators in a row. End the "
            "name with a letter or a digit."
        ),
        Code.SUFFIXES_MEET: (
            "Retries end a job's name with `-r1`, `-r2` and so on, revisions with eight "
            "hexadecimal digits. Both manifests are told where the other is. Rename one, or change"
            " the policy."
        ),
        Code.CONTRADICTION: (
            "An adopted job stands for the spec as it is, so `adopt` goes with `onSpecChange: "
            "Hold` alone."
        ),
        Code.ADOPTED_ELSEWHERE: (
            "It is of another kind of resource, or of an account or region in which the manifest "
            "does not act. The manifest's target, else the fleet's, says where that is."
        ),
        Code.ADOPTED_TWICE: "A job stands for one manifest. Delete `policy.adopt` from the others.",
        Code.TAG_RESERVED: (
            "Keys that begin with `aws:` are set by AWS alone, and those with `bedrock-jobs/` by "
            "`stampTags`."
        ),
        Code.TOO_MANY_TAGS: (
            "AWS takes 50 on a resource. With `stampTags` three of those on the job are ours, "
            "which leaves 47."
        ),
        Code.TAG_TWICE: "A resource has one value for a key. Delete one of the two.",
        Code.FORBIDDEN_ACCOUNT: "`allow.accounts` of `bedrock-jobs.yaml` lists the accounts.",
        Code.FORBIDDEN_REGION: "`allow.regions` lists the regions.",
        Code.FORBIDDEN_ROLE: "`allow.roleArns` lists the roles.",
        Code.FORBIDDEN_MODEL: (
            "`allow.baseModels` lists the models. A foundation model's ARN is held against it by "
            "the model's id, a custom model by its whole ARN."
        ),
        Code.FORBIDDEN_LOCATION: (
            "`allow.s3Prefixes` lists the locations. Every S3 location of the spec is held against"
            " it; a `*` there ends at a slash."
        ),
        Code.TAG_REQUIRED: "`require.tags` lists the keys that the job's tags must have.",
        Code.KMS_REQUIRED: "`require.kms` asks for a key of your own.",
        Code.VPC_REQUIRED: "`require.vpc` asks for subnets and security groups.",
    }
)
"""As docs/reference/problems.md has it."""

HOLDS: Mapping[Reason, Rule] = MappingProxyType(
    {
        Reason.INVALID: Rule(
            "The manifest has problems, or asks for what `bedrock-jobs.yaml` does not allow.",
            "Mend the problems that `validate` lists.",
        ),
        Reason.OBSERVATION_FAILED: Rule(
            (
                "The service could not be asked, or the answer was not its own, so it is not known "
                "whether the job exists."
            ),
            (
                "Nothing if it passes; else mend what the message names: credentials, network, "
                "permissions."
            ),
        ),
        Reason.RECORD_UNREADABLE: Rule(
            (
                "The job's record may be in a sidecar that cannot be read or understood: an I/O "
                "error, a cut file, conflict markers, an entry of another form."
            ),
            (
                "Restore the sidecar; or, if no such job was submitted, run `reconcile "
                "--forget-record NAME` or delete the file."
            ),
        ),
        Reason.WRONG_TARGET: Rule(
            (
                "The credentials act in another account or region than the manifest, the fleet's"
                " file or the sidecar says; or the manifest declares another one than the sidecar"
                " records. The credentials are checked once a job of theirs must be looked up or"
                " changed."
            ),
            "Use the right credentials, or correct `target`.",
        ),
        Reason.SUBMIT_REFUSED: Rule(
            (
                "The service refused this very request; or, in ten passes one after another, said"
                " that it is in conflict, while no job of the name shows."
            ),
            (
                "Mend the spec as the service's message says, or what it depends on; to send the"
                " same spec again, delete the sidecar's entry."
            ),
        ),
        Reason.LIVE_MISSING: Rule(
            (
                "The sidecar records a job, or `policy.adopt` names one, that the service does "
                "not have; a job younger than ten minutes is not missed yet (`IntentUnconfirmed`)."
            ),
            (
                "Check account and region; if the job is gone for good, delete the sidecar's "
                "entry (or `policy.adopt`) to submit again."
            ),
        ),
        Reason.SPEC_CHANGED: Rule(
            "The spec was edited after its job was submitted.",
            (
                "Restore the spec, set `policy.onSpecChange: NewRevision` to submit it under a "
                "name of its own, or give the manifest another name."
            ),
        ),
        Reason.NOT_OWNED: Rule(
            (
                "A job of this name exists that this fleet did not submit, or that may be another"
                " manifest's: the best proof in the whole tree counts, a token before a name, a"
                " name before a sidecar."
            ),
            (
                "Give the manifest another name; or set `policy.adopt` to the job's ARN, with a "
                "spec equal to the job's."
            ),
        ),
        Reason.TOKEN_REPLAY: Rule(
            "Create answered with another job than the one asked for.",
            "Give the manifest another name, and report it.",
        ),
    }
)
"""For each reason that holds a job: what it means and what to do (docs/reference/reasons.md)."""


def rule_of(name: str) -> Rule | None:
    """Return what a problem's code or a hold's reason stands for; None of any other name."""
    for code in Code:
        if code.code == name:
            return Rule(code.meaning, ADVICE[code])
    return next((rule for reason, rule in HOLDS.items() if reason == name), None)
