"""The options of ``--write-back``, and the report of the commits that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.options.shared import group_options
from controller.cli.options.without_effect import reject_unused_options
from controller.cli.output.console import say
from controller.cli.output.exit_codes import ExitCode
from controller.core.authoring.commit_message import TEMPLATE, TemplateError, check
from controller.core.kinds.registry import KINDS

if TYPE_CHECKING:
    from controller.adapters.git.write_back import StatusWriter, WriteBackOptions, WriteBackResult

FILES, COMMIT, BRANCH = "files", "commit", "branch:"
# git accepts neither angle brackets nor line ends in a name or an address.
_AUTHOR = re.compile(r"[^<>\n]*[^<>\s][^<>\n]*<[^<>\s]+>")
_COMMIT_OPTIONS = ("commit_message", "commit_author", "skip_ci", "remote", "git_timeout")


def _check_mode(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value in (FILES, COMMIT) or (value.startswith(BRANCH) and value != BRANCH):
        return value
    raise click.BadParameter(f"{value!r} is not one of files, commit and branch:NAME")


def _check_template(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> str | None:
    try:
        check(TEMPLATE if value is None else value)
    except TemplateError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _check_author(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> str | None:
    if value is not None and not _AUTHOR.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not of the form 'Name <name@example.com>'")
    return value


options = group_options(
    click.option(
        "--write-back",
        metavar="MODE",
        default=FILES,
        show_default=True,
        callback=_check_mode,
        help="Where statuses go: `files` only; `commit`, also to the branch that is checked out, "
        "and pushed; `branch:NAME`, to that branch.",
    ),
    click.option(
        "--commit-message",
        metavar="TEXT",
        callback=_check_template,
        help="The commit's message; {jobs}, {count} and {phases} are filled in. "
        f"[default: {TEMPLATE}]",
    ),
    click.option(
        "--commit-author",
        metavar="'NAME <EMAIL>'",
        callback=_check_author,
        help="The commit's author. [default: git's configured user]",
    ),
    click.option(
        "--skip-ci/--no-skip-ci",
        default=True,
        show_default=True,
        help="Whether the message says [skip ci], so that the commit starts no pipeline.",
    ),
    click.option(
        "--remote", metavar="NAME", help="Push to this remote. [default: the branch's own]"
    ),
    click.option(
        "--git-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one command of git may take.",
    ),
)
"""The options of write-back."""


class WriteBack:
    """The write-backs of one command; there are none if statuses stay in files.

    ``failure`` says why the last one failed, if it did.
    """

    def __init__(self, writer: StatusWriter | None) -> None:
        self._writer = writer
        self.failure = ""
        self._commits: list[WriteBackResult] = []
        self._notes: dict[str, None] = {}

    def write_statuses(self) -> WriteBackResult | None:
        """Write back what was recorded; a failure is reported later and retried next time."""
        if self._writer is None:
            return None
        from controller.adapters.git.command import GitError

        self.failure = ""
        try:
            written = self._writer.write_back()
        except GitError as error:
            self.failure = str(error)
            return None
        self._commits += [written] if written.commit else []
        # With --wait every pass repeats its notes; a dict has each once, in order.
        self._notes |= dict.fromkeys(written.notes)
        return written

    def print_result(self) -> set[ExitCode]:
        """Print the result to stderr and return its exit code."""
        for line in (*map(str, self._commits), *self._notes):
            say(f"bedrock-jobs: {line}")
        if not self.failure:
            return set()
        say(f"bedrock-jobs: not written back: {self.failure}; the statuses are in the files")
        return {ExitCode.FAILED}

    def serialize(self) -> dict[str, Any]:
        """Return the result as plain data; it is empty if statuses stay in files."""
        if self._writer is None:
            return {}
        from controller.core.urls import mask_urls

        aim = self._writer.target
        commits = [
            {
                "commit": one.commit,
                "pushed": one.pushed,
                "jobs": list(one.jobs),
                "paths": list(one.paths),
            }
            for one in self._commits
        ]
        # The URL of a remote may contain a password.
        data = {"branch": aim.branch, "remote": mask_urls(aim.remote) or None, "commits": commits}
        return {"writeBack": {**data, "notes": list(self._notes), "failure": self.failure or None}}


def prepare_write_back(paths: Iterable[Path], given: Mapping[str, Any]) -> WriteBack:
    """Return the write-backs that the options request, before anything is done.

    Raises click errors for options that do not fit the checkout, and if git cannot work there.
    """
    wanted = parse_write_back_options(given)
    if wanted is None:
        return WriteBack(None)
    from controller.adapters.git.command import GitError
    from controller.adapters.git.repository import UnsuitableCheckoutError
    from controller.adapters.git.write_back import create_writer

    try:
        return WriteBack(create_writer(paths, wanted, KINDS))
    except UnsuitableCheckoutError as error:
        raise click.UsageError(f"--write-back {given['write_back']}: {error}") from error
    except GitError as error:
        raise click.ClickException(f"--write-back {given['write_back']}: {error}") from error


def check_options(ctx: click.Context, given: Mapping[str, Any]) -> None:
    """Raise a usage error for options about commits if no commit is made."""
    if given["write_back"] == FILES:
        reject_unused_options(ctx, _COMMIT_OPTIONS, "--write-back commit or branch:NAME")


def parse_write_back_options(given: Mapping[str, Any]) -> WriteBackOptions | None:
    """Return the requested way to write back, or None if statuses stay in files."""
    mode: str = given["write_back"]
    if mode == FILES:
        return None
    from controller.adapters.git.write_back import WriteBackOptions

    return WriteBackOptions(
        branch=mode.removeprefix(BRANCH) if mode.startswith(BRANCH) else "",
        remote=given["remote"] or "",
        template=given["commit_message"] or TEMPLATE,
        author=given["commit_author"] or "",
        skip_ci=given["skip_ci"],
        simulated=bool(given["sandbox"]),
        seconds=given["git_timeout"],
    )
