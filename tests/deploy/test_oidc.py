"""The roles of pipelines: who may assume which, and what each may do."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from controller.core.kinds.registry import KINDS
from tests.deploy.pipelines import WORKFLOWS, read
from tests.deploy.test_cloudformation import ROLE, TEMPLATE, Loader, Stack, listed

OIDC = TEMPLATE.with_name("oidc.yaml")
GITHUB, GITLAB = "token.actions.githubusercontent.com", "gitlab.com"
AUDIENCES = {GITHUB: "sts.amazonaws.com", GITLAB: "https://gitlab.com"}
ROLES = ("Plan", "Reconcile", "Stop")
TAGS = "bedrock:ListTagsForResource"
ELSEWHERE = "arn:aws:iam::999999999999:role/BedrockJobs"
LENT = f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"
BRANCH = "project_path:acme/fleet:ref_type:branch:ref"

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")


def made(moto: str, name: str, repository: str = "acme/fleet", **parameters: str) -> Stack:
    """Return the stack of a repository."""
    return Stack(moto, name, OIDC, Repository=repository, **parameters)


@pytest.fixture(scope="session")
def on_gitlab(moto: str) -> Stack:
    """The stack of a repository on GitLab."""
    return made(moto, "on-gitlab", Host="gitlab")


@pytest.fixture(scope="session")
def full(moto: str) -> Stack:
    """A stack with all parameters set."""
    return made(
        moto,
        "full",
        "acme@123456/fleet@789012",
        AssumedRoleArns=ELSEWHERE,
        Branch="trunk",
        ProviderArn=LENT,
        ReconcileStops="true",
        StopEnvironment="halt",
    )


@pytest.fixture(scope="session")
def stack(moto: str) -> Stack:
    """The stack of a repository on GitHub, with the defaults."""
    return made(moto, "on-github")


def role(stack: Stack, verb: str) -> dict[str, Any]:
    """Return a role."""
    arn = stack.outputs[f"{verb}RoleArn"]
    found: dict[str, Any] = stack.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    return found


def trusts(stack: Stack, verb: str, subject: str, host: str = GITHUB, audience: str = "") -> bool:
    """Return whether a role may be assumed with a host's token that has this subject."""
    (statement,) = role(stack, verb)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    claims = {f"{host}:sub": subject, f"{host}:aud": audience or AUDIENCES[host]}
    tests: dict[str, Callable[[str, str], bool]] = {
        "StringEquals": operator.eq,
        "StringLike": fnmatchcase,
    }
    return all(
        key in claims and any(tests[test](claims[key], value) for value in listed(values))
        for test, wanted in statement["Condition"].items()
        for key, values in wanted.items()
    )


def statements(stack: Stack, verb: str) -> list[dict[str, Any]]:
    """Return the statements of a role."""
    iam, found = stack.client("iam"), []
    name = role(stack, verb)["RoleName"]
    for one in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        arn = one["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        found += answer["PolicyVersion"]["Document"]["Statement"]
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    return found


def allowed(stack: Stack, verb: str) -> set[str]:
    """Return the actions that a role allows."""
    return {action for one in statements(stack, verb) for action in listed(one["Action"])}


def actions(*verbs: str) -> set[str]:
    """Return the actions of all operations of all kinds."""
    return {f"bedrock:{kind.get_operation(verb)}" for kind in KINDS.values() for verb in verbs}


def test_each_role_may_do_what_its_command_calls(stack: Stack) -> None:
    """Plan reads, reconcile also submits and tags, and only the third role stops."""
    reading = actions("Get", "List") | {TAGS}
    tagging = {"bedrock:TagResource", "bedrock:UntagResource"}

    assert allowed(stack, "Plan") == reading
    assert allowed(stack, "Reconcile") == reading | actions("Create") | tagging | {"iam:PassRole"}
    assert allowed(stack, "Stop") == reading | actions("Stop")


def test_reconcile_may_be_allowed_to_stop(full: Stack) -> None:
    """For fleets whose manifests stop jobs, the second role can be allowed to stop."""
    assert actions("Stop") <= allowed(full, "Reconcile")
    assert not actions("Stop") & allowed(full, "Plan")


@pytest.mark.parametrize("verb", ROLES)
def test_what_is_allowed_is_narrow(stack: Stack, verb: str) -> None:
    """Only listing, which has no resource, is allowed on all; the rest is of this account."""
    for statement in statements(stack, verb):
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            account = resource.split(":")[4] if resource != "*" else ""
            foundation = ":foundation-model/" in resource

            assert resource != "*" or statement["Sid"] == "ListJobs"
            assert resource == "*" or foundation or account == "123456789012"


def test_roles_are_passed_to_bedrock_only(stack: Stack) -> None:
    """Only the listed roles are passed to jobs, and only to Bedrock."""
    (passing,) = [one for one in statements(stack, "Reconcile") if "PassRole" in str(one["Action"])]

    assert listed(passing["Resource"]) == [ROLE]
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}
    }


