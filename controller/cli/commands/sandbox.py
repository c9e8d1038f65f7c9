"""The command ``sandbox``: serves a simulated Bedrock."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from controller.cli.options import shared
from controller.cli.output.console import say
from controller.sandbox.http.server import DEFAULT_ACCOUNT, LOOPBACK, serve
from controller.sandbox.jobs import switches
from controller.sandbox.jobs.behaviour import (
    RECORDED_BEHAVIOUR,
    JobNames,
    ModelNames,
    OverQuota,
    TokenLifetime,
    TokenMismatch,
)
from controller.sandbox.jobs.faults import Fault, FaultKind
from controller.sandbox.jobs.switches import MAX_QUOTA, MAX_SECONDS, InvalidSettingError
from controller.sandbox.state.store import StoreUnusableError

_Function = Callable[..., Any]
_Option = Callable[[_Function], _Function]
_UNLIMITED = "none"
# Other commands use the same folder with --sandbox, so both show the same jobs.
STATE_DIRECTORY = Path(".bedrock-jobs")
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


def _parse_account(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not an account id of 12 digits.")
    return value


def _parse_quota(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | str | None:
    if value is None or value == _UNLIMITED:
        return value
    # ``isdigit`` alone also accepts digits of other scripts.
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= MAX_QUOTA:
        raise click.BadParameter(f"{value!r} is neither {_UNLIMITED!r} nor a number from 1 up.")
    return int(value)


def _parse_faults(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[Fault] | None:
    if not values:
        return None  # injected faults stay
    # Imported here because it reads the service model, which would slow down --help.
    from controller.sandbox.http.fault_orders import parse_fault_text

    try:
        return [parse_fault_text(value) for value in values]
    except InvalidSettingError as unfit:
        raise click.BadParameter(str(unfit)) from None


def _make_choice_option(name: str, words: type[StrEnum], usual: StrEnum, text: str) -> _Option:
    return click.option(
        name, type=click.Choice([str(word) for word in words]), help=f"{text} Initially: {usual}."
    )


_LAG = click.FloatRange(0, MAX_SECONDS)
_CHOICES = (
    _make_choice_option(
        "--token-lifetime",
        TokenLifetime,
        RECORDED_BEHAVIOUR.token_lifetime,
        "How long a token returns the job that it created.",
    ),
    _make_choice_option(
        "--token-mismatch",
        TokenMismatch,
        RECORDED_BEHAVIOUR.token_mismatch,
        "The response to a used token with other parameters.",
    ),
    click.option(
        "--quota",
        callback=_parse_quota,
        metavar="N|none",
        help="Active jobs of a kind per account and region. Initially: none, no limit.",
    ),
    _make_choice_option(
        "--over-quota",
        OverQuota,
        RECORDED_BEHAVIOUR.over_quota,
        "The response to a Create beyond the quota.",
    ),
    click.option(
        "--get-lag",
        type=_LAG,
        metavar="SECONDS",
        help="Simulated seconds until Get shows a change. Initially: 0.",
    ),
    click.option(
        "--list-lag",
        type=_LAG,
        metavar="SECONDS",
        help="Simulated seconds until List shows a change. Initially: 0.",
    ),
    _make_choice_option(
        "--model-names",
        ModelNames,
        RECORDED_BEHAVIOUR.model_names,
        "Whether jobs may create models of the same name.",
    ),
    _make_choice_option(
        "--job-names",
        JobNames,
        RECORDED_BEHAVIOUR.job_names,
        "Whether a second job may use a name.",
    ),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        callback=_parse_faults,
        metavar="SPEC",
        help="Inject a fault: KIND[:NAME=VALUE,...], such as reset-after:operation=Create,nth=2"
        " (names: operation, nth, times, probability, seed, seconds, before; kinds:"
        f" {', '.join(FaultKind)}). Repeatable; replaces the injected faults.",
    ),
)


def _add_choice_options(function: _Function) -> _Function:
    # Decorators apply from the bottom up: reversed, --help lists the options as above.
    for option in reversed(_CHOICES):
        function = option(function)
    return function


@click.command("sandbox")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4580,
    show_default=True,
    help="The port to listen on; 0 selects a free one.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, 1_000_000),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Simulated seconds per second: a job takes about an hour, so 3600 makes it a second.",
)
@click.option(
    "--account",
    default=DEFAULT_ACCOUNT,
    show_default=True,
    callback=_parse_account,
    metavar="ID",
    help="The account of all credentials, except roles of other accounts.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=STATE_DIRECTORY,
    show_default=True,
    help="Where the sandbox stores its jobs, also between runs.",
)
@click.option("--allow-remote", is_flag=True, help="Allow a --host that other machines can reach.")
@shared.log_options
@_add_choice_options
def command(
    host: str,
    port: int,
    speed: float,
    account: str,
    state_dir: Path,
    *,
    allow_remote: bool,
    faults: list[Fault] | None,
    **choices: object,
) -> None:
    """Serve a simulated Bedrock and STS on this machine, until Ctrl+C.

    Nothing in it reaches AWS, costs anything, or needs real credentials.

    To see a job fail, put one of these words into the S3 location of its training data:
    "sandbox-fail" (data that cannot be read), "sandbox-fail-access" (a missing permission),
    "sandbox-fail-size" (records that are too long), "sandbox-fail-internal" or
    "sandbox-fail-capacity" (errors that another attempt can overcome).

    Where the service's behaviour is not documented, an option chooses it. Options and injected
    faults are saved with the state; PUT /_sandbox/behaviour and POST /_sandbox/faults change them
    while the sandbox runs.
    """
    if not allow_remote and not _is_loopback(host):
        raise click.UsageError(
            f"--host {host} may be reached by other machines, and the sandbox accepts any "
            "credentials; add --allow-remote if that is what you want."
        )
    try:
        code = serve(
            state_dir,
            speed=speed,
            account=account,
            host=host,
            port=port,
            say=say,
            behaviour=_collect_changes(choices),
            faults=faults,
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"sandbox: cannot serve on {host} port {port} with state in {state_dir}: {reason}; "
            "choose another --port, --host or --state-dir."
        ) from None
    except StoreUnusableError as error:
        raise click.ClickException(f"sandbox: {error}.") from None
    sys.exit(code)


def _collect_changes(choices: Mapping[str, object]) -> dict[str, object] | None:
    """Return the options that were set, by their JSON names, or None if none was."""
    given = {
        switches.get_json_name(name): None if value == _UNLIMITED and name == "quota" else value
        for name, value in choices.items()
        if value is not None
    }
    return given or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A host name: of these only localhost is known to stay on this machine.
        return host == "localhost"
