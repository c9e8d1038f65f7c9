"""What a row of ``core.kinds`` holds: the judgement that the service model cannot make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from controller.core.kinds.descriptions import Description


class Comparison(Enum):
    """How a declared member is compared with what Get shows of it."""

    EXACT = "exact"
    BASE_MODEL = "base model"
    KMS_KEY = "kms key"
    SET = "set"
    IF_SHOWN = "if shown"
    SETTINGS = "settings"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way of writing a manifest of a kind, as ``new --type`` offers it.

    ``spec`` holds example values; a value in angle brackets is a placeholder to fill in.
    """

    title: str
    spec: Mapping[str, Any]
    leave_out: frozenset[str] = frozenset()
    """Dotted members that this way has no use for."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How the sandbox acts out a kind, where neither the service model nor the row can say."""

    product: str
    """The resource type in the ARN of what a job makes."""
    product_arn_members: tuple[str, ...]
    """The members of Get and List that show the product's ARN, once there is one."""
    product_name_member: str
    """The member of Create that names the product."""
    model_member: str
    """The member of Create that names the base model."""
    settings_member: str
    """The member that is filled with the base model's defaults."""
    type_member: str
    """The member that says what kind of training is asked for."""
    type_default: str
    settled_types: frozenset[str]
    """The kinds of training whose settings take the base model's defaults."""
    data_member: str
    """The member whose S3 locations may ask for a failure."""
    stages_member: str
    stages: tuple[str, ...]
    """The members under ``stages_member``, in the order in which the stages run."""
    training_metric: tuple[str, str]
    """The member of Get that holds the training metrics, and the metric in it."""
    validation_metric: tuple[str, str]
    """The member of Get that lists validation metrics, and the metric in each."""
    validators: tuple[str, str]
    """The path to the list in Create that has one validation metric for each item."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of asynchronous job: how the service names its parts, and what we hold of it.

    ``name`` is the manifest's ``kind`` and the stem of the operations Create, Get, List and Stop.
    """

    name: str
    """The manifest's ``kind``; ``Create`` + name is the operation that submits."""
    plural: str
    """What follows ``List`` in the listing operation's name."""
    summaries_member: str
    """The member of List's answer that holds the summaries."""
    stoppable: bool
    """Whether the operation ``Stop`` + name exists."""
    name_member: str
    """The member of Create that names the job, and of Get and List that shows the name."""
    suffixed_members: tuple[str, ...]
    """Members that default to ``metadata.name`` and take the suffix of a retry or revision."""
    stages_member: str = ""
    """The member of Get whose members are the stages of a job, each with a status of its own."""
    token_member: str
    tag_members: tuple[str, ...]
    """Members that hold tags: outside the digest, because tags can change on a running job."""
    identifier_member: str
    """The member of Get and Stop that takes a name or an ARN."""
    arn_member: str
    resource: str
    """The resource type in a job's ARN."""
    status_member: str
    failure_member: str
    """The member of Get that says why a job failed; empty, like the times below, if none does."""
    created_member: str
    modified_member: str
    ended_member: str
    late_members: tuple[str, ...] = ()
    """Members of Get that may show up minutes after a job succeeded."""
    active: frozenset[str]
    stopping: frozenset[str]
    """The active statuses in which a stop is already under way."""
    succeeded: frozenset[str]
    failed: frozenset[str]
    stopped: frozenset[str]
    listed_as_active: str
    """The status that a filtered List is asked for when active jobs are looked at."""
    echoes_token: bool
    """Whether Get shows the token that Create was sent."""
    event: str = ""
    """The detail-type of EventBridge's event about a job's new status, if there is one."""
    unique_names: bool
    """Whether the service refuses a second job of one name, for ever."""
    settle_seconds: int
    """How long an unconfirmed Create may take to show, where names are not unique."""
    listed_name_member: str = ""
    """The member of a summary that shows the name, where List calls it otherwise than Get."""
    echoes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Create member to Get member, where their names differ."""
    tagged: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Tag member of Create to the member of Get with the ARN that carries those tags, where the
    service lets them be read and changed later."""
    comparisons: Mapping[str, Comparison] = field(default_factory=lambda: MappingProxyType({}))
    """Dotted member to the way it is compared; the rest compare exactly, numbers as numbers.

    Under SETTINGS texts that are numbers compare as numbers too, and under WHOLE what Get shows
    must be declared: nothing of it is a default."""
    never_filled: tuple[str, ...] = ()
    """Optional members that Get shows only when they were sent."""
    sensitive: frozenset[str] = frozenset()
    """Names of members that the model marks sensitive: masked in all that we write or print."""
    role_members: tuple[str, ...] = ()
    """Dotted members that hold a role's ARN, for the fleet's ``allow.roleArns``."""
    model_members: tuple[str, ...] = ()
    """Dotted members that name a base model, for the fleet's ``allow.baseModels``."""
    kms_member: str | None = None
    vpc_member: str | None = None
    patterns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """A pattern of the model to an equal one that no backtracking engine can be hung with."""
    overlay: tuple[Mapping[str, Any], ...] = ()
    """Draft-07 constraints on ``spec`` that the shapes lack; ``x-problem`` says what is wrong."""
    output_only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Shape name to the enum values that the service only ever answers."""
    descriptions: Mapping[str, Description] = field(default_factory=lambda: MappingProxyType({}))
    """Dotted member to what editors say of it, in our own words."""
    variants: Mapping[str, Variant] = field(default_factory=lambda: MappingProxyType({}))
    documentation: str = ""
    simulation: Simulation | None = None
    """How the sandbox acts the kind out; without it the sandbox does not serve the kind."""

    @property
    def terminal(self) -> frozenset[str]:
        """The statuses after which a job never changes again."""
        return self.succeeded | self.failed | self.stopped

    def get_operation(self, verb: str) -> str:
        """Return the API operation for Create, Get, List or Stop."""
        return f"{verb}{self.plural if verb == 'List' else self.name}"