def test_roles_elsewhere_are_not_for_plans(full: Stack) -> None:
    """Roles in manifests' targets can be assumed by reconcile, but not by pull requests."""
    for verb in ("Reconcile", "Stop"):
        (assuming,) = [one for one in statements(full, verb) if "sts:" in str(one["Action"])]
        assert assuming["Action"] == "sts:AssumeRole"
        assert listed(assuming["Resource"]) == [ELSEWHERE]
    assert "sts:AssumeRole" not in allowed(full, "Plan")


@pytest.mark.parametrize(
    ("subject", "verbs"),
    [
        ("repo:acme/fleet:pull_request", ["Plan"]),
        ("repo:acme/fleet:ref:refs/heads/main", ["Reconcile"]),
        ("repo:acme/fleet:environment:bedrock-jobs-stop", ["Stop"]),
        ("repo:acme/fleet:ref:refs/heads/main2", []),
        ("repo:acme/fleet:ref:refs/heads/feature", []),
        ("repo:acme/fleet:ref:refs/tags/main", []),
        ("repo:acme/fleet:environment:production", []),
        ("repo:acme/fleet2:pull_request", []),
        ("repo:other/fleet:pull_request", []),
        ("repo:acme@1/fleet@2:pull_request", []),
        ("project_path:acme/fleet:ref_type:branch:ref:main", []),
    ],
)
def test_a_token_of_github_assumes_one_role(stack: Stack, subject: str, verbs: list[str]) -> None:
    """Each role trusts one kind of run of one repository, and no other run assumes any."""
    assert [verb for verb in ROLES if trusts(stack, verb, subject)] == verbs


@pytest.mark.parametrize(
    ("subject", "verbs"),
    [
        (f"{BRANCH}:feature", ["Plan"]),
        (f"{BRANCH}:main", ["Plan", "Reconcile", "Stop"]),
        (f"{BRANCH}:main2", ["Plan"]),
        ("project_path:acme/fleet:ref_type:tag:ref:main", []),
        ("project_path:acme/fleet2:ref_type:branch:ref:main", []),
        ("project_path:other/acme/fleet:ref_type:branch:ref:main", []),
    ],
)
def test_a_token_of_gitlab_assumes_the_roles_of_its_branch(
    on_gitlab: Stack, subject: str, verbs: list[str]
) -> None:
    """On GitLab any branch plans, the main one reconciles and stops, and no other project does."""
    assert [verb for verb in ROLES if trusts(on_gitlab, verb, subject, GITLAB)] == verbs


def test_a_token_with_another_audience_is_rejected(stack: Stack) -> None:
    """A token whose audience is not AWS is rejected."""
    subject = "repo:acme/fleet:pull_request"

    assert not trusts(stack, "Plan", subject, audience="https://github.com/acme")


def test_subjects_with_ids_are_trusted(full: Stack) -> None:
    """Subjects with IDs, as of newer repositories on GitHub, assume the same roles."""
    subjects = ["pull_request", "ref:refs/heads/trunk", "environment:halt"]

    for verb, subject in zip(ROLES, subjects, strict=True):
        assert trusts(full, verb, f"repo:acme@123456/fleet@789012:{subject}")
        assert not trusts(full, verb, f"repo:acme/fleet:{subject}")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_workflow_gets_the_role_that_it_names(stack: Stack, path: Any) -> None:
    """The tokens of each job's runs assume the role that the job names, and no other."""
    workflow = read(path)
    runs = {"pull_request": "pull_request", "push": "ref:refs/heads/main"}
    for job in workflow["jobs"].values():
        named = [one["with"].get("role", "") for one in job["steps"] if "with" in one]
        variable = "".join(named)
        for event in workflow[True]:
            run = runs.get(event, "ref:refs/heads/main")
            run = f"environment:{job['environment']}" if "environment" in job else run
            subject = f"repo:acme/fleet:{run}"
            opened = [verb.upper() for verb in ROLES if trusts(stack, verb, subject)]

            assert not variable or variable == f"${{{{ vars.BEDROCK_JOBS_{opened[0]}_ROLE }}}}"
            assert len(opened) == 1


def test_a_provider_can_exist_already(full: Stack) -> None:
    """An account that already trusts the host uses its provider, and no second one is created."""
    for verb in ROLES:
        (statement,) = role(full, verb)["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Federated": LENT}
    template = yaml.load(OIDC.read_text("utf-8"), Loader)  # noqa: S506 - a safe one
    assert template["Resources"]["Provider"]["Condition"] == "MakesProvider"
    assert template["Conditions"]["MakesProvider"] == ["ProviderArn", ""]
