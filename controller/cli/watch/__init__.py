"""The wiring of the daemon."""
