"""Edits of policies from the command line: stop, retry and adopt."""
