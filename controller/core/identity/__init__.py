"""The identity of a submission: its name, digest, token and ownership tags."""
