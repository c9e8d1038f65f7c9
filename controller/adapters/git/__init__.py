"""Git: commands, objects, work trees, and the clone of a daemon."""
