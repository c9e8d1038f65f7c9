"""docs/commands.md, made from the commands themselves: ``python -m tests.house.reference``."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.main import root

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
_HEAD = """# Commands

Every verb with every option, as `--help` prints it. This page is generated: `make docs` renews it.
"""


def rendered() -> str:
    """Return the page: one section a verb, in the order of a job's life."""
    sections = [_HEAD, _section("bedrock-jobs", root)]
    context = click.Context(root, info_name="bedrock-jobs")
    for verb in root.list_commands(context):
        command = root.get_command(context, verb)
        if command is None:
            raise LookupError(verb)
        sections.append(_section(f"bedrock-jobs {verb}", command))
    return "\n".join(sections)


def _section(name: str, command: click.Command) -> str:
    with click.Context(command, info_name=name, max_content_width=80, terminal_width=80) as ctx:
        return f"## {name}\n\n```text\n{command.get_help(ctx)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
