"""The kinds of jobs: one row each, with what is specific to it."""
