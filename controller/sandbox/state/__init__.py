"""The sandbox's state: its store, clock, journal and callers."""
