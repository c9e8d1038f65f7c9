"""Generates docs/reference/commands.md; run as a program, it writes every generated page."""

from __future__ import annotations

from pathlib import Path

import click

from controller.cli.main import root
from tests.house import manifest_page, problems_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_HEAD = """# Commands

Every verb with every option, as `--help` prints it. This page is generated: `make docs` renews it.
"""


def rendered() -> str:
    """Return the page: one section per command, in the order of a job's life."""
    context = click.Context(root, info_name="bedrock-jobs", **root.context_settings)
    sections = [_HEAD, _section("bedrock-jobs", context)]
    for verb in root.list_commands(context):
        command = root.get_command(context, verb)
        if command is None:
            raise LookupError(verb)
        inner = click.Context(command, parent=context, info_name=verb)
        sections.append(_section(f"bedrock-jobs {verb}", inner))
    return "\n".join(sections)


def _section(name: str, context: click.Context) -> str:
    with context.scope(cleanup=False):
        context.terminal_width = context.max_content_width = 80
        return f"## {name}\n\n```text\n{context.command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
    manifest_page.PAGE.write_text(manifest_page.rendered(), encoding="utf-8")
    problems_page.PAGE.write_text(problems_page.rendered(), encoding="utf-8")
