"""Simulated jobs: created, run, failed and shown."""
