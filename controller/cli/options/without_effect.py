"""Options that would have no effect, which are usage errors: their user expects one."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.core import ParameterSource

# A default expresses no wish of the user, so it contradicts nothing.
_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def reject_unused_options(context: click.Context, names: Sequence[str], needed: str) -> None:
    """Raise a usage error for the first of some options that is set: alone it has no effect."""
    flag = find_given_option(context, names)
    if flag:
        message = f"{flag} needs {needed}: add that too, or remove {flag}"
        raise click.UsageError(message, context)


def find_given_option(context: click.Context, names: Sequence[str]) -> str:
    """Return the first of some options that is set, as the command line has it, or nothing."""
    given = (name for name in names if context.get_parameter_source(name) in _GIVEN)
    name = next(given, "")
    option = next((one for one in context.command.params if name and one.name == name), None)
    if option is None:
        return ""
    # Of a pair such as --skip-ci/--no-skip-ci the error names the spelling that was used.
    says_no = option.secondary_opts and context.params.get(name) is False
    return (option.secondary_opts if says_no else option.opts)[-1]
