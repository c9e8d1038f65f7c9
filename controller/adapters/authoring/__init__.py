"""Edits to people's files: policies, modelines, requests and first files."""
