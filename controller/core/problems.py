"""The codes of problems: stable, one per mistake, documented in docs/reference/problems.md."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """A problem's code and a sentence that says what it means."""

    NOT_READABLE = "BJ101", "The file cannot be read."
    TOO_LARGE = "BJ102", "The file is larger than 1 MiB."
    NOT_UTF8 = "BJ103", "The file is not UTF-8."
    NOT_YAML = "BJ104", "The text is not YAML."
    TAB = "BJ105", "A tab indents a line."
    DUPLICATE_KEY = "BJ106", "A key appears twice in one mapping."
    TOO_DEEP = "BJ107", "The document nests deeper than 64 levels."
    TOO_MANY_ALIASES = "BJ108", "The document has too many aliases, or they expand too far."
    MERGE_KEY = "BJ109", "A merge key (<<) is used in spec."
    TAG = "BJ110", "An explicit tag is not allowed."
    CONTROL_CHARACTER = "BJ111", "The file contains a control character."
    NOT_A_MAPPING = "BJ112", "The document is not a mapping."
    OUTSIDE_TREE = "BJ113", "A symbolic link leads out of the tree, or nowhere."
    KEY_NOT_TEXT = "BJ114", "A mapping's key is not text."
    NESTED_FLEET = "BJ115", "A bedrock-jobs.yaml lies below the one that applies."
    FLEET_NAME = "BJ116", "The fleet's file is not named bedrock-jobs.yaml."
    SAYS_NOTHING = "BJ117", "The file has no content."
    NOT_ON_DISK = "BJ118", "A file that git tracks is not on disk."
    UNKNOWN_KIND = "BJ201", "The kind is not supported."
    UNKNOWN_VERSION = "BJ202", "The apiVersion is not bedrock-jobs/v1."
    UNKNOWN_KEY = "BJ203", "The key is not allowed here."
    MISSING_KEY = "BJ204", "A required key is missing."
    WRONG_TYPE = "BJ205", "The value does not have the type that the schema requires."
    NULL_VALUE = "BJ206", "A value is required here; null is not allowed."
    NOT_ALLOWED = "BJ207", "The value is not one of the allowed values."
    PATTERN = "BJ208", "The text does not match the required pattern."
    OUT_OF_BOUNDS = "BJ209", "The value is too long, too short, too large or too small."
    NOT_EXACTLY_ONE = "BJ210", "Exactly one of several members must be set."
    COMBINATION = "BJ211", "Members contradict each other."
    TOKEN_GIVEN = "BJ212", "The token is derived and must not be set."
    SCHEMA_BEHIND = "BJ213", "The shipped schemas are older than the installed botocore."
    DUPLICATE_IDENTITY = "BJ301", "Two manifests have the same kind and name."
    DUPLICATE_JOB_NAME = "BJ302", "Two manifests would submit the same job name."
    NAME_TOO_LONG = "BJ303", "The name is too long for the suffix that it may get."
    # BJ304 was reported for policies that did not exist yet; the code must not be reused.
    SUFFIX_UNFIT = "BJ305", "The name does not allow the suffix that it may get."
    SUFFIXES_MEET = "BJ306", "A retry or a revision of one manifest could take another's job name."
    CONTRADICTION = "BJ307", "The policy contradicts itself."
    ADOPTED_ELSEWHERE = "BJ308", "The adopted ARN cannot be that of this manifest's job."
    ADOPTED_TWICE = "BJ309", "Two manifests adopt the same job."
    TAG_RESERVED = "BJ310", "The tag's key is reserved."
    TOO_MANY_TAGS = "BJ311", "There are more tags than a resource can have."
    TAG_TWICE = "BJ312", "A tag's key appears twice in one list."
    FORBIDDEN_ACCOUNT = "BJ401", "The fleet does not allow the account."
    FORBIDDEN_REGION = "BJ402", "The fleet does not allow the region."
    FORBIDDEN_ROLE = "BJ403", "The fleet does not allow the role."
    FORBIDDEN_MODEL = "BJ404", "The fleet does not allow the base model."
    FORBIDDEN_LOCATION = "BJ405", "The fleet does not allow the S3 location."
    TAG_REQUIRED = "BJ406", "The fleet requires a tag."
    KMS_REQUIRED = "BJ407", "The fleet requires a KMS key."
    VPC_REQUIRED = "BJ408", "The fleet requires a VPC."

    def __init__(self, code: str, meaning: str) -> None:
        self.code = code
        self.meaning = meaning


def find_code(code: str) -> Code:
    """Return the problem with a code such as ``BJ204``."""
    return next(problem for problem in Code if problem.code == code)
