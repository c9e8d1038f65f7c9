"""The sandbox's state: store, clock, journal and callers."""
