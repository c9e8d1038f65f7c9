"""The command line: its commands, each imported only when it is called."""

from __future__ import annotations

import atexit
import gc
import importlib
import signal
import sys

import click

from controller.cli.output.console import prepare_streams, print_error, say
from controller.cli.output.exit_codes import ExitCode
from controller.version import __version__

_GC_THRESHOLD = 200_000

# Command to (module, help line): the help is here so that --help imports no command.
_VERBS = {
    "validate": (
        "controller.cli.commands.validate",
        "Check manifests offline, without credentials.",
    ),
    "plan": ("controller.cli.commands.plan", "Show what reconcile would do, and change nothing."),
    "reconcile": (
        "controller.cli.commands.reconcile",
        "Submit what is missing, and record every status.",
    ),
    "watch": ("controller.cli.commands.watch", "Reconcile continuously, as a daemon."),
    "status": ("controller.cli.commands.status", "Show each job's recorded status."),
    "wait": ("controller.cli.commands.wait", "Wait until every job has ended."),
    "stop": ("controller.cli.commands.stop", "Stop running jobs."),
    "retry": (
        "controller.cli.commands.retry",
        "Run Failed or Stopped jobs again.",
    ),
    "adopt": ("controller.cli.commands.adopt", "Adopt jobs that were created elsewhere."),
    "schema": ("controller.cli.commands.schema", "Write or check the JSON Schemas."),
    "new": ("controller.cli.commands.new", "Write a commented manifest to start from."),
    "import": ("controller.cli.commands.import_", "Create manifests from requests or live jobs."),
    "init": ("controller.cli.commands.init", "Set up a repository: jobs, schemas, rules, CI."),
    "sandbox": ("controller.cli.commands.sandbox", "Serve a simulated Bedrock on this machine."),
}

# What other tools call such commands, and their users type.
_SYNONYMS = {
    "apply": "reconcile",
    "cancel": "stop",
    "create": "new",
    "diff": "plan",
    "get": "status",
    "lint": "validate",
    "sync": "reconcile",
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a job's life."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None if it does not exist."""
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(_VERBS[cmd_name][0])
        command = module.command
        if not isinstance(command, click.Command):  # pragma: no cover - a mistake of ours
            raise TypeError(f"{module.__name__}.command is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the called command; the error for an unknown one suggests the nearest."""
        import difflib

        # Shell completion parses resiliently, and must not fail on half a word.
        if args[0] not in _VERBS and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], _VERBS, n=1)
            meant = _SYNONYMS.get(args[0]) or next(iter(near), "")
            what = f"Did you mean '{meant}'?" if meant else f"The commands are {', '.join(_VERBS)}."
            ctx.fail(f"No such command '{args[0]}'. {what}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in _VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="bedrock-jobs/%(version)s")
def root() -> None:
    """Manage Amazon Bedrock's asynchronous jobs as manifests in git; never pay twice."""


def main() -> None:
    """Run the command line and end the process with one of the codes in ``exit_codes``."""
    # A command lives for seconds: collecting garbage among its first objects is a tenth of a pass.
    gc.set_threshold(_GC_THRESHOLD, 50, 100)
    # Frozen objects are not searched again while the process ends.
    atexit.register(gc.freeze)
    # An exception unwinds the stack, so that contexts close and results are recorded.
    signal.signal(signal.SIGTERM, _handle_sigterm)
    prepare_streams()
    try:
        code = root.main(prog_name="bedrock-jobs", standalone_mode=False)
    except click.UsageError as error:
        print_error(error)
        code = ExitCode.USAGE
    except click.ClickException as error:
        print_error(error)
        code = ExitCode.FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        # An unreadable file, or a link out of the tree, stops the command wherever it comes up.
        where = f"{error.filename!r}: " if error.filename is not None else ""
        say(f"bedrock-jobs: {where}{error.strerror or error}")
        code = ExitCode.FAILED
    except (click.Abort, KeyboardInterrupt):
        say("bedrock-jobs: interrupted")
        code = ExitCode.INTERRUPTED
    sys.exit(int(code or ExitCode.FINE))


def _handle_sigterm(_signal: int, _frame: object) -> None:
    """End orderly: what is in flight is finished and recorded first."""
    raise SystemExit(int(ExitCode.TERMINATED))
