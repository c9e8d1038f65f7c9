"""The verb that serves a simulated Bedrock."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path

import click

from controller.sandbox.server import DEFAULT_ACCOUNT, LOOPBACK, serve
from controller.sandbox.store import StoreUnusableError

STATE_DIRECTORY = Path(".bedrock-jobs")
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


def _account(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not an account id of 12 digits.")
    return value


@click.command("sandbox")
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4580,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
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
    callback=_account,
    metavar="ID",
    help="The account that any credentials open, roles of other accounts apart.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=STATE_DIRECTORY,
    show_default=True,
    help="Where the sandbox keeps its jobs, between runs too.",
)
@click.option("--allow-remote", is_flag=True, help="Allow a --host that other machines can reach.")
def command(
    host: str, port: int, speed: float, account: str, state_dir: Path, *, allow_remote: bool
) -> None:
    """Serve a simulated Bedrock and STS on this machine, until Ctrl+C.

    Nothing in it reaches AWS, costs anything, or needs real credentials.

    To see a job fail, let the S3 location of its training data hold "sandbox-fail" (data that
    cannot be read), "sandbox-fail-access" (a missing permission), "sandbox-fail-size" (records
    that are too long) or "sandbox-fail-internal" (an error that may heal).
    """
    if not allow_remote and not _is_loopback(host):
        raise click.UsageError(
            f"--host {host} may be reached by other machines, and the sandbox lets anybody in; "
            "add --allow-remote if that is what you want."
        )
    try:
        code = serve(state_dir, speed=speed, account=account, host=host, port=port, say=_say)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(
            f"sandbox: cannot serve on {host} port {port} with state in {state_dir}: {reason}; "
            "choose another --port, --host or --state-dir."
        ) from None
    except StoreUnusableError as error:
        raise click.ClickException(f"sandbox: {error}.") from None
    sys.exit(code)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
